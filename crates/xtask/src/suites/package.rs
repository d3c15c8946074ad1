//! The Debian package: made with cargo-deb, and installed, upgraded and purged in a Debian of its
//! own below the target folder, which debootstrap makes from the archive that this machine uses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{BUILD_LIMIT, RUN_LIMIT, cargo, output, run};
use crate::suite::Stop;
use crate::suites::conformance;
use crate::tools;
use crate::workspace::Workspace;

/// The version of cargo-deb, and where it is below the target folder.
const CARGO_DEB: &str = "3.8.0";

/// A base system of some hundred packages comes within a minute from an archive nearby.
const BOOTSTRAP_LIMIT: Duration = Duration::from_secs(8 * 60);

/// The manual page, which goes into the package compressed.
const MANUAL: &str = "evenkeel.1";

/// What the binary prints of itself for the package, and the files that it becomes.
const PRINTED: [(&[&str], &str); 4] = [
    (&["manual"], MANUAL),
    (&["completions", "bash"], "evenkeel.bash"),
    (&["completions", "zsh"], "_evenkeel"),
    (&["completions", "fish"], "evenkeel.fish"),
];

/// Which build a package is made from.
#[derive(Clone, Copy, Debug)]
struct Build {
    /// Its folder below the target folder.
    folder: &'static str,
    /// How the archive is packed.
    packing: &'static [&'static str],
}

const RELEASE: Build = Build { folder: "release", packing: &[] };
/// What the other suites build, so that nothing is compiled for this one.
const DEVELOPMENT: Build = Build { folder: "debug", packing: &["--fast"] };

/// Installs, upgrades and purges two versions in a Debian root.
pub(crate) fn suite(workspace: &Workspace) -> Result<(), Stop> {
    if !tools::is_root() {
        return Err(Stop::left_out("a Debian root is made by root alone"));
    }
    tools::program("debootstrap", "debootstrap")?;
    tools::program("systemd-analyze", "systemd")?;
    tools::program("dpkg-shlibdeps", "dpkg-dev")?;
    let debian = debian_root(workspace)?;
    conformance::build(workspace)?;
    let cargo_deb = cargo_deb(workspace)?;
    let old = package(workspace, &cargo_deb, DEVELOPMENT, Some("0.0.0-1"))?;
    let new = package(workspace, &cargo_deb, DEVELOPMENT, Some("0.0.0-2"))?;
    let files = [("EVENKEEL_DEBIAN", debian), ("EVENKEEL_DEB_OLD", old), ("EVENKEEL_DEB_NEW", new)];
    conformance::pytest(workspace, "package", &files)
}

/// Builds the package that is published, and says where it is.
pub(crate) fn release(workspace: &Workspace) -> Result<(), Stop> {
    let cargo_deb = cargo_deb(workspace)?;
    let mut build = cargo(&workspace.root);
    build.args(["build", "--release", "--locked", "--package", "evenkeel"]);
    run(&mut build, BUILD_LIMIT)?;
    let file = package(workspace, &cargo_deb, RELEASE, None)?;
    println!("{}", file.display());
    Ok(())
}

/// A package of what was built before.
fn package(
    workspace: &Workspace,
    cargo_deb: &Path,
    build: Build,
    version: Option<&str>,
) -> Result<PathBuf, Stop> {
    let folder = workspace.target.join("debian");
    let staged = folder.join(build.folder);
    stage(&workspace.target.join(build.folder).join("evenkeel"), &staged.join("release"))?;
    let file = folder.join(match version {
        Some(version) => format!("evenkeel_{version}.deb"),
        None => "evenkeel.deb".to_owned(),
    });
    let mut command = Command::new(cargo_deb);
    command.current_dir(&workspace.root).env("CARGO_TARGET_DIR", &staged);
    command.args(["--package", "evenkeel", "--no-build", "--strip", "--no-dbgsym", "--quiet"]);
    command.args(build.packing);
    command.args(version.iter().flat_map(|version| ["--deb-version", version]));
    run(command.arg("--output").arg(&file), RUN_LIMIT)?;
    Ok(file)
}

