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
pub const SLOW: &[&str] = &[
    "pieces_of_any_length_give",
    "every_form_is_found_across_every_border",
    "many_values_in_one_text_are_found",
    "mask::filter",
    "source::tests",
    "yaml::",
    "a_composed_url_parses_back",
    "every_flipped_bit_is_found",
    "whatever_stands_in_a_file",
];

/// All of them, in the order in which they are run.
pub const ROOMS: &[Room] = &[
    Room {
        name: "environment",
        files: &["src/environment.rs"],
        units: &["environment::"],
        slow_units: &[],
        tests: &["environment", "contract_operator", "providers", "manifest", "privileges"],
    },
    Room {
        name: "resolve",
        files: &["src/resolve/"],
        units: &["resolve", "launch", "validate::"],
        slow_units: &[],
        tests: &[
            "relations",
            "templates",
            "modes",
            "features",
            "sources",
            "accept",
            "environment",
            "env_files",
            "providers",
            "findings",
        ],
    },
    Room {
        name: "validate",
        files: &["src/validate/"],
        units: &["validate::", "generate"],
        slow_units: &[],
        tests: &[
            "relations",
            "policy",
            "rotate",
            "contract_policy",
            "ledger_launch",
            "modes",
            "insecure_contract",
            "permissions",
            "accept",
            "contract_operator",
            "manifest",
            "env_files",
            "features",
            "providers",
            "sources",
            "findings",
            "bad_input",
        ],
    },
    Room {
        name: "redact",
        files: &[
            "src/url/",
            "src/needles.rs",
            "src/manifest/",
            "src/secret.rs",
            "src/fingerprint.rs",
            "src/output.rs",
        ],
        units: &[
            "url::",
            "needles::tests",
            "manifest",
            "secret",
            "fingerprint",
            "output",
            "report",
            "compose",
        ],
        slow_units: &[],
        tests: &[
            "manifest_golden",
            "relations",
            "terminal",
            "manifest",
            "check",
            "closed_streams",
            "fingerprint",
            "templates",
            "canary_shown_text",
            "waiting",
            "privileges",
            "findings",
        ],
    },
    Room {
        name: "needles",
        files: &["src/needles/"],
        units: &["needles"],
        slow_units: &[
            "pieces_of_any_length_give",
            "every_form_is_found_across_every_border",
            "many_values_in_one_text_are_found",
        ],
        tests: &["leak_scan", "mask", "mask_output"],
    },
    Room {
        name: "ledger",
        files: &["src/ledger/"],
        units: &["ledger::", "rotate"],
        slow_units: &["every_flipped_bit_is_found", "whatever_stands_in_a_file"],
        tests: &[
            "ledger",
            "ledger_launch",
            "rotate",
            "rotate_tell",
            "rotate_exposed",
            "leak_respond",
            "leak_walk",
            "ledger_writes",
        ],
    },
];
