//! What endpoints are shown when they ask who connects (authenticated origin pulls).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::x509::Chain;
use super::{CertificateStatus, Keys, private_key, status_at};
use crate::body;
use crate::context::Context;
use crate::problem::{CERTIFICATE_TWICE, Problem, Problems};
use crate::read::Object;
use crate::time;

/// A client certificate, as answered and stored: never with its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientCertificate {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// PEM: the certificate, then those that lead up to an authority.
    pub certificate: String,
    /// Who issued it (RFC 4514).
    #[schemars(extend("readOnly" = true))]
    pub issuer: String,
    /// By what it is signed.
    #[schemars(extend("readOnly" = true))]
    pub signature: String,
    /// Told by the time of the answer. Of several certificates the newest is shown.
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
}

/// What an upload leaves behind.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientUpload {
    /// The document.
    pub certificate: ClientCertificate,
    /// Its key.
    pub private_key: String,
}

impl ClientCertificate {
    /// The certificate as answered at a moment.
    #[must_use]
    pub fn answered(mut self, now: Timestamp) -> Self {
        let parsed = |text: &str| time::parse(text).unwrap_or_default();
        self.status = status_at(now, parsed(&self.valid_from), parsed(&self.expires_on));
        self
    }

    /// The certificate as answered when it is gone.
    #[must_use]
    pub fn deleted(self) -> Self {
        Self { status: CertificateStatus::Deleted, ..self }
    }
}

/// Whether endpoints are to be shown a certificate, as `{"enabled": …}` says.
///
/// # Errors
/// What is wrong with the body.
pub fn client_auth(body: &[u8]) -> Result<bool, Vec<Problem>> {
    let sent = body::parse(body)?;
    let problems = Problems::default();
    let object = Object::root(&sent, &problems);
    object.require("enabled");
    let enabled = object.boolean("enabled").unwrap_or_default();
    problems.unless_any(enabled)
}

/// The document and the key that a POST leaves behind; `there` are those that the zone has.
///
/// # Errors
/// Everything wrong with the body.
pub fn upload(
    body: &[u8],
    there: &[&ClientCertificate],
    keys: &dyn Keys,
    cx: &Context<'_>,
) -> Result<ClientUpload, Vec<Problem>> {
    let sent = body::parse(body)?;
    let problems = Problems::default();
    let object = Object::root(&sent, &problems);
    let chain = Chain::read(&object, time::parse(cx.now).unwrap_or_default());
    object.require("private_key");
    let private_key = private_key(&object);
    if let (Some(chain), Some(key)) = (&chain, &private_key)
        && let Err(problem) = keys.check(&chain.ders(), key)
    {
        problems.add(|| problem.into_problem());
    }
    let mut certificate = ClientCertificate {
        id: cx.id.to_owned(),
        certificate: String::new(),
        issuer: String::new(),
        signature: String::new(),
        status: CertificateStatus::Active,
        valid_from: String::new(),
        expires_on: String::new(),
        uploaded_on: cx.now.to_owned(),
    };
    if let Some(chain) = &chain {
        let facts = chain.facts();
        certificate.certificate = chain.to_pem();
        certificate.issuer.clone_from(&facts.issuer_name);
        certificate.signature.clone_from(&facts.signature);
        certificate.valid_from.clone_from(&facts.valid_from);
        certificate.expires_on.clone_from(&facts.expires_on);
    }
    if let Some(same) = there.iter().find(|other| other.certificate == certificate.certificate) {
        let message =
            format_args!("This certificate has already been submitted: it is {}.", same.id);
        object.coded_at("certificate", CERTIFICATE_TWICE, message);
    }
    let private_key = private_key.unwrap_or_default();
    problems.unless_any(ClientUpload { certificate, private_key })
}
