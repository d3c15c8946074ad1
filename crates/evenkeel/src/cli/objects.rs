//! The flags of the fields of objects, one structure to a kind. Whatever has none here is reached
//! by `--set` and `--body`. What a flag means for the document is in `commands`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::remote::{BodyArgs, ObjectArgs, Remote};
use super::values::{Member, Place, coordinates, header, member, number, origin, place, weight};

/// A command about load balancers.
#[derive(Debug, Args)]
pub(crate) struct LbArgs {
    /// Zone, by name or id; else the one that the host name lies in
    #[arg(long, global = true, value_name = "NAME|ID")]
    pub(crate) zone: Option<String>,
    #[command(flatten)]
    pub(crate) object: ObjectArgs<LbFields>,
}

/// Fields of a load balancer.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct LbFields {
    /// New host name
    #[arg(long, value_name = "NAME")]
    pub(crate) rename: Option<String>,
    /// Pool, by name or id, in failover order; repeatable
    #[arg(long, value_name = "POOL")]
    pub(crate) pool: Vec<String>,
    /// Pool of last resort; a new load balancer takes the last --pool
    #[arg(long, value_name = "POOL")]
    pub(crate) fallback: Option<String>,
    /// How a pool is chosen: off, geo, random, dynamic_latency, proximity, least_outstanding_requests or least_connections
    #[arg(long, value_name = "POLICY")]
    pub(crate) steering: Option<String>,
    /// Pass traffic through the proxy; otherwise DNS answers with endpoints
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) proxied: Option<bool>,
    /// Own the host name
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) enabled: Option<bool>,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Lifetime of DNS answers, in seconds
    #[arg(long, value_name = "S")]
    pub(crate) ttl: Option<u32>,
    /// Pools of a region such as WEU; no pool takes the entry away; repeatable
    #[arg(long, value_name = "CODE=POOL,…", value_parser = place)]
    pub(crate) region: Vec<Place>,
    /// Pools of a country such as PT; repeatable
    #[arg(long, value_name = "CODE=POOL,…", value_parser = place)]
    pub(crate) country: Vec<Place>,
    /// Pools of a point of presence such as LIS; repeatable
    #[arg(long, value_name = "CODE=POOL,…", value_parser = place)]
    pub(crate) pop: Vec<Place>,
    /// Weight of a pool, 0 to 1, for policies that draw; repeatable
    #[arg(long, value_name = "POOL=WEIGHT", value_parser = weight)]
    pub(crate) pool_weight: Vec<(String, f64)>,
    /// Weight of pools without one of their own, 0 to 1
    #[arg(long, value_name = "WEIGHT")]
    pub(crate) default_weight: Option<f64>,
    /// What ties a client to an endpoint: none, cookie, ip_cookie or header
    #[arg(long, value_name = "KIND")]
    pub(crate) affinity: Option<String>,
    /// How long, in seconds
    #[arg(long, value_name = "S")]
    pub(crate) affinity_ttl: Option<u32>,
    /// Header that sessions are recognised by; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) affinity_header: Vec<String>,
    /// How long a disabled endpoint keeps its sessions, in seconds
    #[arg(long, value_name = "S")]
    pub(crate) drain: Option<u32>,
    /// Let the retry of a request go to another pool
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) failover_across_pools: Option<bool>,
}

/// Fields of a pool.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PoolFields {
    /// New name
    #[arg(long, value_name = "NAME")]
    pub(crate) rename: Option<String>,
    /// Endpoint; repeatable. To change a pool: the new list. Keys: name, weight, enabled, port, host, flatten_cname, virtual_network_id
    #[arg(long, value_name = "[NAME=]ADDRESS[:PORT][,KEY=VALUE…]", value_parser = origin)]
    pub(crate) origin: Vec<Value>,
    /// Endpoint that joins those there are; repeatable
    #[arg(long, value_name = "[NAME=]ADDRESS[:PORT][,KEY=VALUE…]", value_parser = origin)]
    pub(crate) add_origin: Vec<Value>,
    /// Endpoint that leaves, by name or address; repeatable
    #[arg(long, value_name = "NAME")]
    pub(crate) remove_origin: Vec<String>,
    /// Monitor, by description or id; "" detaches
    #[arg(long, value_name = "MONITOR")]
    pub(crate) monitor: Option<String>,
    /// Monitor group, by description or id; "" detaches
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Healthy endpoints below which the pool is unhealthy
    #[arg(long, value_name = "N")]
    pub(crate) minimum_origins: Option<u32>,
    /// Serve at all
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) enabled: Option<bool>,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// How an endpoint is chosen: random, hash, least_outstanding_requests, least_connections or (ours) least_latency
    #[arg(long, value_name = "POLICY")]
    pub(crate) steering: Option<String>,
    /// Where the pool is, in degrees, for proximity steering: 38.72/-9.14
    #[arg(long, value_name = "LAT/LON", allow_hyphen_values = true, value_parser = coordinates)]
    pub(crate) coordinates: Option<(f64, f64)>,
    /// Region that probes come from; repeatable
    #[arg(long, value_name = "CODE")]
    pub(crate) check_region: Vec<String>,
    /// Share of new traffic that is turned away, 0 to 100
    #[arg(long, value_name = "PERCENT")]
    pub(crate) shed: Option<f64>,
    /// Share of sessions that are turned away, 0 to 100
    #[arg(long, value_name = "PERCENT")]
    pub(crate) shed_sessions: Option<f64>,
}

