//! Cloudflare-shaped documents: validation, defaults, and conversion to the model

#![no_std]

extern crate alloc;
