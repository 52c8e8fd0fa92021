//! Contracts with providers, and what is left of those.

use super::{Launch, find};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Launch {
    /// With the contract `text`, in which `{root}` is replaced, in a file that `--contract` names.
    #[must_use]
    pub fn contract(self, text: &str) -> Self {
        let text = self.expand(text.as_bytes());
        self.file("contract.yaml", text).options(["--contract", "{root}/contract.yaml"])
    }

    /// With a contract from nothing: one secret variable of each name, each from a raw provider
    /// that is `/bin/sh {root}/NAME.sh`, and further keys of the providers.
    #[must_use]
    pub fn provided(self, providers: &[(&str, &str)], keys: &str) -> Self {
        let mut launch = self;
        let (mut rows, mut list) = (String::new(), String::new());
        for (name, script) in providers {
            rows += &format!(
                "  - {{name: {name}, secret: true, provider: {name}, required: always}}\n"
            );
            list += &provider(name, keys);
            let script = launch.expand(script.as_bytes());
            launch = launch.file(&format!("{name}.sh"), script);
        }
        launch
            .link("nap", "/bin/sleep")
            .contract(&format!("version: 1\nname: own\nvariables:\n{rows}providers:\n{list}"))
    }
}

/// The entry of a raw provider that runs `{root}/NAME.sh`, with further keys in flow style.
pub fn provider(name: &str, keys: &str) -> String {
    format!("  - {{name: {name}, command: [/bin/sh, '{{root}}/{name}.sh'], format: raw{keys}}}\n")
}

/// The processes whose command line names a file below the directory, zombies included where the
/// kernel still knows their line, as id and state.
pub fn left(root: &Path) -> Vec<(i32, String)> {
    // With the slash: the directory of another test can have a longer name.
    let root = [root.as_os_str().as_bytes(), b"/"].concat();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let pid = entry.file_name().to_string_lossy().parse::<i32>();
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if let (Ok(pid), Some(_)) = (pid, find(&line, &root)) {
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            found.push((pid, line));
        }
    }
    found
}
