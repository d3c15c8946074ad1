//! Rule expressions: parsed, printed and parsed again they are the same and hold as often.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| evenkeel_fuzz::rules::check(input));
