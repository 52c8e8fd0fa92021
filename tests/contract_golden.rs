//! The documents and skeletons made from the built-in contract, one file each, and what must not
//! stand in them.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use nexis_launch::contract::template::{Form, render};
use nexis_launch::contract::{self, builtin, docs};

mod common;

fn golden(name: &str, text: &str) {
    common::golden(&format!("contract/{name}"), text);
}

#[test]
fn documents_are_as_they_were() {
    let contract = &builtin::CONTRACT;
    golden("docs.md", &docs::markdown(contract));
    golden("table.md", &docs::readme_table(contract));
    golden("contract.json", &contract::json(contract));
    assert!(docs::markdown(contract).contains(&docs::readme_table(contract)));
}

#[test]
fn skeletons_are_as_they_were_and_set_nothing() {
    for &(word, form) in Form::ALL {
        let text = render(&builtin::CONTRACT, form);
        golden(&format!("template-{word}.txt"), &text);
        for reject in builtin::CONTRACT.burnt {
            assert!(!text.contains(reject.value), "{word}");
        }
        assert!(text.contains("jwt-secret") || form == Form::Env, "{word}");
    }
    // What is left without the comments sets no value.
    let bare = |form| {
        let text = render(&builtin::CONTRACT, form);
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(bare(Form::Env).is_empty());
    assert_eq!(bare(Form::Systemd), ["[Service]"]);
    let compose = ["services:", "  nexis-gateway:", "    image: nexis-gateway"];
    assert_eq!(bare(Form::Compose), compose);
    let kubernetes = [
        "apiVersion: v1",
        "kind: Secret",
        "metadata:",
        "  name: nexis-gateway",
        "type: Opaque",
        "stringData:",
    ];
    assert_eq!(bare(Form::Kubernetes), kubernetes);
}

#[test]
fn each_variable_stands_in_the_table_once_with_its_higher_level_name() {
    let table = docs::readme_table(&builtin::CONTRACT);
    assert_eq!(table.lines().filter(|line| line.contains("| `JWT_SECRET` |")).count(), 1);
    let line = table.lines().find(|line| line.contains("| `DATABASE_URL` |")).unwrap();
    for expected in [
        "`NEXIS_DATABASE_URL`",
        "while feature persistence is on",
        "`NEXIS_DATABASE_*`",
        "not read by today",
    ] {
        assert!(line.contains(expected), "{expected}: {line}");
    }
}
