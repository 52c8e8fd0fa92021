//! How the release binary is linked: packaging/link/README.md.

use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=packaging/link/build.rs");
    println!("cargo::rerun-if-changed=packaging/link/first.ld");
    let library = env::var("CARGO_CFG_TARGET_ENV")?;
    if library == "gnu" {
        // The C library's own malloc and start of tunables give way to src/sys/c_memory.rs.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,muldefs");
    }
    if env::var("PROFILE")? != "release" || env::var("CARGO_CFG_TARGET_ARCH")? != "x86_64" {
        return Ok(());
    }
    let list = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("packaging/link/first.ld");
    if library == "gnu" {
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", list.display());
        println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    } else {
        // The program's own code in the same order, then what it mostly uses of a standard library
        // that is built here, under other names than the toolchain's, and all of the C library,
        // which is small. Tables for unwinding are few there, and stay.
        const END: &str = "  }\n}\nINSERT BEFORE .text;\n";
        let whole = fs::read_to_string(list)?;
        let own = whole.split(END).next().unwrap_or_default();
        let others = ["4core3str", "4core5slice", "4core3ffi", "5alloc", "3std4path", "3std2io"];
        let others = others.map(|room| format!("    *(.text._ZN{room}*)\n")).concat();
        let order = [own, &others, "    *libc.a:*(.text .text.*)\n", END].concat();
        let own = Path::new(&env::var("OUT_DIR")?).join("first.ld");
        fs::write(&own, order)?;
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", own.display());
    }
    Ok(())
}
