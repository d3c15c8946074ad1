//! Request smuggling: a careless endpoint sees the requests that were forwarded, and no other.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| evenkeel_fuzz::relay::check(input));
