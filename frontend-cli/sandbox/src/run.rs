//! The outside of the box: starts its stages, reads what the program says, and ends it in time.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use nix::unistd::{getegid, geteuid};

use crate::{
    memory,
    spec::{Ending, Limits, Missing, Program, Ran},
    stage::{ENTERED, Ended, Held, OUTSIDER, Plan},
};

/// The end of what a program says on standard error that is kept, in bytes.
const SAID_KEPT: usize = 4_096;
/// How often the memory of all processes is summed.
const LOOK: Duration = Duration::from_millis(50);
const MIB: u64 = 1_024 * 1_024;
/// The longest line of standard output that is handed on, in bytes.
const LINE_BYTES: u64 = 64 * 1_024;

/// Something that the program said, or that it says no more.
enum Said {
    Line(String),
    Error(Vec<u8>),
    Over,
}

/// Runs a program in the box; `line` receives each line of its standard output.
///
/// `stage` is a program that calls [`stage`](crate::stage) with its last two arguments: `deml
/// box-exec STAGE FOLDER`. It must not have threads then.
///
/// - Errors: a [`Missing`] part of the box; or the box could not be built
pub fn run(
    stage: &[&str],
    program: &Program,
    limits: &Limits,
    line: &mut dyn FnMut(&str),
) -> Result<Ran> {
    let folder = tempfile::tempdir().context("there is no folder for temporary files")?;
    let plan = Plan { program: program.clone(), limits: *limits, stage: owned(stage) };
    fs::create_dir(folder.path().join("root"))?;
    fs::write(folder.path().join("plan.json"), serde_json::to_vec(&plan)?)?;
    let (name, arguments) = stage.split_first().context("which program has the stages?")?;
    let mut child = Command::new(name)
        .args(arguments)
        .arg("enter")
        .arg(folder.path())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let followed = follow(&mut child, limits, line);
    if followed.is_err() {
        end(&mut child);
    }
    let (cut_short, said) = followed?;
    let status = child.wait().context("the box is lost")?;
    let read = |name| fs::read(folder.path().join(name)).ok();
    let missing = read("missing.json").and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if let Some(missing) = missing {
        let missing: Missing = missing;
        return Err(missing.into());
    }
    let held = read("held.json").and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let Held { mut held, whole } = held.unwrap_or_default();
    ensure!(whole, "the box was not built, so nothing was run: {}", said.trim());
    held.push(format!("memory of all processes: summed every {} ms", LOOK.as_millis()));
    let ended = read("ended.json").and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let unknown = || Ended::of(Ending::Signal(status.signal().unwrap_or(9)));
    let Ended { ending, output } = ended.unwrap_or_else(unknown);
    Ok(Ran { held, ending: cut_short.unwrap_or(ending), output, said })
}

fn owned(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

/// Waits until the program says nothing more; says why if it was ended before, and the end of what
/// it said on standard error.
fn follow(
    child: &mut Child,
    limits: &Limits,
    line: &mut dyn FnMut(&str),
) -> Result<(Option<Ending>, String)> {
    let mut output = BufReader::new(child.stdout.take().context("no output")?);
    let error = child.stderr.take().context("no error output")?;
    let mut begun = String::new();
    output.by_ref().take(LINE_BYTES).read_line(&mut begun)?;
    if begun.trim_end() == ENTERED {
        map_users(child.id())?;
    }
    // Its first process reads on only when its users are mapped; a failed one reads nothing.
    let mut input = child.stdin.take().context("no input")?;
    let told = input.write_all(b"\n");
    drop(input);
    if begun.trim_end() == ENTERED {
        told.context("the box ended early")?;
    }
    let (sender, said) = mpsc::channel();
    let to_lines = sender.clone();
    thread::spawn(move || read_lines(output, &to_lines));
    thread::spawn(move || read_errors(error, &sender));
    let (begun, mut looked) = (Instant::now(), Instant::now());
    let (mut open, mut bytes, mut kept) = (2, 0_u64, Vec::new());
    let cut_short = loop {
        match said.recv_timeout(LOOK) {
            Ok(Said::Over) => open -= 1,
            Ok(Said::Line(text)) => {
                bytes += text.len() as u64 + 1;
                line(&text);
            }
            Ok(Said::Error(text)) => {
                bytes += text.len() as u64;
                kept.extend_from_slice(&text);
                kept.drain(..kept.len().saturating_sub(SAID_KEPT));
            }
            Err(RecvTimeoutError::Timeout) => {}
            // Whoever has closed its outputs may go on in silence.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(LOOK / 10),
        }
        if bytes > limits.said_bytes {
            break Some(Ending::Said);
        }
        if open == 0 && child.try_wait()?.is_some() {
            break None;
        }
        // Whoever says much is looked at no less often.
        if looked.elapsed() >= LOOK {
            looked = Instant::now();
            if memory::taken(child.id()) > limits.memory_mib * MIB {
                break Some(Ending::Memory);
            }
        }
        if begun.elapsed() >= Duration::from_secs(limits.wall_seconds) {
            break Some(Ending::Time);
        }
    };
    if cut_short.is_some() {
        end(child);
    }
    Ok((cut_short, String::from_utf8_lossy(&kept).into_owned()))
}

/// Ends the box: its first process ends with it, and with that all others.
fn end(child: &mut Child) {
    // It may have ended by itself just now, which is what is wanted.
    let ended = child.kill().and_then(|()| child.wait());
    debug_assert!(ended.is_ok(), "{ended:?}");
}

/// Maps the first process's user to this one; if that is root, an outsider besides, as limits on
/// processes do not hold for root.
fn map_users(process: u32) -> Result<()> {
    let write = |name: &str, text: String| {
        let path = format!("/proc/{process}/{name}");
        fs::write(&path, text).with_context(|| format!("cannot write {path}"))
    };
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    if user == 0 {
        let map = format!("0 0 1\n{OUTSIDER} 65534 1\n");
        write("uid_map", map.clone())?;
        write("gid_map", map)
    } else {
        write("setgroups", "deny".to_owned())?;
        write("uid_map", format!("0 {user} 1\n"))?;
        write("gid_map", format!("0 {group} 1\n"))
    }
}

fn read_lines(mut output: impl std::io::BufRead, to: &Sender<Said>) {
    let mut line = Vec::new();
    // A line that does not end is handed on in parts, so that it is counted.
    while output.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
        if to.send(Said::Line(text)).is_err() {
            return;
        }
        line.clear();
    }
    // Nobody listens any more if this fails.
    drop(to.send(Said::Over));
}

fn read_errors(mut error: impl Read, to: &Sender<Said>) {
    let mut part = [0; 4_096];
    while let Ok(read) = error.read(&mut part)
        && read > 0
    {
        if to.send(Said::Error(part[..read].to_vec())).is_err() {
            return;
        }
    }
    drop(to.send(Said::Over));
}