/// Puts the binary where cargo-deb looks for it, whichever build it is of, and beside it what it
/// prints of itself: its manual page, and what shells complete its commands by.
fn stage(binary: &Path, folder: &Path) -> Result<(), Stop> {
    let failed = |error| Stop::failed(format!("{}: {error}", folder.display()));
    let package = folder.join("package");
    fs::create_dir_all(&package).map_err(failed)?;
    fs::copy(binary, folder.join("evenkeel")).map_err(failed)?;
    for (arguments, file) in PRINTED {
        let printed = output(Command::new(binary).args(arguments));
        let printed = printed
            .ok_or_else(|| Stop::failed(format!("evenkeel {} failed", arguments.join(" "))))?;
        fs::write(package.join(file), printed.stdout).map_err(failed)?;
    }
    // Without a name and a time in it, so that the same page is the same file.
    let mut gzip = Command::new("gzip");
    gzip.args(["--best", "--no-name", "--force"]);
    run(gzip.arg(package.join(MANUAL)), RUN_LIMIT)
}

/// cargo-deb below the target folder, built once.
fn cargo_deb(workspace: &Workspace) -> Result<PathBuf, Stop> {
    let root = workspace.target.join("tools");
    let program = root.join("bin").join("cargo-deb");
    let version = output(Command::new(&program).arg("--version"));
    if version.is_some_and(|said| said.stdout.trim_ascii().ends_with(CARGO_DEB.as_bytes())) {
        return Ok(program);
    }
    let mut install = cargo(&workspace.root);
    install.args(["install", "--quiet", "--locked", "--force", "--version", CARGO_DEB]);
    run(install.arg("--root").arg(&root).arg("cargo-deb"), BUILD_LIMIT)
        .map_err(|_| Stop::left_out(format!("cargo cannot install cargo-deb {CARGO_DEB}")))?;
    Ok(program)
}

/// A base system as the machine's archive has it, made once. Tests work on copies.
fn debian_root(workspace: &Workspace) -> Result<PathBuf, Stop> {
    let (site, codename) = archive()?;
    let root = workspace.target.join("debian").join(&codename);
    if root.join("etc/debian_version").exists() {
        return Ok(root);
    }
    let failed = |error| Stop::failed(format!("{}: {error}", root.display()));
    let begun = root.with_extension("begun");
    let _ = fs::remove_dir_all(&begun);
    fs::create_dir_all(&begun).map_err(failed)?;
    let mut bootstrap = Command::new("debootstrap");
    bootstrap.args(["--variant=minbase", "--include=adduser,ca-certificates,logrotate,systemd"]);
    run(bootstrap.arg(&codename).arg(&begun).arg(&site), BOOTSTRAP_LIMIT)
        .map_err(|_| Stop::left_out(format!("debootstrap cannot make {codename} from {site}")))?;
    fs::rename(&begun, &root).map_err(failed)?;
    Ok(root)
}

/// The archive that this machine installs its base system from, and the name of its release.
fn archive() -> Result<(String, String), Stop> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(SITE) $(CODENAME) $(RELEASE) $(COMPONENT)"]);
    let targets = output(targets.arg("Created-By: Packages"));
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    targets
        .and_then(|known| archive_in(&String::from_utf8_lossy(&known.stdout), &release))
        .ok_or_else(|| Stop::left_out("apt-get does not say where this machine's Debian is from"))
}

/// The first of apt's sources that has the release of `/etc/os-release`.
fn archive_in(targets: &str, os_release: &str) -> Option<(String, String)> {
    let codename = os_release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    let codename = codename.trim_matches('"');
    let site = targets.lines().find_map(|line| {
        let mut words = line.split(' ');
        let site = words.next()?;
        let is_main = words.next()? == codename && words.next()? == codename;
        (is_main && words.next()? == "main").then_some(site)
    })?;
    Some((site.to_owned(), codename.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_is_the_one_of_the_running_release() {
        let targets = "https://packages.example nodistro nodistro main\n\
                       http://mirror.example/debian bookworm-updates bookworm-updates main\n\
                       http://mirror.example/debian bookworm bookworm contrib\n\
                       http://mirror.example/debian bookworm bookworm main\n";
        let release = "ID=debian\nVERSION_CODENAME=bookworm\n";
        let expected = ("http://mirror.example/debian".to_owned(), "bookworm".to_owned());
        assert_eq!(archive_in(targets, release), Some(expected));
        assert_eq!(archive_in(targets, "VERSION_CODENAME=trixie"), None);
        assert_eq!(archive_in("", release), None);
    }
}
