//! The application in a Cartesi Machine, run by the emulator with the command lines of
//! [`super::machine`].
//!
//! Each accepted input leaves the machine stored in a new folder, where the next one starts; any
//! other input keeps the folder before it, and so is undone. Tried with emulators 0.19, 0.20 and
//! 0.21; the tests replace them by a recording.

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use alloy::primitives::{B256, Bytes, keccak256};
use anyhow::{Context, Result, bail, ensure};
use client::chain::Advance;
use client::merkle::OutputsTree;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use super::beside_this_program;
use super::completion::{Completion, InputStatus};
use super::emulator::Run;
use super::machine::{self, Emission, PROGRAM, Release, Verdict};
use super::process_app::INPUT_WAIT;
use super::rollup_server::{Emitted, RequestOutcome};

/// A stored machine and an emulator that can run it.
#[derive(Debug)]
pub struct Machine {
    emulator: PathBuf,
    release: Release,
    /// The `deml` executable, which ends the emulator if this program is killed.
    guard: Option<PathBuf>,
    image: PathBuf,
    /// Its state's hash, which is the application's template hash.
    pub(super) hash: B256,
}

impl Machine {
    /// Finds the emulator on the `PATH` and obtains the hash of the machine stored in `image`.
    ///
    /// - Errors: no emulator, an unsupported release, or no machine in the folder
    pub(super) async fn open(image: &Path) -> Result<Self> {
        Self::open_with(PROGRAM.into(), beside_this_program("deml").ok(), image).await
    }

    async fn open_with(emulator: PathBuf, guard: Option<PathBuf>, image: &Path) -> Result<Self> {
        let version = Command::new(&emulator).arg("--version").stdin(Stdio::null()).output().await;
        let version = match version {
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(machine::MISSING),
            other => other.with_context(|| format!("cannot run {PROGRAM}"))?,
        };
        let release = Release::read(&String::from_utf8_lossy(&version.stdout))?;
        let found = image.canonicalize().ok().filter(|image| image.is_dir());
        let image = found.with_context(|| {
            let image = image.display();
            format!("there is no machine in {image}: make one with `cartesi build`")
        })?;
        let mut machine = Self { emulator, release, guard, image, hash: B256::ZERO };
        let said = machine.run(machine::hash(&machine.image)?, Path::new("."), None).await?;
        machine.hash = machine::state_hash(&said).with_context(|| {
            format!("the machine in {} cannot be loaded", machine.image.display())
        })?;
        Ok(machine)
    }

    /// Feeds it all `inputs` in one run of the emulator, which undoes the rejected ones itself.
    ///
    /// - Errors: the emulator fails before the last input, or an outputs root does not match the
    ///   outputs
    pub(crate) async fn replay(&self, inputs: &[Advance]) -> Result<Vec<Completion>> {
        let Some(first) = inputs.first() else { return Ok(Vec::new()) };
        let work = tempfile::tempdir().context("cannot make a temporary folder")?;
        for input in inputs {
            write(&work.path().join(machine::input_file(input.index)), &input.encode())?;
        }
        let range = first.index..first.index + inputs.len() as u64;
        let scratch = work.path().join("machine");
        let line = machine::replay(self.release, &self.image, range, &scratch)?;
        let said = self.run(line, work.path(), None).await?;
        let verdicts = machine::verdicts(&said);
        let mut tree = OutputsTree::default();
        let mut completions = Vec::new();
        for (input, verdict) in inputs.iter().zip(&verdicts) {
            let completion = completion(work.path(), input.index, *verdict, &mut tree)?;
            let is_dead =
                !matches!(completion.status, InputStatus::Accepted | InputStatus::Rejected);
            completions.push(completion);
            if is_dead {
                return Ok(completions);
            }
        }
        ensure!(
            verdicts.len() == inputs.len(),
            "{PROGRAM} ended at input {}: {}",
            first.index + verdicts.len() as u64,
            last_line(&said)
        );
        Ok(completions)
    }

    /// Runs the emulator in `folder`; returns its standard error. All it says goes to `log`.
    async fn run(&self, args: Vec<OsString>, folder: &Path, log: Option<&Path>) -> Result<String> {
        let guard = self.guard.as_deref();
        Run { program: &self.emulator, guard, folder, log }.to_end(args).await
    }
}

