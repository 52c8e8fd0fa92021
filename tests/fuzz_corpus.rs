//! The corpus of the fuzz targets, replayed: every file by the property of its target, without a
//! fuzzer. `tests/fuzz/run` makes and minimises it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "fuzz/properties/mod.rs"]
mod properties;

use std::fs;
use std::path::{Path, PathBuf};

fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}

#[test]
fn every_file_of_every_corpus_holds_its_property() {
    let mut replayed = 0;
    for (name, hold) in properties::ALL {
        let files = files(&corpus().join(name));
        assert!(!files.is_empty(), "the corpus of {name} is empty");
        for file in &files {
            // Told first: a panic tells the property and not the input.
            print!("{name} {} ", file.display());
            hold(&fs::read(file).unwrap());
            println!("holds");
        }
        replayed += files.len();
    }
    println!("replayed {replayed} inputs by {} targets", properties::ALL.len());
}

#[test]
fn every_target_has_its_program_and_every_corpus_its_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let targets: Vec<&str> = properties::ALL.iter().map(|(name, _)| *name).collect();
    assert!(targets.len() >= 10);
    for name in &targets {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no program");
        let program = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("properties::{name}::hold")), "{name}");
    }
    for directory in files(&corpus()) {
        let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
        assert!(targets.contains(&&*name), "{name} is the corpus of no target");
    }
}

#[test]
fn the_corpus_stays_small() {
    let all = files(&corpus()).into_iter().flat_map(|directory| files(&directory));
    let sizes: Vec<u64> = all.map(|file| fs::metadata(file).unwrap().len()).collect();
    assert!(sizes.iter().sum::<u64>() <= 1_500_000);
    assert!(sizes.iter().all(|size| *size <= 32 * 1024));
}
