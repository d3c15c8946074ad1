//! One command's talk with the server: who is asking, and which account and zone are meant.

use std::cell::OnceCell;

use serde_json::Value;

use super::names::find;
use crate::cli::Remote;
use crate::client::{Client, ClientError};
use crate::exit::Failure;

/// A server, and what is meant by default.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// The account that `--account` names.
    account_wanted: Option<String>,
    /// The zone that `--zone` names.
    zone_wanted: Option<String>,
    account: OnceCell<Value>,
}

/// The token of a variable.
///
/// # Errors
/// When it is not set: nothing can be asked without one.
pub(crate) fn token_of(variable: &str) -> Result<String, Failure> {
    match std::env::var(variable) {
        Ok(token) if !token.is_empty() => Ok(token),
        _ => Err(Failure::Configuration(vec![format!(
            "{variable}: set it to a token of the server, which shows its first one when it starts"
        )])),
    }
}

impl Session {
    /// Talks to the server that the flags name.
    ///
    /// # Errors
    /// Without a token.
    pub(crate) fn open(remote: &Remote) -> Result<Self, Failure> {
        let token = token_of("EVENKEEL_API_TOKEN")?;
        Ok(Self {
            client: Client::new(&remote.server, token, remote.ca.as_deref())?,
            account_wanted: remote.account.clone(),
            zone_wanted: None,
            account: OnceCell::new(),
        })
    }

    /// Means this zone, when one is named.
    pub(super) fn within(self, zone: Option<String>) -> Self {
        Self { zone_wanted: zone, ..self }
    }

    /// The account that is meant: the only one, or the one that was named.
    ///
    /// # Errors
    /// When it cannot be told, or asked for.
    pub(crate) fn account(&self) -> Result<&Value, Failure> {
        if let Some(account) = self.account.get() {
            return Ok(account);
        }
        let accounts = self.asked(self.client.pages("/accounts"), "looking for the account")?;
        let account = match (&self.account_wanted, accounts.as_slice()) {
            (Some(wanted), accounts) => find("account", "name", accounts, wanted)
                .map_err(|problem| Failure::Usage(format!("--account: {problem}")))?
                .clone(),
            (None, [account]) => account.clone(),
            (None, []) => {
                let problem = "the token sees no account; use one with Account Settings Read";
                return Err(Failure::Usage(problem.to_owned()));
            }
            (None, accounts) => {
                let names: Vec<_> =
                    accounts.iter().filter_map(|account| account["name"].as_str()).collect();
                let problem = format!("--account is missing; there are {}", names.join(", "));
                return Err(Failure::Usage(problem));
            }
        };
        Ok(self.account.get_or_init(|| account))
    }

    /// The path of the account that is meant.
    ///
    /// # Errors
    /// See [`Self::account`].
    pub(super) fn account_path(&self) -> Result<String, Failure> {
        Ok(format!("/accounts/{}", id(self.account()?)))
    }

    /// The zones that are meant: the one of `--zone`, or else all.
    ///
    /// # Errors
    /// When there is no such zone, or it cannot be asked for.
    pub(super) fn zones(&self) -> Result<Vec<Value>, Failure> {
        let query = match &self.account_wanted {
            Some(_) => format!("/zones?account.id={}", id(self.account()?)),
            None => "/zones".to_owned(),
        };
        let zones = self.asked(self.client.pages(&query), "looking for zones")?;
        match &self.zone_wanted {
            None => Ok(zones),
            Some(wanted) => Ok(vec![self.one_of_zones(&zones, wanted)?]),
        }
    }

    /// The zone of this name or id.
    ///
    /// # Errors
    /// See [`Self::zones`].
    pub(super) fn zone(&self, wanted: &str) -> Result<Value, Failure> {
        let zones = self.asked(self.client.pages("/zones"), "looking for zones")?;
        self.one_of_zones(&zones, wanted)
    }

    fn one_of_zones(&self, zones: &[Value], wanted: &str) -> Result<Value, Failure> {
        find("zone", "name", zones, wanted)
            .cloned()
            .map_err(|problem| Failure::Usage(format!("--zone: {problem}")))
    }

    /// Whether `--zone` was given.
    pub(super) fn has_zone(&self) -> bool {
        self.zone_wanted.is_some()
    }

    /// The zone that a host name lies in, the innermost if there are several; or the one of
    /// `--zone`.
    ///
    /// # Errors
    /// When it lies in none.
    pub(super) fn zone_of(&self, host: &str) -> Result<Value, Failure> {
        let zones = self.zones()?;
        if self.has_zone() {
            return zones.into_iter().next().ok_or_else(|| Failure::Usage("--zone".to_owned()));
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let lies_in = |zone: &&Value| {
            let name = zone["name"].as_str().unwrap_or_default();
            host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let length = |zone: &&Value| zone["name"].as_str().map_or(0, str::len);
        zones.iter().filter(lies_in).max_by_key(length).cloned().ok_or_else(|| {
            let names: Vec<_> = zones.iter().filter_map(|zone| zone["name"].as_str()).collect();
            let zones = match names.as_slice() {
                [] => "there is none yet".to_owned(),
                names => format!("there are {}", names.join(", ")),
            };
            let way_out = "make one (evenkeel zone create NAME)";
            Failure::Usage(format!("{host} lies in no zone; {zones}; {way_out}"))
        })
    }

    /// The answer, or what was being done when there was none.
    pub(super) fn asked<T>(
        &self,
        answer: Result<T, ClientError>,
        doing: &str,
    ) -> Result<T, Failure> {
        answer.map_err(Failure::doing(doing))
    }
}

/// An object's id.
pub(super) fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap_or_default()
}
