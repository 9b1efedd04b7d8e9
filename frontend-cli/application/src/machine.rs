//! The command lines of `cartesi-machine`, emulators 0.19 to 0.21: known to this file only.
//!
//! Pure: builds commands, and parses the files and messages they leave. [`super::machine_app`]
//! runs them.
//!
//! They follow `src/cartesi-machine.lua` of the releases, and were tried with each: every output
//! was that of the process. The tests fix the command lines, not the emulator's behaviour. A step
//! takes under a second on 0.21, and some seconds on 0.19.
//!
//! An emulator can undo a rejected input itself: before 0.21 by forking a server that holds the
//! machine, from 0.21 on also by cloning a stored machine. [`replay`] leaves it to the emulator.
//! [`step`] does without: it feeds one input and stores the resulting machine beside the previous
//! one, so that keeping the old folder undoes the input.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;

use alloy::primitives::{B256, hex};
use anyhow::{Context, Result, bail, ensure};

/// The emulator's executable.
pub(super) const PROGRAM: &str = "cartesi-machine";

/// The error message if it is missing.
pub(super) const MISSING: &str = "cartesi-machine is missing: install the Cartesi machine emulator \
     0.19, 0.20 or 0.21 (https://github.com/cartesi/machine-emulator/releases)";

/// The file with the payload of an inspect request.
pub(super) const QUERY: &str = "query.bin";

/// A supported release of the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Release {
    V0_19,
    V0_20,
    V0_21,
}

impl Release {
    /// Parses the output of `--version`, which begins with `cartesi-machine 0.19.0`.
    ///
    /// - Errors: another program, or an unsupported release
    pub(super) fn read(version: &str) -> Result<Self> {
        let line = version.lines().next().unwrap_or_default();
        let number = line.strip_prefix("cartesi-machine ").map(str::trim);
        let number = number.with_context(|| format!("{line:?} is no version of {PROGRAM}"))?;
        let mut parts = number.split(['.', '-']);
        match (parts.next(), parts.next()) {
            (Some("0"), Some("19")) => Ok(Self::V0_19),
            (Some("0"), Some("20")) => Ok(Self::V0_20),
            (Some("0"), Some("21")) => Ok(Self::V0_21),
            _ => bail!("{PROGRAM} {number} is not known here: install 0.19, 0.20 or 0.21"),
        }
    }
}

/// Prints the hash of a stored machine; see [`state_hash`]. The same for all releases.
pub(super) fn hash(image: &Path) -> Result<Vec<OsString>> {
    Ok(vec![load(image, "")?, "--initial-hash".into()])
}

/// Feeds input `index` to the machine stored in `from`, and stores the result, whatever the
/// verdict, in the new folder `to`. Runs in the folder of [`input_file`].
pub(super) fn step(release: Release, from: &Path, index: u64, to: &Path) -> Result<Vec<OsString>> {
    let undo = match release {
        Release::V0_19 | Release::V0_20 => "--no-rollback",
        Release::V0_21 => "--revert-mode=none",
    };
    let mut store = OsString::from("--store=");
    store.push(plain(to)?);
    Ok(vec![undo.into(), load(from, "")?, advance(release, index..index + 1), store])
}

/// Feeds many inputs to the machine stored in `image`, undoing rejected ones on the way. From 0.21
/// on the machine runs in `scratch`, a folder it makes; before, in a server it starts and ends.
pub(super) fn replay(
    release: Release,
    image: &Path,
    inputs: Range<u64>,
    scratch: &Path,
) -> Result<Vec<OsString>> {
    let mut line: Vec<OsString> = match release {
        Release::V0_19 | Release::V0_20 => {
            vec!["--remote-spawn".into(), "--remote-shutdown".into(), load(image, "")?]
        }
        Release::V0_21 => {
            let clone = format!(",clone:{},sharing:all", plain(image)?);
            vec!["--revert-mode=stored".into(), load(scratch, &clone)?]
        }
    };
    line.extend([advance(release, inputs), "--final-hash".into()]);
    Ok(line)
}

/// Inspects the machine stored in `state` with the payload in [`QUERY`]; nothing is stored.
pub(super) fn inspect(release: Release, state: &Path) -> Result<Vec<OsString>> {
    let undo = match release {
        Release::V0_19 | Release::V0_20 => "--no-rollback",
        Release::V0_21 => "--revert-mode=none",
    };
    let ask = format!("--cmio-inspect-state=query:{QUERY},report:query-report-%o.bin");
    Ok(vec![undo.into(), load(state, "")?, ask.into()])
}

