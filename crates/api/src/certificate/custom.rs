//! Certificates that are shown to clients.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::x509::{self, Chain};
use super::{CertificateStatus, Keys, private_key, status_at};
use crate::body;
use crate::context::{Context, Verb};
use crate::problem::{CERTIFICATE_TWICE, NO_HOST_OF_ZONE, NOT_FOUND, Problem, Problems};
use crate::read::{Clipped, Object};
use crate::time;
use crate::words::words;

/// Longest text about where keys may be kept, in characters.
const POLICY_CHARS_MAX: usize = 1024;
/// Highest priority. Prioritising by hand takes small numbers, and new certificates count on.
const PRIORITY_MAX: u32 = 1_000_000_000;

/// A certificate for clients as answered: without its chain, and never with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomCertificate {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// Its zone.
    #[schemars(extend("readOnly" = true))]
    pub zone_id: String,
    /// The names that it is for.
    #[schemars(extend("readOnly" = true))]
    pub hosts: Vec<String>,
    /// Who issued it.
    #[schemars(extend("readOnly" = true))]
    pub issuer: String,
    /// By what it is signed.
    #[schemars(extend("readOnly" = true))]
    pub signature: String,
    /// Told by the time of the answer.
    #[schemars(extend("readOnly" = true))]
    pub status: CertificateStatus,
    /// Kept: the chain is shown as it was sent.
    pub bundle_method: BundleMethod,
    /// Kept: every certificate is chosen by name.
    pub r#type: CustomType,
    /// Kept: keys are where the store is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo_restrictions: Option<GeoRestrictions>,
    /// Kept, likewise; sent as `policy` or by this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_restrictions: Option<String>,
    /// When it was uploaded; constant.
    #[schemars(extend("readOnly" = true))]
    pub uploaded_on: String,
    /// When it was last written.
    #[schemars(extend("readOnly" = true))]
    pub modified_on: String,
    /// Until when it is valid.
    #[schemars(extend("readOnly" = true))]
    pub expires_on: String,
    /// Of several certificates for a name, the one with the highest is shown. A new one's is higher
    /// than those that are there.
    #[schemars(extend("readOnly" = true))]
    pub priority: u32,
}

words! {
    /// `bundle_method`.
    BundleMethod {
        /// Whatever most clients know.
        Ubiquitous = "ubiquitous",
        /// Whatever is shortest.
        Optimal = "optimal",
        /// As sent.
        Force = "force",
    }

    /// `type`.
    CustomType {
        /// Also for clients that do not say which name they want.
        LegacyCustom = "legacy_custom",
        /// For those that do.
        SniCustom = "sni_custom",
    }

    /// `geo_restrictions.label`.
    GeoLabel {
        /// United States.
        Us = "us",
        /// European Union.
        Eu = "eu",
        /// Data centres that are guarded best.
        HighestSecurity = "highest_security",
    }
}

/// `geo_restrictions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GeoRestrictions {
    /// Where.
    pub label: GeoLabel,
}

/// A certificate for clients as stored. Its key is stored beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCertificate {
    /// What may be told of it.
    pub certificate: CustomCertificate,
    /// From when it is valid.
    pub valid_from: String,
    /// PEM: the certificate, then those that lead up to an authority.
    pub chain: String,
}

impl StoredCertificate {
    /// The certificate as answered at a moment.
    #[must_use]
    pub fn answered(&self, now: Timestamp) -> CustomCertificate {
        let (from, until) = self.validity();
        CustomCertificate { status: status_at(now, from, until), ..self.certificate.clone() }
    }

    /// From when until when it is valid.
    pub(super) fn validity(&self) -> (Timestamp, Timestamp) {
        let parsed = |text: &str| time::parse(text).unwrap_or_default();
        (parsed(&self.valid_from), parsed(&self.certificate.expires_on))
    }

    /// The certificate itself, of its chain.
    fn leaf(&self) -> &str {
        const END: &str = "-----END CERTIFICATE-----";
        self.chain.find(END).map_or(&self.chain, |end| &self.chain[..end])
    }
}

/// What an upload leaves behind.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomUpload {
    /// The document.
    pub stored: StoredCertificate,
    /// Its key; `None` when that stays what it was.
    pub private_key: Option<String>,
}

/// A certificate that is there, and its key.
#[derive(Clone, Copy)]
pub struct Current<'a> {
    /// The document.
    pub stored: &'a StoredCertificate,
    /// PEM.
    pub private_key: &'a str,
}

