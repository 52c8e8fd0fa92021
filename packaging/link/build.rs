//! How the release binary is linked: packaging/link/README.md.

use std::env;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=packaging/link/build.rs");
    println!("cargo::rerun-if-changed=packaging/link/first.ld");
    println!("cargo::rerun-if-changed=packaging/link/musl.ld");
    let library = env::var("CARGO_CFG_TARGET_ENV")?;
    if library == "gnu" {
        // The C library's reading of tunables gives way to src/sys/c_memory.rs.
        println!("cargo::rustc-link-arg-bins=-Wl,--wrap=__tunables_init");
    }
    if env::var("PROFILE")? != "release" || env::var("CARGO_CFG_TARGET_ARCH")? != "x86_64" {
        return Ok(());
    }
    let list = if library == "gnu" { "first.ld" } else { "musl.ld" };
    let list = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("packaging/link").join(list);
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", list.display());
    if library == "gnu" {
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    }
    Ok(())
}
