//! Instructions that programs retire as RISC-V, counted by the plugin in `counter/` under qemu.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// The target of the counted programs.
pub const TARGET: &str = "riscv64gc-unknown-linux-gnu";

/// The crates of the dapp; always all of them, since the selection decides features.
const CRATES: [&str; 12] =
    ["-p", "blobs", "-p", "market", "-p", "kernels", "-p", "eval", "-p", "wire", "-p", "rollup"];

/// The required tools, and Debian's packages for them.
const TOOLS: [(&str, &str); 3] = [
    ("gcc", "gcc"),
    ("qemu-riscv64", "qemu-user"),
    ("riscv64-linux-gnu-gcc", "gcc-riscv64-linux-gnu libc6-dev-riscv64-cross"),
];

/// The first qemu with version 2 of the plugin interface.
const QEMU_OF_SECOND_PLUGINS: u32 = 9;

/// Counts programs of the dapp.
#[derive(Debug)]
pub struct Counter {
    /// Holds the plugin and each run's counts.
    folder: TempDir,
    /// Folder of the counted programs.
    programs: PathBuf,
    runs: AtomicUsize,
}

impl Counter {
    /// Builds the plugin, and the dapp's programs for RISC-V.
    ///
    /// - Errors: a tool is missing; the message says how to install it
    pub fn new() -> Result<Self> {
        look_for_tools()?;
        let folder = tempfile::tempdir()?;
        build_plugin(&folder.path().join("count.so"))?;
        let target = target_folder()?;
        let mut build = Command::new("cargo");
        build.args(["build", "--release", "--locked", "--quiet", "--bins", "--examples"]);
        build.args(CRATES).args(["--target", TARGET]).arg("--target-dir").arg(&target);
        build.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        ensure!(build.status()?.success(), "cannot build the dapp for RISC-V");
        let programs = target.join(TARGET).join("release");
        Ok(Self { programs, folder, runs: AtomicUsize::new(0) })
    }

    /// A program of the dapp, `examples/` included.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// A command that runs a program under qemu and counts it, and the file of the counts.
    #[must_use]
    pub fn command(&self, program: &Path) -> (Command, PathBuf) {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let counts = self.folder.path().join(format!("counts-{run}"));
        let plugin = self.folder.path().join("count.so");
        let mut command = Command::new("qemu-riscv64");
        command.arg("-plugin").arg(format!("{},out={}", plugin.display(), counts.display()));
        command.arg(program);
        (command, counts)
    }

    /// A script in `folder` that runs a program and counts up to its last system call, and the file
    /// of the counts. For programs that others start.
    pub fn launcher(&self, program: &Path, folder: &Path) -> Result<(PathBuf, PathBuf)> {
        let (script, counts) = (folder.join("launcher"), folder.join("counts"));
        let plugin = self.folder.path().join("count.so");
        let (plugin, program) = (plugin.display(), program.display());
        let text = format!(
            "#!/bin/sh\nexec qemu-riscv64 -plugin '{plugin},out={},calls=all' '{program}' \"$@\"\n",
            counts.display()
        );
        fs::write(&script, text)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        Ok((script, counts))
    }

    /// Runs a program; returns the instructions between marks, which are its writes to stderr.
    ///
    /// - Errors: it fails, with its stderr
    pub fn count<A: AsRef<OsStr>>(&self, program: &Path, arguments: &[A]) -> Result<Vec<u64>> {
        Ok(self.run(program, arguments)?.0)
    }

    /// As [`Self::count`], together with the program's stdout.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        arguments: &[A],
    ) -> Result<(Vec<u64>, Vec<u8>)> {
        let (mut command, counts) = self.command(program);
        let output = command.args(arguments).output().context("cannot run qemu-riscv64")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed: {}", program.display(), said.trim());
        Ok((between(&counts)?, output.stdout))
    }
}

/// The differences of the counts in a file, without the last one at the program's exit.
///
/// - Errors: not a file of the plugin
pub fn between(counts: &Path) -> Result<Vec<u64>> {
    let text = fs::read_to_string(counts).context("nothing was counted")?;
    let counts: Vec<u64> = text.lines().map(str::parse).collect::<Result<_, _>>()?;
    let marks = counts.split_last().map(|(_, marks)| marks).unwrap_or_default();
    Ok(marks.array_windows().map(|[before, after]| after - before).collect())
}

/// The target folder that the running program was built in.
///
/// - Errors: it was built with another profile
pub fn target_folder() -> Result<PathBuf> {
    let own = env::current_exe()?;
    let target = own.ancestors().find(|folder| folder.ends_with("release"));
    let target = target.and_then(Path::parent).context("not built in the release profile")?;
    Ok(target.to_owned())
}

/// - Errors: one line that names the missing tool and how to install it
fn look_for_tools() -> Result<()> {
    let found = |tool: &str| {
        let asked = Command::new(tool).arg("--version").output();
        asked.is_ok_and(|answer| answer.status.success())
    };
    let missing: Vec<_> =
        TOOLS.iter().filter(|(tool, _)| !found(tool)).map(|(_, packages)| *packages).collect();
    if !missing.is_empty() {
        let packages = missing.join(" ");
        bail!("counting instructions needs Debian's {packages}: apt-get install {packages}");
    }
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let libraries = String::from_utf8(rustc.output().context("cannot run rustc")?.stdout)?;
    ensure!(
        Path::new(libraries.trim()).is_dir(),
        "counting instructions needs Rust for RISC-V: rustup target add {TARGET}"
    );
    Ok(())
}

fn build_plugin(plugin: &Path) -> Result<()> {
    let qemu = Command::new("qemu-riscv64").arg("--version").output()?;
    let said = String::from_utf8(qemu.stdout)?;
    // "qemu-riscv64 version 7.2.22 (Debian …)"
    let version = said.split_whitespace().nth(2).and_then(|version| version.split('.').next());
    let version: u32 = version.context("qemu-riscv64 does not say its version")?.parse()?;
    let interface = if version < QEMU_OF_SECOND_PLUGINS { 1 } else { 2 };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("counter/count.c");
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-Wall", "-Wextra", "-shared", "-fPIC", &format!("-DVERSION={interface}")]);
    let built = gcc.arg("-o").arg(plugin).arg(source).status()?;
    ensure!(built.success(), "cannot build the plugin that counts");
    Ok(())
}