/// The machine in the state after its accepted inputs.
pub struct MachineApp {
    machine: Machine,
    /// Holds the stored machines; removed on drop.
    folder: TempDir,
    /// The folder of the current state.
    state: PathBuf,
    tree: OutputsTree,
    /// The guest's console, and what the emulator says.
    log: PathBuf,
}

impl MachineApp {
    /// The machine before its first input; later states are stored in `folder`.
    pub(super) fn new(machine: Machine, folder: &Path) -> Result<Self> {
        let states = folder.join("machine");
        let context = || format!("cannot store machines in {}", states.display());
        // Left over from a killed devnet; all of it can be recomputed from the inputs.
        match fs::remove_dir_all(&states) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(context);
            }
            _ => {}
        }
        fs::create_dir_all(&states).with_context(context)?;
        let states = TempDir::new_in(&states).with_context(context)?;
        let state = machine.image.clone();
        let (tree, log) = (OutputsTree::default(), folder.join("machine.log"));
        Ok(Self { machine, folder: states, state, tree, log })
    }

    /// Feeds the application its next input.
    ///
    /// - Errors: the emulator fails, or the outputs root does not match the outputs
    pub(super) async fn advance(&mut self, input: &Advance) -> Result<Completion> {
        let index = input.index;
        let work = self.work()?;
        write(&work.path().join(machine::input_file(index)), &input.encode())?;
        let next = self.folder.path().join(format!("after-{index}"));
        let line = machine::step(self.machine.release, &self.state, index, &next)?;
        let run = self.machine.run(line, work.path(), Some(&self.log));
        let Ok(said) = timeout(INPUT_WAIT, run).await else {
            forget(&next)?;
            return Ok(Completion::failed(InputStatus::TimeLimitExceeded));
        };
        let said = said?;
        let verdict = machine::verdicts(&said).first().copied();
        let verdict = verdict.with_context(|| {
            format!("{PROGRAM} did not process input {index}: {}", last_line(&said))
        })?;
        let completion = completion(work.path(), index, verdict, &mut self.tree)?;
        if completion.status == InputStatus::Accepted {
            ensure!(next.is_dir(), "{PROGRAM} stored no machine: {}", last_line(&said));
            let before = std::mem::replace(&mut self.state, next);
            if before != self.machine.image {
                forget(&before)?;
            }
        } else {
            forget(&next)?;
        }
        Ok(completion)
    }

    /// Inspects the application without changing its state.
    ///
    /// - Errors: the emulator fails
    pub(super) async fn inspect(&self, question: &[u8]) -> Result<RequestOutcome> {
        let work = self.work()?;
        write(&work.path().join(machine::QUERY), question)?;
        let line = machine::inspect(self.machine.release, &self.state)?;
        let run = self.machine.run(line, work.path(), Some(&self.log));
        let Ok(said) = timeout(INPUT_WAIT, run).await else {
            return Ok(RequestOutcome::Exception("no answer in time".to_owned()));
        };
        let said = said?;
        let reports = emitted(work.path(), Emission::ReportOfQuery)?;
        let emitted = Emitted { outputs: Vec::new(), reports };
        Ok(match machine::verdicts(&said).first() {
            Some(Verdict::Accepted) => RequestOutcome::Accepted(emitted),
            Some(Verdict::Rejected) => RequestOutcome::Rejected(emitted),
            Some(Verdict::Exception | Verdict::Halted) | None => {
                RequestOutcome::Exception(last_line(&said))
            }
        })
    }

    /// A folder for the files of one run.
    fn work(&self) -> Result<TempDir> {
        TempDir::new_in(self.folder.path()).context("cannot make a folder for the machine's files")
    }
}

