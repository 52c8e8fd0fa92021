use super::*;

/// Numbers that look random and are the same in every run (Marsaglia's xorshift).
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    pub(super) fn one<'t, T>(&mut self, list: &'t [T]) -> &'t T {
        &list[self.below(list.len())]
    }

    pub(super) fn text(&mut self, alphabet: &[u8], length: usize) -> Vec<u8> {
        (0..length).map(|_| *self.one(alphabet)).collect()
    }
}

pub(super) const STANDARD: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
pub(super) const URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What an encoder likes to escape, and the escapes' own characters.
pub(super) const NOISE: &[u8] = b"abcdef0123456789ABCDEF%%\\\\\\''\"\"++//u0x &$";

/// Values with all that the forms treat in a way of its own.
pub(super) fn values(random: &mut Random) -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = [
        "p@ss/w0rd+ %41&\"q\"",
        "it's 'quoted' and\\back\\slashed",
        "gr\u{fc}\u{df}e \u{1f600} smile",
        "line one\nline\ttwo\r",
        "'+%\\\"' begins",
        "ends in '%\\+",
        "%25%2525%25%",
        "\\\\\\\\\\\\\\\\\\",
        "kZ3vQ9xLw7TnB2yHc5RfJ8mUe1PaGd6SoXi4VqWtYb0",
        "12345678",
        "'''' 'one' two'' three''' four",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    values.push(vec![0, 255, 128, 7, 27, 11, 8, 12, 200, 10]);
    for length in [8, 9, 31] {
        values.push(random.text(STANDARD, length));
    }
    values
}

pub(super) fn base64(bytes: &[u8], alphabet: &[u8]) -> Vec<u8> {
    let digits = (bytes.len() * 8).div_ceil(6);
    (0..digits).map(|at| alphabet[usize::from(bits(bytes, 6 * at))]).collect()
}

fn hex(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let (lower, upper) = (random.below(3), random.below(2));
    let mut text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if lower == 0 || upper == 0 {
        text = text.to_uppercase();
    }
    text.into_bytes()
}

fn percent(value: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    for &byte in value {
        match random.below(4) {
            0 => text.extend(format!("%{byte:02x}").bytes()),
            1 => text.extend(format!("%{byte:02X}").bytes()),
            2 if byte == b' ' => text.push(b'+'),
            _ => text.push(byte),
        }
    }
    text
}

/// As JSON escapes it, with more escapes than need be, and that as often again as JSON in JSON is.
fn json(value: &str, random: &mut Random, levels: usize) -> Vec<u8> {
    let mut text = value.to_owned();
    for level in 0..levels {
        let mut escaped = String::new();
        for character in text.chars() {
            let plain = serde_json::Value::from(character.to_string()).to_string();
            match random.below(5) + 9 * level {
                0 => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        escaped += &format!("\\u{unit:04x}");
                    }
                }
                1 if character == '/' => escaped += "\\/",
                _ => escaped += &plain[1..plain.len() - 1],
            }
        }
        text = escaped;
    }
    text.into_bytes()
}

/// Inside `$'…'`.
fn ansi(value: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = Vec::new();
    for &byte in value {
        match (byte, random.below(6)) {
            (b'\\' | b'\'', _) => text.extend([b'\\', byte]),
            (b'\n', 0..3) => text.extend(b"\\n"),
            (7, 0..3) => text.extend(b"\\a"),
            (27, 0..3) => text.extend(b"\\E"),
            (_, 0) => text.extend(format!("\\{byte:03o}").bytes()),
            (_, 1) => text.extend(format!("\\x{byte:02x}").bytes()),
            _ => text.push(byte),
        }
    }
    text
}

fn backslashed(value: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 128;
    value
        .iter()
        .flat_map(|byte| if plain(byte) { vec![*byte] } else { vec![b'\\', *byte] })
        .collect()
}

fn quoted(value: &[u8], quote: &[u8]) -> Vec<u8> {
    value.split(|byte| *byte == b'\'').collect::<Vec<_>>().join(quote)
}

/// As dash quotes: a run of quotes stands between two of the other kind, behind so many backslashes.
fn dashed(value: &[u8], slashes: usize) -> Vec<u8> {
    let between = [&b"\\\\\\\\\\"[..slashes], b"\""].concat();
    let mut text = Vec::new();
    for run in value.chunk_by(|one, other| one == other) {
        match run {
            [b'\'', ..] => {
                for run in run.chunks(4) {
                    text.extend([b"'", &between[..], run, &between, b"'"].concat());
                }
            }
            _ => text.extend(run),
        }
    }
    text
}

