//! Fuzzes `hostile::portal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::portal(bytes));
