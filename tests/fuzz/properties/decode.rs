//! Bytes read as whatever a property needs, and what a secret may look like in an output.

/// What stands for a secret: it occurs nowhere by chance, and is no name, number or word.
pub const CANARY: &str = "cAn4ry;Zq8!vX71-kW3p";

/// Where an input has this byte, the canary is meant.
pub const MARK: u8 = 0x01;

/// The input as a queue.
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte; 0 at the end.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub fn has_more(&self) -> bool {
        !self.0.is_empty()
    }

    /// What stands before the next `0xff`, or the rest.
    pub fn piece(&mut self) -> &'a [u8] {
        let at = self.0.iter().position(|&byte| byte == 0xff).unwrap_or(self.0.len());
        let (piece, rest) = self.0.split_at(at);
        self.0 = rest.get(1..).unwrap_or_default();
        piece
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.byte()) % all.len()]
    }
}

/// The bytes with the canary in the place of each mark.
pub fn with_canary(bytes: &[u8]) -> Vec<u8> {
    replaced(bytes, CANARY.as_bytes())
}

/// The bytes without any mark. A fuzzer learns what it is compared with: what has the canary in
/// some form by itself is left out, since nobody hid it there.
pub fn without_mark(bytes: &[u8]) -> Vec<u8> {
    let bytes = replaced(bytes, b"");
    if canary_in(&bytes).is_some() { Vec::new() } else { bytes }
}

fn replaced(bytes: &[u8], by: &[u8]) -> Vec<u8> {
    bytes.split(|&byte| byte == MARK).collect::<Vec<_>>().join(by)
}

/// Panics where the output has the canary as it is, or in hexadecimal, base64 or escapes.
#[track_caller]
pub fn no_canary(what: &str, output: &str) {
    if let Some(form) = canary_in(output.as_bytes()) {
        panic!("{what} has the canary, {form}: {output}");
    }
}

/// The form in which the canary stands in a text.
pub fn canary_in(text: &[u8]) -> Option<&'static str> {
    let has = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    if has(CANARY.as_bytes()) {
        return Some("as it is");
    }
    // A piece of it is too much as well; the longest run without a character that is ever escaped.
    if has(b"vX71-kW3p") || has(b"cAn4ry") {
        return Some("in part");
    }
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    if has(hex.as_bytes()) || has(hex.to_uppercase().as_bytes()) {
        return Some("in hexadecimal");
    }
    // The digits in the middle, which are the same whatever stands around it.
    let aligned = (0..3).any(|skip| has(&base64_middle(&CANARY.as_bytes()[skip..])));
    aligned.then_some("in base64")
}

fn base64_middle(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |three: &[u8; 3]| {
        let word = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        [18, 12, 6, 0].map(|shift| DIGITS[(word >> shift) as usize & 63])
    };
    bytes.as_chunks::<3>().0.iter().flat_map(digits).collect()
}