/// The value in every form, and what that form may be called.
pub(super) fn forms(value: &[u8], random: &mut Random) -> Vec<(Vec<u8>, &'static [Encoding])> {
    use Encoding::{Base64, Base64Url, Hex, Json, Percent, Raw, Shell};
    let mut all: Vec<(Vec<u8>, &'static [Encoding])> = vec![
        (value.to_vec(), &[Raw]),
        (hex(value, random), &[Hex]),
        (percent(value, random), &[Percent, Raw]),
        (ansi(value, random), &[Shell, Json, Raw]),
        (backslashed(value), &[Shell, Json, Raw]),
        (quoted(value, b"'\\''"), &[Shell, Raw]),
        (quoted(value, b"'\"'\"'"), &[Shell, Raw]),
        (quoted(value, b"'\\\\''"), &[Shell, Raw]),
        (quoted(value, b"'\\\"'\\\"'"), &[Shell, Raw]),
        (dashed(value, 0), &[Shell, Raw]),
        (dashed(value, 1), &[Shell, Raw]),
    ];
    for alphabet in [STANDARD, URL] {
        for before in 0..3 {
            let text = random.text(NOISE, before);
            all.push((base64(&[&text, value].concat(), alphabet), &[Base64, Base64Url]));
        }
    }
    if let Ok(text) = std::str::from_utf8(value) {
        for levels in 1..4 {
            all.push((json(text, random, levels), &[Json, Raw]));
        }
    }
    all
}

pub(super) fn needles(values: &[Vec<u8>]) -> Needles {
    let mut needles = Needles::new();
    for (at, value) in values.iter().enumerate() {
        needles.add(format!("VALUE_{at}"), value);
    }
    needles
}

/// Every hit of a text that comes in pieces, with its place in the whole.
fn in_pieces(engine: &Engine<'_>, text: &[u8], ends: &[usize]) -> Vec<Hit> {
    let (mut hits, mut found) = (Vec::new(), Vec::new());
    let (mut begin, mut last) = (0, 0);
    for &end in ends.iter().chain([&text.len()]) {
        assert!(end >= last);
        last = end;
        let keep = engine.search(&text[begin..end], end == text.len(), &mut hits);
        found.extend(hits.iter().map(|hit| Hit {
            start: hit.start + begin,
            end: hit.end + begin,
            ..*hit
        }));
        begin = end - keep;
    }
    found
}

#[test]
fn every_form_is_found_across_every_border() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let values = values(&mut random);
    let needles = needles(&values);
    let engine = Engine::new(&needles);
    for (needle, value) in values.iter().enumerate() {
        for (form, encodings) in forms(value, &mut random) {
            let before = random.below(60);
            let after = random.below(40);
            // What stands before must not be part of the form itself.
            let text = [
                random.text(NOISE, before),
                b"|".to_vec(),
                form.clone(),
                b"|".to_vec(),
                random.text(NOISE, after),
            ];
            let text = text.concat();
            let whole = in_pieces(&engine, &text, &[]);
            let shown = String::from_utf8_lossy(&text);
            let hit = whole.iter().find(|hit| hit.needle == needle);
            let hit = hit.unwrap_or_else(|| panic!("value {needle} is not found in {shown}"));
            assert!(encodings.contains(&hit.encoding), "{:?} of {shown}", hit.encoding);
            assert!(hit.start > before && hit.start < before + 5, "{hit:?} in {shown}");
            assert!(hit.end <= before + 1 + form.len(), "{hit:?} in {shown}");
            for border in 0..=text.len() {
                assert_eq!(in_pieces(&engine, &text, &[border]), whole, "{border} of {shown}");
                let second = (border + random.below(12)).min(text.len());
                assert_eq!(in_pieces(&engine, &text, &[border, second]), whole, "{shown}");
            }
            let bytes: Vec<usize> = (0..text.len()).collect();
            assert_eq!(in_pieces(&engine, &text, &bytes), whole, "byte by byte: {shown}");
        }
    }
}

