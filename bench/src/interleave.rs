//! Proxies in turn: A B C A B C … Each turn starts the proxy afresh, so that no row profits from
//! one lucky memory layout, and nothing but the proxy being measured runs beside the load. A row
//! that is void gets no more turns.

use crate::args::{Affinity, Args};
use crate::cores::LOAD_CORE;
use crate::endpoint::Endpoints;
use crate::failure::{Failure, Result};
use crate::generator;
use crate::http::Answer;
use crate::load::Load;
use crate::machine;
use crate::measure::{self, Sample, Stage};
use crate::proxy::{self, Job, Proxy, Running};
use crate::report::{self, Header, Row};
use crate::request;
use crate::rundir::RunDir;
use crate::setup;
use crate::shape::{Drive, Serves, Shape};
use crate::strace;
use crate::tls::Certificate;

/// Bodies from here on take several buffers of most proxies.
const LARGE_BODY: usize = 16 << 10;

/// Runs the scenario as `args` ask and prints its table. False when a row is void.
pub fn run(args: &Args, shape: &Shape) -> Result<bool> {
    if args.strace {
        let bench = Bench::new(args, shape)?;
        let counts =
            bench.proxies.iter().map(|proxy| bench.count(proxy)).collect::<Result<Vec<_>>>()?;
        return report::system_calls(&bench.header(), &counts, args.json.as_deref());
    }
    let (header, rows) = rows(args, shape)?;
    report::measurements(&header, &rows, args.json.as_deref())
}

/// Measures every row of the scenario.
pub fn rows(args: &Args, shape: &Shape) -> Result<(Header, Vec<Row>)> {
    let bench = Bench::new(args, shape)?;
    let mut rows: Vec<Row> =
        bench.proxies.iter().map(|proxy| Row::new(proxy, args.rounds)).collect();
    for round in 1..=args.rounds {
        for (proxy, row) in bench.proxies.iter().zip(&mut rows).filter(|(_, row)| !row.is_void()) {
            let sample = bench.measure(proxy);
            eprintln!("round {round}/{} {:<14} {}", args.rounds, proxy.name, describe(&sample));
            row.add(sample);
        }
    }
    Ok((bench.header(), rows))
}

/// Sees to it that everything needed is on the machine, and says what may disturb.
fn prepare(args: &Args, shape: &Shape, proxies: &[Proxy]) -> Result<()> {
    if machine::cores() <= LOAD_CORE {
        return Err(Failure::new("two cores are needed: one for the proxy, one for the load"));
    }
    let mut tools = vec![setup::NGINX];
    match shape.load {
        Drive::Http1 { .. } | Drive::Open(_) => tools.push(setup::WRK),
        Drive::Http2 { .. } => tools.push(setup::H2LOAD),
        Drive::TlsResumed | Drive::WebSocket(_) => {}
    }
    if matches!(shape.load, Drive::TlsResumed | Drive::WebSocket(_) | Drive::Open(_)) {
        generator::binary()?;
    }
    if shape.load.is_tls() {
        tools.push(setup::OPENSSL);
    }
    tools.extend(setup::UTIL_LINUX);
    tools.extend(proxies.iter().filter_map(Proxy::tool));
    if args.strace {
        tools.push(setup::STRACE);
    }
    setup::ensure(&tools)?;
    proxies.iter().try_for_each(Proxy::fetch)?;
    let foreign = setup::foreign(&[setup::HAPROXY, setup::NGINX, setup::WRK, setup::H2LOAD]);
    if !foreign.is_empty() {
        eprintln!("note: already running, and left alone: {}", foreign.join(", "));
    }
    Ok(())
}

/// One line on a turn, for who watches.
fn describe(sample: &Result<Sample>) -> String {
    match sample {
        Ok(sample) => format!(
            "{:6.2} µs/request {:7.0} requests/s{}",
            sample.cpu_us_per_request(),
            sample.load.rate(),
            if sample.faults.is_empty() { "" } else { "  VOID" }
        ),
        Err(failure) => format!("VOID: {failure}"),
    }
}

/// What every turn of a run shares.
struct Bench<'a> {
    args: &'a Args,
    shape: Shape,
    proxies: Vec<Proxy>,
    /// Dropped after the endpoints, whose folder is in it.
    endpoints: Endpoints,
    job: Job,
    dir: RunDir,
    /// Of an open loop, in requests per second.
    rate: f64,
}

