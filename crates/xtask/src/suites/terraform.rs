//! Terraform against the real binary: OpenTofu and the Cloudflare provider, both built from source
//! through the Go module proxy, below the target folder. No registry is asked and nothing is
//! installed elsewhere but in Go's own caches.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{output, run};
use crate::suite::Stop;
use crate::suites::conformance;
use crate::workspace::Workspace;

/// A program that is built from a Go module.
struct Program {
    /// The module and its version. The provider's modules carry no major version in their path, so
    /// that the proxy knows them by the time and the hash of a commit alone.
    module: &'static str,
    /// The package of the program inside the module.
    package: &'static str,
    /// The file that is built.
    name: &'static str,
}

/// OpenTofu 1.12.6.
const TOFU: Program =
    Program { module: "github.com/opentofu/opentofu@v1.12.6", package: "./cmd/tofu", name: "tofu" };

/// The provider 5.24.0, as of four days after its release.
const PROVIDER: Program = Program {
    module: "github.com/cloudflare/terraform-provider-cloudflare@v0.0.0-20260824180050-4f360d592a7d",
    package: ".",
    name: "terraform-provider-cloudflare-5.24.0",
};

/// The provider alone is a thousand packages, generated and long: the better part of an hour on
/// cores that others use too.
const BUILD_LIMIT: Duration = Duration::from_secs(90 * 60);

/// Where Go installs itself, for those who have not put it on their path.
const USUAL_GO: &str = "/usr/local/go/bin/go";

/// Apply, plan, update, import and destroy of every shape in the provider's documentation.
pub(crate) fn terraform(workspace: &Workspace) -> Result<(), Stop> {
    let mut programs = Vec::new();
    for (variable, program) in [("EVENKEEL_TOFU", TOFU), ("EVENKEEL_TERRAFORM_V5", PROVIDER)] {
        if std::env::var_os(variable).is_none() {
            programs.push((variable, program.built(workspace)?));
        }
    }
    conformance::pytest(workspace, "terraform", &programs)
}

/// The Go command.
fn go() -> Result<PathBuf, Stop> {
    let candidates = ["go", USUAL_GO].map(PathBuf::from);
    let there = |go: &PathBuf| output(Command::new(go).arg("version")).is_some();
    candidates.into_iter().find(there).ok_or_else(|| {
        Stop::left_out("go 1.26 or later is not installed: https://go.dev/dl or apt install golang")
    })
}

impl Program {
    /// The program, built unless it is there already.
    ///
    /// It is built in the module's own folder, which is where its requirements and replacements
    /// count; `go install` refuses modules that replace others.
    fn built(&self, workspace: &Workspace) -> Result<PathBuf, Stop> {
        let file = workspace.target.join("terraform").join(self.name);
        if file.is_file() {
            return Ok(file);
        }
        let go = go()?;
        let folder = self.folder(&go)?;
        let mut command = Command::new(go);
        command.args(["build", "-ldflags=-s -w", "-o"]).arg(&file).arg(self.package);
        run(command.current_dir(folder), BUILD_LIMIT)?;
        Ok(file)
    }

    /// Where Go unpacked the module.
    fn folder(&self, go: &Path) -> Result<PathBuf, Stop> {
        let absent =
            || Stop::left_out(format!("the Go module proxy does not give {}", self.module));
        let mut download = Command::new(go);
        // Outside of any module, lest a go.mod above us have a say.
        download.current_dir("/").args(["mod", "download", "-json", self.module]);
        let answer = output(&mut download).ok_or_else(absent)?;
        let answer = String::from_utf8_lossy(&answer.stdout);
        text_member(&answer, "Dir").map(PathBuf::from).ok_or_else(absent)
    }
}

/// A member of a flat JSON object that `go` printed with one member a line. Paths of module caches
/// need no escapes.
fn text_member<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\": \""))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_where_go_says() {
        let printed = "{\n\t\"GoMod\": \"/cache/x.mod\",\n\t\"Dir\": \"/mod/x@v1.0.0\",\n\t\"Sum\": \"h1:\"\n}\n";
        assert_eq!(text_member(printed, "Dir"), Some("/mod/x@v1.0.0"));
        assert_eq!(text_member("{\n\t\"Error\": \"not found\"\n}\n", "Dir"), None);
    }
}
