//! Authorities that a zone trusts with its endpoints' certificates.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::x509::Chain;
use super::{CertificateStatus, status_at};
use crate::body;
use crate::context::Context;
use crate::problem::{CERTIFICATE_TWICE, NO_ROOT, Problem, Problems};
use crate::read::Object;
use crate::time;

/// The certificate of an authority, as answered and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrustedCertificate {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// PEM, one certificate of a root authority.
    pub certificate: String,
    /// Who issued it: itself (RFC 4514).
    #[schemars(extend("readOnly" = true))]
    pub issuer: String,
    /// By what it is signed.
    #[schemars(extend("readOnly" = true))]
    pub signature: String,
    /// Told by the time of the answer.
    #[schemars(extend("readOnly" = true))]
    pub status: CertificateStatus,
    /// From when it is valid.
    #[schemars(extend("readOnly" = true))]
    pub valid_from: String,
    /// Until when it is valid.
    #[schemars(extend("readOnly" = true))]
    pub expires_on: String,
    /// When it was uploaded; constant.
    #[schemars(extend("readOnly" = true))]
    pub uploaded_on: String,
    /// When it was last written: when it was uploaded.
    #[schemars(extend("readOnly" = true))]
    pub updated_at: String,
}

impl TrustedCertificate {
    /// The certificate as answered at a moment.
    #[must_use]
    pub fn answered(mut self, now: Timestamp) -> Self {
        let parsed = |text: &str| time::parse(text).unwrap_or_default();
        self.status = status_at(now, parsed(&self.valid_from), parsed(&self.expires_on));
        self
    }
}

/// The document that a POST leaves behind; `there` are those that the zone has.
///
/// # Errors
/// Everything wrong with the body.
pub fn add(
    body: &[u8],
    there: &[&TrustedCertificate],
    cx: &Context<'_>,
) -> Result<TrustedCertificate, Vec<Problem>> {
    let sent = body::parse(body)?;
    let problems = Problems::default();
    let object = Object::root(&sent, &problems);
    let mut trusted = TrustedCertificate {
        id: cx.id.to_owned(),
        certificate: String::new(),
        issuer: String::new(),
        signature: String::new(),
        status: CertificateStatus::Active,
        valid_from: String::new(),
        expires_on: String::new(),
        uploaded_on: cx.now.to_owned(),
        updated_at: cx.now.to_owned(),
    };
    if let Some(chain) = Chain::read(&object, time::parse(cx.now).unwrap_or_default()) {
        let facts = chain.facts();
        if chain.len() > 1 || !facts.is_authority || !facts.is_self_issued {
            let message = format_args!(
                "Only root CA certificate is allowed: send one certificate whose issuer is its \
                 subject and whose basic constraints say that it is an authority's."
            );
            object.coded_at("certificate", NO_ROOT, message);
        }
        trusted.certificate = chain.to_pem();
        trusted.issuer.clone_from(&facts.issuer_name);
        trusted.signature.clone_from(&facts.signature);
        trusted.valid_from.clone_from(&facts.valid_from);
        trusted.expires_on.clone_from(&facts.expires_on);
        if let Some(same) = there.iter().find(|other| other.certificate == trusted.certificate) {
            let message =
                format_args!("This certificate has already been submitted: it is {}.", same.id);
            object.coded_at("certificate", CERTIFICATE_TWICE, message);
        }
    }
    problems.unless_any(trusted)
}
