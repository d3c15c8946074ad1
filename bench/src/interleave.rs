//! Proxies in turn: A B C A B C … Each turn starts the proxy afresh, so that no row profits from
//! one lucky memory layout, and nothing but the proxy being measured runs beside the load. A row
//! that is void gets no more turns.

use crate::args::{Affinity, Args};
use crate::endpoint::Endpoints;
use crate::failure::{Failure, Result};
use crate::http::Answer;
use crate::load::Load;
use crate::machine;
use crate::measure::{self, Sample, Stage};
use crate::proxy::{self, Job, Proxy, Running};
use crate::report::{self, Header, Row};
use crate::request;
use crate::rundir::RunDir;
use crate::setup;
use crate::strace;

/// The proxy has this core to itself.
pub const PROXY_CORE: usize = 0;

/// The load generator and the endpoints share this one.
pub const LOAD_CORE: usize = 1;

/// What a scenario of this kind chooses.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The scenario's name.
    pub scenario: &'static str,
    /// Size of every response body.
    pub body_bytes: usize,
}

/// Runs the scenario as `args` ask and prints its table. False when a row is void.
pub fn run(args: &Args, shape: &Shape) -> Result<bool> {
    let proxies = proxy::selected(args)?;
    prepare(args, &proxies)?;
    let dir = RunDir::create()?;
    let endpoints = Endpoints::start(&dir.sub("endpoint")?, LOAD_CORE, shape.body_bytes)?;
    let job = Job {
        endpoints: endpoints.addresses,
        affinity: args.affinity.is_on(),
        monitors: args.monitors,
        core: PROXY_CORE,
    };
    let header = Header::new(args, shape, &proxies);
    let bench = Bench { args, dir: &dir, endpoints: &endpoints, job };
    if args.strace {
        let counts = proxies.iter().map(|proxy| bench.count(proxy)).collect::<Result<Vec<_>>>()?;
        return report::system_calls(&header, &counts, args.json.as_deref());
    }
    let mut rows: Vec<Row> =
        proxies.iter().map(|proxy| Row::new(&proxy.name, args.rounds)).collect();
    for round in 1..=args.rounds {
        for (proxy, row) in proxies.iter().zip(&mut rows).filter(|(_, row)| !row.is_void()) {
            let sample = bench.measure(proxy);
            eprintln!("round {round}/{} {:<10} {}", args.rounds, proxy.name, describe(&sample));
            row.add(sample);
        }
    }
    report::measurements(&header, &rows, args.json.as_deref())
}

/// Sees to it that everything needed is on the machine, and says what may disturb.
fn prepare(args: &Args, proxies: &[Proxy]) -> Result<()> {
    if machine::cores() <= LOAD_CORE {
        return Err(Failure::new("two cores are needed: one for the proxy, one for the load"));
    }
    let mut tools = vec![setup::NGINX, setup::WRK];
    tools.extend(setup::UTIL_LINUX);
    tools.extend(proxies.iter().filter_map(Proxy::tool));
    if args.strace {
        tools.push(setup::STRACE);
    }
    setup::ensure(&tools)?;
    let foreign = setup::foreign(&[setup::HAPROXY, setup::NGINX, setup::WRK]);
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
    dir: &'a RunDir,
    endpoints: &'a Endpoints,
    job: Job,
}

impl Bench<'_> {
    /// One turn: start, warm up, measure, end.
    fn measure(&self, proxy: &Proxy) -> Result<Sample> {
        let (running, stage) = self.set_up(proxy)?;
        measure::sample(&stage, &running, self.args.seconds)
    }

    /// One turn that counts system calls instead.
    fn count(&self, proxy: &Proxy) -> Result<strace::Count> {
        let (running, stage) = self.set_up(proxy)?;
        let count = strace::count(&proxy.name, &stage, &running, self.args.seconds)?;
        eprintln!("{:<10} {} requests under strace", proxy.name, count.requests);
        Ok(count)
    }

    /// Starts the proxy and warms it up with the load it is then measured with.
    fn set_up(&self, proxy: &Proxy) -> Result<(Running, Stage<'_>)> {
        let dir = self.dir.sub(&proxy.name)?;
        let running = proxy.start(&self.job, &dir, self.endpoints)?;
        let page = running.probe(&self.job, self.endpoints)?;
        let session = match self.args.affinity {
            Affinity::CookieHeld => page.header("set-cookie").and_then(|c| c.split(';').next()),
            Affinity::None | Affinity::Cookie => None,
        };
        let load = Load {
            core: LOAD_CORE,
            connections: self.args.connections,
            request: request::get("/", session),
        };
        load.run(running.http, self.args.warm_up, &dir)?;
        let stage =
            Stage { endpoints: self.endpoints, load, dir, answer_bytes: self.answer_bytes(&page) };
        Ok((running, stage))
    }

    /// Size of the answers that the load will get: held sessions are not told again.
    fn answer_bytes(&self, page: &Answer) -> usize {
        let told = match (self.args.affinity, page.header("set-cookie")) {
            (Affinity::CookieHeld, Some(cookie)) => "Set-Cookie: \r\n".len() + cookie.len(),
            _ => 0,
        };
        page.wire_bytes - told
    }
}
