//! Providers in a contract: what is read, what is refused, and what an extending contract may do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use nexis_launch::contract;
use nexis_launch::contract::model::{Answer, Contract, Lent, Origin};
use nexis_launch::error::{Error, Status};
use std::path::Path;

fn parse(text: &str) -> Result<Contract, Error> {
    contract::parse(text, Path::new("c.yaml"), Origin::File("c.yaml"))
}

fn row(contract: &Contract, name: &str) -> contract::model::Row {
    *contract.row(contract.known(name.as_bytes()).unwrap().row)
}

const WHOLE: &str = "version: 1
name: x
variables:
- {name: A, secret: true, provider: store, pointer: /data/a~1b}
- {name: B, secret: true, provider: store}
- {name: C, secret: true, provider: one}
providers:
- name: store
  command: [/usr/bin/age, --decrypt, '', -i, /etc/nexis/key.txt]
  format: json
  timeout: 1500ms
  retries: 2
  environment: [VAULT_TOKEN, {name: AWS_REGION, keep: true}]
  user: nobody
- {name: one, command: [/bin/true], format: raw, user: 65532}
";

#[test]
fn every_key_is_read_and_shown_again() {
    let contract = parse(WHOLE).unwrap();
    let store = contract.providers[0];
    let command = ["/usr/bin/age", "--decrypt", "", "-i", "/etc/nexis/key.txt"];
    assert_eq!((store.name, store.command.0), ("store", &command[..]));
    assert_eq!((store.answer, store.timeout, store.retries), (Answer::Json, 1500, 2));
    let lent = [Lent { name: "VAULT_TOKEN", keep: false }, Lent { name: "AWS_REGION", keep: true }];
    assert_eq!((store.environment.0, store.user), (&lent[..], Some("nobody")));
    let one = contract.providers[1];
    assert_eq!((one.timeout, one.retries, one.user), (5_000, 0, Some("65532")));
    assert_eq!(row(&contract, "A").fetch.unwrap().pointer, Some("/data/a~1b"));
    assert_eq!(row(&contract, "B").fetch.unwrap().pointer, None);
    assert_eq!(row(&contract, "C").fetch.unwrap().provider.0, 1);
    assert!(contract.lends(b"VAULT_TOKEN") && !contract.lends(b"AWS_REGION"));
    let again = parse(&contract::show(&contract)).unwrap();
    let tables = |one: &Contract| format!("{:?} {:?}", one.providers, row(one, "A").fetch);
    assert_eq!(tables(&again), tables(&contract));
}