#[test]
fn many_values_in_one_text_are_found_in_pieces_of_any_length() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let values = values(&mut random);
    let needles = needles(&values);
    let engine = Engine::new(&needles);
    for _ in 0..4 {
        let (mut text, mut planted) = (Vec::new(), Vec::new());
        for _ in 0..60 {
            let length = random.below(50);
            let alphabet = *random.one(&[NOISE, STANDARD, b"0123456789abcdef"]);
            text.extend(random.text(alphabet, length));
            text.push(b'\n');
            let needle = random.below(values.len());
            let mut forms = forms(&values[needle], &mut random);
            planted.push(needle);
            text.extend(forms.swap_remove(random.below(forms.len())).0);
            text.push(b'\n');
        }
        let whole = in_pieces(&engine, &text, &[]);
        for needle in &planted {
            assert!(whole.iter().any(|hit| hit.needle == *needle), "{needle}");
        }
        for length in [1, 2, 3, 7, 16, 61, 200, 999] {
            let ends: Vec<usize> = (0..text.len()).step_by(length).collect();
            assert_eq!(in_pieces(&engine, &text, &ends), whole, "pieces of {length}");
        }
    }
}

#[test]
fn noise_of_digits_and_escapes_holds_nothing() {
    let mut random = Random(0xda94_2042_e4dd_58b5);
    let mut values = values(&mut random);
    values.retain(|value| !value.starts_with(b"\\\\") && !value.starts_with(b"%25"));
    let needles = needles(&values);
    let engine = Engine::new(&needles);
    for alphabet in [STANDARD, URL, NOISE, b"0123456789abcdef", b"0123456789ABCDEF"] {
        let text = random.text(alphabet, 400_000);
        assert_eq!(in_pieces(&engine, &text, &[]), []);
    }
    let text: Vec<u8> = (0..400_000).map(|_| random.below(256) as u8).collect();
    assert_eq!(in_pieces(&engine, &text, &[]), []);
}