/// Where a certificate is uploaded to.
#[derive(Debug, Clone)]
pub struct CustomScope<'a> {
    /// The zone's identifier.
    pub zone_id: &'a str,
    /// The zone's name.
    pub zone_name: &'a str,
    /// What the zone has, the one that is changed included.
    pub there: Vec<&'a StoredCertificate>,
}

/// The document and the key that a POST or PATCH leaves behind.
///
/// # Errors
/// Everything wrong with the body.
pub fn apply(
    verb: Verb,
    body: &[u8],
    current: Option<Current<'_>>,
    scope: &CustomScope<'_>,
    keys: &dyn Keys,
    cx: &Context<'_>,
) -> Result<CustomUpload, Vec<Problem>> {
    let sent = body::parse(body)?;
    let current = current.filter(|_| verb != Verb::Create);
    let problems = Problems::default();
    let object = Object::root(&sent, &problems);
    let now = time::parse(cx.now).unwrap_or_default();
    refuse_what_is_not_here(&object);
    let chain = match current {
        Some(_) if !object.has("certificate") => None,
        _ => Chain::read(&object, now),
    };
    if current.is_none() {
        object.require("private_key");
    }
    let private_key = private_key(&object);
    if let Some(chain) = &chain {
        check_hosts(&object, chain, scope.zone_name);
        check_new(&object, chain, scope, current.map(|current| &*current.stored.certificate.id));
    }
    // Either may come alone, when it goes with what is there of the other.
    let key = private_key.as_deref().or(current.map(|current| current.private_key));
    if let Some(key) = key.filter(|_| chain.is_some() || private_key.is_some()) {
        let there = current.filter(|_| chain.is_none() && !object.has("certificate"));
        let stored = there.map(|current| x509::ders(&current.stored.chain));
        let ders = match (&chain, &stored) {
            (Some(chain), _) => chain.ders(),
            (None, Some(stored)) => stored.iter().map(|der| &**der).collect(),
            // The chain could not be read, which is noted.
            (None, None) => Vec::new(),
        };
        if !ders.is_empty()
            && let Err(problem) = keys.check(&ders, key)
        {
            problems.add(|| problem.into_problem());
        }
    }
    let stored = match current {
        Some(current) => changed(current.stored, &object, chain.as_ref(), cx),
        None => created(&object, chain.as_ref(), scope, cx),
    };
    problems.unless_any(CustomUpload { stored, private_key })
}

fn created(
    object: &Object<'_>,
    chain: Option<&Chain>,
    scope: &CustomScope<'_>,
    cx: &Context<'_>,
) -> StoredCertificate {
    let highest = scope.there.iter().map(|stored| stored.certificate.priority).max();
    let certificate = CustomCertificate {
        id: cx.id.to_owned(),
        zone_id: scope.zone_id.to_owned(),
        hosts: Vec::new(),
        issuer: String::new(),
        signature: String::new(),
        status: CertificateStatus::Active,
        bundle_method: object.word("bundle_method").unwrap_or(BundleMethod::Ubiquitous),
        r#type: object.word("type").unwrap_or(CustomType::LegacyCustom),
        geo_restrictions: geo_restrictions(object),
        policy_restrictions: policy(object),
        uploaded_on: cx.now.to_owned(),
        modified_on: cx.now.to_owned(),
        expires_on: String::new(),
        priority: highest.map_or(1, |highest| (highest + 1).min(PRIORITY_MAX)),
    };
    let stored = StoredCertificate { certificate, valid_from: String::new(), chain: String::new() };
    about(stored, chain)
}

fn changed(
    current: &StoredCertificate,
    object: &Object<'_>,
    chain: Option<&Chain>,
    cx: &Context<'_>,
) -> StoredCertificate {
    let mut stored = current.clone();
    let certificate = &mut stored.certificate;
    cx.now.clone_into(&mut certificate.modified_on);
    if let Some(method) = object.word("bundle_method") {
        certificate.bundle_method = method;
    }
    if let Some(of) = object.word("type") {
        certificate.r#type = of;
    }
    if object.has("geo_restrictions") || object.has_null("geo_restrictions") {
        certificate.geo_restrictions = geo_restrictions(object);
    }
    if ["policy", "policy_restrictions"]
        .iter()
        .any(|name| object.has(name) || object.has_null(name))
    {
        certificate.policy_restrictions = policy(object);
    }
    about(stored, chain)
}

