//! The whole API over a memory store with a running publisher, in process.

mod access;
mod audit;
mod bodies;
mod certificates;
mod changes;
mod dns_records;
mod dns_zones;
mod edge;
mod explain;
mod groups;
mod health;
mod lists;
mod notifications;
mod objects;
mod own;
mod probe_once;
mod refusals;
mod regions;
mod search;
mod shapes;
mod tokens;
mod transfer;
mod zone_settings;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use evenkeel_api::Limits;
use evenkeel_decision::health::Report;
use evenkeel_model::{EdgeMaterial, Live, ZoneId};
use evenkeel_store::{
    Batch, Commit, CommitError, JournalQuery, MemoryStore, Reading, Revision, Snapshot, Store,
};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::router;
use crate::app::App;
use crate::previews::tests::EverythingPasses;
use crate::publisher::Publisher;
use crate::server::{ControlOptions, ServerSettings};
use crate::{BootstrapSettings, bootstrap};

const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "an-administrator-token-for-tests";
/// Well-formed, and nobody's.
const NOBODY: &str = "ffffffffffffffffffffffffffffffff";

/// A memory store whose writes can be made to fail.
#[derive(Debug, Default)]
pub(super) struct TestStore {
    memory: MemoryStore,
    is_full: AtomicBool,
}

impl Store for TestStore {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.memory.snapshot()
    }

    fn commit(&self, batch: Batch) -> Commit<'_> {
        if self.is_full.load(Ordering::Relaxed) {
            let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Box::pin(async { Err(CommitError::Full(Arc::new(cause))) });
        }
        self.memory.commit(batch)
    }

    fn watch(&self) -> watch::Receiver<Revision> {
        self.memory.watch()
    }

    fn journal(&self, query: JournalQuery) -> Reading<'_> {
        self.memory.journal(query)
    }
}

/// A control plane and its administrator.
pub(super) struct Api {
    app: Arc<App>,
    service: TowerToHyperService<axum::Router>,
    store: Arc<TestStore>,
    live: Live,
    revisions: watch::Receiver<u64>,
    material: watch::Receiver<Arc<EdgeMaterial>>,
    reports: mpsc::Sender<Report>,
    ready: watch::Sender<bool>,
    notified: mpsc::Receiver<ZoneId>,
    publisher: JoinHandle<crate::publisher::Stage>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.publisher.abort();
    }
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answered {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answered {
    /// The result of a success.
    #[track_caller]
    fn result(self) -> Value {
        assert!(self.status == 200 && self.body["success"] == true, "{self:?}");
        assert_eq!(self.body["errors"], json!([]), "{self:?}");
        self.body["result"].clone()
    }

    /// Checks that it is a proper failure and returns `status/code,code`.
    #[track_caller]
    fn failure(&self) -> String {
        assert_eq!(self.headers["content-type"], "application/json", "{self:?}");
        let members: Vec<_> = self.body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["success", "errors", "messages", "result"], "{self:?}");
        assert_eq!((&self.body["success"], &self.body["result"]), (&json!(false), &Value::Null));
        let errors = self.body["errors"].as_array().unwrap();
        assert!(errors.iter().all(|error| error["message"].is_string()), "{self:?}");
        let codes: Vec<_> = errors.iter().map(|error| error["code"].to_string()).collect();
        format!("{}/{}", self.status, codes.join(","))
    }

    fn message(&self) -> &str {
        self.body["errors"][0]["message"].as_str().unwrap()
    }
}

impl Api {
    async fn start() -> Self {
        Self::start_with(Limits::default()).await
    }

    async fn start_with(limits: Limits) -> Self {
        Self::start_as(limits, ServerSettings::default()).await
    }

