#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::env_file::hold(bytes));
