//! NSD, configured by `peers/nsd.cfg`: fixed records.

use std::path::Path;

use super::{Job, Running, fixed_records, free_address, write, zone_file};
use crate::failure::Result;
use crate::process::{self, Process};
use crate::template::{self, Values};

pub(super) fn prepare(job: &Job, dir: &Path) -> Result<()> {
    write(&dir.join("example.com.zone"), &zone_file(fixed_records(job)))
}

pub(super) fn start(job: &Job, dir: &Path) -> Result<Running> {
    let address = free_address()?;
    let listen = format!("{}@{}", address.ip(), address.port());
    let texts = vec![("listen", listen), ("dir", dir.display().to_string())];
    let values = Values { texts, flags: Vec::new() };
    let config = template::fill(include_str!("../../peers/nsd.cfg"), &values)?;
    let path = dir.join("nsd.cfg");
    write(&path, &config)?;
    let mut command = process::pinned(job.core, "/usr/sbin/nsd");
    command.arg("-d").arg("-c").arg(&path);
    Ok(Running { process: Process::start("nsd", command, dir)?, address })
}
