//! Trainers that others wrote, from a user's view: written, tried, published, named by a job's base
//! model, and run with a client's consent.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::cli::{Person, ended};

impl Person {
    fn with_trainer() -> Self {
        let person = Self::new();
        ended(person.within(&["trainer", "new", "python", "linear"]), 0);
        let base = concat!(env!("CARGO_MANIFEST_DIR"), "/../trainer/templates/base.onnx");
        fs::copy(base, person.path("base.onnx")).unwrap();
        let corner = |row: usize| match row % 3 {
            0 => "0.1,0.2,0",
            1 => "0.9,0.1,1",
            _ => "0.2,0.9,2",
        };
        let rows = (0..90).map(|row| format!("{}\n", corner(row))).collect::<String>();
        fs::write(person.path("mine.csv"), format!("a,b,class\n{rows}")).unwrap();
        person
    }

    /// A command in this person's folder.
    fn within(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.current_dir(self.path("."));
        command
    }

    fn trained(&self, more: &[&str], code: i32) -> (String, String) {
        let train = ["train", "--base", "base.onnx", "--data", "mine.csv", "--out", "mine.onnx"];
        let how = ["--learning-rate", "0.05", "--epochs", "3", "--json"];
        ended(self.within(&[&train[..], &how, more].concat()), code)
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_trainer_is_written_tried_and_published() {
    let person = Person::with_trainer();
    let (_, said) = ended(person.within(&["trainer", "new", "python", "linear"]), 2);
    assert!(said.contains("name another folder"), "{said}");
    let (printed, said) = ended(person.within(&["trainer", "test", "linear", "--json"]), 0);
    let tried = json(&printed);
    assert!(tried["validation"].as_u64() > tried["base"].as_u64(), "{printed}");
    assert!(said.contains("epoch 5/5") && said.contains("it says"), "{said}");
    let (printed, _) = ended(person.within(&["trainer", "publish", "linear", "--json"]), 0);
    let cid = json(&printed)["cid"].as_str().unwrap().to_owned();
    let (again, _) = ended(person.within(&["trainer", "publish", "linear"]), 0);
    assert!(again.starts_with(&cid), "{again}");
    // By its CID it is the same.
    let (printed, _) = ended(person.within(&["trainer", "test", &cid, "--json"]), 0);
    assert_eq!(json(&printed)["validation"], tried["validation"]);
    ended(person.within(&["trainer", "new", "rust", "native"]), 0);
    let (_, said) = ended(person.within(&["trainer", "test", "native"]), 2);
    assert!(said.contains("cannot read"), "it was not built: {said}");
}

#[test]
fn a_trainer_that_asks_for_more_than_is_given_or_fails_is_refused() {
    let person = Person::with_trainer();
    let limited = ["--trainer", "linear", "--max-memory", "512"];
    let (_, said) = person.trained(&limited, 1);
    assert!(said.contains("asks too much") && said.contains("--max-memory gives 512"), "{said}");
    for (script, reason, words) in [
        ("raise SystemExit(1)", "trainer failed", "exit code 1"),
        ("pass", "no output", "no output file"),
        ("open('/etc/hostname')", "trainer failed", "No such file"),
        ("import socket; socket.socket()", "trainer failed", "ermission"),
        ("import sys; open(sys.argv[2], 'w').write('x')", "unfit model", "safetensors"),
    ] {
        fs::write(person.path("linear/train.py"), script).unwrap();
        let (printed, said) = person.trained(&["--trainer", "linear"], 1);
        assert!(printed.contains(reason) || said.contains(reason), "{script}: {printed}{said}");
        assert!(printed.contains(words) || said.contains(words), "{script}: {printed}{said}");
        assert!(!person.path("mine.onnx").exists(), "{script}");
    }
}

#[test]
fn an_interrupted_trainer_leaves_no_copy_of_the_data() {
    let person = Person::with_trainer();
    let script = "import signal\nprint('begun', flush=True)\nsignal.pause()";
    fs::write(person.path("linear/train.py"), script).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let train = ["train", "--base", "base.onnx", "--data", "mine.csv", "--out", "mine.onnx"];
    let mut command = person.within(&[&train[..], &["--trainer", "linear"]].concat());
    command.env("TMPDIR", temporary.path()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    assert!(lines.any(|line| line.contains("the trainer says: begun")));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let left = fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().path());
    let with_data = left.filter(|path| path.join("in").exists());
    assert_eq!(with_data.collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn what_leaves_is_shown_and_bounded() {
    let person = Person::with_trainer();
    let (free, _) = person.trained(&["--trainer", "linear"], 0);
    let free = json(&free)["change"].clone();
    assert!(free["norm"].as_f64().unwrap() > 1.0, "{free}");
    assert!(free["concentration"].is_null());
    let bounds = ["--trainer", "linear", "--clip", "0.5", "--noise", "0.01"];
    let (bounded, _) = person.trained(&bounds, 0);
    let (answer, change) = (json(&bounded), json(&bounded)["change"].clone());
    // The noise on nine weights adds to the norm.
    assert!((0.4..0.6).contains(&change["norm"].as_f64().unwrap()), "{change}");
    assert_eq!(change["concentration"].as_f64().unwrap().round(), 5_000.0, "{change}");
    assert!(answer["warning"].as_str().unwrap().contains("weights can carry data"), "{answer}");
    let (_, said) = person.trained(&["--trainer", "linear", "--resume"], 2);
    assert!(said.contains("by deml itself"), "{said}");
    let (_, said) = person.trained(&["--trainer", "linear", "--noise", "1"], 2);
    assert!(said.contains("--clip"), "{said}");
}

#[test]
fn a_trainer_that_the_base_model_names_runs_only_if_the_client_names_it_too() {
    let person = Person::with_trainer();
    let (printed, _) = ended(person.within(&["trainer", "publish", "linear", "--json"]), 0);
    let cid: blobs::Cid = json(&printed)["cid"].as_str().unwrap().parse().unwrap();
    let (_, said) = person.trained(&["--trainer", "job"], 1);
    assert!(said.contains("no trainer"), "{said}");
    let base = fs::read(person.path("base.onnx")).unwrap();
    let named = drafts::named::with(&base, cid);
    fs::write(person.path("base.onnx"), named).unwrap();
    let (_, said) = person.trained(&[], 1);
    assert!(said.contains("trainer named") && said.contains(&cid.to_string()), "{said}");
    assert!(!person.path("mine.onnx").exists());
    let (printed, said) = person.trained(&["--trainer", "job"], 0);
    assert!(said.contains(&format!("the trainer {cid} is run in the box")), "{said}");
    assert_eq!(json(&printed)["held"].as_array().unwrap().len(), 7);
    // The result still names it, as it has the base model's graph.
    let model = fs::read(person.path("mine.onnx")).unwrap();
    assert_eq!(drafts::named::of(&model), Some(cid.to_string()));
    let (printed, _) = person.trained(&["--trainer", "own"], 0);
    assert_eq!(json(&printed)["ending"], "completed");
}
