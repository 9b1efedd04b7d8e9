//! Fuzzes `hostile::onnx`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hostile::onnx(bytes));