#[test]
fn times_are_numbers_with_a_unit() {
    for (text, expected) in [("500ms", 500), ("2s", 2_000), ("1m", 60_000), ("10m", 600_000)] {
        let contract = parse(&WHOLE.replace("1500ms", text)).unwrap();
        assert_eq!(contract.providers[0].timeout, expected);
        assert!(contract::show(&contract).contains(&format!("timeout: {text}\n")), "{text}");
    }
    for text in ["5", "0s", "1h", "11m", "1.5s", "-1s", "' 1s'", "+1s", "s", "99999999999s"] {
        let error = parse(&WHOLE.replace("1500ms", text)).unwrap_err();
        assert!(error.message.contains("line 11: timeout: expected a time"), "{text} {error}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_its_line() {
    let cases = [
        ("command: [/usr/bin/age", "command: [age", "line 9: command: expected an absolute path"),
        ("[/bin/true]", "/bin/true -x", "line 15: command: expected a list"),
        ("[/bin/true]", "[]", "line 15: command: expected an absolute path"),
        ("[/bin/true]", "[/bin/sleep, 5]", "line 15: command: expected text"),
        ("format: json", "format: xml", "line 10: format: expected one of raw, json, dotenv"),
        ("retries: 2", "retries: 21", "line 12: retries: expected a whole number from 0 to 20"),
        ("[VAULT_TOKEN,", "[NEXIS_LAUNCH_X,", "line 13: environment: NEXIS_LAUNCH_*"),
        ("keep: true", "keeps: true", "line 13: unknown key keeps"),
        ("user: nobody", "user: a:b:c", "line 14: user: expected USER or USER:GROUP"),
        ("user: nobody", "user: 4294967295", "line 14: user: expected USER or USER:GROUP"),
        ("user: nobody", "users: nobody", "line 14: unknown key users"),
        ("name: one,", "name: store,", "line 15: provider store stands here a second time"),
        ("B, secret: true, provider: store", "B, provider: stor", "B: stor is no provider"),
        ("B, secret: true, provider: store", "B, provider: one", "one is raw and feeds B and C"),
        ("C, secret: true, provider: one", "C, provider: one, pointer: /a", "not answer in json"),
        ("C, secret: true, provider: one", "C, pointer: /a", "C: a pointer needs a provider"),
        ("pointer: /data/a~1b", "pointer: data", "line 4: pointer: expected a JSON pointer"),
        ("pointer: /data/a~1b", "pointer: /a~2", "line 4: pointer: expected a JSON pointer"),
        (
            "C, secret: true, provider: one",
            "C, format: {kind: mode}, provider: one",
            "C: kind mode is known before any provider",
        ),
        (
            "C, secret: true, provider: one",
            "C, format: {kind: mode}, feature: f",
            "C: kind mode belongs to no feature",
        ),
    ];
    for (from, to, message) in cases {
        assert!(WHOLE.contains(from), "{from}");
        let error = parse(&WHOLE.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.status, Status::Data, "{to}");
        assert!(error.message.contains(message), "{to}\n{}", error.message);
    }
}

/// The contract that extends [`WHOLE`] by `text`, in a directory of the test's own.
fn extending(test: &str, text: &str) -> Result<Contract, Error> {
    let directory =
        std::env::temp_dir().join(format!("nexis-launch-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("base.yaml"), WHOLE).unwrap();
    let path = directory.join("own.yaml");
    let parsed = contract::parse(
        &format!("version: 1\nname: own\nextends: base.yaml\n{text}"),
        &path,
        Origin::File(path.to_str().unwrap().to_owned().leak()),
    );
    std::fs::remove_dir_all(&directory).unwrap();
    parsed
}

#[test]
fn an_extending_contract_adds_providers_and_gives_rows_one() {
    let contract = extending(
        "adds",
        "variables:\n- {name: D, provider: mine}\n- {name: A, required: always}\n\
         providers:\n- {name: mine, command: [/bin/true], format: dotenv}\n",
    )
    .unwrap();
    let names: Vec<_> = contract.providers.iter().map(|provider| provider.name).collect();
    assert_eq!(names, ["store", "one", "mine"]);
    assert_eq!(row(&contract, "D").fetch.unwrap().provider.0, 2);
    assert_eq!(row(&contract, "A").fetch.unwrap().pointer, Some("/data/a~1b"));
    let files: Vec<_> = contract.chain.iter().map(|path| Path::new(path).file_name()).collect();
    assert_eq!(files, [Some("own.yaml".as_ref()), Some("base.yaml".as_ref())]);
}

#[test]
fn an_extending_contract_points_nothing_of_its_base_elsewhere() {
    let one = "providers:\n- {name: one, command: [/bin/true], format: raw, user: 65532";
    assert!(extending("same", &format!("{one}}}\n")).is_ok());
    let cases = [
        (
            "variables:\n- {name: A, provider: one}\n".to_owned(),
            "A: provider one is looser than store",
        ),
        ("variables:\n- {name: A, pointer: /x}\n".to_owned(), "A: pointer another is looser"),
        (one.replace("true]", "false]") + "}\n", "one: command another is looser than the one"),
        (one.replace("format: raw", "format: json") + "}\n", "one: format json is looser than raw"),
        (format!("{one}, timeout: 1m}}\n"), "one: timeout 1m is looser than 5s"),
        (format!("{one}, retries: 3}}\n"), "one: retries 3 is looser than 0"),
        (format!("{one}, environment: [B]}}\n"), "one: environment [B] is looser than []"),
        (one.replace(", user: 65532", "}\n"), "one: user none is looser than 65532"),
    ];
    for (text, message) in cases {
        let error = extending("elsewhere", &text).unwrap_err();
        assert_eq!(error.status, Status::Data, "{text}");
        assert!(error.message.contains(message), "{text}\n{}", error.message);
    }
}

#[test]
fn a_provider_that_nothing_comes_from_is_said_by_lint() {
    let path = std::env::temp_dir().join(format!("nexis-launch-lint-{}.yaml", std::process::id()));
    std::fs::write(&path, WHOLE.replace("provider: one", "purpose: p")).unwrap();
    let said = contract::lint(&path).unwrap().lines();
    std::fs::remove_file(&path).unwrap();
    assert!(said.contains(&"provider one: no variable comes from it".to_owned()), "{said:?}");
    assert!(!said.iter().any(|line| line.contains("provider store")), "{said:?}");
}

#[test]
fn documents_name_the_provider_and_never_its_arguments() {
    let text = contract::docs::markdown(&parse(WHOLE).unwrap());
    assert!(text.contains("from the provider `store`"), "{text}");
    let line =
        "| `store` | `/usr/bin/age` | json | 1500ms | 3 | `VAULT_TOKEN`, `AWS_REGION` | nobody |";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("key.txt"), "{text}");
}
