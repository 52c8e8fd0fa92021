//! One escape of percent-encoding, JSON or a shell: what it may stand for, and how much of a text it
//! takes.

/// Escapes within escapes are followed so far: a shell's in JSON in JSON has seven.
pub(super) const MOST_BACKSLASHES: usize = 8;
/// The most bytes that one escape stands for: a character of Unicode, or so many quotes.
const MOST_MEANT: usize = 4;

/// Kinds of escapes, as bits: which an occurrence has decides what it is called.
pub(super) const JSON: u8 = 1;
pub(super) const SHELL: u8 = 2;
pub(super) const PERCENT: u8 = 4;

/// One way to read an escape.
#[derive(Clone, Copy, Default)]
pub(super) struct Unit {
    /// What it stands for.
    pub(super) bytes: [u8; MOST_MEANT],
    pub(super) count: usize,
    /// How many bytes of text it takes.
    pub(super) length: usize,
    pub(super) kind: u8,
}

/// All ways to read what begins a text as an escape.
#[derive(Default)]
pub(super) struct Units {
    pub(super) units: [Unit; 4],
    pub(super) count: usize,
    /// Whether something may follow the text.
    goes_on: bool,
    /// Whether the text ends before it is known.
    pub(super) cut: bool,
}

impl Units {
    fn add(&mut self, meant: &[u8], length: usize, kind: u8) {
        let mut bytes = [0; MOST_MEANT];
        bytes.iter_mut().zip(meant).for_each(|(byte, meant)| *byte = *meant);
        if let Some(unit) = self.units.get_mut(self.count) {
            *unit = Unit { bytes, count: meant.len(), length, kind };
            self.count += 1;
        }
    }
}

/// Reads what begins the text as an escape.
pub(super) fn units(text: &[u8], goes_on: bool) -> Units {
    let mut found = Units { goes_on, ..Units::default() };
    match text {
        [b'%', rest @ ..] => number(&mut found, rest, 1, Digits::exactly(16, 2), PERCENT),
        [b'+', ..] => found.add(b" ", 1, PERCENT),
        [b'\'', rest @ ..] => quote(&mut found, rest),
        [b'\\', ..] => backslash(&mut found, text),
        _ => {}
    }
    found
}

/// Reads what follows a quote as its end, an escaped one, and its begin: `'\''`, or `'"'"'` as Python
/// writes it, or `'"''"'` as dash writes two.
fn quote(found: &mut Units, text: &[u8]) {
    let run = backslashes(text);
    let Some((&next, rest)) = text.get(run..).and_then(<[u8]>::split_first) else {
        found.cut = true;
        return;
    };
    let quotes = rest.iter().take(MOST_MEANT).take_while(|byte| **byte == b'\'').count();
    let slashes = text.get(..run).unwrap_or_default();
    let (count, before, end) = match next {
        b'\'' if run > 0 => (1, run + 1, b"'".to_vec()),
        b'"' if quotes > 0 => (quotes, run + 1 + quotes, [slashes, b"\"'"].concat()),
        b'"' => {
            found.cut |= rest.is_empty();
            return;
        }
        _ => return,
    };
    let rest = text.get(before..).unwrap_or_default();
    if rest.starts_with(&end) {
        let meant = [b'\''; MOST_MEANT];
        found.add(meant.get(..count).unwrap_or_default(), 1 + before + end.len(), SHELL);
    } else {
        found.cut |= end.starts_with(rest);
    }
}

fn backslashes(text: &[u8]) -> usize {
    text.iter().take(MOST_BACKSLASHES).take_while(|byte| **byte == b'\\').count()
}

