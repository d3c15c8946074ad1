//! Suites of `conformance/`: pytest against the binary as a user has it.
//!
//! The binary is the development build. It shares every compiled dependency with the unit tests,
//! so it costs seconds where an optimised one costs minutes, and its assertions are on.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{BUILD_LIMIT, RUN_LIMIT, cargo, run};
use crate::suite::Stop;
use crate::suites::bench;
use crate::tools;
use crate::workspace::Workspace;

/// The pinned Python packages of every suite here.
const REQUIREMENTS: &str = "conformance/requirements.txt";

/// What the product promises, shown from outside.
pub(crate) fn acceptance(workspace: &Workspace) -> Result<(), Stop> {
    tools::program("curl", "curl")?;
    tools::program("dig", "bind9-dnsutils")?;
    tools::program("kdig", "knot-dnsutils")?;
    tools::program("unbound", "unbound")?;
    tools::program("nsd", "nsd")?;
    tools::program("promtool", "prometheus")?;
    let generator = load_generator(workspace)?;
    pytest(workspace, "acceptance", &[("EVENKEEL_LOAD_BIN", generator)])
}

/// The load generator, in the build that its own tests use.
fn load_generator(workspace: &Workspace) -> Result<PathBuf, Stop> {
    let (folder, target) = bench::load(workspace);
    let mut build = cargo(&folder);
    run(build.args(["build", "--locked", "--target-dir"]).arg(&target), BUILD_LIMIT)?;
    Ok(target.join("debug/evenkeel-load"))
}

/// The SDK that TypeScript and JavaScript programs use.
pub(crate) fn typescript(workspace: &Workspace) -> Result<(), Stop> {
    let modules = tools::node_modules(workspace, "conformance/typescript")?;
    pytest(workspace, "typescript", &[("EVENKEEL_NODE_MODULES", modules)])
}

/// The SDKs that Go programs use, the generated one and the one before.
pub(crate) fn go(workspace: &Workspace) -> Result<(), Stop> {
    let go = tools::go()?;
    let tests = workspace.target.join("go").join("sdk.test");
    let mut build = Command::new(&go);
    build.current_dir(workspace.root.join("conformance/go"));
    // Of the thousands of services in the SDK few are used, but all are compiled.
    run(build.args(["test", "-c", "-o"]).arg(&tests).arg("."), BUILD_LIMIT)?;
    pytest(workspace, "go", &[("EVENKEEL_GO_TESTS", tests)])
}

/// Every case of HTTP/2's conformance tool.
pub(crate) fn h2spec(workspace: &Workspace) -> Result<(), Stop> {
    let program = go_program(workspace, "conformance/h2spec", ".", "h2spec")?;
    pytest(workspace, "h2spec", &[("EVENKEEL_H2SPEC", program)])
}

/// The interoperability cases of gRPC, by the client and the server that grpc-go has for them.
pub(crate) fn grpc(workspace: &Workspace) -> Result<(), Stop> {
    let build = |what: &str| {
        let package = format!("google.golang.org/grpc/interop/{what}");
        go_program(workspace, "conformance/interop", &package, &format!("interop-{what}"))
    };
    let programs =
        [("EVENKEEL_GRPC_CLIENT", build("client")?), ("EVENKEEL_GRPC_SERVER", build("server")?)];
    pytest(workspace, "interop", &programs)
}

/// Clients as people have them.
pub(crate) fn clients(workspace: &Workspace) -> Result<(), Stop> {
    tools::program("curl", "curl")?;
    tools::program("chromium", "chromium")?;
    let modules = tools::node_modules(workspace, "conformance/clients")?;
    pytest(workspace, "clients", &[("EVENKEEL_NODE_MODULES", modules)])
}

/// A Go program below the target folder, built in the module at `folder`, which pins it.
fn go_program(
    workspace: &Workspace,
    folder: &str,
    package: &str,
    name: &str,
) -> Result<PathBuf, Stop> {
    let program = workspace.target.join("go").join(name);
    let mut build = Command::new(tools::go()?);
    build.current_dir(workspace.root.join(folder)).args(["build", "-o"]).arg(&program);
    run(build.arg(package), BUILD_LIMIT)?;
    Ok(program)
}

/// Every operation of the public OpenAPI document, with requests that are made up.
pub(crate) fn schema(workspace: &Workspace) -> Result<(), Stop> {
    pytest(workspace, "schema", &[])
}

/// What a newcomer sees first.
pub(crate) fn demo(workspace: &Workspace) -> Result<(), Stop> {
    tools::program("curl", "curl")?;
    pytest(workspace, "demo", &[])
}

/// Formatting and lints of the tests themselves.
pub(crate) fn python(workspace: &Workspace) -> Result<(), Stop> {
    let python = tools::python(workspace, REQUIREMENTS)?;
    for arguments in [["format", "--check"], ["check", "--quiet"]] {
        let mut command = Command::new(&python);
        command.args(["-m", "ruff"]).args(arguments).arg("conformance");
        run(command.current_dir(&workspace.root), RUN_LIMIT)?;
    }
    Ok(())
}

/// The tests of one folder, which find these programs in their environment.
pub(crate) fn pytest(
    workspace: &Workspace,
    folder: &str,
    programs: &[(&str, PathBuf)],
) -> Result<(), Stop> {
    let python = tools::python(workspace, REQUIREMENTS)?;
    let binary = build(workspace)?;
    let mut command = Command::new(python);
    command.args(["-m", "pytest", folder]);
    command.current_dir(workspace.root.join("conformance")).env("EVENKEEL_BIN", binary);
    command.envs(programs.iter().map(|(name, file)| (name, file)));
    run(&mut command, RUN_LIMIT)
}

/// Builds the whole workspace's binaries: asking for one package alone would choose other features
/// for shared dependencies and compile them a second time.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf, Stop> {
    let mut command = cargo(&workspace.root);
    run(command.args(["build", "--workspace", "--bins", "--locked"]), BUILD_LIMIT)?;
    Ok(workspace.target.join("debug").join("evenkeel"))
}
