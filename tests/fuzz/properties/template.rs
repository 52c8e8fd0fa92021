//! Templates: whatever a contract's may be, it prints and reads back equal; what is composed of any
//! parts parses back to them, by two readers of URLs.

use super::contract;
use super::decode::Input;
use nexis_launch::compose::{Found, render};
use nexis_launch::contract::builtin::CONTRACT;
use nexis_launch::contract::model::RowId;
use nexis_launch::url::{Url, decode};
use std::collections::BTreeSet;

pub fn hold(bytes: &[u8]) {
    let mut input = Input(bytes);
    any_template(&String::from_utf8_lossy(input.piece()), &mut input);
    let mut input = Input(bytes);
    let shape = input.byte();
    let [user, password, name] = [(); 3].map(|()| input.piece().to_vec());
    if [&user, &password, &name].iter().any(|part| part.is_empty()) {
        return;
    }
    let id = |name: &str| CONTRACT.known(name.as_bytes()).unwrap().row;
    let port = u16::from(shape).wrapping_mul(257).max(1).to_string().into_bytes();
    let host: &[u8] =
        [&b"db.internal"[..], b"10.0.0.1", b"::1", b"[2001:db8::1]"][usize::from(shape % 4)];
    let parts: [(RowId, &[u8]); 6] = [
        (id("NEXIS_DATABASE_SCHEME"), b"postgres"),
        (id("NEXIS_DATABASE_HOST"), host),
        (id("NEXIS_DATABASE_PORT"), &port),
        (id("NEXIS_DATABASE_NAME"), &name),
        (id("NEXIS_DATABASE_USER"), &user),
        (id("NEXIS_DATABASE_PASSWORD"), &password),
    ];
    let lookup = |id: RowId| {
        let part = parts.iter().find(|part| part.0 == id)?;
        Some(Found { value: part.1, is_default: false })
    };
    let template = CONTRACT.row(id("DATABASE_URL")).template.as_ref().unwrap();
    let url = render(template, &lookup).unwrap_or_else(|absent| panic!("{absent:?}"));
    let ours = Url::parse(url.expose()).expect("what is composed is a URL");
    let plain = |text: Option<&str>| text.map(decode);
    assert_eq!(plain(ours.user), Some(user));
    assert_eq!(plain(ours.password), Some(password.clone()));
    assert_eq!(decode(&ours.path[1..]), name);
    assert_eq!(ours.port.map(|port| port.to_string().into_bytes()), Some(port));
    let text = std::str::from_utf8(url.expose()).expect("it is ASCII");
    let theirs = ::url::Url::parse(text).expect("another reader takes it");
    assert_eq!(decode(theirs.password().unwrap()), password);
}

/// A contract with this template and four parts.
fn any_template(template: &str, input: &mut Input<'_>) {
    let quoted = serde_json::to_string(template).unwrap();
    let text = format!(
        "version: 1\nname: t\nvariables:\n  - {{name: T_URL, secret: true, purpose: p, read_by: r, \
         format: {{kind: text}}, template: {quoted}}}\nparts:\n  - {{name: T_A, purpose: p, read_by: \
         r, format: {{kind: text}}}}\n  - {{name: T_B, secret: true, purpose: p, read_by: r, format: \
         {{kind: text}}}}\n  - {{name: T_C, purpose: p, read_by: r, format: {{kind: flag}}}}\n"
    );
    contract::hold(text.as_bytes());
    let Ok(contract) = contract::read(&text) else { return };
    let (id, row) = contract.rows().next().expect("it has a row");
    let Some(template) = &row.template else { return };
    let values: Vec<(u8, &[u8])> = (0..3).map(|_| (input.byte(), input.piece())).collect();
    let lookup = |wanted: RowId| {
        let at = usize::from(wanted.0).checked_sub(usize::from(id.0) + 1)?;
        let (shape, value) = values.get(at)?;
        let value = if at == 2 { b"true" } else { *value };
        (shape & 1 == 0 && !value.is_empty()).then_some(Found { value, is_default: shape & 2 > 0 })
    };
    match render(template, &lookup) {
        // Nothing of a part passes through as it is but what means nothing in a URL.
        Ok(made) => assert!(made.len() <= 4 * 4096 + 3 * 4 * 4096),
        Err(absent) => {
            let once: BTreeSet<u16> = absent.iter().map(|id| id.0).collect();
            assert_eq!(once.len(), absent.len(), "an absent part is said twice");
            assert!(absent.iter().all(|id| lookup(*id).is_none()), "it is there");
        }
    }
}
