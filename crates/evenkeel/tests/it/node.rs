//! A running server, endpoints that say their names, and clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

const TOKEN: &str = "a-token-for-tests-of-the-program";
const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

/// A server of its own, ended when dropped.
pub(crate) struct Node {
    process: Child,
    pub(crate) api: String,
    pub(crate) http: SocketAddr,
    zone: String,
    logs: Receiver<String>,
    /// Taken over by the next server on a restart.
    data: Option<TempDir>,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The program, with the environment of a test.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.env_clear().env("EVENKEEL_API_TOKEN", TOKEN).env("EVENKEEL_ACCOUNT_ID", ACCOUNT);
    command
}

impl Node {
    /// Starts a server of two workers with further flags, and makes the zone `example.com`.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut node = Self::open(TempDir::new().unwrap(), flags);
        let zone = json!({ "name": "example.com", "account": { "id": ACCOUNT } });
        node.zone = node.create("/zones", &zone);
        node
    }

    /// Asks the server to end, waits until it has, and starts another with the same data.
    pub(crate) fn restart(mut self, flags: &[&str]) -> Self {
        let asked = Command::new("kill").arg(self.process.id().to_string()).status().unwrap();
        assert!(asked.success());
        assert!(self.process.wait().unwrap().success());
        let (data, zone) = (self.data.take().unwrap(), std::mem::take(&mut self.zone));
        let mut next = Self::open(data, flags);
        next.zone = zone;
        next
    }

    fn open(data: TempDir, flags: &[&str]) -> Self {
        let mut process = program()
            .args(["serve", "--api", "127.0.0.1:0", "--http", "127.0.0.1:0", "--workers", "2"])
            .arg("--data-dir")
            .arg(data.path())
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(process.stderr.take().unwrap()).lines();
        let (log, logs) = channel();
        std::thread::spawn(move || errors.map_while(Result::ok).all(|line| log.send(line).is_ok()));
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut address = |name: &str| {
            let line = lines.next().expect("a line for each address").unwrap();
            let url = line.strip_prefix(name).unwrap_or_else(|| panic!("{name}: {line}")).trim();
            url.strip_prefix("http://").unwrap().trim_end_matches("/client/v4").to_owned()
        };
        let api = format!("http://{}", address("API"));
        let http = address("HTTP").parse().unwrap();
        Self { process, api, http, zone: String::new(), logs, data: Some(data) }
    }

    /// The result of a GET below `/client/v4`.
    pub(crate) fn get(&self, path: &str) -> Value {
        let mut response = ureq::get(format!("{}/client/v4{path}", self.api))
            .header("Authorization", format!("Bearer {TOKEN}"))
            .call()
            .unwrap();
        response.body_mut().read_json::<Value>().unwrap()["result"].take()
    }

    /// Creates an object of the account, and returns its identifier.
    pub(crate) fn create_in_account(&self, path: &str, body: &Value) -> String {
        self.create(&format!("/accounts/{ACCOUNT}{path}"), body)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut response = agent
            .post(format!("{}{path}", self.api))
            .header("Authorization", format!("Bearer {TOKEN}"))
            .send_json(body)
            .unwrap();
        let answer: Value = response.body_mut().read_json().unwrap();
        assert_eq!(response.status(), 200, "{path}: {answer}");
        answer
    }

    fn create(&self, path: &str, body: &Value) -> String {
        let answer = self.post(&format!("/client/v4{path}"), body);
        answer["result"]["id"].as_str().unwrap().to_owned()
    }

    /// A load balancer `NAME.example.com` over one pool of these endpoints and weights, each
    /// document with further members.
    pub(crate) fn balance(
        &self,
        name: &str,
        endpoints: &[(SocketAddr, f64)],
        pool: Value,
        more: Value,
    ) {
        let origin = |(n, (address, weight)): (usize, &(SocketAddr, f64))| {
            let (ip, port) = (address.ip(), address.port());
            json!({ "name": format!("{n}"), "address": ip, "port": port, "weight": weight })
        };
        let origins: Vec<_> = endpoints.iter().enumerate().map(origin).collect();
        let pool = merged(json!({ "name": name, "origins": origins }), pool);
        let pool = self.create(&format!("/accounts/{ACCOUNT}/load_balancers/pools"), &pool);
        let load_balancer = json!({
            "name": format!("{name}.example.com"), "proxied": true,
            "default_pools": [pool], "fallback_pool": pool,
        });
        let path = format!("/zones/{}/load_balancers", self.zone);
        self.create(&path, &merged(load_balancer, more));
    }

    /// Waits for a line of the log.
    pub(crate) fn wait_for_log(&self, words: &str) {
        let patience = Duration::from_secs(30);
        while !self.logs.recv_timeout(patience).expect("a line of the log").contains(words) {}
    }

    /// Asks for an explanation.
    pub(crate) fn explain(&self, question: &Value) -> Value {
        self.post("/evenkeel/v1/explain", question)
    }

    /// Runs `evenkeel explain` with these arguments.
    pub(crate) fn command(&self, args: &[&str]) -> Output {
        program().arg("explain").args(args).args(["--server", &self.api]).output().unwrap()
    }
}

fn merged(mut document: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut document, more) {
        members.extend(more);
    }
    document
}

/// Answers every request with its name, which is its place in its pool.
pub(crate) fn endpoint(name: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while read_head(&mut reader).is_some() {
                    let body = name.to_string();
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    if (&stream).write_all(format!("{head}{body}").as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    loop {
        let start = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if &head[start..] == "\r\n" {
            return Some(head);
        }
    }
}

/// A client with one connection.
pub(crate) struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects from an address of this machine.
    pub(crate) fn connect(source: IpAddr, node: &Node) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
        socket.connect(&node.http.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader }
    }

    /// Who answers `GET /`, and the session cookie if one was set.
    pub(crate) fn get(&mut self, host: &str, lines: &str) -> (String, Option<String>) {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n");
        self.stream.write_all(request.as_bytes()).unwrap();
        let head = read_head(&mut self.reader).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let cookie = value("Set-Cookie: ").and_then(|value| value.split(';').next());
        let mut body = vec![0; value("Content-Length: ").unwrap().parse().unwrap()];
        self.reader.read_exact(&mut body).unwrap();
        (String::from_utf8(body).unwrap(), cookie.map(str::to_owned))
    }
}

/// The example of `net`: loopback addresses in several countries.
pub(crate) fn example_countries() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../net/data/example.mmdb")
}
