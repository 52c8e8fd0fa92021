use super::super::tests::{NOISE, Random, STANDARD, URL, base64, forms, needles, values};
use super::*;
use crate::needles::Needles;

/// All that comes out when `text` goes in by pieces that end at these places.
fn masked(engine: &Engine<'_>, text: &[u8], ends: &[usize]) -> Vec<u8> {
    let mut masker = Masker::new(engine);
    let (mut out, mut begin) = (Vec::new(), 0);
    let mut go = |masker: &mut Masker<'_>, piece: &[u8], last| {
        masker.space()[..piece.len()].copy_from_slice(piece);
        masker.advance(piece.len(), last);
        // By halves, as a slow reader takes it.
        while !masker.ready().is_empty() {
            let half = masker.ready().len().div_ceil(2);
            out.extend_from_slice(&masker.ready()[..half]);
            masker.take(half);
        }
    };
    for &end in ends {
        go(&mut masker, &text[begin..end], false);
        begin = end;
    }
    go(&mut masker, &text[begin..], true);
    out
}

fn assert_clean(engine: &Engine<'_>, text: &[u8]) {
    let mut hits = Vec::new();
    engine.search(text, true, &mut hits);
    assert_eq!(hits, [], "{}", String::from_utf8_lossy(text));
}

#[test]
fn pieces_of_any_length_give_what_the_whole_gives_and_no_form_survives() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for round in 0..30 {
        let mut values = values(&mut random);
        values.push(random.text(STANDARD, 8 + round));
        // One that overlaps another, and one inside another.
        let overlapping = [&values[8][20..], b"-and-more"].concat();
        values.push(overlapping);
        values.push(values[8][10..20].to_vec());
        let needles = needles(&values);
        let engine = Engine::new(&needles);
        let mut text = Vec::new();
        for _ in 0..40 {
            let length = random.below(40);
            let alphabet = *random.one(&[NOISE, STANDARD, URL, b"0123456789abcdef", b"\n |"]);
            text.extend(random.text(alphabet, length));
            let needle = random.below(values.len());
            let mut all = forms(&values[needle], &mut random);
            let mut form = all.swap_remove(random.below(all.len())).0;
            // Some are cut off, some are followed by their own beginning.
            match random.below(6) {
                0 => form.truncate(random.below(form.len() + 1)),
                1 => form.extend_from_within(..random.below(form.len())),
                _ => {}
            }
            text.extend(form);
        }
        let whole = masked(&engine, &text, &[]);
        assert!(whole.windows(10).any(|window| window == b"[redacted:"));
        assert_clean(&engine, &whole);
        for length in [1, 2, 3, 5, 16, 61, 200, 999] {
            let ends: Vec<usize> = (0..text.len()).step_by(length).collect();
            assert_eq!(masked(&engine, &text, &ends), whole, "pieces of {length}");
        }
        let mut ends: Vec<usize> = (0..60).map(|_| random.below(text.len())).collect();
        ends.sort_unstable();
        assert_eq!(masked(&engine, &text, &ends), whole, "pieces that end at {ends:?}");
    }
}

/// Values whose escaped forms end where the value does, whatever of it is escaped.
const PLAIN: [&str; 4] = [
    "p@ss/w0rd+ %41&\"q\" end",
    "it's 'quoted' and\\back\\slashed",
    "kZ3vQ9xLw7TnB2yHc5RfJ8mUe1PaGd6SoXi4VqWtYb0",
    "gr\u{fc}\u{df}e \u{1f600} smile",
];

#[test]
fn a_form_is_replaced_whole_and_all_around_it_stays() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let values: Vec<Vec<u8>> = PLAIN.iter().map(|text| text.as_bytes().to_vec()).collect();
    let needles = needles(&values);
    let engine = Engine::new(&needles);
    for (at, value) in values.iter().enumerate() {
        for (form, encodings) in forms(value, &mut random) {
            if encodings.contains(&Encoding::Base64) {
                continue;
            }
            let text = [b"2026-11-25 INFO |", &form[..], b"| \xff\x00 kZ3v done\n"].concat();
            let mark = format!("[redacted:VALUE_{at}]");
            let expected =
                [b"2026-11-25 INFO |", mark.as_bytes(), b"| \xff\x00 kZ3v done\n"].concat();
            for border in 0..=text.len() {
                let out = masked(&engine, &text, &[border]);
                assert_eq!(
                    String::from_utf8_lossy(&out),
                    String::from_utf8_lossy(&expected),
                    "{border} of {}",
                    String::from_utf8_lossy(&text)
                );
            }
        }
    }
}

