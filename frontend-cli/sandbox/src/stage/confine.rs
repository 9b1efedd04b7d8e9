//! The second stage: the first process of its own namespace changes its root, gives up all it may,
//! and becomes the program.

use std::{
    fs::{self, File},
    io::Write as _,
    os::{
        fd::RawFd,
        unix::{fs::MetadataExt as _, process::CommandExt as _},
    },
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, anyhow};
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::{
        prctl,
        resource::{Resource, setrlimit},
        signal::Signal,
    },
    unistd::{Gid, Uid, chdir, pivot_root, setgroups, sethostname, setresgid, setresuid},
};

use super::{Held, OUTSIDER, Plan, filter, missing};
use crate::spec::{Limits, Missing};

const MIB: u64 = 1_024 * 1_024;
const LANDLOCK: &str = "boot a kernel from 5.13 on with `lsm=landlock,…`; in a container, a runtime \
                        whose seccomp profile allows Landlock";

pub(super) fn confine(plan: &Plan, folder: &Path) -> Result<()> {
    // The folder will be out of sight.
    let mut held = File::create(folder.join("held.json"))?;
    let mut lacking = File::create(folder.join("missing.json"))?;
    let parts = all(plan, folder).inspect_err(|why| {
        let missing = why.downcast_ref::<Missing>().and_then(|why| serde_json::to_vec(why).ok());
        let written = missing.map(|json| lacking.write_all(&json));
        debug_assert!(written.is_none_or(|written| written.is_ok()), "the outside reads it");
    })?;
    held.write_all(&serde_json::to_vec(&Held { held: parts, whole: true })?)?;
    let program = &plan.program;
    // Now address space is limited, of which little is left: nothing but the exec may follow.
    limit(Resource::RLIMIT_AS, plan.limits.memory_mib * MIB)?;
    let why = Command::new(&program.executable)
        .args(&program.arguments)
        .env_clear()
        .envs([("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/out"), ("TMPDIR", "/out")])
        .envs(program.environment.iter().map(|(name, value)| (name, value)))
        .exec();
    Err(anyhow!(why).context(format!("cannot execute {}", program.executable.display())))
}

/// Confines this process; says what holds.
fn all(plan: &Plan, folder: &Path) -> Result<Vec<String>> {
    let mut held = vec![
        "namespaces: users, files, network, processes, IPC, host name, control groups".to_owned(),
    ];
    close_at_exec()?;
    change_root(&folder.join("root"))?;
    held.push("a root of its own: the input, /out, no /proc, no /sys".to_owned());
    set_limits(&plan.limits)?;
    held.push("limits: address space, CPU, processes, files and their number, output, time".into());
    become_outsider()?;
    held.push("no user, no capability, no environment, no open file from outside".to_owned());
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    held.push(restrict_files()?);
    filter::apply()?;
    held.push("seccomp: no socket, mount, namespace, trace, io_uring, key, device".to_owned());
    check()?;
    Ok(held)
}

/// Makes the folder the root, and forgets the old one.
fn change_root(root: &Path) -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>)?;
    // The new root and the old one at one place: the old one lies above, and is taken off.
    chdir(root)?;
    pivot_root(".", ".").map_err(|why| {
        missing("a root of its own", why, "do not run inside of a chroot or an initial ramdisk")
    })?;
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/out")?;
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    let flags = flags | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)?;
    sethostname("box")?;
    Ok(())
}

fn limit(resource: Resource, most: u64) -> Result<()> {
    setrlimit(resource, most, most).map_err(|why| {
        missing("a resource limit", why, "raise the hard limits of this shell, see `ulimit -H -a`")
    })
}

fn set_limits(limits: &Limits) -> Result<()> {
    limit(Resource::RLIMIT_CPU, limits.cpu_seconds)?;
    limit(Resource::RLIMIT_NPROC, limits.processes)?;
    limit(Resource::RLIMIT_FSIZE, limits.files_mib * MIB)?;
    limit(Resource::RLIMIT_NOFILE, 256)?;
    limit(Resource::RLIMIT_CORE, 0)?;
    limit(Resource::RLIMIT_MEMLOCK, 0)?;
    limit(Resource::RLIMIT_MSGQUEUE, 0)
}

/// Becomes a user without any right: the outsider that root has mapped, or one of a namespace
/// within. Capabilities end with the exec, as the user is not root.
fn become_outsider() -> Result<()> {
    let (user, group) = (Uid::from_raw(OUTSIDER), Gid::from_raw(OUTSIDER));
    // The folder belongs to the outsider if root has mapped it.
    if fs::metadata("/out")?.uid() != OUTSIDER {
        return Ok(unshare(CloneFlags::CLONE_NEWUSER)?);
    }
    setgroups(&[])?;
    setresgid(group, group, group)?;
    setresuid(user, user, user)?;
    Ok(())
}

/// Has all open files but the standard ones closed by the exec.
fn close_at_exec() -> Result<()> {
    for entry in fs::read_dir("/proc/self/fd").context("there is no /proc")? {
        let file = entry?.file_name().to_string_lossy().parse::<RawFd>().unwrap_or(0);
        // The folder that is being read is closed by then.
        if file > 2 && fcntl(file, FcntlArg::F_GETFD).is_ok() {
            fcntl(file, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        }
    }
    Ok(())
}

/// Landlock: all of the root can be read and executed, `/out` written to; no TCP.
fn restrict_files() -> Result<String> {
    let refused = |why: &dyn std::fmt::Display| missing("Landlock", why, LANDLOCK);
    match enforce().map_err(|why| refused(&format_args!("{why:#}")))? {
        RulesetStatus::NotEnforced => Err(refused(&"it is not enforced")),
        RulesetStatus::PartiallyEnforced => {
            Ok("Landlock: files (TCP and scopes as far as this kernel has them)".to_owned())
        }
        RulesetStatus::FullyEnforced => {
            Ok("Landlock: files, TCP, abstract sockets, signals".to_owned())
        }
    }
}

fn enforce() -> Result<RulesetStatus> {
    let abi = ABI::V6;
    let special =
        AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeFifo | AccessFs::MakeSock;
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    let rules = [
        ("/", AccessFs::from_read(abi)),
        ("/out", AccessFs::from_all(abi) & !special),
        ("/dev/null", AccessFs::from_file(abi)),
    ];
    let rules = rules
        .into_iter()
        .map(|(path, access)| -> Result<_> { Ok(PathBeneath::new(PathFd::new(path)?, access)) });
    let rules = rules.collect::<Result<Vec<_>>>()?;
    let with = rules.into_iter().try_fold(ruleset, |ruleset, rule| ruleset.add_rule(rule))?;
    Ok(with.restrict_self()?.ruleset)
}

/// Tries what must not work any more: a box that does not hold runs nothing.
fn check() -> Result<()> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

    let tries = [
        (
            "a socket",
            socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).is_ok(),
        ),
        ("a namespace", unshare(CloneFlags::CLONE_NEWUSER).is_ok()),
        ("a file outside of /out", File::create("/in/box").is_ok()),
        ("another process", fs::metadata("/proc/1").is_ok()),
    ];
    for (what, worked) in tries {
        if worked {
            return Err(missing("a wall", format!("{what} was to be had"), "report it"));
        }
    }
    let can_write = fs::write("/out/.box", "").and_then(|()| fs::remove_file("/out/.box"));
    can_write.context("the folder /out cannot be written to")?;
    Ok(())
}
