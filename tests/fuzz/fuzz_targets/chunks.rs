//! Fuzzes `hostile::chunks`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::chunks(bytes));
