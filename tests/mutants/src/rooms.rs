//! The rooms, and the tests that hold each: first the units, then the integration tests, those
//! first that find most in least time.

/// A room and its tests.
pub struct Room {
    pub name: &'static str,
    /// Beginnings of its files' names.
    pub files: &'static [&'static str],
    /// Filters of the unit tests; all where there is none.
    pub units: &'static [&'static str],
    /// Unit tests of `SLOW` that belong to it.
    pub slow_units: &'static [&'static str],
    /// Integration tests.
    pub tests: &'static [&'static str],
}

/// Unit tests that take seconds and hold one room only.
pub const SLOW: &[&str] = &["needles::stream", "mask::"];

/// All of them, in the order in which they are run.
pub const ROOMS: &[Room] = &[
    Room {
        name: "environment",
        files: &["src/environment.rs"],
        units: &[],
        slow_units: &[],
        tests: &["environment", "features", "manifest", "providers", "privileges", "properties"],
    },
    Room {
        name: "resolve",
        files: &["src/resolve/"],
        units: &[],
        slow_units: &[],
        tests: &[
            "sources", "modes", "features", "environment", "findings", "templates", "bad_input",
            "contract_operator", "contract_features", "providers", "explain", "check", "properties",
        ],
    },
    Room {
        name: "validate",
        files: &["src/validate/"],
        units: &[],
        slow_units: &[],
        tests: &[
            "findings", "enforce", "accept", "modes", "policy", "bad_input", "contract_policy",
            "contract_operator", "gateway", "generated_values", "check", "generate", "templates",
            "properties",
        ],
    },
    Room {
        name: "redact",
        files: &[
            "src/url/", "src/needles.rs", "src/manifest/", "src/secret.rs", "src/fingerprint.rs",
            "src/output.rs",
        ],
        units: &[],
        slow_units: &[],
        tests: &[
            "manifest", "canary", "canary_shown_text", "fingerprint", "audit", "schemas",
            "templates", "explain", "environment", "permissions", "waiting", "terminal",
            "properties", "providers",
        ],
    },
    Room {
        name: "needles",
        files: &["src/needles/"],
        units: &["needles"],
        slow_units: &["needles::stream", "mask::"],
        tests: &["leak_scan", "mask"],
    },
    Room {
        name: "ledger",
        files: &["src/ledger/"],
        units: &[],
        slow_units: &[],
        tests: &[
            "ledger", "ledger_writes", "ledger_flips", "ledger_launch", "rotate", "rotation_life",
            "rotate_tell", "leak_respond",
        ],
    },
];
