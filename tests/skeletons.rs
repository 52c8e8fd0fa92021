//! `contract template`: a skeleton that is filled in launches, for the built-in contract and for
//! those of other services. What the systems themselves say of skeletons is asked in
//! `tests/packaging/run`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod common;
use common::*;

/// A contract, what it requires in production (the name in files, the variable, a value), and its
/// settings that are no secrets.
struct Service {
    contract: &'static str,
    secrets: &'static [(&'static str, &'static str, &'static str)],
    settings: &'static [(&'static str, &'static str)],
    /// The program gets `NAME_FILE`.
    as_file: bool,
}

const SERVICES: &[Service] = &[
    Service {
        contract: "builtin:nexis-gateway",
        secrets: &[
            ("jwt-secret", "JWT_SECRET", SECRET),
            ("nexis-encryption-key", "NEXIS_ENCRYPTION_KEY", HEX_KEY),
        ],
        settings: &[("NEXIS_CORS_ALLOW_ORIGINS", "https://app.nexis.example")],
        as_file: false,
    },
    Service {
        contract: "packaging/contracts/node-service.yaml",
        secrets: &[
            ("session-secret", "SESSION_SECRET", SECRET),
            ("database-url", "DATABASE_URL", "postgres://u:Zt7-qWv9xKp2@db/x?sslmode=require"),
        ],
        settings: &[],
        as_file: false,
    },
    Service {
        contract: "packaging/contracts/python-worker.yaml",
        secrets: &[
            ("broker-url", "BROKER_URL", "amqps://u:Zt7-qWv9xKp2@broker/jobs"),
            ("fernet-key", "FERNET_KEY", OTHER),
        ],
        settings: &[],
        as_file: false,
    },
    Service {
        contract: "packaging/contracts/postgres.yaml",
        secrets: &[("postgres-password", "POSTGRES_PASSWORD", THIRD)],
        settings: &[],
        as_file: true,
    },
];

impl Service {
    fn contract(&self) -> String {
        match self.contract.starts_with("builtin:") {
            true => self.contract.to_owned(),
            false => format!("{}/{}", env!("CARGO_MANIFEST_DIR"), self.contract),
        }
    }

    /// What `contract template` prints.
    fn skeleton(&self, form: &str) -> String {
        let contract = self.contract();
        let outcome = Launch::command("contract", ["template", "--for", form, &contract]).run();
        outcome.status(0).out()
    }

    fn launch(&self) -> Launch {
        let launch = Launch::witness(["--mode", "production", "--contract", &self.contract()]);
        let launch = self.secrets.iter().fold(launch, |it, (_, _, value)| it.canary(value));
        self.settings.iter().fold(launch, |it, (name, value)| it.env(name, value))
    }

    /// Launches and looks at what arrived.
    #[track_caller]
    fn arrives(&self, launch: Launch) {
        let outcome = launch.run();
        outcome.status(0).no_canary();
        let seen = outcome.seen();
        for (_, variable, value) in self.secrets {
            let found = match self.as_file {
                true => {
                    let path = seen.text(&format!("{variable}_FILE")).expect("a path");
                    std::fs::read_to_string(path).unwrap()
                }
                false => seen.text(variable).unwrap_or_default(),
            };
            assert_eq!(found, *value, "{variable}\n{outcome}");
        }
    }
}

/// The text with this line replaced, which has to stand there once.
#[track_caller]
fn filled(text: &str, line: &str, by: &str) -> String {
    assert_eq!(text.lines().filter(|it| *it == line).count(), 1, "{line}\n{text}");
    text.lines().map(|it| if it == line { by } else { it }).map(|it| format!("{it}\n")).collect()
}

#[test]
fn an_env_file_that_is_filled_in_launches() {
    for service in SERVICES {
        let mut text = service.skeleton("env");
        let mut launch = service.launch().options(["--env-file", "{root}/service.env"]);
        for (file, variable, value) in service.secrets {
            // A deployment sets the first alias where there is one, or a path where the program
            // gets one.
            let ends = format!("{variable}{}=", if service.as_file { "_FILE" } else { "" });
            let value = if service.as_file { file } else { value };
            let line = text.lines().find(|it| it.starts_with("# ") && it.ends_with(&ends));
            let line = line.expect("a line of the variable").to_owned();
            text = filled(&text, &line, &format!("{}{value}", &line[2..]));
        }
        if service.as_file {
            launch =
                service.secrets.iter().fold(launch, |it, (file, _, value)| it.file(file, value));
        }
        service.arrives(launch.file("service.env", &text));
        // As it was printed it supplies nothing.
        let launch = service.launch().options(["--env-file", "{root}/service.env"]);
        let outcome = launch.file("service.env", service.skeleton("env")).run();
        outcome.status(78).program_did_not_run();
    }
}

