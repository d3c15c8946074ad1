//! Response heads: accepted only by the grammar, and the same in pieces as in one.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| evenkeel_fuzz::heads::response(input));