#[test]
fn outer_digits_of_base64_keep_the_neighbours_bits_and_lose_the_values() {
    let mut random = Random(0xda94_2042_e4dd_58b5);
    for length in [8, 9, 10, 23] {
        let value: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        let needles = needles(std::slice::from_ref(&value));
        let engine = Engine::new(&needles);
        for alphabet in [STANDARD, URL] {
            for (before, after) in (0..3usize).flat_map(|before| (0..3).map(move |it| (before, it)))
            {
                let head: Vec<u8> = (0..before).map(|_| random.below(256) as u8).collect();
                let tail: Vec<u8> = (0..after).map(|_| random.below(256) as u8).collect();
                let text = base64(&[&head, &value[..], &tail].concat(), alphabet);
                // The digits of the neighbours alone are those of the same text with a value of
                // zeroes; the value's own are in between.
                let zeroes = vec![0; value.len()];
                let blank = base64(&[&head, &zeroes[..], &tail].concat(), alphabet);
                let first = (8 * before).div_ceil(6);
                let last = 8 * (before + value.len()) / 6;
                let expected = [&blank[..first], b"[redacted:VALUE_0]", &blank[last..]].concat();
                for around in [&b""[..], b"\""] {
                    let text = [around, &text[..], around].concat();
                    let expected = [around, &expected[..], around].concat();
                    let bytes: Vec<usize> = (0..text.len()).collect();
                    for ends in bytes.iter().map(std::slice::from_ref).chain([&[][..], &bytes[..]])
                    {
                        assert_eq!(
                            String::from_utf8_lossy(&masked(&engine, &text, ends)),
                            String::from_utf8_lossy(&expected),
                            "{} in pieces that end at {ends:?}",
                            String::from_utf8_lossy(&text)
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_digit_between_two_values_loses_the_bits_of_both() {
    let mut needles = Needles::new();
    needles.add("ONE", b"first-val");
    needles.add("TWO", b"\xffsecond--");
    let engine = Engine::new(&needles);
    // Four bits of the one and two of the other stand in one digit.
    let text = base64(b"x|first-val\xffsecond--|", STANDARD);
    let out = masked(&engine, &text, &[]);
    let out = String::from_utf8(out).unwrap();
    let blank =
        String::from_utf8(base64(b"x|\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0|", STANDARD)).unwrap();
    assert_eq!(out, format!("{}[redacted:ONE]A[redacted:TWO]{}", &blank[..3], &blank[26..]));
    for border in 0..text.len() {
        assert_eq!(masked(&engine, &text, &[border]), out.as_bytes());
    }
}

#[test]
fn of_values_that_overlap_each_leaves_its_mark_and_one_inside_another_none() {
    let mut needles = Needles::new();
    needles.add("DATABASE_URL", b"postgres://app:hunter2hunter2@db/nexis");
    needles.add("DATABASE_URL#password", b"hunter2hunter2");
    needles.add("LEFT", b"abcdefghijkl");
    needles.add("RIGHT", b"ghijklmnopqr");
    needles.add("LONG", b"abcdefghijkl-long");
    let engine = Engine::new(&needles);
    for (text, expected) in [
        ("url=postgres://app:hunter2hunter2@db/nexis.", "url=[redacted:DATABASE_URL]."),
        (
            "url=postgres://other:hunter2hunter2@db/",
            "url=postgres://other:[redacted:DATABASE_URL#password]@db/",
        ),
        ("(abcdefghijklmnopqr)", "([redacted:LEFT][redacted:RIGHT])"),
        ("(abcdefghijkl-long)", "([redacted:LONG])"),
        ("(abcdefghijkl-lon)", "([redacted:LEFT]-lon)"),
        (
            "hunter2hunter2hunter2",
            "[redacted:DATABASE_URL#password][redacted:DATABASE_URL#password]",
        ),
        ("abcdefghijklabcdefghijkl", "[redacted:LEFT][redacted:LEFT]"),
    ] {
        let bytes: Vec<usize> = (0..text.len()).collect();
        for ends in bytes.iter().map(std::slice::from_ref).chain([&[][..], &bytes[..]]) {
            let out = masked(&engine, text.as_bytes(), ends);
            assert_eq!(String::from_utf8_lossy(&out), expected, "{ends:?}");
        }
    }
}

#[test]
fn only_what_may_be_a_value_is_held_back_and_no_longer_than_it_may() {
    let needles = needles(&[b"canary-value".to_vec()]);
    let engine = Engine::new(&needles);
    let mut masker = Masker::new(&engine);
    let mut out = String::new();
    for (piece, expected) in [
        ("a whole line\n", "a whole line\n"),
        ("begun canary-", "begun "),
        ("valu", ""),
        ("x\n", "canary-valux\n"),
        ("canary-value", "[redacted:VALUE_0]"),
        // Of these digits the second ends with the bits that the value begins with.
        ("A", "A"),
        ("B", ""),
        ("A", "BA"),
        ("\n", "\n"),
        ("%63an", ""),
        ("e", "%63ane"),
    ] {
        masker.space()[..piece.len()].copy_from_slice(piece.as_bytes());
        masker.advance(piece.len(), false);
        let ready = masker.ready().to_vec();
        assert_eq!(String::from_utf8_lossy(&ready), expected, "after {piece:?}");
        masker.take(ready.len());
        out.push_str(expected);
    }
    masker.space()[..3].copy_from_slice(b"can");
    masker.advance(3, false);
    assert_eq!(masker.ready(), b"");
    masker.space();
    masker.advance(0, true);
    assert_eq!(masker.ready(), b"can", "at the end nothing is held back");
}

#[test]
fn without_values_everything_passes() {
    let needles = Needles::new();
    let engine = Engine::new(&needles);
    let text: Vec<u8> = (0..=255).cycle().take(1000).collect();
    assert_eq!(masked(&engine, &text, &[1, 500]), text);
}
