//! The numbers that the protocol gives types and response codes (IANA, DNS parameters).

/// Type numbers that are treated in a way of their own.
pub mod rtype {
    macro_rules! types {
        ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
            $($(#[$doc])* pub const $name: u16 = $number;)*
        };
    }

    types! {
        /// An IPv4 address.
        A = 1;
        /// A name server.
        NS = 2;
        /// Another name.
        CNAME = 5;
        /// Begins a zone.
        SOA = 6;
        /// The name of an address.
        PTR = 12;
        /// What a host is.
        HINFO = 13;
        /// A mail server.
        MX = 15;
        /// Free text.
        TXT = 16;
        /// An IPv6 address.
        AAAA = 28;
        /// Where a service is.
        SRV = 33;
        /// Other names for everything below a name.
        DNAME = 39;
        /// The pseudo-record of EDNS.
        OPT = 41;
        /// The digest of a delegated zone's key.
        DS = 43;
        /// A signature.
        RRSIG = 46;
        /// Proof of what does not exist.
        NSEC = 47;
        /// A zone's key.
        DNSKEY = 48;
        /// A digest for the zone above to publish (RFC 7344).
        CDS = 59;
        /// A key for the zone above to publish the digest of (RFC 7344).
        CDNSKEY = 60;
        /// How to reach a service.
        SVCB = 64;
        /// How to reach a web server.
        HTTPS = 65;
        /// Says in proofs that the name itself is not there; never a question (RFC 9824).
        NXNAME = 128;
        /// Key exchange; a question only.
        TKEY = 249;
        /// A message's signature.
        TSIG = 250;
        /// A zone's changes; a question only.
        IXFR = 251;
        /// A whole zone; a question only.
        AXFR = 252;
        /// Everything there is; a question only.
        ANY = 255;
    }
}

/// What became of a query (RFC 1035 section 4.1.1, RFC 6891 section 6.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rcode {
    /// Answered, perhaps with nothing.
    NoError,
    /// The query is malformed.
    FormErr,
    /// We failed.
    ServFail,
    /// There is no such name.
    NxDomain,
    /// Nothing of the kind is done here.
    NotImp,
    /// Not by us, or not for you.
    Refused,
    /// The zone is not ours, or the transaction's signature is not right (RFC 8945).
    NotAuth,
    /// A version of EDNS that is unknown here.
    BadVers,
    /// The cookie is missing or wrong (RFC 7873).
    BadCookie,
}

impl Rcode {
    /// The number, of twelve bits: the upper eight are in the OPT record.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::NoError => 0,
            Self::FormErr => 1,
            Self::ServFail => 2,
            Self::NxDomain => 3,
            Self::NotImp => 4,
            Self::Refused => 5,
            Self::NotAuth => 9,
            Self::BadVers => 16,
            Self::BadCookie => 23,
        }
    }

    /// The word for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoError => "NOERROR",
            Self::FormErr => "FORMERR",
            Self::ServFail => "SERVFAIL",
            Self::NxDomain => "NXDOMAIN",
            Self::NotImp => "NOTIMP",
            Self::Refused => "REFUSED",
            Self::NotAuth => "NOTAUTH",
            Self::BadVers => "BADVERS",
            Self::BadCookie => "BADCOOKIE",
        }
    }
}
