//! Sans-I/O HTTP/1.1 codec, strict by RFC 9112

#![no_std]

extern crate alloc;
