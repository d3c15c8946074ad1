//! Terraform against the real binary: OpenTofu and the Cloudflare provider, both built from source
//! through the Go module proxy, below the target folder. No registry is asked and nothing is
//! installed elsewhere but in Go's own caches.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{fs, io};

use crate::process::{output, run};
use crate::suite::Stop;
use crate::suites::conformance;
use crate::tools;
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
    /// Whether its list of services is cut down to [`SERVICES`].
    is_cut_down: bool,
}

/// OpenTofu 1.12.6.
const TOFU: Program = Program {
    module: "github.com/opentofu/opentofu@v1.12.6",
    package: "./cmd/tofu",
    name: "tofu-1.12.6",
    is_cut_down: false,
};

/// The provider 5.24.0, as of four days after its release.
const PROVIDER: Program = Program {
    module: "github.com/cloudflare/terraform-provider-cloudflare@v0.0.0-20260824180050-4f360d592a7d",
    package: ".",
    name: "terraform-provider-cloudflare-5.24.0-cut-down",
    is_cut_down: true,
};

/// What is left of the provider: the services whose resources the tests have. All three hundred take
/// hours on two cores, these six a few minutes of one. Who wants all of them names a binary by
/// `EVENKEEL_TERRAFORM_V5`.
const SERVICES: [&str; 6] = [
    "dns_record",
    "load_balancer",
    "load_balancer_monitor",
    "load_balancer_monitor_group",
    "load_balancer_pool",
    "zone",
];

/// The file of the provider's module that lists its services.
const SERVICE_LIST: &str = "internal/provider.go";

/// OpenTofu takes eight minutes of one core, the provider six; this is for cores that others use too.
const BUILD_LIMIT: Duration = Duration::from_secs(90 * 60);

/// Apply, plan, update, import and destroy of every shape in the provider's documentation, of the
/// examples, and of what `evenkeel export` writes.
pub(crate) fn terraform(workspace: &Workspace) -> Result<(), Stop> {
    let mut programs = Vec::new();
    for (variable, program) in [("EVENKEEL_TOFU", TOFU), ("EVENKEEL_TERRAFORM_V5", PROVIDER)] {
        if std::env::var_os(variable).is_none() {
            programs.push((variable, program.built(workspace)?));
        }
    }
    conformance::pytest(workspace, "terraform", &programs)
}

impl Program {
    /// The program, built unless it is there already.
    ///
    /// It is built in the module's own folder, which is where its requirements and replacements
    /// count; `go install` refuses modules that replace others.
    fn built(&self, workspace: &Workspace) -> Result<PathBuf, Stop> {
        let built = workspace.target.join("terraform");
        let file = built.join(self.name);
        if file.is_file() {
            return Ok(file);
        }
        let go = tools::go()?;
        let mut source = self.folder(&go)?;
        if self.is_cut_down {
            let copy = built.join("provider");
            copy_cut_down(&source, &copy)
                .map_err(|error| Stop::failed(format!("{}: {error}", copy.display())))?;
            source = copy;
        }
        let mut command = Command::new(go);
        command.current_dir(source).args(["build", "-ldflags=-s -w", "-o"]).arg(&file);
        run(command.arg(self.package), BUILD_LIMIT)?;
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

/// Copies the provider's source, with a shorter list of services. Go's cache of modules is not to be
/// written, and replaces nothing of its own either.
fn copy_cut_down(source: &Path, copy: &Path) -> io::Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    copy_tree(source, copy)?;
    let list = copy.join(SERVICE_LIST);
    let short = cut_down(&fs::read_to_string(&list)?);
    // Copies of what is read only are so too.
    fs::remove_file(&list)?;
    fs::write(list, short)
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_tree(&from, &to)?;
        } else {
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// The list without the lines of other services than [`SERVICES`]: their imports, and what makes
/// their resources and data sources.
fn cut_down(list: &str) -> String {
    let kept = list.lines().filter(|line| service(line).is_none_or(|it| SERVICES.contains(&it)));
    kept.flat_map(|line| [line, "\n"]).collect()
}

/// The service that a line of the list is about.
fn service(line: &str) -> Option<&str> {
    if let Some((_, import)) = line.split_once("/internal/services/") {
        return import.strip_suffix('"');
    }
    let (service, _) = line.strip_prefix("\t\t")?.split_once(".New")?;
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    service.chars().all(is_word).then_some(service)
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
    fn other_services_are_cut_out() {
        let list = "import (
\t\"module/internal/services/access_rule\"
\t\"module/internal/services/zone\"
)
\tclient := cloudflare.NewClient(
\t\topts...,
\t)
\treturn []func() resource.Resource{
\t\tzone.NewResource,
\t\tsnippets.NewResource, // deprecated.
\t\tload_balancer_pool.NewResource,
\t}
";
        let short = "import (
\t\"module/internal/services/zone\"
)
\tclient := cloudflare.NewClient(
\t\topts...,
\t)
\treturn []func() resource.Resource{
\t\tzone.NewResource,
\t\tload_balancer_pool.NewResource,
\t}
";
        assert_eq!(cut_down(list), short);
    }

    #[test]
    fn a_module_is_found_where_go_says() {
        let printed = "{\n\t\"GoMod\": \"/cache/x.mod\",\n\t\"Dir\": \"/mod/x@v1.0.0\",\n\t\"Sum\": \"h1:\"\n}\n";
        assert_eq!(text_member(printed, "Dir"), Some("/mod/x@v1.0.0"));
        assert_eq!(text_member("{\n\t\"Error\": \"not found\"\n}\n", "Dir"), None);
    }
}