/// Reads an escape with a backslash; each level of escaping doubles them.
fn backslash(found: &mut Units, text: &[u8]) {
    let run = backslashes(text);
    for level in [2, 4, 8] {
        if run >= level {
            found.add(b"\\", level, JSON);
        }
    }
    let Some((&letter, rest)) = text.get(run..).and_then(<[u8]>::split_first) else {
        found.cut = true;
        return;
    };
    let length = run + 1;
    match letter {
        b'u' => unicode(found, rest, length),
        b'U' => number(found, rest, length, Digits::exactly(16, 8), SHELL),
        b'x' => number(found, rest, length, Digits { base: 16, least: 1, most: 2 }, SHELL),
        b'0'..=b'7' => {
            let digits = text.get(run..).unwrap_or_default();
            number(found, digits, run, Digits { base: 8, least: 1, most: 3 }, SHELL);
        }
        b'n' => found.add(b"\n", length, JSON),
        b'r' => found.add(b"\r", length, JSON),
        b't' => found.add(b"\t", length, JSON),
        b'b' => found.add(b"\x08", length, JSON),
        b'f' => found.add(b"\x0c", length, JSON),
        b'"' | b'/' => found.add(&[letter], length, JSON),
        b'a' => found.add(b"\x07", length, SHELL),
        b'v' => found.add(b"\x0b", length, SHELL),
        b'e' | b'E' => found.add(b"\x1b", length, SHELL),
        // No shell's quoting escapes letters and digits; of a long run only the end is one.
        _ if letter.is_ascii_alphanumeric() || letter == b'\\' => {}
        _ => found.add(&[letter], length, SHELL),
    }
}

/// How many digits of which base a number has.
struct Digits {
    base: u32,
    least: usize,
    most: usize,
}

impl Digits {
    const fn exactly(base: u32, count: usize) -> Self {
        Digits { base, least: count, most: count }
    }

    /// The number that begins the text and how many digits it has; nothing where there are too
    /// few. The last: whether more could follow behind the text.
    fn read(&self, text: &[u8]) -> (Option<(u32, usize)>, bool) {
        let digit = |byte: &u8| char::from(*byte).to_digit(self.base);
        let (mut number, mut count) = (0u32, 0);
        for digit in text.iter().take(self.most).map_while(digit) {
            number = number.wrapping_mul(self.base).wrapping_add(digit);
            count += 1;
        }
        let open = count == text.len() && count < self.most;
        ((count >= self.least).then_some((number, count)), open)
    }
}

/// Reads a number behind `before` bytes of an escape: a byte, or from eight digits a character.
/// What the next digit would make another number of is none yet.
fn number(found: &mut Units, text: &[u8], before: usize, digits: Digits, kind: u8) {
    let (number, open) = digits.read(text);
    found.cut |= open;
    let Some((number, count)) = number.filter(|_| !(open && found.goes_on)) else { return };
    if digits.most == 8 {
        let mut bytes = [0; 4];
        if let Some(character) = char::from_u32(number) {
            let meant = character.encode_utf8(&mut bytes);
            found.add(meant.as_bytes(), before + count, kind);
        }
    } else if let Ok(byte) = u8::try_from(number) {
        found.add(&[byte], before + count, kind);
    }
}

/// Reads the four digits after `\u`, and the other half of a pair of surrogates (RFC 8259 section
/// 7).
fn unicode(found: &mut Units, text: &[u8], before: usize) {
    let (number, open) = Digits::exactly(16, 4).read(text);
    found.cut |= open;
    let Some((first, _)) = number else { return };
    let mut bytes = [0; 4];
    if let Some(character) = char::from_u32(first) {
        let meant = character.encode_utf8(&mut bytes);
        return found.add(meant.as_bytes(), before + 4, JSON);
    }
    let rest = text.get(4..).unwrap_or_default();
    let run = backslashes(rest);
    let digits = match rest.get(run..) {
        None | Some([]) => {
            found.cut = true;
            return;
        }
        Some([b'u', digits @ ..]) if run > 0 => digits,
        _ => return,
    };
    let (number, open) = Digits::exactly(16, 4).read(digits);
    found.cut |= open;
    let Some((second, _)) = number else { return };
    if let (0xd800..0xdc00, 0xdc00..0xe000) = (first, second)
        && let Some(character) =
            char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    {
        let meant = character.encode_utf8(&mut bytes);
        found.add(meant.as_bytes(), before + 4 + run + 1 + 4, JSON);
    }
}
