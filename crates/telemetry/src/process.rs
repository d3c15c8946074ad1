//! What the kernel says of the process, under the names that Prometheus' client libraries use.
//!
//! Read from `/proc/self` when scraped. What cannot be read is left out.

use std::fs;

use crate::{Exposition, MetricKind};

/// Ticks of processor time a second, as the kernel tells them to programs: the same on every
/// machine.
const TICKS_PER_S: f64 = 100.0;

/// What is known of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Process {
    cpu_s: Option<f64>,
    started_at_s: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    threads: Option<u64>,
    open_fds: Option<u64>,
    max_fds: Option<u64>,
}

impl Process {
    fn of_self() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        // The descriptor that lists them is among them.
        let open_fds = fs::read_dir("/proc/self/fd").ok().map(|fds| fds.count() as u64 - 1);
        let known = Self::parse(
            &read("/proc/self/stat"),
            &read("/proc/self/status"),
            &read("/proc/self/limits"),
            &read("/proc/stat"),
        );
        Self { open_fds, ..known }
    }

    /// From the texts of `stat`, `status` and `limits`, and the machine's `stat` (proc(5)).
    fn parse(stat: &str, status: &str, limits: &str, machine: &str) -> Self {
        // The name of the program stands in brackets and may have spaces and brackets of its own.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace().collect();
        // Fields are numbered from 1, and the third is the first one here.
        let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let kibibytes = |name| labelled(status, name).map(|kib| kib * 1024);
        let booted_at_s = labelled(machine, "btime");
        Self {
            cpu_s: ticks(14).zip(ticks(15)).map(|(user, system)| (user + system) / TICKS_PER_S),
            started_at_s: booted_at_s
                .zip(ticks(22))
                .map(|(booted, started)| booted as f64 + started / TICKS_PER_S),
            resident_bytes: kibibytes("VmRSS:"),
            virtual_bytes: kibibytes("VmSize:"),
            threads: labelled(status, "Threads:"),
            open_fds: None,
            max_fds: labelled(limits, "Max open files"),
        }
    }
}

/// The first number of the line that begins like this.
fn labelled(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Writes what is known of this process.
pub fn render_process(page: &mut Exposition) {
    render(&Process::of_self(), page);
}

fn render(process: &Process, page: &mut Exposition) {
    use MetricKind::{Counter, Gauge};
    let whole = |value: Option<u64>| value.map(|value| value as f64);
    for (name, kind, help, value) in [
        (
            "process_cpu_seconds_total",
            Counter,
            "Processor time spent, by the program and for it.",
            process.cpu_s,
        ),
        (
            "process_start_time_seconds",
            Gauge,
            "When the process began, in seconds since 1970.",
            process.started_at_s,
        ),
        ("process_resident_memory_bytes", Gauge, "Memory in use.", whole(process.resident_bytes)),
        ("process_virtual_memory_bytes", Gauge, "Memory reserved.", whole(process.virtual_bytes)),
        ("process_threads", Gauge, "Threads.", whole(process.threads)),
        ("process_open_fds", Gauge, "File descriptors open.", whole(process.open_fds)),
        ("process_max_fds", Gauge, "File descriptors allowed.", whole(process.max_fds)),
    ] {
        if let Some(value) = value {
            page.metric(name, kind, help);
            page.sample(name, &[], value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_writes_is_understood() {
        let stat = "42 (even keel) 1) S 1 42 42 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 7 0 12345 1 2";
        let status = "Name:\tx\nVmSize:\t  2048 kB\nVmRSS:\t    1024 kB\nThreads:\t7\n";
        let limits = "Limit   Soft Limit   Hard Limit   Units\n\
                      Max open files            1024                 4096                 files\n";
        let machine = "cpu 1 2 3\nbtime 1700000000\n";
        let expected = Process {
            cpu_s: Some(3.0),
            started_at_s: Some(1_700_000_123.45),
            resident_bytes: Some(1_048_576),
            virtual_bytes: Some(2_097_152),
            threads: Some(7),
            open_fds: None,
            max_fds: Some(1024),
        };
        assert_eq!(Process::parse(stat, status, limits, machine), expected);
        assert_eq!(Process::parse("", "", "", ""), Process::default());
    }

    #[test]
    fn this_process_is_known() {
        let mut page = Exposition::default();
        render_process(&mut page);
        let page = page.finish();
        for name in ["process_cpu_seconds_total", "process_open_fds", "process_threads"] {
            assert!(page.lines().any(|line| line.starts_with(&format!("{name} "))), "{page}");
        }
    }
}
