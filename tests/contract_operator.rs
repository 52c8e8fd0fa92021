//! Operators' contracts: what they add, and how broken ones are refused.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use nexis_launch::contract::model::*;
use nexis_launch::contract::{self, builtin};
use nexis_launch::error::{Error, Status};
use nexis_launch::finding::{Code, Severity};
use nexis_launch::mode::{Mode, Modes};
use std::path::{Path, PathBuf};

fn parse(text: &str) -> Result<Contract, Error> {
    contract::parse(text, Path::new("c.yaml"), Origin::File("c.yaml"))
}

fn row<'c>(contract: &'c Contract, name: &str) -> &'c Row {
    contract.rows.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no {name}"))
}

const EXTENDS: &str = "version: 1\nname: mine\nextends: builtin:nexis-gateway\n";

/// A file of its own for one test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Dir {
        let dir =
            std::env::temp_dir().join(format!("nexis-contract-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Dir(dir)
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.0.join(name), text).unwrap();
        self.0.join(name)
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn stricter_is_taken_and_the_rest_stays() {
    let contract = parse(&format!(
        "{EXTENDS}program: {{nexis-gateway: /opt/nexis/bin/nexis-gateway}}
mode_names: {{preprod: staging}}
passthrough: [\"AWS_*\"]
trusted_owners: [1000]
burnt: [our-old-key]
variables:
- name: JWT_SECRET
  aliases: [OUR_JWT]
  required: always
  files: [jwt/key]
  format: {{min_bytes: 48}}
  rejects: [{{value: our-other-key}}]
  severity: {{too-short: {{development: error}}}}
  blank: absent
- name: NEXIS_LOG_FORMAT
  format: {{values: [json]}}
- name: PARTNER_API_KEY
  secret: true
  class: provider-api-key
  feature: partner
- name: PARTNER_ENABLED
  format: {{kind: flag}}
features:
- name: partner
  on: {{variable: PARTNER_ENABLED, is: true}}
"
    ))
    .unwrap();
    let jwt = row(&contract, "JWT_SECRET");
    assert_eq!(jwt.aliases.0, ["NEXIS_JWT_SECRET", "OUR_JWT"]);
    assert_eq!(jwt.required, Modes::ALL);
    assert_eq!(jwt.format.min_bytes, Some(48));
    assert_eq!(jwt.format.kind, Kind::Text { single_line: false });
    assert_eq!(jwt.class, Some("jwt-signing"));
    assert_eq!(jwt.line, 10);
    assert!(jwt.severity.contains(&Override {
        code: Code::TooShort,
        modes: Modes::NONE.with(Mode::Development),
        severity: Some(Severity::Error)
    }));
    let values = |row: &Row| row.rejects.iter().map(|reject| reject.value).collect::<Vec<_>>();
    assert!(values(jwt).contains(&"our-other-key") && values(jwt).contains(&"test-secret"));
    for name in ["PARTNER_API_KEY", "JWT_SECRET", "NEXIS_DATABASE_PASSWORD"] {
        assert!(values(row(&contract, name)).contains(&"our-old-key"), "{name}");
    }
    assert_eq!(contract.file(b"jwt/key").unwrap().rank, 0);
    assert_eq!(contract.row(contract.known(b"OUR_JWT").unwrap().row).name, "JWT_SECRET");
    assert_eq!(contract.mode_names.0, [("preprod", Mode::Staging)]);
    assert_eq!((contract.passthrough.0, contract.trusted_owners.0), (&["AWS_*"][..], &[1000][..]));
    assert_eq!(contract.program.0, [("nexis-gateway", "/opt/nexis/bin/nexis-gateway")]);
    assert_eq!(contract.name, "mine");
    // Nothing was lost: each row of the base is there, variables still before parts.
    for base in builtin::CONTRACT.rows {
        assert_eq!(row(&contract, base.name).read_by, base.read_by);
    }
    assert_eq!(contract.rows.len(), builtin::CONTRACT.rows.len() + 2);
    assert!(contract.rows.windows(2).all(|pair| !pair[0].part || pair[1].part));
    // And no index points elsewhere for it.
    let template = row(&contract, "DATABASE_URL").template.unwrap();
    let Segment::Part(id, _) = template.segments[0] else { panic!("{template:?}") };
    assert_eq!(contract.row(id).name, "NEXIS_DATABASE_SCHEME");
    let feature = row(&contract, "PARTNER_API_KEY").feature.unwrap();
    assert_eq!(contract.features[usize::from(feature.0)].name, "partner");
}

#[test]
fn the_documented_grammar_is_read() {
    let contract = parse(
        r#"
version: 1
name: my-gateway
extends: builtin:nexis-gateway        # or a file beside this one
program: {nexis-gateway: /opt/nexis/bin/nexis-gateway}
mode_names: {preprod: staging, qa: staging}
variables:
  - name: PARTNER_API_KEY
    aliases: [NEXIS_PARTNER_API_KEY]
    secret: true
    class: provider-api-key
    purpose: access to the partner's API
    read_by: nexis-gateway 0.9 and later
    required: [staging, production]
    required_when: {variable: NEXIS_PARTNER_MODE, equals: live}
    feature: partner
    files: [partner-api-key, partner/key]
    format: {kind: text, min_bytes: 20, max_bytes: 200, prefix: pk-}
    rejects: [{value: dev-secret-change-me, code: placeholder}]
    severity: {placeholder: {development: warning}}
    final_newline: strip
    blank: absent
    deliver: value
    generate: {kind: base64url, bytes: 32}
  - {name: NEXIS_PARTNER_MODE, default: "42"}
  - {name: NEXIS_PARTNER_ENABLED, format: {kind: flag}}
  - {name: NEXIS_PARTNER_URL, template: "https://{HOST}[:{PORT}]/{NAME}"}
parts:
  - name: NEXIS_DATABASE_PASSWORD
    secret: true
  - {name: HOST}
  - {name: PORT}
  - {name: NAME}
features:
  - name: partner
    on:  {any: [{variable: NEXIS_PARTNER_ENABLED, is: true}]}
    off: {any: [{variable: NEXIS_PARTNER_ENABLED, is: false}]}
passthrough: ["AWS_*"]
"#,
    )
    .unwrap();
    let key = row(&contract, "PARTNER_API_KEY");
    assert_eq!(key.files.0, ["partner-api-key", "partner/key"]);
    assert_eq!(key.format.prefix, Some("pk-"));
    assert_eq!((key.format.min_bytes, key.format.max_bytes), (Some(20), Some(200)));
    assert_eq!(key.severity[0].modes, Modes::NONE.with(Mode::Development));
    assert!(key.feature.is_some() && key.required_when.is_some() && key.generate.is_some());
    assert_eq!(row(&contract, "NEXIS_PARTNER_MODE").default, Some("42"));
    assert!(row(&contract, "NEXIS_DATABASE_PASSWORD").part);
}

/// All but where it came from.
fn content(contract: &Contract) -> String {
    let rows = contract.rows.iter().map(|row| Row { line: 0, ..*row }).collect();
    let contract = Contract {
        rows: List::leak(rows),
        origin: Origin::Builtin,
        sha256: "",
        chain: List::EMPTY,
        ..*contract
    };
    format!("{contract:?}")
}

#[test]
fn what_is_shown_is_the_same_contract() {
    let extended = parse(&format!(
        "{EXTENDS}variables:
- name: RUST_LOG
  severity: {{bad-format: {{production: error}}, not-utf8: error}}
- name: A
  default: \"true\"
  severity: {{placeholder: none}}
  files: [x/y, 'a b']
  template: 'https://{{B}}[:{{C}}]'
  deliver: file
  generate: {{kind: hex, bytes: 16}}
  required_when: {{not: {{variable: B, one_of: [\"1\", \"on\"]}}}}
- {{name: B, purpose: 'yes', rejects: [{{value: test-secret, code: placeholder}}]}}
parts:
- {{name: C, format: {{kind: integer, min: -5}}}}
"
    ))
    .unwrap();
    for shown in [contract::show(&extended), contract::json(&extended)] {
        let again = parse(&shown).unwrap_or_else(|error| panic!("{error}\n{shown}"));
        assert_eq!(content(&again), content(&extended));
    }
    let built_in = parse(&contract::show(&builtin::CONTRACT)).unwrap();
    assert_eq!(content(&built_in), content(&builtin::CONTRACT));
    let json = parse(&contract::json(&builtin::CONTRACT)).unwrap();
    assert_eq!(content(&json), content(&builtin::CONTRACT));
}

#[test]
fn a_valid_file_gives_the_same_whether_its_lines_are_found_out_or_not() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let directories = ["contracts", "providers/age", "providers/gnupg", "providers/http"];
    let mut compared = 0;
    for directory in directories.map(|name| packaging.join(name)) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let origin = Origin::File(path.to_str().unwrap().to_owned().leak());
            let exact = contract::parse(&text, &path, origin).unwrap();
            assert_eq!(content(contract::load(Some(&path)).unwrap()), content(&exact), "{path:?}");
            compared += 1;
        }
    }
    assert!(compared >= 6, "{compared}");
}

#[test]
fn an_alias_is_refused_in_a_file_as_in_a_text() {
    let dir = Dir::new("alias");
    for text in ["version: 1\nname: &n x\npassthrough: [*n]\n", "version: 1\nname: *n\n"] {
        let path = dir.put("alias.yaml", text);
        let of_text = contract::parse(text, &path, Origin::File("alias.yaml")).unwrap_err();
        assert_eq!(contract::load(Some(&path)).unwrap_err().message, of_text.message);
    }
}

#[test]
fn a_condition_does_not_compare_the_text_of_a_flag() {
    let of = |test: &str| {
        parse(&format!(
            "version: 1\nname: x\nvariables:\n- {{name: A, format: {{kind: flag}}}}\n\
            - {{name: B, required_when: {{not: {{variable: A, {test}}}}}}}\n"
        ))
    };
    for test in ["equals: \"true\"", "one_of: [yes, on]", "contains: e"] {
        let error = of(test).unwrap_err();
        assert_eq!(error.status, Status::Data);
        let words = "line 5: A is a flag, and a condition tests its text";
        assert!(error.message.ends_with(words), "{}", error.message);
        assert_eq!(error.hint.as_deref(), Some("test a flag with `is`"));
    }
    for test in ["is: true", "set: true"] {
        of(test).unwrap();
    }
    // The test may stand in the contract that is extended, and the kind come later.
    let late = format!(
        "{EXTENDS}variables:\n- {{name: NEXIS_DEFAULT_PROVIDER, format: {{kind: flag}}}}\n"
    );
    assert!(parse(&late).is_err());
}

#[test]
fn a_secret_is_no_flag_and_none_of_an_enumeration() {
    let refused = |rows: &str| {
        let error = parse(&format!("version: 1\nname: x\n{rows}")).unwrap_err();
        assert_eq!(error.status, Status::Data);
        let words = ": kind flag or enum is for what is no secret";
        assert!(error.message.contains(words), "{rows}\n{}", error.message);
    };
    let row = "{name: E, secret: true, format: {kind: enum, values: [AlphaAlpha, BetaBeta]}}";
    refused("variables: [{name: F, secret: true, format: {kind: flag}}]\n");
    refused(&format!("variables: [{row}]\n"));
    refused(&format!("variables: [{{name: T, template: 'h-{{E}}'}}]\nparts: [{row}]\n"));
    // What is made of a secret is one.
    refused(
        "variables: [{name: T, template: '{E}', format: {kind: enum, values: [AlphaAlpha]}}]\n\
        parts: [{name: E, secret: true}]\n",
    );
    refused(
        "extends: builtin:nexis-gateway\nvariables: [{name: NEXIS_LOG_FORMAT, secret: true}]\n",
    );
}

#[test]
fn a_contract_extends_a_file_beside_it() {
    let dir = Dir::new("chain");
    dir.put(
        "base.yaml",
        "version: 1\nname: base\nvariables:\n- {name: A, secret: true, format: {min_bytes: 8}}\n",
    );
    let top = dir.put("top.yaml", "version: 1\nextends: base.yaml\nvariables:\n- {name: A, format: {min_bytes: 9}}\n- {name: B}\n");
    let contract = contract::load(Some(&top)).unwrap();
    assert_eq!(contract.name, "base");
    assert_eq!(row(contract, "A").format.min_bytes, Some(9));
    assert_eq!(contract.origin, Origin::File(top.to_str().unwrap().to_owned().leak()));
    let looser = dir.put(
        "looser.yaml",
        "version: 1\nextends: top.yaml\nvariables:\n- {name: A, format: {min_bytes: 8}}\n",
    );
    let error = contract::load(Some(&looser)).unwrap_err();
    assert_eq!(error.status, Status::Data);
    assert!(
        error.message.contains("looser.yaml line 4: A: min_bytes 8 is looser than 9"),
        "{error}"
    );
}

/// The list of REFERENCE.md, and what a secret or a least length takes away from it.
#[test]
fn a_kind_becomes_one_of_fewer_values_of_which_as_much_is_judged() {
    const ALL: [&str; 13] = [
        "text",
        "ascii",
        "hex",
        "base64",
        "base64url",
        "url",
        "flag",
        "integer",
        "enum, values: [a]",
        "socket-address",
        "origins",
        "log-filter",
        "mode",
    ];
    const JUDGED: [&str; 4] = ["ascii", "hex", "base64", "base64url"];
    let dir = Dir::new("kinds");
    let word = |kind: &'static str| kind.split(',').next().unwrap();
    let becomes = |keys: &str, old: &'static str, least: &str| -> Vec<&str> {
        let row = format!("- {{name: A, {keys}format: {{kind: {old}{least}}}}}\n");
        dir.put("base.yaml", &format!("version: 1\nname: base\nvariables:\n{row}"));
        let taken = ALL.into_iter().filter(|new| *new != old).filter(|new| {
            let row = format!("- {{name: A, format: {{kind: {new}}}}}\n");
            let text = format!("version: 1\nextends: base.yaml\nvariables:\n{row}");
            let loaded = contract::load(Some(&dir.put("over.yaml", &text)));
            let (old, new) = (word(old), word(new));
            let said = format!("format kind {old} of the contract it extends cannot become {new}");
            loaded.map_err(|error| assert!(error.message.contains(&said), "{error}")).is_ok()
        });
        taken.map(word).collect()
    };
    let of_text: Vec<&str> = ALL[1..12].iter().map(|kind| word(kind)).collect();
    assert_eq!(becomes("", "text", ""), of_text);
    assert_eq!(becomes("", "ascii", ""), ["hex", "base64", "base64url", "integer"]);
    assert_eq!(becomes("", "base64", ""), ["base64url"]);
    for kind in ["hex", "url", "flag", "integer", "enum, values: [a]", "origins", "mode"] {
        assert!(becomes("", kind, "").is_empty(), "{kind}");
    }
    let secret = "secret: true, class: c, ";
    assert_eq!(becomes(secret, "text", ""), [&JUDGED[..], &["url"]].concat());
    assert_eq!(becomes(secret, "text", ", min_bytes: 20"), JUDGED);
    assert_eq!(becomes("", "text", ", min_bytes: 20"), JUDGED);
    assert_eq!(becomes(secret, "ascii", ""), JUDGED[1..]);
}

#[test]
fn a_text_becomes_no_enumeration_of_what_it_did_not_take() {
    let dir = Dir::new("words");
    let loaded = |single_line: bool, word: &str| {
        let format = format!("{{kind: text, single_line: {single_line}}}");
        let base = format!("version: 1\nname: base\nvariables:\n- {{name: A, format: {format}}}\n");
        dir.put("base.yaml", &base);
        let format = format!("{{kind: enum, values: [one, \"{word}\"]}}");
        let row = format!(
            "version: 1\nextends: base.yaml\nvariables:\n- {{name: A, format: {format}}}\n"
        );
        contract::load(Some(&dir.put("over.yaml", &row))).map(|_| ())
    };
    for word in [r"a\nb", r"a\rb", r"a\Nb", r"a\Lb", r"a\Pb"] {
        let error = loaded(true, word).unwrap_err();
        let said = "line 4: A: values of several lines or with control characters is looser than \
                    text of a single line in the contract it extends";
        assert!(error.message.contains(said), "{word}: {error}");
    }
    for (single_line, word) in [(true, r"a\eb"), (false, r"a\eb"), (false, r"a\Nb")] {
        let error = loaded(single_line, word).unwrap_err();
        assert!(error.message.contains("is looser than text"), "{word}: {error}");
    }
    assert_eq!(loaded(true, r"a b\tc"), Ok(()));
    assert_eq!(loaded(false, r"a\nb"), Ok(()));
}

#[test]
fn what_would_pass_the_programs_demands_by_is_looser() {
    for (row, said) in [
        ("{name: JWT_SECRET, deliver: file}", "JWT_SECRET: deliver file is looser than value"),
        (
            "{name: JWT_SECRET, format: {kind: url, schemes: [a]}}",
            "JWT_SECRET: format kind text of the contract it extends cannot become url",
        ),
        (
            // Its feature demands it; a value that is made up on a laptop would meet that.
            "{name: OPENAI_API_KEY, generate: {kind: base64url, bytes: 32}}",
            "OPENAI_API_KEY: generate a value is looser than a required one",
        ),
        (
            // What is always there and no secret would be the key.
            "{name: JWT_SECRET, template: '{NEXIS_CORS_ALLOW_ORIGINS}'}",
            "JWT_SECRET: template of no secret is looser than a required one",
        ),
        (
            "{name: JWT_SECRET, template: '{NEXIS_HSTS_ENABLED?one:other}'}",
            "JWT_SECRET: template of no secret is looser than a required one",
        ),
        (
            "{name: JWT_SECRET, template: '{NEXIS_BIND_ADDR}[{NEXIS_DATABASE_PASSWORD}]'}",
            "JWT_SECRET: template of no secret is looser than a required one",
        ),
        (
            // Called a secret, and composed of none.
            "{name: JWT_SECRET, template: '{S}'}\n- {name: S, secret: true, template: '{NEXIS_BIND_ADDR}'}",
            "JWT_SECRET: template of no secret is looser than a required one",
        ),
    ] {
        let text = format!("version: 1\nextends: builtin:nexis-gateway\nvariables:\n- {row}\n");
        let error = parse(&text).unwrap_err();
        assert_eq!(error.status, Status::Data);
        assert!(error.message.contains("line 4") && error.message.contains(said), "{error}");
    }
    for row in [
        "{name: JWT_SECRET, template: '{NEXIS_DATABASE_PASSWORD}{NEXIS_BIND_ADDR}'}",
        "{name: JWT_SECRET, template: '{S}'}\n- {name: S, secret: true}",
        // Its own template has a password where there is one.
        "{name: REDIS_URL, template: 'rediss://{NEXIS_REDIS_HOST}'}",
        // What it leads to may know its user by a certificate or a socket.
        "{name: DATABASE_URL, template: 'postgres://u@{NEXIS_DATABASE_HOST}/d'}",
    ] {
        parse(&format!("version: 1\nextends: builtin:nexis-gateway\nvariables:\n- {row}\n"))
            .unwrap_or_else(|error| panic!("{row}: {error}"));
    }
}

#[test]
fn a_default_is_documented_as_it_is() {
    let default = |text: &str| {
        let text = format!("version: 1\nname: x\nvariables:\n- {{name: A, default: {text}}}\n");
        contract::docs::markdown(&parse(&text).unwrap())
    };
    for (text, line, cell) in [
        ("'p|q`r'", "- default: ``p|q`r``\n", "; by default ``p\\|q`r`` |"),
        ("'`'", "- default: `` ` ``\n", "; by default `` ` `` |"),
        (r#"'a\b "c"'"#, "- default: `a\\b \"c\"`\n", "; by default `a\\b \"c\"` |"),
        (r#""a\nb""#, "- default: `a\\u{a}b`\n", "; by default `a\\u{a}b` |"),
    ] {
        let shown = default(text);
        assert!(shown.contains(line) && shown.contains(cell), "{text}\n{shown}");
    }
    let blank = "version: 1\nname: x\nvariables:\n- {name: A, blank: allowed, default: ' '}\n";
    assert_eq!(row(&parse(blank).unwrap(), "A").default, Some(" "));
}

#[test]
fn what_a_file_is_called_and_how_it_is_handed_on_is_documented() {
    let rows = "variables:\n- {name: A_KEY, secret: true, files: [a-key, partner/key], \
                final_newline: refuse, deliver: file, rejects: [{value: changeme}]}\n\
                - {name: B_KEY, secret: true, final_newline: keep}\n- {name: C_KEY, secret: true}\n";
    let contract = parse(&format!("version: 1\nname: x\n{rows}")).unwrap();
    let text = contract::docs::markdown(&contract);
    let section = |name: &str| {
        let (_, from) = text.split_once(&format!("### `{name}`\n")).unwrap();
        from.split("\n#").next().unwrap().to_owned()
    };
    for line in [
        "- own files: `a-key`, `partner/key`\n",
        "- final newline of a file: refused\n",
        "- refused: 1 public value\n",
        "- delivered: as a file, whose path is `A_KEY_FILE`\n",
    ] {
        assert!(section("A_KEY").contains(line), "{line}\n{text}");
    }
    assert!(section("B_KEY").contains("- final newline of a file: part of the value\n"), "{text}");
    for word in ["own files", "final newline", "delivered"] {
        assert!(!section("C_KEY").contains(word), "{word}\n{text}");
    }
    let template = contract::template::render(&contract, contract::template::Form::SecretsDir);
    let newline = "taken off where nothing else is said.";
    let comments =
        ["final newline of a file: refused\n", "final newline of a file: part of the value\n"];
    assert!(template.contains(newline), "{template}");
    assert!(comments.iter().all(|one| template.matches(one).count() == 1), "{template}");
}

#[test]
fn a_chain_that_ends_nowhere_is_refused() {
    let dir = Dir::new("nowhere");
    let one = dir.put("one.yaml", "version: 1\nextends: two.yaml\n");
    dir.put("two.yaml", "version: 1\nextends: one.yaml\n");
    let error = contract::load(Some(&one)).unwrap_err();
    assert_eq!(error.status, Status::Data);
    assert!(error.message.contains("two.yaml line 2: extends: the file extends itself"), "{error}");
    let missing = dir.put("missing.yaml", "version: 1\nextends: none.yaml\n");
    let error = contract::load(Some(&missing)).unwrap_err();
    assert_eq!(error.status, Status::NoInput);
    assert!(error.message.contains("none.yaml"), "{error}");
}

#[test]
fn files_that_cannot_be_read_are_no_input() {
    let dir = Dir::new("unreadable");
    for path in [dir.0.join("none.yaml"), dir.0.clone(), PathBuf::from("/dev/null")] {
        assert_eq!(contract::load(Some(&path)).unwrap_err().status, Status::NoInput, "{path:?}");
    }
    assert_eq!(contract::load(Some(Path::new("builtin:x"))).unwrap_err().status, Status::NoInput);
    let large = dir.put("large.yaml", &"#".repeat((1 << 20) + 1));
    let error = contract::load(Some(&large)).unwrap_err();
    assert_eq!((error.status, error.message.ends_with("more than 1 MiB")), (Status::Data, true));
    std::fs::write(dir.0.join("bytes.yaml"), b"version: \xff").unwrap();
    let error = contract::load(Some(&dir.0.join("bytes.yaml"))).unwrap_err();
    assert_eq!((error.status, error.message.ends_with("not UTF-8")), (Status::Data, true));
}

#[test]
fn lint_says_what_is_probably_not_meant() {
    let dir = Dir::new("lint");
    let path = dir.put(
        "lint.yaml",
        "version: 1\nname: x\nvariables:\n- name: A_TOKEN\n  read_by: x\n- {name: B, secret: true, purpose: p, read_by: x, required_when: {variable: A_TOKEN, is: true}}\nparts:\n- {name: C, purpose: p}\nfeatures:\n- {name: f}\n",
    );
    let found = contract::lint(&path).unwrap().lines();
    let expected = [
        "feature f: no variable belongs to it",
        "feature f: nothing switches it",
        "line 4: A_TOKEN has no purpose, so `contract docs` cannot say what it is for",
        "line 4: A_TOKEN is named as a secret and is shown; secret: true hides it",
        "line 6: A_TOKEN is tested as a flag and is none",
        "line 6: B is a secret of any length; min_bytes would refuse short ones",
        "line 6: B is a secret without a class, so no rotation window applies",
        "line 8: C is a part that no template takes",
    ];
    assert_eq!(found, expected);
    assert_eq!(contract::lint(Path::new(contract::BUILTIN)).unwrap().lines(), Vec::<String>::new());
}
