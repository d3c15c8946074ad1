//! Threads whose processor time is known.

use std::future::Future;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A thread with a runtime of its own.
pub(crate) struct Thread {
    id: u32,
    handle: JoinHandle<()>,
}

/// Runs a future to its end.
pub(crate) fn in_thread(name: &str, work: impl Future<Output = ()> + Send + 'static) -> Thread {
    let (tell, told) = mpsc::channel();
    let run = move || {
        let link = std::fs::read_link("/proc/thread-self").expect("procfs is mounted");
        let id = link.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        let _ = tell.send(id.expect("a thread has a number"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        runtime.block_on(work);
        runtime.shutdown_background();
    };
    let handle = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    let handle = handle.expect("a thread starts");
    Thread { id: told.recv().expect("the thread tells its number"), handle }
}

impl Thread {
    /// Processor time so far, in user and kernel mode.
    pub(crate) fn cpu(&self) -> Duration {
        let path = format!("/proc/self/task/{}/schedstat", self.id);
        let stat = std::fs::read_to_string(path).unwrap_or_default();
        let ns = stat.split(' ').next().and_then(|ns| ns.parse().ok());
        Duration::from_nanos(ns.expect("the thread runs"))
    }

    /// Waits for its end.
    pub(crate) fn join(self) {
        let _ = self.handle.join();
    }
}
