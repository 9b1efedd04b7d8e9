//! The memory that all processes of the box take together, as seen from outside.
//!
//! A control group would be told by the kernel, but must have been delegated, which few users have.
//! So it is summed: pages that are a process's own, and shared ones that it has mapped; those that
//! several share are counted for each. Files in `/out` have a limit of their own.

use std::{collections::BTreeSet, fs};

/// The bytes that a process and all that descend from it hold in memory. Whoever loses its parent
/// in the box becomes a child of its first process, which descends from this one.
pub(crate) fn taken(process: u32) -> u64 {
    let (mut waiting, mut seen, mut bytes) = (vec![process], BTreeSet::new(), 0_u64);
    while let Some(process) = waiting.pop() {
        if !seen.insert(process) {
            continue;
        }
        // Whoever has ended takes nothing.
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        bytes = bytes.saturating_add(resident(&status));
        waiting.extend(children(process));
    }
    bytes
}

/// Children of all threads of a process.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let lists = lists.collect::<Vec<_>>();
    lists.iter().flat_map(|list| list.split_whitespace()).filter_map(|id| id.parse().ok()).collect()
}

/// What `/proc/PID/status` says is in memory, without the pages of files.
fn resident(status: &str) -> u64 {
    let kibibytes = |line: &str| {
        let rest = line.strip_prefix("RssAnon:").or_else(|| line.strip_prefix("RssShmem:"))?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    status.lines().filter_map(kibibytes).sum::<u64>() * 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_children_counts() {
        let own = std::process::id();
        let before = taken(own);
        assert!(before > 0);
        assert_eq!(resident("RssAnon:\t  10 kB\nRssFile: 7 kB\nRssShmem: 2 kB\n"), 12 * 1_024);
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert!(children(own).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
