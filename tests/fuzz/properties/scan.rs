//! The scan engine: a text in pieces has the hits of the whole, and what is planted is found.

use super::decode::Input;
use nexis_launch::needles::Needles;
use nexis_launch::needles::stream::{Engine, Hit};

const STANDARD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Values, a text in which forms of them stand, where these are, and where to cut it.
pub struct Case {
    pub needles: Needles,
    pub values: Vec<Vec<u8>>,
    /// The name of each value's needles.
    pub names: Vec<String>,
    pub text: Vec<u8>,
    /// For each that was planted: which value, and from where to where.
    pub planted: Vec<(usize, usize, usize)>,
    pub cuts: Vec<usize>,
}

impl Case {
    pub fn read(bytes: &[u8]) -> Option<Case> {
        let mut input = Input(bytes);
        let shape = input.byte();
        let mut needles = Needles::new();
        let mut values: Vec<Vec<u8>> = Vec::new();
        let mut names = Vec::new();
        for at in 0..=usize::from(shape % 3) {
            let value = input.piece();
            let value = value.get(..64).unwrap_or(value);
            if value.len() >= 8 && !values.iter().any(|known| known == value) {
                needles.add(format!("VALUE_{at}"), value);
                names.push(format!("VALUE_{at}"));
                values.push(value.to_vec());
            }
        }
        if values.is_empty() {
            return None;
        }
        let cuts: Vec<u8> = input.piece().to_vec();
        let (mut text, mut planted) = (Vec::new(), Vec::new());
        while input.has_more() && text.len() < 2048 {
            let piece = input.piece();
            let Some((&form, noise)) = piece.split_first() else { continue };
            let which = usize::from(form >> 4) % values.len();
            text.extend_from_slice(noise);
            if let Some(form) = written(&values[which], form & 15) {
                // What stands around it is part of no form.
                text.push(b'|');
                planted.push((which, text.len(), text.len() + form.len()));
                text.extend(form);
                text.push(b'|');
            }
        }
        let length = text.len() + 1;
        let mut cuts: Vec<usize> = cuts
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[high, low]| (usize::from(*high) << 8 | usize::from(*low)) % length)
            .collect();
        cuts.sort_unstable();
        Some(Case { needles, values, names, text, planted, cuts })
    }
}

/// A form of the value.
fn written(value: &[u8], form: u8) -> Option<Vec<u8>> {
    let each = |one: &dyn Fn(u8) -> String| -> Vec<u8> {
        value.iter().map(|byte| one(*byte)).collect::<String>().into_bytes()
    };
    let text = std::str::from_utf8(value).ok();
    Some(match form {
        0 => value.to_vec(),
        1 => each(&|byte| format!("{byte:02x}")),
        2 => each(&|byte| format!("{byte:02X}")),
        3 => base64(value, 0, STANDARD),
        4 => base64(value, 1, STANDARD),
        5 => base64(value, 2, FOR_URLS),
        6 => base64(value, 0, FOR_URLS),
        7 => each(&|byte| format!("%{byte:02X}")),
        8 => value
            .iter()
            .flat_map(|byte| match byte {
                b'a'..=b'z' => vec![*byte],
                _ => format!("%{byte:02x}").into_bytes(),
            })
            .collect(),
        9 => {
            let json = serde_json::to_string(text?).ok()?;
            json.as_bytes()[1..json.len() - 1].to_vec()
        }
        10 => each(&|byte| format!("\\x{byte:02x}")),
        _ => return None,
    })
}

/// Base64 of the value behind so many other bytes, without the digits that are not its own alone.
fn base64(value: &[u8], before: usize, digits: &[u8]) -> Vec<u8> {
    let all = [&[0x55, 0xaa][..before], value].concat();
    let bit = |at: usize| all.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let first = (8 * before).div_ceil(6);
    let last = 8 * all.len() / 6;
    (first..last)
        .map(|at| (0..6).fold(0, |six, more| six << 1 | usize::from(bit(6 * at + more))))
        .map(|six| digits[six])
        .collect()
}

pub fn hold(bytes: &[u8]) {
    let Some(case) = Case::read(bytes) else { return };
    let engine = Engine::new(&case.needles);
    let whole = in_pieces(&engine, &case.text, &[]);
    for (which, start, end) in &case.planted {
        let names = |hit: &Hit| engine.names(hit.needle).any(|name| name == case.names[*which]);
        let found = whole.iter().filter(|hit| names(hit));
        let mut found = found.filter(|hit| hit.start <= *end && hit.end >= *start);
        assert!(found.next().is_some(), "value {which} at {start} is not found");
        // A guard sees it as well, in the forms that it knows.
        let part = &case.text[*start..*end];
        let known = !part.contains(&b'\\');
        assert!(!known || case.needles.find(part).is_some(), "the guard lets {start} through");
    }
    // What is left of a value without its edges is found as well.
    let raw = case.values.iter().any(|value| case.text.windows(value.len()).any(|it| it == value));
    assert!(!raw || case.needles.find_raw(&case.text).is_some());
    for hit in &whole {
        assert!(
            hit.start < hit.end
                && hit.end <= case.text.len()
                && engine.names(hit.needle).next().is_some()
        );
    }
    assert_eq!(in_pieces(&engine, &case.text, &case.cuts), whole, "in pieces");
}

/// Every hit of a text that comes in pieces, with its place in the whole.
fn in_pieces(engine: &Engine<'_>, text: &[u8], ends: &[usize]) -> Vec<Hit> {
    let (mut hits, mut found) = (Vec::new(), Vec::new());
    let mut begin = 0;
    for &end in ends.iter().chain([&text.len()]) {
        let last = end == text.len();
        let keep = engine.search(&text[begin..end], last, &mut hits);
        found.extend(hits.iter().map(|hit| Hit {
            start: hit.start + begin,
            end: hit.end + begin,
            ..*hit
        }));
        begin = end - keep;
        if last {
            break;
        }
    }
    found
}
