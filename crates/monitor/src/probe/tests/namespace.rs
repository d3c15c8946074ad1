//! Network namespaces: machines of a test's own, with no interface but those it makes.

use std::process::Command;

/// Set in the process inside.
const INSIDE: &str = "EVENKEEL_TEST_INSIDE_NAMESPACE";

/// What the test may do inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Everything, as far as the namespace goes.
    Root,
    /// Nothing.
    Nobody,
}

/// Runs the calling test once more, in a process inside a network namespace of its own, and fails if
/// that does. Returns true inside, where the test goes on. Machines that allow nobody such
/// namespaces skip the test.
pub(crate) fn inside(rights: Rights, module: &str, test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let (_, module) = module.split_once("::").expect("a module of this crate");
    let mut outer = Command::new("unshare");
    outer.args(["--user", "--net"]);
    if rights == Rights::Root {
        outer.arg("--map-root-user");
    }
    let program = std::env::current_exe().unwrap();
    let test = format!("{module}::{test}");
    let result =
        outer.arg(program).args(["--exact", &test, "--nocapture"]).env(INSIDE, "1").output();
    let Ok(output) = result else {
        eprintln!("skipped: unshare is not installed");
        return false;
    };
    let (said, told) = (text(&output.stdout), text(&output.stderr));
    if told.starts_with("unshare: ") {
        eprintln!("skipped: {told}");
        return false;
    }
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{told}");
    eprint!("{told}");
    false
}

fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// Brings up loopback. What is sent to 203.0.113.2 gets lost, 198.51.100.0/24 is known to be out of
/// reach, 198.18.0.0/24 is forbidden, and there is no way to anywhere else. Returns false without the means.
pub(crate) fn furnish() -> bool {
    [
        "link set lo up",
        "address add 203.0.113.1/32 dev lo",
        // Comes back in, is for nobody here, is not forwarded.
        "route add 203.0.113.2/32 dev lo src 203.0.113.1",
        "route add unreachable 198.51.100.0/24",
        "route add prohibit 198.18.0.0/24",
    ]
    .into_iter()
    .all(|step| {
        let done = Command::new("ip").args(step.split(' ')).output();
        let ok = done.is_ok_and(|output| output.status.success());
        if !ok {
            eprintln!("skipped: ip {step} does not work here");
        }
        ok
    })
}

/// Lets this process have datagram sockets for ICMP, inside.
pub(crate) fn allow_pings() -> bool {
    std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0").is_ok()
}
