use super::*;

const VALUE: &str = "canary?value/+~ 1\u{e4}";

fn needles(values: &[&str]) -> Needles {
    let mut needles = Needles::new();
    for (at, value) in values.iter().enumerate() {
        needles.add(["FIRST", "SECOND", "THIRD"][at], value.as_bytes());
    }
    needles
}

fn base64(bytes: &[u8], alphabet: &[u8; 64], pad: bool) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            if i <= chunk.len() {
                text.push(char::from(alphabet[(word >> (18 - 6 * i)) as usize & 63]));
            } else if pad {
                text.push('=');
            }
        }
    }
    text
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

#[test]
fn raw_values_are_found_wherever_they_stand() {
    let needles = needles(&["other-value", VALUE]);
    for text in
        [VALUE.to_owned(), format!("--key={VALUE}"), format!("{VALUE}!"), format!("ccacan{VALUE}")]
    {
        assert_eq!(needles.find(text.as_bytes()), Some("SECOND"));
        assert_eq!(needles.find_raw(text.as_bytes()), Some("SECOND"));
    }
    for text in ["", "canary", &VALUE[..VALUE.len() - 2], &VALUE[1..], "other text that is longer"]
    {
        assert_eq!(needles.find(text.as_bytes()), None, "{text}");
        assert_eq!(needles.find_raw(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn short_values_are_passed_over() {
    let mut needles = Needles::new();
    needles.add("SHORT", b"1234567");
    assert!(needles.is_empty());
    assert_eq!(needles.find(b"12345678"), None);
    needles.add("ENOUGH", b"12345678");
    assert!(!needles.is_empty());
    assert_eq!(needles.find(b"0123456789"), Some("ENOUGH"));
}

#[test]
fn base64_is_found_at_every_alignment() {
    let needles = needles(&[VALUE]);
    for before in ["", "u", "us", "use", "user:"] {
        for after in ["", "x", "xy", "xyz"] {
            let whole = format!("{before}{VALUE}{after}");
            for (alphabet, pad) in [(STANDARD, true), (URL, true), (URL, false)] {
                let text = format!("Basic {}", base64(whole.as_bytes(), alphabet, pad));
                assert_eq!(needles.find(text.as_bytes()), Some("FIRST"), "{text}");
                assert_eq!(needles.find_raw(text.as_bytes()), None, "{text}");
            }
        }
    }
}

#[test]
fn hexadecimal_is_found_in_either_case() {
    let needles = needles(&[VALUE]);
    let lower: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    for text in [lower.clone(), lower.to_uppercase(), format!("0x{lower}"), format!("abc{lower}f")]
    {
        assert_eq!(needles.find(text.as_bytes()), Some("FIRST"), "{text}");
    }
    assert_eq!(needles.find(&lower.as_bytes()[..lower.len() - 1]), None);
}

#[test]
fn percent_encoding_is_found_however_much_is_escaped() {
    let needles = needles(&[VALUE]);
    let all: String = VALUE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for text in [
        "canary%3Fvalue%2F%2B~%201%C3%A4",
        "canary%3fvalue/%2b~+1%c3%a4",
        "https://h/?q=canary?value%2F+%7E%201%C3%a4&x",
        &all,
        &all.to_lowercase(),
    ] {
        assert_eq!(needles.find(text.as_bytes()), Some("FIRST"), "{text}");
    }
    for text in ["canary%3Fvalue%2F%2B~%201%C3", "canary%3Evalue%2F%2B~%201%C3%A4", "%63anary%"] {
        assert_eq!(needles.find(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_value_with_a_percent_is_found_raw_and_escaped() {
    let needles = needles(&["100%4apples"]);
    assert_eq!(needles.find(b"x100%4apples"), Some("FIRST"));
    assert_eq!(needles.find(b"x100%254apples"), Some("FIRST"));
    // A raw `%` that reads as an escape with what follows it.
    let needles = self::needles(&["pass%41word"]);
    assert_eq!(needles.find(b"pass%41word?%20"), Some("FIRST"));
    assert_eq!(needles.find(b"pass%2541word"), Some("FIRST"));
}

#[test]
fn a_space_may_be_a_plus() {
    let needles = needles(&["two words here"]);
    assert_eq!(needles.find(b"q=two+words+here&x"), Some("FIRST"));
    assert_eq!(needles.find(b"q=two-words-here&x"), None);
    assert_eq!(self::needles(&["two+words+here"]).find(b"q=two words here"), None);
}

#[test]
fn letters_of_the_value_itself_are_not_folded() {
    let needles = needles(&["Canary-Value_1"]);
    for text in ["canary-value_1", "CANARY-VALUE_1", "Canary+Value/1"] {
        assert_eq!(needles.find(text.as_bytes()), None, "{text}");
    }
    assert_eq!(needles.find(b"x Canary-Value_1"), Some("FIRST"));
}

#[test]
fn values_added_after_a_search_are_found() {
    let mut needles = needles(&["first-value"]);
    assert_eq!(needles.find(b"later-value"), None);
    needles.add("LATER", b"later-value");
    assert_eq!(needles.find(b"later-value"), Some("LATER"));
    assert_eq!(needles.find(b"first-value"), Some("FIRST"));
}

#[test]
fn one_of_many_needles_is_found_by_its_name() {
    let value = |at: usize| format!("{at:05}-{:x}-canary", at * 7919);
    let mut needles = Needles::new();
    for at in 0..2000 {
        needles.add(format!("NAME_{at}"), value(at).as_bytes());
    }
    for at in [0, 1, 777, 1999] {
        let name = format!("NAME_{at}");
        let text = base64(format!("u:{}", value(at)).as_bytes(), STANDARD, true);
        assert_eq!(needles.find(text.as_bytes()), Some(&*name));
        assert_eq!(needles.find(format!("-p{}", value(at)).as_bytes()), Some(&*name));
    }
    assert_eq!(needles.find(value(2000).as_bytes()), None);
}

#[test]
fn a_needle_from_few_bytes_is_found_in_every_form() {
    let needles = needles(&["\u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}"]);
    assert_eq!(needles.find(b"AAECAwQFBgc="), Some("FIRST"));
    assert_eq!(needles.find(b"0001020304050607"), Some("FIRST"));
    assert_eq!(needles.find(b"AAECAwQFB"), None);
}

#[test]
fn a_value_is_found_after_any_number_of_other_bytes() {
    let needles = needles(&["other-value", VALUE, "0123456789abcdef"]);
    let filler = "the quick brown fox/jumps+over=12 lazy dogs, canary?valu";
    let hex: String = VALUE.bytes().map(|byte| format!("{byte:02x}")).collect();
    let encoded = base64(VALUE.as_bytes(), STANDARD, true);
    for length in 0..filler.len() {
        for form in [VALUE, &hex, &encoded] {
            let text = format!("{}{form}", &filler[..length]);
            assert_eq!(needles.find(text.as_bytes()), Some("SECOND"), "{text}");
            assert_eq!(needles.find(&text.as_bytes()[..text.len() - 4]), None, "{text}");
        }
    }
}

#[test]
fn a_run_is_seen_wherever_it_stands() {
    for length in [8, 9, 32] {
        for before in 0..2 * length {
            for (run, expected) in [(length - 1, false), (length, true), (length + 3, true)] {
                let text =
                    [b".".repeat(before), b"a/_-+Z09".repeat(8)[..run].to_vec(), b".x".to_vec()];
                assert_eq!(has_run(&text.concat(), length), expected, "{length} {before} {run}");
                let broken = [b"abc.".repeat(before), b"d".repeat(run), b". ".to_vec()];
                assert_eq!(has_run(&broken.concat(), length), expected, "{length} {before} {run}");
            }
        }
    }
}

#[test]
fn a_text_that_is_the_shortest_value_and_nothing_else_is_found() {
    let needles = needles(&["other-value", VALUE]);
    assert_eq!(needles.find(b"other-value"), Some("FIRST"));
    assert_eq!(needles.find_raw(b"other-value"), Some("FIRST"));
    assert_eq!(needles.find(b"other-valu"), None);
    assert_eq!(needles.find_raw(b"other-valu"), None);
}

#[test]
fn the_digits_that_are_a_values_own_are_enough() {
    let needles = needles(&["\u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}"]);
    // The eleventh digit has two bits of what follows.
    assert_eq!(needles.find(b".AAECAwQFBg."), Some("FIRST"));
    assert_eq!(needles.find(b".AAECAwQFB."), None);
}

#[test]
fn one_half_of_a_bytes_digits_is_no_value() {
    let needles = needles(&["canary-value"]);
    let hex: String = "canary-value".bytes().map(|byte| format!("{byte:02x}")).collect();
    let changed = |from: usize| -> String {
        let digits = hex.chars().enumerate();
        let other = |digit: char| if digit == '0' { '1' } else { '0' };
        digits
            .map(|(at, digit)| if at >= 8 && at % 2 == from { other(digit) } else { digit })
            .collect()
    };
    assert_eq!(needles.find(hex.as_bytes()), Some("FIRST"));
    assert_eq!(needles.find(changed(0).as_bytes()), None);
    assert_eq!(needles.find(changed(1).as_bytes()), None);
}

#[test]
fn spaces_alone_are_found_as_pluses_alone() {
    assert_eq!(needles(&["        "]).find(b"++++++++"), Some("FIRST"));
}

#[test]
fn a_plus_stands_for_a_space_and_for_nothing_else() {
    let needles = needles(&["two words", "canary-value"]);
    assert_eq!(needles.find(b"two+words%20"), Some("FIRST"));
    assert_eq!(needles.find(b"two-words+%20"), None);
    assert_eq!(needles.find(b"canary+value%20"), None);
}

#[test]
fn both_alphabets_of_base64_are_one_from_the_first_letter_on() {
    // Its base64 begins with letters in which the alphabets differ.
    for value in ["~~~???~~~", "???~~~???", "\u{3ff}\u{3be}\u{3ff}\u{3be}\u{3ff}"] {
        let needles = needles(&[value]);
        for skip in 0..3 {
            let text = [&b"ab"[..skip], value.as_bytes(), b"cd"].concat();
            for alphabet in [STANDARD, URL] {
                let encoded = base64(&text, alphabet, true);
                assert_eq!(needles.find(encoded.as_bytes()), Some("FIRST"), "{encoded}");
            }
        }
    }
}
