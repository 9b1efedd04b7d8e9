//! The first stage: new namespaces, the file system of the box, and the output at the end.

use std::{
    fs::{self, File},
    io::{BufRead as _, Write as _},
    os::unix::{
        fs::{MetadataExt as _, OpenOptionsExt as _},
        process::ExitStatusExt as _,
    },
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result};
use nix::{
    sched::{CloneFlags, unshare},
    sys::{prctl, signal::Signal},
};

use super::{ENTERED, Ended, Plan, missing, root};
use crate::spec::{Ending, OutputRefused};

const NAMESPACES: &str = "allow user namespaces: on Ubuntu `sudo sysctl -w \
                          kernel.apparmor_restrict_unprivileged_userns=0` or an AppArmor profile \
                          with `userns,`; on Debian `sudo sysctl -w \
                          kernel.unprivileged_userns_clone=1`; in a container `--security-opt \
                          seccomp=unconfined --security-opt apparmor=unconfined --security-opt \
                          systempaths=unconfined`";

pub(super) fn enter(plan: &Plan, folder: &Path) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    let all = [
        ("user namespaces", CloneFlags::CLONE_NEWUSER),
        ("a mount namespace", CloneFlags::CLONE_NEWNS),
        ("a network namespace", CloneFlags::CLONE_NEWNET),
        ("a process namespace", CloneFlags::CLONE_NEWPID),
        ("an IPC namespace", CloneFlags::CLONE_NEWIPC),
        ("a name space of host names", CloneFlags::CLONE_NEWUTS),
        ("a control group namespace", CloneFlags::CLONE_NEWCGROUP),
    ];
    for (name, flag) in all {
        unshare(flag).map_err(|why| missing(name, why, NAMESPACES))?;
    }
    wait_for_users().context("the outside is gone")?;
    let root = folder.join("root");
    root::build(plan, &root)?;
    let (program, arguments) = plan.stage.split_first().context("no stage")?;
    let status = Command::new(program)
        .args(arguments)
        .arg("confine")
        .arg(folder)
        .stdin(Stdio::null())
        .status()
        .context("cannot start the second stage")?;
    let ending = match (status.code(), status.signal()) {
        (Some(code), _) => Ending::Exit(code),
        (None, signal) => Ending::Signal(signal.unwrap_or(9)),
    };
    let output = take(&root.join("out").join(&plan.program.output), &plan.program.output_to);
    fs::write(folder.join("ended.json"), serde_json::to_vec(&Ended { ending, output })?)?;
    Ok(())
}

/// Tells the outside, which maps this process's users and answers with a line.
fn wait_for_users() -> Result<()> {
    let mut said = std::io::stdout().lock();
    writeln!(said, "{ENTERED}")?;
    said.flush()?;
    std::io::stdin().lock().read_line(&mut String::new())?;
    Ok(())
}

/// Copies the output out of the box: a regular file with one name, opened without following links
/// and without waiting. All that ran in the box has ended.
fn take(from: &Path, to: &Path) -> Result<u64, OutputRefused> {
    if fs::symlink_metadata(from).is_err() {
        return Err(OutputRefused::Absent);
    }
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = File::options().read(true).custom_flags(flags).open(from);
    let mut file = file.map_err(|_| OutputRefused::NotAFile)?;
    let known = file.metadata().map_err(|_| OutputRefused::Unreadable)?;
    if !known.is_file() || known.nlink() != 1 {
        return Err(OutputRefused::NotAFile);
    }
    let copied = File::create(to).and_then(|mut to| std::io::copy(&mut file, &mut to));
    copied.map_err(|_| OutputRefused::Unreadable)
}
