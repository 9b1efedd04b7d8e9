//! The filter of system calls. What reaches other machines, other processes, the kernel's
//! configuration or new namespaces is refused; the rest a program may do to itself.

use std::{collections::BTreeMap, env::consts::ARCH};

use anyhow::Result;
use libc::c_long;
use nix::errno::Errno;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};

use super::missing;

const SECCOMP: &str = "use a kernel with CONFIG_SECCOMP_FILTER on x86-64 or aarch64";

/// Calls that are refused whatever their arguments.
const REFUSED: &[c_long] = &[
    // Network and sockets; those of a pair stay, as they lead nowhere else.
    libc::SYS_socket,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Work that the kernel would do without asking this filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Namespaces, roots and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    // Files without a path, by handle, and those that are no files.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_mknodat,
    libc::SYS_fanotify_init,
    // The kernel's own.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_personality,
    // Memory that outlives its processes, and queues.
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
];

/// Those of x86-64 alone.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_mknod,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_kexec_file_load,
    libc::SYS__sysctl,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// Numbers that kernels to come will give to calls nobody knows yet; libraries fall back.
const UNKNOWN: std::ops::Range<c_long> = 463..700;
/// The bit of the calls of x32 programs, which are the others with shorter pointers.
#[cfg(target_arch = "x86_64")]
const X32: Option<c_long> = Some(0x4000_0000);
#[cfg(not(target_arch = "x86_64"))]
const X32: Option<c_long> = None;

const NAMESPACES: [i32; 8] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
    0x80, // CLONE_NEWTIME
];
/// Requests that type for others on a terminal.
const TYPING: [u64; 2] = [0x5412 /* TIOCSTI */, 0x541c /* TIOCLINUX */];

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Applies the filter to this process and all it becomes.
///
/// - Errors: a missing part of the box
pub(super) fn apply() -> Result<()> {
    let refused = |why: &dyn std::fmt::Display| missing("seccomp", why, SECCOMP);
    let arch = TargetArch::try_from(ARCH).map_err(|why| refused(&why))?;
    // A call that is unknown is one an older kernel does not have: programs know what to do then.
    // `clone3` is among them as its flags are out of a filter's sight.
    let mut unknown: Rules = UNKNOWN.map(|call| (call, Vec::new())).collect();
    unknown.insert(libc::SYS_clone3, Vec::new());
    for (rules, errno) in [(unknown, Errno::ENOSYS), (refusals()?, Errno::EPERM)] {
        let program = compile(rules, errno, arch).map_err(|why| refused(&why))?;
        apply_filter(&program).map_err(|why| refused(&why))?;
    }
    Ok(())
}

fn compile(rules: Rules, errno: Errno, arch: TargetArch) -> seccompiler::Result<BpfProgram> {
    let other = |bit| rules.iter().map(move |(call, rules)| (call | bit, rules.clone()));
    let short = X32.map(|bit| other(bit).collect::<Rules>()).unwrap_or_default();
    let rules = rules.into_iter().chain(short).collect();
    #[expect(clippy::cast_sign_loss, reason = "numbers of errors are above zero")]
    let action = SeccompAction::Errno(errno as i32 as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch)?;
    Ok(filter.try_into()?)
}

fn refusals() -> Result<Rules> {
    let always = REFUSED.iter().chain(REFUSED_HERE).map(|call| (*call, Vec::new()));
    let mut rules: Rules = always.collect();
    let rule = |argument, length, op, value| {
        let condition = SeccompCondition::new(argument, length, op, value);
        condition.and_then(|condition| SeccompRule::new(vec![condition]))
    };
    let namespaces = NAMESPACES.iter().map(|flag| {
        let flag = u64::from(flag.unsigned_abs());
        rule(0, Length::Qword, Op::MaskedEq(flag), flag)
    });
    rules.insert(libc::SYS_clone, namespaces.collect::<Result<_, _>>()?);
    let typing = TYPING.iter().map(|request| rule(1, Length::Dword, Op::Eq, *request));
    rules.insert(libc::SYS_ioctl, typing.collect::<Result<_, _>>()?);
    let unix = u64::from(libc::AF_UNIX.unsigned_abs());
    rules.insert(libc::SYS_socketpair, vec![rule(0, Length::Dword, Op::Ne, unix)?]);
    Ok(rules)
}
