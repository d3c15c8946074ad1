//! Accounts and users: who owns and who asks (api.md 6.2). They are made by the installation, never
//! by a request body, so nothing is validated here.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;

/// An account: owner of zones, pools and monitors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// 32 lower-case hexadecimal digits.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it may use: everything.
    pub r#type: AccountType,
    /// What is demanded of its users.
    pub settings: AccountSettings,
    /// When it was created; constant.
    pub created_on: String,
}

impl Account {
    /// A new account.
    #[must_use]
    pub fn new(id: &str, name: &str, now: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            r#type: AccountType::Enterprise,
            settings: AccountSettings::default(),
            created_on: now.to_owned(),
        }
    }
}

words! {
    /// `type` of an account.
    AccountType {
        /// Some features.
        Standard = "standard",
        /// Every feature.
        Enterprise = "enterprise",
    }
}

/// `settings` of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct AccountSettings {
    /// Whether its users need a second factor.
    pub enforce_twofactor: bool,
}

/// Whoever holds a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// 32 lower-case hexadecimal digits.
    pub id: String,
    /// Mail address.
    pub email: String,
    /// Null when unknown.
    pub first_name: Option<String>,
    /// Null when unknown.
    pub last_name: Option<String>,
    /// Name to log in with.
    pub username: String,
    /// Whether a second factor is set up.
    pub two_factor_authentication_enabled: bool,
    /// Whether the user is locked out.
    pub suspended: bool,
    /// The accounts the user acts in.
    pub organizations: Vec<Organization>,
}

/// One of a user's accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Organization {
    /// The account's identifier.
    pub id: String,
    /// The account's name.
    pub name: String,
}