#[test]
fn a_kubernetes_secret_that_is_filled_in_launches() {
    for service in SERVICES {
        let mut text = service.skeleton("kubernetes");
        for (file, _, value) in service.secrets {
            let line = format!("  # {file}: \"\"");
            text = filled(&text, &line, &format!("  {file}: \"{value}\""));
        }
        let secret: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(secret["kind"], "Secret");
        // As the kubelet mounts it: a generation behind a link, and a link for each key.
        let mut launch = service.launch().options(["--secrets-dir", "{root}/volume"]);
        let data = secret["stringData"].as_object().unwrap();
        assert_eq!(data.len(), service.secrets.len(), "{text}");
        for (key, value) in data {
            launch = launch
                .file(&format!("volume/..2026/{key}"), value.as_str().unwrap())
                .link(&format!("volume/{key}"), &format!("..data/{key}"));
        }
        service.arrives(launch.link("volume/..data", "..2026"));
    }
}

#[test]
fn a_compose_file_that_is_filled_in_launches() {
    for service in SERVICES {
        let mut text = service.skeleton("compose");
        text = filled(&text, "    # secrets:", "    secrets:");
        text = filled(&text, "# secrets:", "secrets:");
        for (file, ..) in service.secrets {
            text = filled(&text, &format!("    #   - {file}"), &format!("      - {file}"));
            text = filled(&text, &format!("#   {file}:"), &format!("  {file}:"));
            let line = format!("#     file: ./secrets/{file}");
            text = filled(&text, &line, &format!("    file: ./secrets/{file}"));
        }
        let compose: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let services = compose["services"].as_object().unwrap();
        assert_eq!(services.len(), 1, "{text}");
        // As compose mounts them: /run/secrets/NAME from the named file.
        let mut launch = service.launch().options(["--secrets-dir", "{root}/run"]);
        for name in services.values().next().unwrap()["secrets"].as_array().unwrap() {
            let name = name.as_str().unwrap();
            let path = compose["secrets"][name]["file"].as_str().unwrap();
            let (_, _, value) = service.secrets.iter().find(|it| it.0 == name).unwrap();
            launch = launch
                .file(path.trim_start_matches("./"), value)
                .link(&format!("run/{name}"), &format!("{{root}}/{}", &path[2..]));
        }
        service.arrives(launch);
        // The gate for deployments takes it, but for the image that nobody has named yet.
        let checked = Launch::command("check", ["--mode", "production"])
            .options(["--contract", &service.contract()])
            .file("compose.yaml", &text)
            .args(["--deployment", "{root}/compose.yaml"])
            .run();
        assert!(checked.out().contains("unpinned-image"), "{checked}");
        let required_by_file = !checked.out().contains("missing-required: JWT_SECRET");
        assert!(required_by_file, "{checked}");
    }
}

#[test]
fn credentials_of_a_unit_that_are_filled_in_launch() {
    for service in SERVICES {
        let mut text = service.skeleton("systemd");
        for (file, ..) in service.secrets {
            let line = format!("# LoadCredential={file}:");
            text = filled(&text, &line, &format!("LoadCredential={file}:/etc/credstore/{file}"));
        }
        let mut launch = service.launch().env("CREDENTIALS_DIRECTORY", "{root}/credentials");
        let loaded = text.lines().filter_map(|line| line.strip_prefix("LoadCredential="));
        let loaded: Vec<_> = loaded.filter_map(|it| it.split_once(':')).collect();
        assert_eq!(loaded.len(), service.secrets.len(), "{text}");
        for (name, _) in loaded {
            let (_, _, value) = service.secrets.iter().find(|it| it.0 == name).unwrap();
            launch = launch.file(&format!("credentials/{name}"), value);
        }
        service.arrives(launch);
    }
}

#[test]
fn names_that_a_platform_would_not_take_are_others_in_skeletons() {
    let contract = "version: 1\nname: My_Service.X\nvariables:\n- {name: A_KEY, secret: true, files: ['a b', x/y]}\n- {name: ON, secret: true}\n";
    let print = |form: &str| {
        let launch = Launch::command("contract", ["template", "--for", form, "{root}/c.yaml"]);
        launch.file("c.yaml", contract).run().status(0).out()
    };
    let kubernetes = print("kubernetes");
    for expected in ["  name: my-service.x\n", "  # a-key: \"\"\n", "  # \"on\": \"\"\n"] {
        assert!(kubernetes.contains(expected), "{expected}\n{kubernetes}");
    }
    let compose = print("compose");
    for expected in ["  My_Service.X:\n", "    #   - \"on\"\n", "#   \"on\":\n"] {
        assert!(compose.contains(expected), "{expected}\n{compose}");
    }
    assert!(print("systemd").contains("# LoadCredential=a-key:\n"));
}