impl<'a> Bench<'a> {
    fn new(args: &'a Args, shape: &Shape) -> Result<Self> {
        let shape = shape.with(args);
        let mut proxies = proxy::selected(args, shape.rows)?;
        proxies.retain(|proxy| !shape.without.contains(&proxy.name.as_str()));
        prepare(args, &shape, &proxies)?;
        let dir = RunDir::create()?;
        let body_bytes = match shape.serves {
            Serves::Body(bytes) => bytes,
            Serves::Upload(_) | Serves::Echo => 0,
        };
        let folder = dir.sub("endpoint")?;
        let endpoints = match shape.serves {
            Serves::Echo => Endpoints::start_echo(&folder, args.cores, body_bytes)?,
            Serves::Body(_) | Serves::Upload(_) => {
                Endpoints::start(&folder, args.cores, body_bytes)?
            }
        };
        let tls = shape.load.is_tls().then(|| Certificate::create(&dir.sub("tls")?)).transpose()?;
        let job = Job {
            affinity: shape.affinity.is_on(),
            monitors: shape.monitors,
            metrics: shape.metrics,
            access_log: shape.access_log,
            tls,
            hosts: shape.hosts,
            large_bodies: body_bytes >= LARGE_BODY,
            ..Job::plain(endpoints.addresses, args.cores)
        };
        let mut bench = Self { args, shape, proxies, endpoints, job, dir, rate: 0.0 };
        if let Drive::Open(share) = shape.load {
            bench.rate = share * bench.saturation()?;
        }
        Ok(bench)
    }

    /// What the baseline serves at most, in requests per second: the closed loop says.
    fn saturation(&self) -> Result<f64> {
        let shape = Shape { load: Drive::KEEP_ALIVE, ..self.shape };
        let baseline = self.args.baseline.as_deref().unwrap_or(shape.baseline);
        let Some(proxy) = self.proxies.iter().find(|proxy| proxy.name == baseline) else {
            return Err(Failure::new(format!(
                "{baseline} must take part: its rate is the measure"
            )));
        };
        let (running, stage) = self.set_up(proxy, &shape)?;
        let rate = measure::sample(&stage, &running, self.args.seconds)?.load.rate();
        eprintln!("{baseline} is saturated by {rate:.0} requests/s");
        Ok(rate)
    }

    fn header(&self) -> Header {
        Header::new(self.args, &self.shape, &self.proxies)
    }

    /// One turn: start, warm up, measure, end.
    fn measure(&self, proxy: &Proxy) -> Result<Sample> {
        let (running, stage) = self.set_up(proxy, &self.shape)?;
        measure::sample(&stage, &running, self.args.seconds)
    }

    /// One turn that counts system calls instead.
    fn count(&self, proxy: &Proxy) -> Result<strace::Count> {
        let (running, stage) = self.set_up(proxy, &self.shape)?;
        let count = strace::count(&proxy.name, &stage, &running, self.args.seconds)?;
        eprintln!("{:<10} {} requests under strace", proxy.name, count.requests);
        Ok(count)
    }

    /// Starts the proxy and warms it up with the load it is then measured with.
    fn set_up(&self, proxy: &Proxy, shape: &Shape) -> Result<(Running, Stage<'_>)> {
        let dir = self.dir.sub(&proxy.name)?;
        let job = proxy.job(&self.job);
        let running = proxy.start(&job, &dir, &self.endpoints)?;
        let page = running.probe(&job, &self.endpoints)?;
        let session = match shape.affinity {
            Affinity::CookieHeld => page.header("set-cookie").and_then(|c| c.split(';').next()),
            Affinity::None | Affinity::Cookie => None,
        };
        let mut request = match shape.serves {
            Serves::Body(_) | Serves::Echo => request::get("/", session),
            Serves::Upload(bytes) => request::upload("/upload", bytes, session),
        };
        if shape.load.is_new_connections() {
            request = request::closing(&request);
        }
        let (answer_bytes, body_bytes) = match shape.serves {
            Serves::Body(bytes) => (self.answer_bytes(&page), bytes),
            Serves::Upload(bytes) => uploaded(&running, &request, bytes)?,
            Serves::Echo => match shape.load {
                Drive::WebSocket(bytes) => (bytes as usize, bytes as usize),
                _ => (0, 0),
            },
        };
        let load = Load {
            drive: shape.load,
            cores: self.args.cores,
            connections: shape.connections,
            request,
            hosts: job.hosts,
            rate: self.rate,
        };
        let target = running.https.unwrap_or(running.http);
        load.run(target, self.args.warm_up, &dir)?;
        let stage = Stage {
            endpoints: &self.endpoints,
            load,
            dir,
            target,
            answer_bytes,
            body_bytes,
            cores: self.args.cores,
        };
        Ok((running, stage))
    }

    /// Size of the answers that the load will get: held sessions are not told again.
    fn answer_bytes(&self, page: &Answer) -> usize {
        let told = match (self.shape.affinity, page.header("set-cookie")) {
            (Affinity::CookieHeld, Some(cookie)) => "Set-Cookie: \r\n".len() + cookie.len(),
            _ => 0,
        };
        page.wire_bytes - told
    }
}

/// Uploads once; gives the size of the right answer, with and without its head. It tells how much
/// arrived.
fn uploaded(running: &Running, request: &str, bytes: usize) -> Result<(usize, usize)> {
    let answer = crate::http::exchange(running.http, request.as_bytes())?;
    let arrived = answer.text().trim().parse().unwrap_or(0);
    if answer.status != 200 || !(bytes..2 * bytes + LARGE_BODY).contains(&arrived) {
        let status = answer.status;
        return Err(Failure::new(format!(
            "an upload of {bytes} bytes was answered {status}, and {arrived} bytes arrived"
        )));
    }
    Ok((answer.wire_bytes, answer.body.len()))
}
