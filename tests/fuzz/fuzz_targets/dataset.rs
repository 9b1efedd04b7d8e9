//! Fuzzes `hostile::dataset`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::dataset(bytes));