/// All patterns are given, as the defaults differ between releases. `%o` numbers the outputs of an
/// input, from 0.21 on those of the whole run; their order is the same.
fn advance(release: Release, inputs: Range<u64>) -> OsString {
    let roots = match release {
        Release::V0_19 | Release::V0_20 => "output_hashes_root_hash:root-%i.bin",
        // The caller compares the machine's root, as it knows the earlier outputs.
        Release::V0_21 => {
            "outputs_merkle_root:root-%i.bin,check_outputs_merkle_root:false,\
             rejected_output:,output_proof:,outputs_merkle_root_proof:"
        }
    };
    let Range { start, end } = inputs;
    format!(
        "--cmio-advance-state=input:input-%i.bin,input_index_begin:{start},input_index_end:{end},\
         output:output-%i-%o.bin,report:report-%i-%o.bin,{roots}"
    )
    .into()
}

fn load(machine: &Path, more: &str) -> Result<OsString> {
    Ok(format!("--load={}{more}", plain(machine)?).into())
}

/// A path without commas and percent signs, which options would interpret.
fn plain(path: &Path) -> Result<&str> {
    let text = path.to_str().filter(|text| !text.contains([',', '%']));
    text.with_context(|| {
        format!("{PROGRAM} cannot be told the path {}: no commas or % please", path.display())
    })
}

/// The file of input `index`, as `EvmAdvance` calldata.
pub(super) fn input_file(index: u64) -> String {
    format!("input-{index}.bin")
}

/// The file of the outputs root after input `index`, if it was accepted.
pub(super) fn root_file(index: u64) -> String {
    format!("root-{index}.bin")
}

/// File name prefixes of outputs and reports, before their number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Emission {
    OutputOf(u64),
    ReportOf(u64),
    ReportOfQuery,
}

impl Emission {
    /// The number of the output or report in the file `name`; `None` for other files.
    pub(super) fn number(self, name: &str) -> Option<u64> {
        let begin = match self {
            Self::OutputOf(index) => format!("output-{index}-"),
            Self::ReportOf(index) => format!("report-{index}-"),
            Self::ReportOfQuery => "query-report-".to_owned(),
        };
        name.strip_prefix(&begin)?.strip_suffix(".bin")?.parse().ok()
    }
}

/// Verdict on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Accepted,
    Rejected,
    /// The application reported an exception.
    Exception,
    /// The machine halted: it takes no more requests.
    Halted,
}

/// The verdicts on the requests of a run, in order, parsed from its standard error. A run that
/// ended early has fewer of them.
///
/// The first yield announced is the one the machine was stored at. The guest's console is standard
/// output, so that an application cannot forge these lines.
pub(super) fn verdicts(said: &str) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    let mut is_asked = false;
    for line in said.lines().map(str::trim) {
        if line.starts_with("Before input ") || line == "Before query" {
            is_asked = true;
            continue;
        }
        let verdict = match line {
            _ if line.starts_with("Manual yield rx-accepted ") => Verdict::Accepted,
            _ if line.starts_with("Manual yield rx-rejected ") => Verdict::Rejected,
            _ if line.starts_with("Manual yield tx-exception ") => Verdict::Exception,
            "Halted" | "Mcycle overflow" => Verdict::Halted,
            _ if line.starts_with("Halted with payload") => Verdict::Halted,
            _ => continue,
        };
        if std::mem::take(&mut is_asked) {
            verdicts.push(verdict);
        }
    }
    verdicts
}

