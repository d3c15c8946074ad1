//! `evenkeel pool`.

use serde_json::{Value, json};

use super::body::Body;
use super::object::{Column, Found, Kind, Labels, Object, labels_of, name_of, resolve, text};
use super::session::Session;
use super::{group, monitor};
use crate::cli::PoolFields;
use crate::exit::Failure;

/// Pools.
pub(super) const KIND: Kind = Kind {
    noun: "pool",
    label: "name",
    columns: &[
        Column { head: "NAME", cell: |pool, _| text(pool, "name") },
        Column { head: "HEALTHY", cell: |pool, _| text(pool, "healthy") },
        Column { head: "ENABLED", cell: |pool, _| text(pool, "enabled") },
        Column { head: "ORIGINS", cell: |pool, _| origins(pool) },
        Column { head: "MONITOR", cell: monitor_name },
        Column { head: "ID", cell: |pool, _| text(pool, "id") },
    ],
    flags: &[
        ("name", "NAME"),
        ("origins", "--origin"),
        ("monitor", "--monitor"),
        ("monitor_group", "--group"),
        ("minimum_origins", "--minimum-origins"),
        ("enabled", "--enabled"),
        ("description", "--description"),
        ("origin_steering", "--steering"),
        ("latitude", "--coordinates"),
        ("longitude", "--coordinates"),
        ("check_regions", "--check-region"),
        ("load_shedding.default_percent", "--shed"),
        ("load_shedding.session_percent", "--shed-sessions"),
    ],
};

/// All pools of the account.
pub(super) fn all(session: &Session) -> Result<Vec<Value>, Failure> {
    let path = home(session)?;
    session.asked(session.client.list(&path), "listing pools")
}

fn home(session: &Session) -> Result<String, Failure> {
    Ok(format!("{}/load_balancers/pools", session.account_path()?))
}

/// How many endpoints there are, and how many of them are known to be healthy.
fn origins(pool: &Value) -> String {
    let origins = pool["origins"].as_array().map(Vec::as_slice).unwrap_or_default();
    let healthy = origins.iter().filter(|origin| origin["healthy"] == true).count();
    let is_known = origins.iter().any(|origin| origin["healthy"].is_boolean());
    if is_known {
        format!("{healthy}/{} healthy", origins.len())
    } else {
        origins.len().to_string()
    }
}

fn monitor_name(pool: &Value, labels: &Labels) -> String {
    let named = if pool["monitor"].is_null() { &pool["monitor_group"] } else { &pool["monitor"] };
    name_of(labels, named)
}

impl Object for PoolFields {
    const KIND: Kind = KIND;

    fn all(session: &Session) -> Result<Vec<Found>, Failure> {
        let collection = home(session)?;
        let found = |object| Found { collection: collection.clone(), object };
        Ok(all(session)?.into_iter().map(found).collect())
    }

    fn home(session: &Session, _: &str) -> Result<String, Failure> {
        home(session)
    }

    fn labels(session: &Session) -> Result<Labels, Failure> {
        let mut labels = labels_of(&monitor::KIND, &monitor::all(session)?);
        labels.extend(labels_of(&group::KIND, &group::all(session)?));
        Ok(labels)
    }

    fn lay(&self, body: &mut Body, session: &Session) -> Result<(), Failure> {
        body.put("name", self.rename.as_deref());
        body.put("description", self.description.as_deref());
        body.put("enabled", self.enabled);
        body.put("minimum_origins", self.minimum_origins);
        if !self.origin.is_empty() {
            body.put("origins", Some(self.origin.clone()));
        }
        self.lay_origins(body)?;
        if let Some(wanted) = &self.monitor {
            let monitors = monitor::all(session)?;
            let id = resolve(&monitor::KIND, &monitors, wanted, "--monitor")?;
            body.put("monitor", Some(id));
        }
        if let Some(wanted) = &self.group {
            let groups = group::all(session)?;
            body.put("monitor_group", Some(resolve(&group::KIND, &groups, wanted, "--group")?));
        }
        if let Some(policy) = &self.steering {
            body.put_in("origin_steering", "policy", policy.as_str());
        }
        if let Some((latitude, longitude)) = self.coordinates {
            body.put("latitude", Some(latitude));
            body.put("longitude", Some(longitude));
        }
        if !self.check_region.is_empty() {
            body.put("check_regions", Some(self.check_region.clone()));
        }
        if let Some(percent) = self.shed {
            body.put_in("load_shedding", "default_percent", percent);
        }
        if let Some(percent) = self.shed_sessions {
            body.put_in("load_shedding", "session_percent", percent);
        }
        Ok(())
    }

    fn complete(body: &mut Body, _: &Session) -> Result<(), Failure> {
        if body.get("origins").is_none() {
            let problem = "--origin is missing: a pool has at least one, such as 192.0.2.1:8080";
            return Err(Failure::Usage(problem.to_owned()));
        }
        Ok(())
    }
}

impl PoolFields {
    /// Lets endpoints join and leave the list.
    fn lay_origins(&self, body: &mut Body) -> Result<(), Failure> {
        if self.add_origin.is_empty() && self.remove_origin.is_empty() {
            return Ok(());
        }
        let mut origins =
            body.get("origins").and_then(Value::as_array).cloned().unwrap_or_default();
        for gone in &self.remove_origin {
            let count = origins.len();
            origins.retain(|origin| origin["name"] != **gone && origin["address"] != **gone);
            if origins.len() == count {
                let names: Vec<_> =
                    origins.iter().filter_map(|origin| origin["name"].as_str()).collect();
                let problem =
                    format!("no origin is called {gone:?}; there are {}", names.join(", "));
                return Err(Failure::Usage(format!("--remove-origin: {problem}")));
            }
        }
        origins.extend(self.add_origin.iter().cloned());
        body.put("origins", Some(json!(origins)));
        Ok(())
    }
}
