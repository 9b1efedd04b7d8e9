//! Fuzzes `hostile::advance`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::advance(bytes));
