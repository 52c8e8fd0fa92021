//! The mask: the same output whatever the pieces, and no form of a value in it.

use super::scan::Case;
use nexis_launch::needles::stream::Engine;
use nexis_launch::needles::stream::mask::Masker;

pub fn hold(bytes: &[u8]) {
    let Some(case) = Case::read(bytes) else { return };
    // A value could be put together of a mark and what stands beside it.
    const MARK: &[u8] = b"[redacted:VALUE_0123456789]";
    let touches = |value: &Vec<u8>| {
        value.iter().any(|byte| b"[]".contains(byte))
            || MARK.windows(8).any(|it| value.starts_with(it))
    };
    if case.values.iter().any(touches) {
        return;
    }
    let engine = Engine::new(&case.needles);
    let whole = masked(&engine, &case.text, &[]);
    let shown = String::from_utf8_lossy(&whole);
    assert_eq!(case.needles.find(&whole), None, "what is masked has a value: {shown}");
    let mut hits = Vec::new();
    engine.search(&whole, true, &mut hits);
    assert!(hits.is_empty(), "what is masked has {hits:?}: {shown}");
    if !case.planted.is_empty() {
        assert!(shown.contains("[redacted:VALUE_"), "{shown}");
    }
    engine.search(&case.text, true, &mut hits);
    if hits.is_empty() {
        assert_eq!(whole, case.text, "a text without a value is changed");
    }
    assert_eq!(masked(&engine, &case.text, &case.cuts), whole, "in pieces");
    let every: Vec<usize> = (0..case.text.len()).collect();
    if case.text.len() < 200 {
        assert_eq!(masked(&engine, &case.text, &every), whole, "byte by byte");
    }
}

fn masked(engine: &Engine<'_>, text: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut masker = Masker::new(engine);
    let (mut out, mut begin) = (Vec::new(), 0);
    for &end in cuts.iter().chain([&text.len()]) {
        let piece = &text[begin..end];
        begin = end;
        if piece.is_empty() {
            continue;
        }
        masker.space()[..piece.len()].copy_from_slice(piece);
        masker.advance(piece.len(), false);
        drain(&mut masker, &mut out);
    }
    masker.space();
    masker.advance(0, true);
    drain(&mut masker, &mut out);
    out
}

/// Takes what is ready in two bites.
fn drain(masker: &mut Masker<'_>, out: &mut Vec<u8>) {
    let half = masker.ready().len() / 2;
    out.extend_from_slice(&masker.ready()[..half]);
    masker.take(half);
    let rest = masker.ready().len();
    out.extend_from_slice(masker.ready());
    masker.take(rest);
    assert!(masker.ready().is_empty());
}
