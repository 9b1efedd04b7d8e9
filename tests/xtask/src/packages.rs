//! Debian's packages that the checks need: installed where this may be done, else named.

use std::process::Command;

use crate::{found, root, step};

/// Installs the packages of missing programs, with those that go along with them.
///
/// - Errors: the command that a person is to run
pub(crate) fn ensure(what: &str, needed: &[(&str, &str)], along: &[&str]) -> Result<(), String> {
    let missing: Vec<_> =
        needed.iter().filter(|(program, _)| !found(program)).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = [missing.as_slice(), along].concat();
    let remedy = format!("apt-get install {}", names.join(" "));
    if !is_root() || !found("apt-get") {
        return Err(format!("{what} is missing: as root, {remedy}"));
    }
    step("package lists", "apt-get", &["update", "-q"], &root())?;
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    step(what, "apt-get", &[&install[..], &names].concat(), &root())
        .map_err(|reason| format!("{reason}; {remedy}"))
}

fn is_root() -> bool {
    let user = Command::new("id").arg("-u").output();
    user.is_ok_and(|user| user.stdout.trim_ascii() == b"0")
}
