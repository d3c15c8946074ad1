//! `evenkeel lb`: load balancers of zones, and those of the account itself.

use serde_json::{Value, json};

use super::body::Body;
use super::object::{Column, Found, Kind, Labels, Object, labels_of, name_of, resolve, text};
use super::pool;
use super::session::{Session, id};
use crate::cli::LbFields;
use crate::exit::Failure;

/// Load balancers.
const KIND: Kind = Kind {
    noun: "load balancer",
    label: "name",
    columns: &[
        Column { head: "NAME", cell: |lb, _| text(lb, "name") },
        Column { head: "ENABLED", cell: |lb, _| text(lb, "enabled") },
        Column { head: "PROXIED", cell: |lb, _| text(lb, "proxied") },
        Column { head: "STEERING", cell: |lb, _| text(lb, "steering_policy") },
        Column { head: "POOLS", cell: pools },
        Column { head: "FALLBACK", cell: |lb, labels| name_of(labels, &lb["fallback_pool"]) },
        Column { head: "ID", cell: |lb, _| text(lb, "id") },
    ],
    flags: &[
        ("name", "NAME"),
        ("default_pools", "--pool"),
        ("fallback_pool", "--fallback"),
        ("steering_policy", "--steering"),
        ("proxied", "--proxied"),
        ("enabled", "--enabled"),
        ("description", "--description"),
        ("ttl", "--ttl"),
        ("region_pools", "--region"),
        ("country_pools", "--country"),
        ("pop_pools", "--pop"),
        ("random_steering.pool_weights", "--pool-weight"),
        ("random_steering.default_weight", "--default-weight"),
        ("session_affinity", "--affinity"),
        ("session_affinity_ttl", "--affinity-ttl"),
        ("session_affinity_attributes.headers", "--affinity-header"),
        ("session_affinity_attributes.drain_duration", "--drain"),
        ("adaptive_routing", "--failover-across-pools"),
    ],
};

fn pools(lb: &Value, labels: &Labels) -> String {
    let pools = lb["default_pools"].as_array().map(Vec::as_slice).unwrap_or_default();
    pools.iter().map(|pool| name_of(labels, pool)).collect::<Vec<_>>().join(", ")
}

impl Object for LbFields {
    const KIND: Kind = KIND;

    fn all(session: &Session) -> Result<Vec<Found>, Failure> {
        let mut homes: Vec<String> = session.zones()?.iter().map(home).collect();
        if !session.has_zone() {
            homes.push(format!("{}/load_balancers", session.account_path()?));
        }
        let mut all = Vec::new();
        for collection in homes {
            let list = session.asked(session.client.list(&collection), "listing load balancers")?;
            let found = |object| Found { collection: collection.clone(), object };
            all.extend(list.into_iter().map(found));
        }
        all.sort_by(|a, b| a.object["name"].as_str().cmp(&b.object["name"].as_str()));
        Ok(all)
    }

    fn home(session: &Session, name: &str) -> Result<String, Failure> {
        Ok(home(&session.zone_of(name)?))
    }

    fn labels(session: &Session) -> Result<Labels, Failure> {
        Ok(labels_of(&pool::KIND, &pool::all(session)?))
    }

    fn lay(&self, body: &mut Body, session: &Session) -> Result<(), Failure> {
        body.put("name", self.rename.as_deref());
        body.put("description", self.description.as_deref());
        body.put("enabled", self.enabled);
        body.put("proxied", self.proxied);
        body.put("ttl", self.ttl);
        body.put("steering_policy", self.steering.as_deref());
        body.put("session_affinity", self.affinity.as_deref());
        body.put("session_affinity_ttl", self.affinity_ttl);
        const ATTRIBUTES: &str = "session_affinity_attributes";
        if !self.affinity_header.is_empty() {
            body.put_in(ATTRIBUTES, "headers", json!(self.affinity_header));
        }
        if let Some(seconds) = self.drain {
            body.put_in(ATTRIBUTES, "drain_duration", seconds);
        }
        if let Some(across) = self.failover_across_pools {
            body.put_in("adaptive_routing", "failover_across_pools", across);
        }
        if let Some(weight) = self.default_weight {
            body.put_in("random_steering", "default_weight", weight);
        }
        if self.names_pools() { self.lay_pools(body, &pool::all(session)?) } else { Ok(()) }
    }

    fn complete(body: &mut Body, _: &Session) -> Result<(), Failure> {
        let Some(pools) = body.get("default_pools").and_then(Value::as_array) else {
            let problem =
                "--pool is missing: a load balancer has at least one (evenkeel pool list)";
            return Err(Failure::Usage(problem.to_owned()));
        };
        if !body.sends("fallback_pool") {
            let last = pools.last().cloned();
            body.put("fallback_pool", last);
        }
        Ok(())
    }
}

fn home(zone: &Value) -> String {
    format!("/zones/{}/load_balancers", id(zone))
}

impl LbFields {
    fn names_pools(&self) -> bool {
        let places = [&self.region, &self.country, &self.pop];
        self.fallback.is_some()
            || !self.pool.is_empty()
            || !self.pool_weight.is_empty()
            || places.iter().any(|places| !places.is_empty())
    }

    /// Everything that names pools, by name or id.
    fn lay_pools(&self, body: &mut Body, pools: &[Value]) -> Result<(), Failure> {
        let ids = |names: &[String], flag: &str| -> Result<Vec<Value>, Failure> {
            names.iter().map(|name| resolve(&pool::KIND, pools, name, flag)).collect()
        };
        if !self.pool.is_empty() {
            body.put("default_pools", Some(ids(&self.pool, "--pool")?));
        }
        if let Some(name) = &self.fallback {
            let id = resolve(&pool::KIND, pools, name, "--fallback")?;
            body.put("fallback_pool", Some(id));
        }
        for (member, flag, places) in [
            ("region_pools", "--region", &self.region),
            ("country_pools", "--country", &self.country),
            ("pop_pools", "--pop", &self.pop),
        ] {
            for (code, names) in places {
                if names.is_empty() {
                    body.remove_in(member, code);
                } else {
                    body.put_in(member, code, ids(names, flag)?);
                }
            }
        }
        for (name, weight) in &self.pool_weight {
            let id = resolve(&pool::KIND, pools, name, "--pool-weight")?;
            let path = format!("random_steering.pool_weights.{}", id.as_str().unwrap_or_default());
            body.assign(&[(path, json!(weight))])?;
        }
        Ok(())
    }
}
