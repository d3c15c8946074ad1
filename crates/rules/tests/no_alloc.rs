//! Proof that typical rules are evaluated without allocating: an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Cow;
use std::cell::Cell;
use std::net::IpAddr;
use std::ops::ControlFlow;

use evenkeel_rules::{
    BooleanField, Expression, Facts, HeaderVisitor, IntegerField, IpField, TextField,
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u32> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged; counting touches a constant-
// initialised thread local without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` by `alloc` above, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Request;

const HEADERS: [(&[u8], &[u8]); 3] = [
    (b"X-Canary", b"yes"),
    (b"accept-language", b"de-DE,de;q=0.9"),
    (b"X-Json", br#"{"user": {"plan": "pro", "id": 7}}"#),
];

impl Facts for Request {
    fn is_proxied(&self) -> bool {
        true
    }

    fn text(&self, field: TextField) -> Option<Cow<'_, [u8]>> {
        Some(Cow::Borrowed(match field {
            TextField::Host => b"shop.example",
            TextField::UriPath => b"/api/v1/cart".as_slice(),
            TextField::UriQuery => b"version=2&debug=1",
            TextField::Method => b"GET",
            TextField::LoadBalancerRegion => b"WEU",
            _ => return None,
        }))
    }

    fn integer(&self, field: IntegerField) -> Option<i64> {
        (field == IntegerField::SourceAsn).then_some(64496)
    }

    fn boolean(&self, _: BooleanField) -> Option<bool> {
        None
    }

    fn ip(&self, _: IpField) -> Option<IpAddr> {
        Some(IpAddr::from([198, 51, 100, 7]))
    }

    fn each_header<'a>(&'a self, name: Option<&[u8]>, visit: &mut HeaderVisitor<'a, '_>) {
        let _: ControlFlow<()> = HEADERS
            .iter()
            .filter(|(known, _)| name.is_none_or(|name| known.eq_ignore_ascii_case(name)))
            .try_for_each(|(name, value)| visit(name, value));
    }
}

#[test]
fn typical_rules_allocate_nothing() {
    for (text, expected) in [
        (r#"http.host eq "shop.example" and http.request.uri.path contains "/v1/""#, true),
        (r#"starts_with(http.request.uri.path, "/api/") && http.request.method ne "POST""#, true),
        (r#"lower(http.host) in {"a.example" "shop.example" "z.example"}"#, true),
        ("ip.src in {10.0.0.0/8 198.51.100.0/24 2001:db8::/32} or ip.src.asnum in {1..9}", true),
        (r#"http.request.headers["x-canary"][0] eq "yes""#, true),
        (r#"any(http.request.headers["accept-language"][*] contains "de")"#, true),
        (r#"any(lower(http.request.headers[*][*])[*] eq "yes")"#, true),
        (r#"not all(http.request.uri.args["version"][*] eq "1")"#, true),
        (r#"any(http.request.uri.args.names[*] eq "debug") and len(http.host) gt 3"#, true),
        (r#"http.request.uri.path wildcard "/API/*/cart""#, true),
        (r#"http.request.uri.path strict wildcard "/API/*""#, false),
        (r#"http.request.uri.path matches "^/api/v[0-9]+/(cart|order)$""#, true),
        (r#"substring(http.host, -8) eq ".example" xor dns.qry.type == 28"#, true),
        (r#"lookup_json_integer(http.request.headers["x-json"][0], "user", "id") eq 7"#, true),
        (r#"cf.load_balancer.region in {"WEU" "EEU"} and not http.cookie contains "x""#, true),
    ] {
        let expression = Expression::parse(text).unwrap();
        // A regular expression allocates its caches when it is first used.
        assert_eq!(expression.matches(&Request), expected, "{text}");

        let before = ALLOCATIONS.get();
        assert_eq!(expression.matches(&Request), expected, "{text}");
        let copy = expression.clone();
        assert!(copy == expression);
        assert_eq!(ALLOCATIONS.get() - before, 0, "{text}");
    }
}
