//! Zones: DNS domains of an account, under which its load balancers have their names (api.md 6.1).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use evenkeel_model::HostPattern;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Account;
use crate::body;
use crate::context::{Context, Verb};
use crate::hosts;
use crate::problem::{Problem, Problems, ZONE_EXISTS};
use crate::read::{Clipped, Object};
use crate::words::words;

/// Most name servers a user may name.
const VANITY_NAME_SERVERS_MAX: usize = 16;

/// A zone. A new one is active at once (api.md 6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Zone {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// The domain in lower case without a final dot; constant.
    pub name: String,
    /// Always `active`.
    #[schemars(extend("readOnly" = true))]
    pub status: ZoneStatus,
    /// Whether its proxied records answer with what they say themselves, past the proxy.
    pub paused: bool,
    /// How its DNS is served.
    pub r#type: ZoneType,
    /// Seconds left without caches; always 0.
    #[schemars(extend("readOnly" = true))]
    pub development_mode: u32,
    /// Who serves it.
    #[schemars(extend("readOnly" = true))]
    pub name_servers: Vec<String>,
    /// Who served it before it came here: unknown, null.
    #[schemars(extend("readOnly" = true))]
    pub original_name_servers: Option<Vec<String>>,
    /// Likewise.
    #[schemars(extend("readOnly" = true))]
    pub original_registrar: Option<String>,
    /// Likewise.
    #[schemars(extend("readOnly" = true))]
    pub original_dnshost: Option<String>,
    /// Name servers under the zone's own name.
    pub vanity_name_servers: Vec<String>,
    /// When it was last written.
    #[schemars(extend("readOnly" = true))]
    pub modified_on: String,
    /// When it was created; constant.
    #[schemars(extend("readOnly" = true))]
    pub created_on: String,
    /// When it became active: at creation.
    #[schemars(extend("readOnly" = true))]
    pub activated_on: String,
    /// Always empty.
    #[schemars(extend("readOnly" = true))]
    pub meta: ZoneMeta,
    /// Whose it is, in the older of two forms.
    #[schemars(extend("readOnly" = true))]
    pub owner: ZoneOwner,
    /// Whose it is.
    pub account: ZoneAccount,
    /// What the caller may do. Filled in by whoever answers and knows.
    #[schemars(extend("readOnly" = true))]
    pub permissions: Vec<String>,
    /// Everything is included.
    #[schemars(extend("readOnly" = true))]
    pub plan: ZonePlan,
}

words! {
    /// `status`.
    ZoneStatus {
        /// Served.
        Active = "active",
    }

    /// `type`.
    ZoneType {
        /// All of its DNS is served here.
        Full = "full",
        /// Only names that point here are.
        Partial = "partial",
        /// Transferred from a primary elsewhere.
        Secondary = "secondary",
        /// Answered only inside of a network.
        Internal = "internal",
    }
}

/// `meta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ZoneMeta {}

/// `owner`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneOwner {
    /// The account's identifier.
    pub id: String,
    /// The account's name.
    pub name: String,
    /// Always `organization`.
    pub r#type: String,
}

/// `account`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneAccount {
    /// The account's identifier.
    pub id: String,
    /// The account's name.
    pub name: String,
}

/// `plan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ZonePlan {
    /// The plan's identifier.
    pub id: String,
    /// The plan's name.
    pub name: String,
}

impl Default for ZonePlan {
    fn default() -> Self {
        Self { id: "enterprise".to_owned(), name: "Enterprise".to_owned() }
    }
}

/// What a zone takes from its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The accounts the caller may create zones in; the first is meant when a body names none.
    pub accounts: &'a [Account],
    /// Who serves zones here.
    pub name_servers: &'a [String],
}

/// The document a request leaves behind. Replace and Patch start from `current`; without one they
/// act on an empty document. A zone's name and account cannot be changed: sent again, they are
/// ignored.
///
/// # Errors
/// Everything wrong with the body, or with the document it would result in.
pub fn apply(
    verb: Verb,
    body: &[u8],
    current: Option<&Zone>,
    scope: &Scope<'_>,
    cx: &Context<'_>,
) -> Result<Zone, Vec<Problem>> {
    let sent = body::parse(body)?;
    let current = current.filter(|_| verb != Verb::Create);
    let whole = match current {
        Some(current) if verb == Verb::Patch => body::overlaid(current, sent, &[]),
        _ => sent,
    };
    let problems = Problems::default();
    let object = Object::root(&whole, &problems);
    let mut zone = match current {
        Some(current) => current.clone(),
        None => create(&object, scope, cx, &problems),
    };
    zone.paused = object.boolean("paused").unwrap_or(false);
    zone.r#type = object.word("type").unwrap_or(ZoneType::Full);
    zone.vanity_name_servers = vanity_name_servers(&object);
    zone.modified_on = cx.now.to_owned();
    problems.unless_any(zone)
}

fn create(object: &Object<'_>, scope: &Scope<'_>, cx: &Context<'_>, problems: &Problems) -> Zone {
    let account = account(object, scope);
    Zone {
        id: cx.id.to_owned(),
        name: name(object, cx, problems),
        status: ZoneStatus::Active,
        paused: false,
        r#type: ZoneType::Full,
        development_mode: 0,
        name_servers: scope.name_servers.to_vec(),
        original_name_servers: None,
        original_registrar: None,
        original_dnshost: None,
        vanity_name_servers: Vec::new(),
        modified_on: cx.now.to_owned(),
        created_on: cx.now.to_owned(),
        activated_on: cx.now.to_owned(),
        meta: ZoneMeta {},
        owner: ZoneOwner {
            id: account.id.clone(),
            name: account.name.clone(),
            r#type: "organization".to_owned(),
        },
        account,
        permissions: vec![],
        plan: ZonePlan::default(),
    }
}

fn name(object: &Object<'_>, cx: &Context<'_>, problems: &Problems) -> String {
    object.require("name");
    let Some(text) = object.text("name") else { return String::new() };
    let Some(HostPattern::Exact(name)) = hosts::pattern(text) else {
        object.problem_at("name", format_args!("invalid hostname: {}", Clipped(text)));
        return String::new();
    };
    if cx.lookup.zone_name_taken(&name, None) {
        problems.add(|| {
            let message = format!("{name} already exists");
            Problem { code: ZONE_EXISTS, pointer: "/name".to_owned(), message }
        });
    }
    name
}

fn account(object: &Object<'_>, scope: &Scope<'_>) -> ZoneAccount {
    let sent = object.object("account");
    let id = sent.as_ref().and_then(|account| account.text("id"));
    let found = match id {
        Some(id) => scope.accounts.iter().find(|account| account.id == id),
        None => scope.accounts.first(),
    };
    let Some(account) = found else {
        let id = Clipped(id.unwrap_or_default());
        object.problem_in("account", "id", format_args!("account \"{id}\" does not exist"));
        return ZoneAccount { id: String::new(), name: String::new() };
    };
    ZoneAccount { id: account.id.clone(), name: account.name.clone() }
}

fn vanity_name_servers(object: &Object<'_>) -> Vec<String> {
    const NAME: &str = "vanity_name_servers";
    let items = object.items(NAME, NAME, 0..=VANITY_NAME_SERVERS_MAX).unwrap_or_default();
    let read = |item: &crate::read::Node<'_>| {
        let text = item.text()?;
        if hosts::name(text).is_none() {
            item.problem(format_args!("invalid hostname: {}", Clipped(text)));
        }
        Some(text.to_owned())
    };
    items.iter().filter_map(read).collect()
}
