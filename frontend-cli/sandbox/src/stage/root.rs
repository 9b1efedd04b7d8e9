//! The file system of the box: a small one in memory, with copies of the input, a writable folder
//! of limited size, and the parts of the system that an interpreter needs, read-only.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use nix::{
    mount::{MsFlags, mount},
    sys::statvfs::{FsFlags, statvfs},
    unistd::{Gid, Uid, chown},
};

use super::{OUTSIDER, Plan, missing, paths::inside};

/// Room for folders beside the copies of the input, in bytes.
const ROOM: u64 = 1_024 * 1_024;
/// Devices that are no more than functions.
const DEVICES: [&str; 3] = ["null", "zero", "urandom"];
const MOUNTS: &str = "in a container, allow mounts in user namespaces (`--security-opt \
                      apparmor=unconfined --security-opt seccomp=unconfined`)";

/// Builds it at `root`, in the mount namespace of this process.
pub(super) fn build(plan: &Plan, root: &Path) -> Result<()> {
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    let refused = |why| missing("mounts of its own", why, MOUNTS);
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).map_err(refused)?;
    let sizes = plan.program.inputs.iter().map(|input| Ok(fs::metadata(&input.from)?.len()));
    let size = sizes.sum::<Result<u64>>().context("an input is missing")? + ROOM;
    memory(root, &format!("size={size},nr_inodes=16384,mode=0755")).map_err(refused)?;
    for input in &plan.program.inputs {
        let to = inside(root, &input.to)?;
        fs::create_dir_all(to.parent().unwrap_or(root))?;
        fs::copy(&input.from, &to).with_context(|| format!("cannot read {:?}", input.from))?;
        let mode = if input.executable { 0o555 } else { 0o444 };
        fs::set_permissions(&to, fs::Permissions::from_mode(mode))?;
    }
    for path in &plan.program.system {
        see(root, path)?;
    }
    for device in DEVICES {
        let path = PathBuf::from("/dev").join(device);
        let to = inside(root, &path)?;
        fs::create_dir_all(root.join("dev"))?;
        fs::write(&to, "")?;
        bind(&path, &to)?;
    }
    let out = root.join("out");
    fs::create_dir_all(&out)?;
    let limits = plan.limits;
    let options = format!("size={}m,nr_inodes={},mode=0700", limits.files_mib, limits.files);
    memory(&out, &options).map_err(refused)?;
    if nix::unistd::geteuid().is_root() && is_mapped(OUTSIDER) {
        chown(&out, Some(Uid::from_raw(OUTSIDER)), Some(Gid::from_raw(OUTSIDER)))?;
    }
    Ok(())
}

/// Whether the user exists in this namespace.
fn is_mapped(user: u32) -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let first = |line: &str| line.split_whitespace().next().and_then(|first| first.parse().ok());
    map.lines().any(|line| first(line) == Some(user))
}

fn memory(at: &Path, options: &str) -> nix::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), at, Some("tmpfs"), flags, Some(options))
}

/// Shows a folder or file of this computer at the same path.
fn see(root: &Path, path: &Path) -> Result<()> {
    ensure!(path.is_absolute(), "{} is no absolute path", path.display());
    let to = inside(root, path)?;
    let Ok(known) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    fs::create_dir_all(to.parent().unwrap_or(root))?;
    if known.is_symlink() {
        // Such as `/lib`, a link into `/usr`.
        let target = fs::read_link(path)?;
        return Ok(symlink(target, &to).or_else(ignore_existing)?);
    }
    if known.is_dir() {
        fs::create_dir_all(&to)?;
    } else {
        fs::write(&to, "")?;
    }
    bind(path, &to)
}

fn ignore_existing(why: std::io::Error) -> std::io::Result<()> {
    if why.kind() == std::io::ErrorKind::AlreadyExists { Ok(()) } else { Err(why) }
}

/// Shows `from` at `to`, read-only, with the flags that may not be taken from it.
fn bind(from: &Path, to: &Path) -> Result<()> {
    let refused = |why| missing("mounts of its own", why, MOUNTS);
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(from), to, None::<&str>, flags, None::<&str>).map_err(refused)?;
    let known = statvfs(to)?.flags();
    let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    flags |= MsFlags::MS_NOSUID;
    for (is_set, flag) in [
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        if known.contains(is_set) {
            flags |= flag;
        }
    }
    mount(None::<&str>, to, None::<&str>, flags, None::<&str>).map_err(refused)?;
    Ok(())
}
