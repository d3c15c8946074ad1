//! Self-hosted load balancer that speaks the Cloudflare Load Balancing API
fn main() {}