/// A document with what its chain says.
fn about(mut stored: StoredCertificate, chain: Option<&Chain>) -> StoredCertificate {
    let Some(chain) = chain else { return stored };
    let facts = chain.facts();
    let certificate = &mut stored.certificate;
    certificate.hosts.clone_from(&facts.hosts);
    certificate.issuer.clone_from(&facts.issuer);
    certificate.signature.clone_from(&facts.signature);
    certificate.expires_on.clone_from(&facts.expires_on);
    stored.valid_from.clone_from(&facts.valid_from);
    stored.chain = chain.to_pem();
    stored
}

/// What the published API has and this one has not, and what would be silently something else.
fn refuse_what_is_not_here(object: &Object<'_>) {
    if object.has("custom_csr_id") {
        let reason = "custom_csr_id is not supported: send the private_key";
        object.problem_at("custom_csr_id", format_args!("{reason}"));
    }
    if let Some(deploy) = object.text("deploy")
        && deploy != "production"
    {
        object.problem_at("deploy", format_args!("deploy must be production"));
    }
}

/// A certificate for no name of the zone would never be shown.
fn check_hosts(object: &Object<'_>, chain: &Chain, zone: &str) {
    let hosts = &chain.facts().hosts;
    if !hosts.iter().any(|host| x509::is_in_zone(host, zone)) {
        let names = if hosts.is_empty() { "none".to_owned() } else { hosts.join(", ") };
        let names = Clipped(&names);
        let message = format_args!(
            "The certificate chain you uploaded does not include any hostnames from your zone: \
             its subject alternative names are {names}, none of them {zone} or below it."
        );
        object.coded_at("certificate", NO_HOST_OF_ZONE, message);
    }
}

/// The same certificate twice would only take room.
fn check_new(object: &Object<'_>, chain: &Chain, scope: &CustomScope<'_>, except: Option<&str>) {
    let pem = chain.to_pem();
    let is_there = |stored: &&&StoredCertificate| {
        Some(&*stored.certificate.id) != except && pem.starts_with(stored.leaf())
    };
    if let Some(stored) = scope.there.iter().find(is_there) {
        let id = &stored.certificate.id;
        let message = format_args!("This certificate has already been submitted: it is {id}.");
        object.coded_at("certificate", CERTIFICATE_TWICE, message);
    }
}

fn geo_restrictions(object: &Object<'_>) -> Option<GeoRestrictions> {
    let restrictions = object.object("geo_restrictions")?;
    restrictions.require("label");
    Some(GeoRestrictions { label: restrictions.word("label")? })
}

fn policy(object: &Object<'_>) -> Option<String> {
    let name = if object.has("policy") { "policy" } else { "policy_restrictions" };
    object.text_within(name, 0..=POLICY_CHARS_MAX).filter(|text| !text.is_empty())
}

/// The certificates that `{"certificates": [{"id": …, "priority": …}]}` gives another priority.
///
/// # Errors
/// Everything wrong with the body.
pub fn prioritized(
    body: &[u8],
    there: &[&StoredCertificate],
    now: &str,
) -> Result<Vec<StoredCertificate>, Vec<Problem>> {
    let sent = body::parse(body)?;
    let problems = Problems::default();
    let object = Object::root(&sent, &problems);
    object.require("certificates");
    let items = object.items("certificates", "certificates", 1..=there.len().max(1));
    let mut moved: Vec<StoredCertificate> = Vec::new();
    for item in items.unwrap_or_default() {
        let Some(item) = item.object() else { continue };
        item.require("id");
        item.require("priority");
        let (id, priority) = (item.text("id"), item.integer("priority", 0..=PRIORITY_MAX));
        let (Some(id), Some(priority)) = (id, priority) else { continue };
        if moved.iter().any(|stored| stored.certificate.id == id) {
            item.not_unique_at("id");
            continue;
        }
        let Some(stored) = there.iter().find(|stored| stored.certificate.id == id) else {
            let id = Clipped(id);
            let message = format_args!("certificate \"{id}\" not found");
            item.coded_at("id", NOT_FOUND, message);
            continue;
        };
        let mut stored = StoredCertificate::clone(stored);
        stored.certificate.priority = priority;
        now.clone_into(&mut stored.certificate.modified_on);
        moved.push(stored);
    }
    problems.unless_any(moved)
}
