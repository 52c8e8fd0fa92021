//! Started under a program's own name: a link such as `/usr/local/bin/nexis-gateway` that leads to
//! the launcher, so that whoever overrides a container's command, or an ExecStart, by the
//! program's name still gets the launcher.

use crate::contract;
use crate::contract::model::Contract;
use crate::error::Error;
use crate::launch::{conceal, lookup};
use crate::sys::process;
use std::ffi::CStr;
use std::path::Path;

/// The launcher's own name.
const OWN: &[u8] = b"nexis-launch";

/// The program that the contract in force has for the name that the launcher was started under.
/// `None` for its own name, for no name, and for one that the contract does not list. The
/// contract is read for a foreign name only.
///
/// # Errors
/// What is wrong with the contract: without it nobody can tell which program is meant.
pub fn program(argument: Option<&CStr>) -> Result<Option<&'static str>, Vec<Error>> {
    let name = argument.and_then(|it| it.to_bytes().rsplit(|&byte| byte == b'/').next());
    let Some(name) = name.filter(|name| !name.is_empty() && *name != OWN) else { return Ok(None) };
    let entries = process::environment();
    // A setting that is not UTF-8 is refused by whoever reads all of them.
    let path = lookup(&entries, b"NEXIS_LAUNCH_CONTRACT").and_then(|it| str::from_utf8(it).ok());
    let path = path.filter(|path| !path.trim().is_empty()).map(Path::new);
    let contract = contract::load(path).map_err(|error| conceal(vec![error], &entries))?;
    Ok(listed(contract, name))
}

fn listed(contract: &Contract, name: &[u8]) -> Option<&'static str> {
    let found = contract.program.iter().find(|(link, _)| link.as_bytes() == name);
    found.map(|&(_, path)| path)
}
