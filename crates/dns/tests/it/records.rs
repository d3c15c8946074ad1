//! Ordinary records (RFC 1034, RFC 4592, RFC 2308).
