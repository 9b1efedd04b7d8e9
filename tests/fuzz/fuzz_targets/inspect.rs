//! Fuzzes `hostile::inspect`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::inspect(bytes));
