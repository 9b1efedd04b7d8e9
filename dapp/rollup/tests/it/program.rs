//! The program: its messages before the loop, and the drive.

use std::{
    fs,
    process::{Command, Output},
};

use blobs::{Profile, cid_of};
use rollup::read_drive;
use serde_json::Value;
use wire::Genesis;

fn run(args: &[&str], server: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_deml-dapp"));
    program.args(args).env("ROLLUP_HTTP_SERVER_URL", server).output().unwrap()
}

#[test]
fn what_cannot_start_says_why_in_one_line_and_exits_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (good, bad, none) = (path("good.json"), path("bad.json"), path("none"));
    fs::write(&good, "{}").unwrap();
    fs::write(&bad, r#"{"input_work": 0}"#).unwrap();
    let local = "http://127.0.0.1:1";
    for (args, server, message) in [
        (&["--nonsense"][..], local, "unknown argument --nonsense"),
        (&["--genesis"], local, "--genesis needs a value"),
        (&["--genesis", &none], local, "No such file"),
        (&["--genesis", &bad], local, "input_work must not be zero"),
        (&["--genesis", &good, "--blobs", &none], local, "No such file"),
        (&["--genesis", &good], "https://node", "is not of the form http://HOST:PORT"),
    ] {
        let output = run(args, server);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.starts_with("deml-dapp: ") && stderr.contains(message), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn the_deployed_genesis_states_every_default() {
    let text = include_str!("../../genesis.json");
    let default = Genesis::default();
    assert_eq!(Genesis::parse(text).unwrap(), default);
    let stated: Value = serde_json::from_str(text).unwrap();
    assert_eq!(stated, serde_json::to_value(default).unwrap());
}

#[test]
fn help_and_version_go_to_stdout() {
    for (args, beginning) in [("--help", "The DeML application"), ("--version", "deml-dapp 0.")] {
        let output = run(&[args], "");
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stdout.starts_with(beginning.as_bytes()));
        assert_eq!(output.stderr, b"");
    }
}

#[test]
fn a_drive_gives_each_file_under_the_cids_it_can_have() {
    let folder = tempfile::tempdir().unwrap();
    let large = vec![7; 300_000];
    for (name, bytes) in
        [("small", &b"small"[..]), ("large", &large), (".hidden", b"h"), ("none", b"")]
    {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    fs::write(folder.path().join("huge"), vec![0; 300_001]).unwrap();
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    let mut found: Vec<_> = read_drive(folder.path(), 300_000).unwrap();
    found.sort();
    let mut expected = vec![
        (cid_of(b"small", Profile::Kubo), b"small".to_vec()),
        (cid_of(&large, Profile::Kubo), large.clone()),
        (cid_of(&large, Profile::UnixfsV1), large),
    ];
    expected.sort();
    assert!(found == expected);
}