/// Fields of a monitor. It goes by its description.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct MonitorFields {
    /// New description
    #[arg(long, value_name = "TEXT")]
    pub(crate) rename: Option<String>,
    /// What a probe does: http, https, tcp, udp_icmp, icmp_ping or smtp
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// Path of the request
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    /// Port, where it is not the protocol's own
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// GET or HEAD
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// Header field of the request; repeatable
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,
    /// Seconds between probes of an endpoint; fractions where the server allows them
    #[arg(long, value_name = "S", value_parser = number)]
    pub(crate) interval: Option<serde_json::Number>,
    /// Seconds that one attempt may take
    #[arg(long, value_name = "S", value_parser = number)]
    pub(crate) timeout: Option<serde_json::Number>,
    /// Attempts after one that timed out
    #[arg(long, value_name = "N")]
    pub(crate) retries: Option<u32>,
    /// Passes in a row that make an endpoint healthy
    #[arg(long, value_name = "N")]
    pub(crate) consecutive_up: Option<u32>,
    /// Failures in a row that make an endpoint unhealthy
    #[arg(long, value_name = "N")]
    pub(crate) consecutive_down: Option<u32>,
    /// Status codes that pass: 200, 2xx, or a comma list of them
    #[arg(long, value_name = "CODES")]
    pub(crate) expected_codes: Option<String>,
    /// Text that the body of a passing answer has
    #[arg(long, value_name = "TEXT")]
    pub(crate) expected_body: Option<String>,
    /// Follow redirects
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) follow_redirects: Option<bool>,
    /// Take any certificate
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) allow_insecure: Option<bool>,
}

/// Fields of a monitor group. It goes by its description.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct GroupFields {
    /// New description
    #[arg(long, value_name = "TEXT")]
    pub(crate) rename: Option<String>,
    /// Monitor of the group; repeatable. Flags: must_be_healthy, monitoring_only, disabled
    #[arg(long, value_name = "MONITOR[,FLAG…]", value_parser = member)]
    pub(crate) member: Vec<Member>,
}

/// Fields of a zone.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ZoneFields {
    /// Let its proxied records answer with what they say themselves, past the proxy
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) paused: Option<bool>,
    /// How its DNS is served: full, partial, secondary or internal
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
}

/// A command about DNS records, which are known by name and type.
#[derive(Debug, Args)]
pub(crate) struct DnsArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Zone, by name or id; else the one that the name lies in
    #[arg(long, global = true, value_name = "NAME|ID")]
    pub(crate) zone: Option<String>,
    #[command(subcommand)]
    pub(crate) verb: DnsVerb,
}

/// What can be done with DNS records.
#[derive(Debug, Subcommand)]
pub(crate) enum DnsVerb {
    /// Show all, of all zones unless one is named
    List,
    /// Show one
    Get(RecordName),
    /// Make one
    Create {
        /// Full name
        name: String,
        /// A, AAAA, CNAME, TXT, …
        #[arg(value_name = "TYPE")]
        kind: String,
        /// What it says
        content: Option<String>,
        #[command(flatten)]
        fields: RecordFields,
        #[command(flatten)]
        body: BodyArgs,
    },
    /// Change one; what is not named stays as it is
    Set {
        #[command(flatten)]
        record: RecordName,
        /// What it says
        #[arg(long, value_name = "TEXT")]
        content: Option<String>,
        #[command(flatten)]
        fields: RecordFields,
        #[command(flatten)]
        body: BodyArgs,
    },
    /// Delete one, without asking back
    Delete(RecordName),
    /// Add the records of a zone file to those there are
    Import {
        /// The file; - for standard input
        #[arg(value_name = "FILE")]
        file: std::path::PathBuf,
        /// Let those that can be resolve to this installation
        #[arg(long)]
        proxied: bool,
    },
    /// Write the records of a zone as a zone file
    Export,
    /// Sign a zone (DNSSEC), and show what its registrar has to be told
    Sign(ZoneName),
    /// Show what the registrar of a signed zone has to be told
    Ds(ZoneName),
    /// Tell the secondary name servers of a zone to look for changes
    Notify(ZoneName),
    /// Sign a zone no longer. Take its DS record away from the registrar first
    Unsign {
        #[command(flatten)]
        zone: ZoneName,
        /// Let the key go as well: signed again, the zone has another one
        #[arg(long)]
        forget_key: bool,
    },
}

/// A zone.
#[derive(Debug, Args)]
pub(crate) struct ZoneName {
    /// Zone, by name or id
    #[arg(value_name = "ZONE")]
    pub(crate) zone: String,
}

/// One DNS record.
#[derive(Debug, Args)]
pub(crate) struct RecordName {
    /// Full name, or id
    #[arg(value_name = "NAME|ID")]
    pub(crate) name: String,
    /// Its type, where the name has several
    #[arg(value_name = "TYPE")]
    pub(crate) kind: Option<String>,
}

/// Fields of a DNS record.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RecordFields {
    /// Lifetime of answers in seconds; 1 is automatic
    #[arg(long, value_name = "S")]
    pub(crate) ttl: Option<u32>,
    /// Pass traffic through the proxy
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) proxied: Option<bool>,
    /// Priority of MX and URI records
    #[arg(long, value_name = "N")]
    pub(crate) priority: Option<u16>,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
}