/// The outcome of input `index`, from the files in `folder`.
///
/// A rejected input may leave files, too: the verdict decides.
fn completion(
    folder: &Path,
    index: u64,
    verdict: Verdict,
    tree: &mut OutputsTree,
) -> Result<Completion> {
    let status = match verdict {
        Verdict::Accepted => InputStatus::Accepted,
        Verdict::Rejected => InputStatus::Rejected,
        Verdict::Exception => InputStatus::Exception,
        Verdict::Halted => InputStatus::MachineHalted,
    };
    if status != InputStatus::Accepted {
        return Ok(Completion::failed(status));
    }
    let outputs = emitted(folder, Emission::OutputOf(index))?;
    for output in &outputs {
        tree.push(keccak256(output));
    }
    let root = fs::read(folder.join(machine::root_file(index)))
        .with_context(|| format!("{PROGRAM} wrote no outputs root of input {index}"))?;
    ensure!(
        root == tree.root(tree.len()).as_slice(),
        "the outputs root of the machine after input {index} is not that of its outputs"
    );
    let reports = emitted(folder, Emission::ReportOf(index))?;
    Ok(Completion { status, outputs, reports })
}

/// The contents of the files of one kind, in order of emission.
fn emitted(folder: &Path, kind: Emission) -> Result<Vec<Bytes>> {
    let context = || format!("cannot read {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(context)? {
        let entry = entry.with_context(context)?;
        if let Some(number) = entry.file_name().to_str().and_then(|name| kind.number(name)) {
            files.push((number, fs::read(entry.path()).with_context(context)?));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, bytes)| bytes.into()).collect())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Removes a stored machine, if there is one.
fn forget(state: &Path) -> Result<()> {
    match fs::remove_dir_all(state) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", state.display()))
        }
        _ => Ok(()),
    }
}

