//! The machine that a number belongs to.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::process::output_of;

/// One line: processor, cores, kernel.
pub fn line() -> String {
    let virtualised = if flag("hypervisor") { ", virtual" } else { "" };
    format!("{}, {} cores{virtualised}, Linux {}", model(), cores(), kernel())
}

/// The same and more, for the results file.
pub fn facts() -> Value {
    json!({
        "cpu": model(),
        "cores": cores(),
        "virtual": flag("hypervisor"),
        "kernel": kernel(),
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "mitigations": mitigations(),
    })
}

fn model() -> String {
    cpuinfo("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn kernel() -> String {
    read("/proc/sys/kernel/osrelease").unwrap_or_else(|| "?".to_owned())
}

/// Cores of the machine, whatever this process is confined to.
pub fn cores() -> usize {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    text.lines()
        .filter(|line| {
            line.strip_prefix("cpu").is_some_and(|l| l.starts_with(|c: char| c.is_ascii_digit()))
        })
        .count()
}

/// How many files a process may have open: as things are, and at most.
pub fn open_files() -> (u32, u32) {
    let text = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    open_files_of(&text).unwrap_or((1024, 1024))
}

fn open_files_of(limits: &str) -> Option<(u32, u32)> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut numbers = line.split_whitespace();
    let mut next = || -> Option<u32> {
        let word = numbers.next()?;
        if word == "unlimited" { Some(u32::MAX) } else { word.parse().ok() }
    };
    Some((next()?, next()?))
}

/// The kernel's answers to flaws of the processor: they are a good part of a system call's price.
fn mitigations() -> Map<String, Value> {
    fs::read_dir("/sys/devices/system/cpu/vulnerabilities")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let text = read(entry.path())?;
            let active = text.starts_with("Mitigation");
            active.then(|| (entry.file_name().to_string_lossy().into_owned(), text.into()))
        })
        .collect()
}

fn flag(name: &str) -> bool {
    cpuinfo("flags").is_some_and(|flags| flags.split_whitespace().any(|flag| flag == name))
}

fn cpuinfo(key: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

/// Whether packages can be installed.
pub fn is_root() -> bool {
    output_of("id", &["-u"]).is_some_and(|id| id.trim() == "0")
}

/// Who runs this, as nginx's `user` directive wants it: workers stay able to read the run folder.
pub fn user_and_group() -> String {
    let name = |option| output_of("id", &[option]).unwrap_or_default().trim().to_owned();
    format!("{} {}", name("-un"), name("-gn"))
}

/// Commit of the tree, with a mark when it has changes.
pub fn commit(repository: &Path) -> Option<String> {
    let repository = repository.to_str()?;
    let text = output_of("git", &["-C", repository, "describe", "--always", "--dirty"])?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read() {
        for (line, expected) in [
            (
                "Max open files            1024                 524288               files",
                Some((1024, 524_288)),
            ),
            (
                "Max open files            20000                unlimited            files",
                Some((20_000, u32::MAX)),
            ),
            ("Max processes             1                    1                    processes", None),
        ] {
            assert_eq!(
                open_files_of(&format!("Limit Soft Hard Units\n{line}\n")),
                expected,
                "{line}"
            );
        }
    }
}