#[test]
fn a_value_that_is_cut_off_is_none() {
    let mut random = Random(0x1234_5678_9abc_def1);
    let value = b"correct horse/battery".to_vec();
    let needles = needles(std::slice::from_ref(&value));
    let engine = Engine::new(&needles);
    for (form, _) in forms(&value, &mut random) {
        // The last digit of base64 can be the neighbour's alone.
        let text = &form[..form.len() - 2];
        assert_eq!(in_pieces(&engine, text, &[]), [], "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn only_what_may_go_on_is_kept() {
    let needles = needles(&[b"canary-value".to_vec()]);
    let engine = Engine::new(&needles);
    let mut hits = Vec::new();
    for (text, keep) in [
        ("nothing here", 0),
        ("a canary-valu", 11),
        ("a canary-value", 0),
        ("a canary-value c", 1),
        ("%63%6", 5),
        ("can\\u0061ry\\u00", 15),
        ("636", 3),
        ("Y2F", 3),
        ("canary-cana", 4),
    ] {
        assert_eq!(engine.search(text.as_bytes(), false, &mut hits), keep, "{text}");
        assert_eq!(engine.search(text.as_bytes(), true, &mut hits), 0, "{text}");
    }
}

#[test]
fn equal_values_are_found_once_under_all_their_names() {
    let mut needles = Needles::new();
    needles.add("DATABASE_URL#password", b"shared-password");
    needles.add("OTHER", b"other-value");
    needles.add("NEXIS_DATABASE_PASSWORD", b"shared-password");
    let engine = Engine::new(&needles);
    let hits = in_pieces(&engine, b"x shared-password other-value", &[]);
    let names: Vec<Vec<&str>> = hits.iter().map(|hit| engine.names(hit.needle).collect()).collect();
    assert_eq!(names, [vec!["DATABASE_URL#password", "NEXIS_DATABASE_PASSWORD"], vec!["OTHER"]]);
}

#[test]
fn a_stream_counts_places_from_its_beginning() {
    let needles = needles(&[b"canary-value".to_vec()]);
    let engine = Engine::new(&needles);
    let mut stream = Stream::new(&engine);
    let text = [vec![b'.'; 3 * PIECE - 5], b"canary-value".to_vec(), vec![b'.'; 100]].concat();
    for _ in 0..2 {
        let (mut rest, mut places, mut decided) = (&text[..], Vec::new(), 0);
        loop {
            let space = stream.space();
            let count = space.len().min(rest.len());
            space[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            let round = stream.advance(count, count == 0);
            assert_eq!(round.offset, decided);
            decided += round.decided.len() as u64;
            places.extend(round.hits.iter().map(|hit| round.offset + hit.start as u64));
            if count == 0 {
                break;
            }
        }
        assert_eq!(places, [3 * PIECE as u64 - 5]);
        assert_eq!(decided, text.len() as u64);
        assert!(stream.buffer.len() < 2 * PIECE);
        stream.restart();
    }
}

#[test]
fn a_number_that_the_next_digit_would_change_is_decided_by_what_follows() {
    // What stands before the NUL is too short to be a piece.
    let values = [b"ends in\0".to_vec(), b"canary-val\x03".to_vec(), b"ends in '".to_vec()];
    let needles = needles(&values);
    let engine = Engine::new(&needles);
    for (text, found) in [
        ("ends in\\x0|", Some((0, 10))),
        ("ends in\\x00|", Some((0, 11))),
        ("ends in\\x000", Some((0, 11))),
        ("ends in\\x0f", None),
        ("ends in\\0", Some((0, 9))),
        ("ends in\\00|", Some((0, 10))),
        ("ends in\\0000", Some((0, 11))),
        ("ends in\\007", None),
        ("canary-val\\x3", Some((1, 13))),
        ("canary-val\\x3|", Some((1, 13))),
        ("canary-val\\x30", None),
        ("canary-val\\\\\\\\x03|", Some((1, 17))),
        ("canary-val\\3|", Some((1, 12))),
        ("canary-val\\31", None),
    ] {
        let whole = in_pieces(&engine, text.as_bytes(), &[]);
        assert_eq!(whole.first().map(|hit| (hit.needle, hit.end)), found, "{text}");
        for border in 0..=text.len() {
            assert_eq!(in_pieces(&engine, text.as_bytes(), &[border]), whole, "{border} of {text}");
        }
    }
}

#[test]
fn values_that_look_like_escapes_are_found_alike_in_pieces_of_any_length() {
    const ALPHABET: &[u8] = b"\\\\\\%%+'\"250x3u\0\x05 ";
    let mut random = Random(0x0123_4567_89ab_cdef);
    for round in 0..2000 {
        let values: Vec<Vec<u8>> = (0..2)
            .map(|_| {
                let length = 8 + random.below(3);
                random.text(ALPHABET, length)
            })
            .collect();
        let needles = needles(&values);
        let engine = Engine::new(&needles);
        let mut text = Vec::new();
        for _ in 0..4 {
            let value = &values[random.below(2)];
            let mut all = forms(value, &mut random);
            let quotes = [b"'", &b"\\\\\\\\\\\\\\\\"[..random.below(9)], b"\"'"].concat();
            all.push((quoted(value, &[&quotes, &quotes[1..]].concat()), &[]));
            all.push((dashed(value, random.below(5)), &[]));
            text.extend(all.swap_remove(random.below(all.len())).0);
            let length = random.below(3);
            text.extend(random.text(ALPHABET, length));
        }
        let whole = in_pieces(&engine, &text, &[]);
        let shown = String::from_utf8_lossy(&text);
        for length in [1, 2, 3, 7] {
            let ends: Vec<usize> = (0..text.len()).step_by(length).collect();
            assert_eq!(in_pieces(&engine, &text, &ends), whole, "round {round}, {length}: {shown}");
        }
    }
}

#[test]
fn the_longest_escapes_are_kept_until_they_end() {
    let slashes = "\\".repeat(8);
    let quote = format!("'{slashes}\"'{slashes}\"'");
    for (value, text) in [
        ("'''''''x", quote.repeat(7) + "x"),
        ("AAAAAAAA", format!("{slashes}U00000041").repeat(8)),
        ("\u{1f600}\u{1f600}", format!("{slashes}ud83d{slashes}ude00").repeat(2)),
    ] {
        let needles = needles(&[value.as_bytes().to_vec()]);
        let engine = Engine::new(&needles);
        let whole = in_pieces(&engine, text.as_bytes(), &[]);
        assert_eq!(whole.first().map(|hit| (hit.start, hit.end)), Some((0, text.len())), "{text}");
        for border in 0..text.len() {
            assert_eq!(in_pieces(&engine, text.as_bytes(), &[border]), whole, "{border} of {text}");
        }
    }
}

#[test]
fn a_value_of_many_backslashes_is_found_in_pieces() {
    // Every backslash may be the first escape, and there are four ways to read each.
    let value = [&[b'\\'; 32][..], b"and its end."].concat();
    let needles = needles(std::slice::from_ref(&value));
    let engine = Engine::new(&needles);
    let text = [backslashed(&value), b"|".to_vec()].concat();
    let whole = in_pieces(&engine, &text, &[]);
    assert_eq!(whole.first().map(|hit| hit.start), Some(0));
    assert!(whole.iter().any(|hit| hit.end == 64 + 12 + 3), "{whole:?}");
    let every: Vec<usize> = (0..text.len()).step_by(7).collect();
    assert_eq!(in_pieces(&engine, &text, &every), whole);
}
