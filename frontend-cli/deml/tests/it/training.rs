//! Training from a user's view: nothing is lost whatever ends it, and nothing worse is written.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::cli::{Person, ended, fixture};

const OUT: &str = "better.onnx";

impl Person {
    /// `deml train` on the digits, in this person's folder.
    fn training(&self, more: &[&str]) -> Command {
        let (base, data) =
            (fixture("digits/torch-base.onnx"), fixture("digits/client-a.safetensors"));
        let train = ["train", "--base", &base, "--data", &data, "--out", OUT];
        let mut command = self.command(&[&train[..], more].concat());
        command.current_dir(self.path("."));
        command
    }

    fn files(&self) -> Vec<String> {
        let folder = fs::read_dir(self.path(".")).unwrap();
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = folder.map(|entry| name(entry).into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A training under way, whose messages are read.
struct Running {
    child: Child,
    said: BufReader<std::process::ChildStderr>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        Self { child, said }
    }

    /// Reads lines up to one that has these words; `None` if it ended before.
    fn until(&mut self, words: &str) -> Option<String> {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            if line.contains(words) {
                return Some(line);
            }
            line.clear();
        }
        None
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

/// Kills a training again and again, at whatever moment, and goes on each time: it ends with the
/// bytes of one that was left alone, and no epoch but the one under way is ever done twice.
#[test]
fn a_training_killed_at_random_moments_loses_an_epoch_at_most_and_leaves_no_half_file() {
    let how = ["--epochs", "40", "--learning-rate", "0.01", "--schedule", "cosine"];
    let alone = Person::new();
    ended(alone.training(&how), 0);
    let expected = fs::read(alone.path(OUT)).unwrap();

    let (person, mut random) = (Person::new(), fastrand::Rng::with_seed(15));
    let (mut done, mut kills) = (0_u32, 0);
    loop {
        let is_begun = person.path("better.onnx.checkpoint").exists();
        let more = if is_begun { &["--resume"][..] } else { &[] };
        let mut running = Running::start(person.training(&[&how[..], more].concat()));
        // It may have been killed between its end and its exit.
        done = if is_begun { done } else { 0 };
        if is_begun {
            let line = running.until("goes on after epoch ").unwrap();
            let number = line.split("epoch ").nth(1).and_then(|rest| rest.split(':').next());
            let number: u32 = number.unwrap().parse().unwrap();
            assert!(number + 1 >= done, "{done} epochs were done, it goes on after {number}");
            done = number;
        }
        let mut is_over = false;
        for _ in 0..random.u32(1..6) {
            match running.until("epoch ") {
                Some(line) if line.contains('/') => done += 1,
                Some(_) => {}
                None => is_over = true,
            }
        }
        if is_over {
            assert_eq!(running.child.wait().unwrap().code(), Some(0));
            break;
        }
        (0..random.u32(0..100_000)).for_each(|_| std::hint::spin_loop());
        running.send(Signal::KILL);
        if running.child.wait().unwrap().success() {
            break;
        }
        kills += 1;
        if let Ok(file) = fs::read(person.path(OUT)) {
            assert_eq!(file.len(), expected.len(), "half a file");
            assert!(eval::Model::from_onnx(&file).is_ok());
        }
    }
    assert!(kills > 3, "{kills}");
    assert_eq!(fs::read(person.path(OUT)).unwrap(), expected);
    assert_eq!(person.files(), [OUT], "nothing is left over");
}

#[test]
fn a_signal_ends_a_training_with_the_best_so_far() {
    for signal in [Signal::INT, Signal::TERM] {
        let person = Person::new();
        let how = ["--epochs", "100000", "--learning-rate", "0.01", "--json"];
        let mut running = Running::start(person.training(&how));
        running.until("epoch   3/").unwrap();
        running.send(signal);
        assert!(running.until("the best model so far is kept").is_some());
        let mut printed = String::new();
        running.child.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
        let answer: serde_json::Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(answer["ending"], "stopped");
        assert!(answer["validation"].as_u64() >= answer["base"].as_u64(), "{answer}");
        assert_eq!(person.files(), [OUT, "better.onnx.checkpoint"]);
        // Nobody loses that by beginning anew.
        let (_, said) = ended(person.training(&[]), 1);
        assert!(said.contains("checkpoint exists") && said.contains("--resume"), "{said}");
    }
}

#[test]
fn a_model_worse_than_its_base_is_not_written() {
    let person = Person::new();
    let how = ["--learning-rate", "1e9", "--epochs", "2", "--curve", "curve"];
    let (printed, said) = ended(person.training(&how), 1);
    assert!(said.contains("the loss diverges") || said.contains("diverged"), "{said}");
    assert!(said.contains("better.onnx is not written"), "{said}");
    assert_eq!(
        (printed.as_str(), person.files()),
        ("", vec!["curve.csv".into(), "curve.svg".into()])
    );
}

#[test]
fn where_a_model_goes_is_tried_before_the_first_epoch() {
    let person = Person::new();
    let (base, data) = (fixture("digits/torch-base.onnx"), fixture("digits/client-a.safetensors"));
    for (out, curve) in [("absent/better.onnx", "curve"), (".", "curve"), (OUT, "absent/curve")] {
        let train = ["train", "--base", &base, "--data", &data, "--out", out, "--curve", curve];
        let mut command = person.command(&train);
        command.current_dir(person.path("."));
        let (_, said) = ended(command, 2);
        assert!(said.contains("cannot write absent") || said.contains("is a folder"), "{said}");
        assert!(!said.contains("epoch"), "{said}");
        assert!(person.files().is_empty());
    }
}

#[test]
fn a_curve_is_written_as_a_table_and_a_picture() {
    let person = Person::new();
    let how = ["--epochs", "3", "--learning-rate", "0.01", "--curve", "c.svg", "--json"];
    let (printed, _) = ended(person.training(&how), 0);
    let answer: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(answer["curve"], serde_json::json!(["c.csv", "c.svg"]));
    let table = fs::read_to_string(person.path("c.csv")).unwrap();
    assert!(table.starts_with("epoch,loss,score_ppm,learning_rate\n0,"), "{table}");
    assert_eq!(table.lines().count(), 5);
    assert!(fs::read_to_string(person.path("c.svg")).unwrap().starts_with("<svg"));
}

/// The model of a bounded training is written once, at its end, as it may leave; whoever is killed
/// before that goes on from the checkpoint, with this bound or another.
#[test]
fn a_bound_is_put_on_what_is_written_and_its_training_can_be_gone_on_with() {
    let person = Person::new();
    let how = ["--epochs", "12", "--learning-rate", "0.01", "--curve", "c", "--json"];
    let bounds = ["--clip", "1.5", "--noise", "0.001"];
    let mut running = Running::start(person.training(&[&how[..], &bounds].concat()));
    running.until("epoch   4/").unwrap();
    running.send(Signal::KILL);
    running.child.wait().unwrap();
    assert!(person.path("better.onnx.checkpoint").exists() && !person.path(OUT).exists());

    let hidden = ["--clip", "1.5", "--noise", "1000", "--resume"];
    let (_, said) = ended(person.training(&[&how[..], &hidden].concat()), 1);
    assert!(said.contains("with its change bounded") && said.contains("--resume"), "{said}");
    assert!(!person.path(OUT).exists());

    let (printed, _) = ended(person.training(&[&how[..], &bounds, &["--resume"]].concat()), 0);
    let answer: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert!(answer["validation"].as_u64() >= answer["base"].as_u64(), "{answer}");
    let change = &answer["change"];
    assert!((1.4..1.6).contains(&change["norm"].as_f64().unwrap()), "{change}");
    assert_eq!((change["clipped"].as_f64(), change["noise"].as_f64()), (Some(1.5), Some(0.001)));
    let table = fs::read_to_string(person.path("c.csv")).unwrap();
    assert_eq!(table.lines().count(), 14, "{table}");
    assert_eq!(person.files(), [OUT, "c.csv", "c.svg"]);
}
