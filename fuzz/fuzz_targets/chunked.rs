//! Chunked bodies: the same in pieces, by a plain reading, and after encoding them again.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| evenkeel_fuzz::bodies::check(input));
