//! gdnsd, configured by `peers/gdnsd.cfg`: its plugins `weighted` and `geoip`, HTTP checks.

use std::path::Path;

use super::{
    ENDPOINTS, Job, MONITOR_INTERVAL_S, Running, SUBNET, Steering, WEIGHTS, free_address, write,
    zone_file,
};
use crate::failure::{Context, Result};
use crate::process::{self, Process};
use crate::template::{self, Values};

pub(super) fn prepare(job: &Job, dir: &Path) -> Result<()> {
    for folder in ["zones", "run", "state"] {
        std::fs::create_dir_all(dir.join(folder)).context("making a folder")?;
    }
    let plugin = match job.steering {
        Steering::Weighted => "weighted",
        Steering::Geo => "geoip",
    };
    let names = (0..job.names).map(|n| format!("lb-{n} 30 DYNA {plugin}!lb-{n}"));
    write(&dir.join("zones/example.com"), &zone_file(names))
}

pub(super) fn start(job: &Job, dir: &Path) -> Result<Running> {
    let address = free_address()?;
    let texts = vec![
        ("listen", address.to_string()),
        ("dir", dir.display().to_string()),
        ("health_port", job.health_port.to_string()),
        ("monitor_interval_s", MONITOR_INTERVAL_S.to_string()),
        ("subnet", SUBNET.to_owned()),
        ("resources", resources(job)),
    ];
    let is_geo = job.steering == Steering::Geo;
    let flags = vec![("weighted", !is_geo), ("geo", is_geo)];
    let config = template::fill(include_str!("../../peers/gdnsd.cfg"), &Values { texts, flags })?;
    write(&dir.join("config"), &config)?;
    let mut command = process::pinned(job.core, "/usr/sbin/gdnsd");
    command.arg("-c").arg(dir).arg("start");
    Ok(Running { process: Process::start("gdnsd", command, dir)?, address })
}

fn resources(job: &Job) -> String {
    let one = |n: usize| match job.steering {
        Steering::Weighted => {
            let endpoints = ENDPOINTS.iter().zip(WEIGHTS).enumerate();
            let endpoints: Vec<_> = endpoints
                .map(|(n, (address, weight))| format!("e{n} => [{address}, {weight}]"))
                .collect();
            format!("lb-{n} => {{ {} }}", endpoints.join(", "))
        }
        Steering::Geo => {
            let [eu, us, _] = ENDPOINTS;
            format!("lb-{n} => {{ map => places, dcmap => {{ eu => {eu}, us => {us} }} }}")
        }
    };
    (0..job.names).map(one).collect::<Vec<_>>().join("\n")
}
