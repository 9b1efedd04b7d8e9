//! Fuzzes `hostile::sealed`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::sealed(bytes));
