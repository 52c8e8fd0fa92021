//! What has to hold for whatever bytes there are: one file a target, each with a function that
//! takes the bytes and panics where its property does not hold.
//!
//! `tests/fuzz/fuzz_targets` runs them under libFuzzer, and `tests/fuzz_corpus.rs` replays the
//! corpus by them in every `cargo test`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(missing_docs, dead_code, reason = "each fuzz target uses one of them")]

pub mod audit;
pub mod contract;
pub mod decode;
pub mod deployment;
pub mod env_file;
pub mod head;
pub mod launch;
pub mod ledger;
pub mod manifest;
pub mod mask;
pub mod scan;
pub mod template;
pub mod url;
pub mod words;
pub mod world;

/// What a target holds of some bytes.
pub type Hold = fn(&[u8]);

/// Every target by its name, which is also that of its corpus.
pub const ALL: &[(&str, Hold)] = &[
    ("audit", audit::hold),
    ("contract", contract::hold),
    ("deployment", deployment::hold),
    ("env_file", env_file::hold),
    ("head", head::hold),
    ("launch", launch::hold),
    ("ledger", ledger::hold),
    ("manifest", manifest::hold),
    ("mask", mask::hold),
    ("scan", scan::hold),
    ("template", template::hold),
    ("url", url::hold),
    ("words", words::hold),
];
