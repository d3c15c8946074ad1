//! DNS messages: whatever comes in, what goes out is a response that fits and can be read.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| evenkeel_fuzz::dns::check(input));
