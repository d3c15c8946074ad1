//! Reads a live account through the public API into a file: zones and their settings, load
//! balancers, pools, monitors, monitor groups and DNS records. What that API does not serve is left out of the file, and so
//! left alone where it is imported.

use evenkeel_api::zone_setting;
use serde_json::{Map, Value, json};

use crate::cli::ImportArgs;
use crate::client::{Client, ClientError};
use crate::commands::{find, token_of};
use crate::exit::Failure;

/// Lists of an account: their names in the file, and their paths below `/load_balancers`. Those at
/// the end are not there for every plan.
const OF_ACCOUNT: [(&str, &str, Presence); 4] = [
    ("monitors", "/monitors", Presence::Sure),
    ("pools", "/pools", Presence::Sure),
    ("monitor_groups", "/monitor_groups", Presence::Perhaps),
    ("load_balancers", "", Presence::Perhaps),
];

/// Whether a list must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    Sure,
    Perhaps,
}

/// The account's file.
///
/// # Errors
/// Without a token, and when the API does not answer or does not permit it.
pub(super) fn read(args: &ImportArgs) -> Result<Value, Failure> {
    let token = token_of("CLOUDFLARE_API_TOKEN")?;
    let client = Client::new(&args.api_url, token, args.remote.ca.as_deref())?;
    let account = account(&client, args.from_account.as_deref())?;
    let id = account["id"].as_str().unwrap_or_default().to_owned();
    let mut part = Map::new();
    part.insert("account".to_owned(), account);
    for (name, path, presence) in OF_ACCOUNT {
        let path = format!("/accounts/{id}/load_balancers{path}");
        if let Some(list) = list(&client, &path, name, presence)? {
            part.insert(name.to_owned(), list);
        }
    }
    let zones = asked(client.pages(&format!("/zones?account.id={id}")), "zones")?;
    let zones: Vec<Value> = if args.zone.is_empty() {
        zones
    } else {
        let named = |wanted: &String| find("zone", "name", &zones, wanted).cloned();
        let named: Result<Vec<_>, _> = args.zone.iter().map(named).collect();
        named.map_err(|problem| Failure::Usage(format!("--zone: {problem}")))?
    };
    let mut parts = Vec::with_capacity(zones.len());
    for zone in zones {
        let path = format!("/zones/{}", zone["id"].as_str().unwrap_or_default());
        let mut part = Map::new();
        part.insert("zone".to_owned(), zone);
        let balancers = format!("{path}/load_balancers");
        if let Some(list) = list(&client, &balancers, "load balancers", Presence::Sure)? {
            part.insert("load_balancers".to_owned(), list);
        }
        let settings = format!("{path}/settings");
        if let Some(list) = list(&client, &settings, "settings of zones", Presence::Perhaps)? {
            part.insert("settings".to_owned(), known_settings(list));
        }
        let records = asked(client.pages(&format!("{path}/dns_records")), "DNS records")?;
        part.insert("dns_records".to_owned(), Value::Array(records));
        parts.push(Value::Object(part));
    }
    part.insert("zones".to_owned(), Value::Array(parts));
    Ok(json!({ "format": evenkeel_api::transfer::FORMAT, "accounts": [part] }))
}

/// Those of a zone's settings that there are here and that were changed.
fn known_settings(mut list: Value) -> Value {
    if let Some(settings) = list.as_array_mut() {
        settings.retain(|setting| {
            let name = setting["id"].as_str().unwrap_or_default();
            zone_setting::is_worth_moving(name, &setting["value"])
        });
    }
    list
}

/// The account that is read: the only one, or the one that was named.
fn account(client: &Client, wanted: Option<&str>) -> Result<Value, Failure> {
    let accounts = asked(client.pages("/accounts"), "accounts")?;
    match (wanted, accounts.as_slice()) {
        (Some(wanted), accounts) => find("account", "name", accounts, wanted)
            .cloned()
            .map_err(|problem| Failure::Usage(format!("--from-account: {problem}"))),
        (None, [account]) => Ok(account.clone()),
        (None, accounts) => {
            let names: Vec<_> =
                accounts.iter().filter_map(|account| account["name"].as_str()).collect();
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Err(Failure::Usage(format!("--from-account is missing; the token sees {there}")))
        }
    }
}

fn list(
    client: &Client,
    path: &str,
    what: &str,
    presence: Presence,
) -> Result<Option<Value>, Failure> {
    match client.list(path) {
        Err(ClientError::Refused(refusal))
            if presence == Presence::Perhaps && (400..=404).contains(&refusal.status) =>
        {
            Ok(None)
        }
        answer => asked(answer, what).map(|list| Some(Value::Array(list))),
    }
}

fn asked<T>(answer: Result<T, ClientError>, what: &str) -> Result<T, Failure> {
    answer.map_err(Failure::doing(format!("reading {what}")))
}