fn last_line(said: &str) -> String {
    let line = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(|| "it said nothing".to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use alloy::primitives::Address;

    use super::*;

    /// Imitates emulator 0.19 with a machine whose whole state is the file `seen`: the accepted
    /// inputs. Its messages, stored machines and file names are those of the emulator.
    const RECORDING: &str = r#"#!/bin/sh
set -eu
yields() { printf '\nManual yield %s (1) (0x000020 data)\nCycles: 70000000\n' "$1" >&2; }
for word in "$@"; do
    case $word in
        --version) echo "cartesi-machine 0.19.0"; exit ;;
        --remote-spawn) undoes=yes ;;
        --load=*) load=${word#--load=} ;;
        --store=*) store=${word#--store=} ;;
        --initial-hash) printf '70000000: %064d\n' 7 >&2; exit ;;
        --cmio-inspect-state=*) query=query.bin ;;
        --cmio-advance-state=*)
            begin=${word#*input_index_begin:}; begin=${begin%%,*}
            end=${word#*input_index_end:}; end=${end%%,*} ;;
    esac
done
cp -r "$load" "${store=stored}"
yields rx-accepted
if [ -n "${query-}" ]; then
    printf '\nBefore query\n' >&2
    cat "$load/seen" > query-report-0.bin
    yields rx-accepted
fi
index=${begin-0}
while [ "$index" -lt "${end-0}" ]; do
    printf '\nBefore input %s\n' "$index" >&2
    cp "$store/seen" before
    cat "input-$index.bin" >> "$store/seen"
    echo seen > "report-$index-0.bin"
    echo "the guest's console"
    if grep -q endless "input-$index.bin"; then
        mkfifo gate; cat gate >&2 & echo $! > "$load/../emulator"; wait
    fi
    if grep -q halt "input-$index.bin"; then printf '\nHalted\n' >&2; exit; fi
    if grep -q reject "input-$index.bin"; then
        echo undone > "output-$index-0.bin"
        if [ -n "${undoes-}" ]; then cp before "$store/seen"; fi
        yields rx-rejected
    else
        echo $(wc -c < "$store/seen") > "report-$index-1.bin"
        cp "$load/root" "root-$index.bin"
        yields rx-accepted
    fi
    index=$((index + 1))
done
"#;

    fn input(index: u64, payload: &'static [u8]) -> Advance {
        Advance {
            chain_id: 1,
            app_contract: Address::repeat_byte(1),
            msg_sender: Address::repeat_byte(9),
            block_number: 1,
            block_timestamp: 1,
            prev_randao: B256::ZERO,
            index,
            payload: Bytes::from_static(payload),
        }
    }

    async fn open(folder: &Path) -> Machine {
        let (emulator, image) = (folder.join("recording"), folder.join("image"));
        fs::write(&emulator, RECORDING).unwrap();
        fs::set_permissions(&emulator, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(&image).unwrap();
        fs::write(image.join("seen"), "").unwrap();
        fs::write(image.join("root"), OutputsTree::default().root(0)).unwrap();
        Machine::open_with(emulator, None, &image).await.unwrap()
    }

    async fn seen(app: &MachineApp) -> Vec<u8> {
        let RequestOutcome::Accepted(emitted) = app.inspect(b"what?").await.unwrap() else {
            panic!("it was refused");
        };
        emitted.reports.concat()
    }

    #[tokio::test]
    async fn an_input_that_is_not_accepted_leaves_the_machine_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let machine = open(folder.path()).await;
        assert_eq!(machine.hash, B256::with_last_byte(7));
        let mut app = MachineApp::new(machine, folder.path()).unwrap();
        let inputs = [b"first ".as_slice(), b"reject", b"second", b"halt"];
        let inputs: [_; 4] = std::array::from_fn(|index| input(index as u64, inputs[index]));
        let mut completions = Vec::new();
        for input in &inputs {
            completions.push(app.advance(input).await.unwrap());
        }
        let bytes = |index: usize| inputs[index].encode();
        let kept = [bytes(0).len(), bytes(0).len() + bytes(2).len()];
        let accepted = kept.map(|length| Completion {
            status: InputStatus::Accepted,
            outputs: Vec::new(),
            reports: vec!["seen\n".into(), format!("{length}\n").into_bytes().into()],
        });
        let [first, second] = accepted;
        let rejected = Completion::failed(InputStatus::Rejected);
        let halted = Completion::failed(InputStatus::MachineHalted);
        assert_eq!(completions, [first, rejected, second, halted]);
        assert_eq!(seen(&app).await, [bytes(0), bytes(2)].concat());
        let stored = fs::read_dir(app.folder.path()).unwrap().count();
        assert_eq!(stored, 1, "only the present state is kept");
        let replayed = app.machine.replay(&inputs).await.unwrap();
        assert_eq!(replayed, completions, "the emulator undoes alike");
    }

    #[tokio::test]
    async fn the_log_has_what_the_emulator_and_the_guest_say() {
        let folder = tempfile::tempdir().unwrap();
        let machine = open(folder.path()).await;
        let mut app = MachineApp::new(machine, folder.path()).unwrap();
        app.advance(&input(0, b"reject")).await.unwrap();
        let log = fs::read_to_string(folder.path().join("machine.log")).unwrap();
        assert!(log.contains("the guest's console"), "{log}");
        assert!(log.contains("Manual yield rx-rejected"), "{log}");
    }

    #[tokio::test]
    async fn an_input_that_never_ends_takes_its_emulator_along() {
        let folder = tempfile::tempdir().unwrap();
        let machine = open(folder.path()).await;
        let mut app = MachineApp::new(machine, folder.path()).unwrap();
        let told = folder.path().join("emulator");
        assert!(Command::new("mkfifo").arg(&told).status().await.unwrap().success());
        let child = tokio::task::spawn_blocking(move || fs::read_to_string(told));
        let endless = input(0, b"endless");
        // What a timeout does: it stops waiting.
        let child = tokio::select! {
            completion = app.advance(&endless) => panic!("it ended: {completion:?}"),
            child = child => child.unwrap().unwrap(),
        };
        // The script's child is the emulator proper; a signal may take a moment to end it.
        let gone = (0..1_000_000).any(|_| is_ended(child.trim()));
        assert!(gone, "process {child} lives on");
        assert_eq!(seen(&app).await, b"");
    }

    /// Whether a process is gone, or waits to be reaped by whoever is its parent now.
    fn is_ended(process: &str) -> bool {
        let Ok(status) = fs::read_to_string(format!("/proc/{process}/stat")) else { return true };
        status.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X']))
    }

    #[tokio::test]
    async fn a_missing_emulator_or_machine_is_said_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let none = Machine::open_with("no-such-emulator".into(), None, folder.path()).await;
        assert!(none.unwrap_err().to_string().starts_with("cartesi-machine is missing: install"));
        let machine = open(folder.path()).await;
        let none = Machine::open_with(machine.emulator, None, &folder.path().join("none")).await;
        assert!(none.unwrap_err().to_string().contains("make one with `cartesi build`"));
    }
}