    async fn start_as(limits: Limits, settings: ServerSettings) -> Self {
        let store = Arc::new(TestStore::default());
        let wishes = BootstrapSettings {
            account_id: Some(ACCOUNT.to_owned()),
            token: Some(TOKEN.to_owned()),
            email: Some("admin@example.com".to_owned()),
        };
        bootstrap(&*store, wishes).await.unwrap();
        let (publisher, live, revisions) = Publisher::new(store.clone()).unwrap();
        let (ready, is_ready) = watch::channel(false);
        let (notify, notified) = mpsc::channel(4);
        let options = ControlOptions {
            listener: std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
            store: store.clone(),
            limits,
            name_servers: vec!["ns1.example.net".to_owned()],
            live: live.clone(),
            applied: publisher.applied(),
            metrics: Arc::new(|| "evenkeel_up 1\n".to_owned()),
            ready: is_ready,
            explain: crate::ExplainSources::default(),
            notify_peers: Some(notify),
            prober: Arc::new(EverythingPasses),
            settings,
        };
        let app = Arc::new(App::new(options));
        let service = TowerToHyperService::new(router(Arc::clone(&app)));
        let material = publisher.edge_material();
        let (reports, inbox) = mpsc::channel(16);
        let publisher = tokio::spawn(publisher.run(inbox, std::future::pending()));
        Self { app, service, store, live, revisions, material, reports, ready, notified, publisher }
    }

    /// Any request.
    async fn send(&self, request: Request<Body>) -> Answered {
        let response = self.service.call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answered { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// A request of the administrator below `/client/v4`, its body as it is.
    async fn raw(&self, method: &str, path: &str, body: impl Into<Body>) -> Answered {
        self.ask_as(TOKEN, method, path, body).await
    }

    /// Likewise of whoever holds a token.
    async fn ask_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: impl Into<Body>,
    ) -> Answered {
        let request = Request::builder()
            .method(method)
            .uri(format!("/client/v4{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(body.into())
            .unwrap();
        self.send(request).await
    }

    async fn get(&self, path: &str) -> Answered {
        self.raw("GET", path, Body::empty()).await
    }

    async fn delete(&self, path: &str) -> Answered {
        self.raw("DELETE", path, Body::empty()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answered {
        self.raw("POST", path, body.to_string()).await
    }

    async fn put(&self, path: &str, body: Value) -> Answered {
        self.raw("PUT", path, body.to_string()).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answered {
        self.raw("PATCH", path, body.to_string()).await
    }

    /// Creates an object and returns its identifier.
    #[track_caller]
    fn create(&self, path: &str, body: Value) -> impl Future<Output = String> + use<'_> {
        let path = path.to_owned();
        async move {
            let result = self.post(&path, body).await.result();
            result["id"].as_str().unwrap().to_owned()
        }
    }

    async fn zone(&self, name: &str) -> String {
        self.create("/zones", json!({"name": name, "account": {"id": ACCOUNT}})).await
    }

    async fn pool(&self, name: &str) -> String {
        self.create(&pools(), pool_body(name)).await
    }

    async fn monitor(&self) -> String {
        self.create(&monitors(), json!({"type": "http", "expected_codes": "200"})).await
    }

    async fn load_balancer(&self, zone: &str, name: &str, pool: &str) -> String {
        self.create(&format!("/zones/{zone}/load_balancers"), lb_body(name, pool)).await
    }
}

fn pools() -> String {
    format!("/accounts/{ACCOUNT}/load_balancers/pools")
}

fn monitors() -> String {
    format!("/accounts/{ACCOUNT}/load_balancers/monitors")
}

fn groups() -> String {
    format!("/accounts/{ACCOUNT}/load_balancers/monitor_groups")
}

fn group_body(monitors: &[&str]) -> Value {
    let member = |monitor| {
        json!({"monitor_id": monitor, "enabled": true, "must_be_healthy": true,
            "monitoring_only": false})
    };
    let members: Vec<_> = monitors.iter().map(member).collect();
    json!({"description": "checkout", "members": members})
}

fn pool_body(name: &str) -> Value {
    json!({"name": name, "origins": [{"name": "a", "address": "192.0.2.10"}]})
}

fn lb_body(name: &str, pool: &str) -> Value {
    json!({"name": name, "default_pools": [pool], "fallback_pool": pool})
}

/// The description as it is served.
pub(super) async fn served_openapi() -> String {
    let api = Api::start().await;
    let request = Request::get("/client/v4/openapi.json").body(Body::empty()).unwrap();
    let response = api.service.call(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}