/// The hash in `CYCLES: HASH`, as [`hash`] prints it on standard error.
pub(super) fn state_hash(said: &str) -> Result<B256> {
    let found = said.lines().find_map(|line| {
        let (cycles, hash) = line.split_once(": ")?;
        cycles.parse::<u64>().ok()?;
        B256::try_from(hex::decode(hash.trim()).ok()?.as_slice()).ok()
    });
    let hash = found.with_context(|| format!("{PROGRAM} told no hash of the machine"))?;
    ensure!(!hash.is_zero(), "{PROGRAM} told a hash of zeros");
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: Result<Vec<OsString>>) -> String {
        let words: Vec<_> =
            line.unwrap().into_iter().map(|word| word.into_string().unwrap()).collect();
        words.join(" ")
    }

    #[test]
    fn releases_are_told_apart_by_what_they_print() {
        for (text, release) in [
            ("cartesi-machine 0.19.0\ngit commit: 1234\n", Release::V0_19),
            ("cartesi-machine 0.20.1", Release::V0_20),
            ("cartesi-machine 0.21.0-rc1\n", Release::V0_21),
        ] {
            assert_eq!(Release::read(text).unwrap(), release, "{text}");
        }
        for text in ["", "cartesi-machine 0.18.1", "cartesi-machine 1.19.0", "machine 0.19.0"] {
            assert!(Release::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_step_stores_what_becomes_of_the_machine() {
        let (from, to) = (Path::new("/m/image"), Path::new("/m/after-7"));
        let old = "--no-rollback --load=/m/image --cmio-advance-state=input:input-%i.bin,\
                   input_index_begin:7,input_index_end:8,output:output-%i-%o.bin,\
                   report:report-%i-%o.bin,output_hashes_root_hash:root-%i.bin --store=/m/after-7";
        assert_eq!(shown(step(Release::V0_19, from, 7, to)), old);
        assert_eq!(shown(step(Release::V0_20, from, 7, to)), old);
        let new = "--revert-mode=none --load=/m/image --cmio-advance-state=input:input-%i.bin,\
                   input_index_begin:7,input_index_end:8,output:output-%i-%o.bin,\
                   report:report-%i-%o.bin,outputs_merkle_root:root-%i.bin,\
                   check_outputs_merkle_root:false,rejected_output:,output_proof:,\
                   outputs_merkle_root_proof: --store=/m/after-7";
        assert_eq!(shown(step(Release::V0_21, from, 7, to)), new);
    }

    #[test]
    fn a_replay_has_the_emulator_undo_what_was_rejected() {
        let (image, scratch) = (Path::new("/m/image"), Path::new("/m/scratch"));
        let old = shown(replay(Release::V0_20, image, 0..9, scratch));
        assert_eq!(old, shown(replay(Release::V0_19, image, 0..9, scratch)));
        let begin = "--remote-spawn --remote-shutdown --load=/m/image --cmio-advance-state=";
        assert!(old.starts_with(begin), "{old}");
        assert!(old.contains("input_index_begin:0,input_index_end:9,"), "{old}");
        assert!(old.ends_with("root-%i.bin --final-hash"), "{old}");
        let new = shown(replay(Release::V0_21, image, 0..9, scratch));
        let begin = "--revert-mode=stored --load=/m/scratch,clone:/m/image,sharing:all --cmio";
        assert!(new.starts_with(begin), "{new}");
    }

    #[test]
    fn inspect_and_hash_store_nothing() {
        let state = Path::new("/m/image");
        let ask = "--load=/m/image \
                   --cmio-inspect-state=query:query.bin,report:query-report-%o.bin";
        assert_eq!(shown(inspect(Release::V0_19, state)), format!("--no-rollback {ask}"));
        assert_eq!(shown(inspect(Release::V0_20, state)), format!("--no-rollback {ask}"));
        assert_eq!(shown(inspect(Release::V0_21, state)), format!("--revert-mode=none {ask}"));
        assert_eq!(shown(hash(state)), "--load=/m/image --initial-hash");
        assert!(hash(Path::new("/m/a,b")).is_err());
    }

    #[test]
    fn files_are_numbered_by_what_they_belong_to() {
        let output = Emission::OutputOf(1);
        assert_eq!(output.number("output-1-0.bin"), Some(0));
        assert_eq!(output.number("output-1-12.bin"), Some(12));
        for other in ["output-12-0.bin", "output-1-x.bin", "report-1-0.bin", "output-1-0.bin.old"] {
            assert_eq!(output.number(other), None, "{other}");
        }
        assert_eq!(Emission::ReportOf(3).number("report-3-4.bin"), Some(4));
        assert_eq!(Emission::ReportOfQuery.number("query-report-2.bin"), Some(2));
    }

    #[test]
    fn verdicts_follow_what_was_asked() {
        let said = "Loading machine: please wait\n\nManual yield rx-accepted (1) (0x000020 data)\n\
                    Cycles: 70000000\n\nBefore input 0\n\nAutomatic yield tx-output (2) (0x0000c4 \
                    data)\nCycles: 70100000\nStoring output-0-0.bin\n\nManual yield rx-accepted \
                    (1) (0x000020 data)\nCycles: 70200000\n\nBefore input 1\n\nManual yield \
                    rx-rejected (2) (0x000000 data)\nCycles: 70300000\n\nBefore input 2\n\nHalted \
                    with payload: 1\nCycles: 70400000\n";
        let expected = [Verdict::Accepted, Verdict::Rejected, Verdict::Halted];
        assert_eq!(verdicts(said), expected);
        let said = "\nManual yield rx-accepted (1) (0x000020 data)\n\nBefore query\n\nManual yield \
                    tx-exception (4) (0x000004 data)\nCycles: 1\n\nAfter query\n";
        assert_eq!(verdicts(said), [Verdict::Exception]);
        assert_eq!(verdicts("Loading machine: please wait\n"), []);
    }

    #[test]
    fn the_hash_of_a_machine_is_read_with_and_without_prefix() {
        let digits = "9e0420c0fda1a5dc9256b3f9783b09f207e5222a88429e91629cc2e495282b35";
        for prefix in ["", "0x"] {
            let said = format!("Loading machine: please wait\n69709199: {prefix}{digits}\n");
            assert_eq!(state_hash(&said).unwrap().to_string(), format!("0x{digits}"));
        }
        assert!(state_hash("Loading machine: please wait\n").is_err());
    }
}
