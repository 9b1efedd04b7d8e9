//! The command line from a user's view: exit codes, and messages if something is missing.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use clap::CommandFactory as _;
use deml::cli::Cli;

/// An unused address; nothing listens on the discard port either.
const APP: &str = "0x00000000000000000000000000000000000000aa";
const NOBODY: &str = "http://127.0.0.1:9";

struct Person {
    home: tempfile::TempDir,
}

impl Person {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deml"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DEML_") {
                command.env_remove(name);
            }
        }
        command
            .args(args)
            .env("XDG_DATA_HOME", self.home.path())
            .env("XDG_CACHE_HOME", self.home.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command that must exit with this code; returns its stdout and stderr.
    fn run(&self, args: &[&str], code: i32) -> (String, String) {
        ended(self.command(args), code)
    }
}

fn ended(mut command: Command, code: i32) -> (String, String) {
    let output: Output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{printed}\n{said}");
    assert!(!said.contains("panicked"), "{said}");
    (printed, said)
}

fn fixture(name: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    fixtures.join(name).to_str().unwrap().to_owned()
}

/// The words of each runnable command, with its definition.
fn commands() -> Vec<(Vec<String>, clap::Command)> {
    fn visit(
        typed: &[String],
        command: &clap::Command,
        all: &mut Vec<(Vec<String>, clap::Command)>,
    ) {
        for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
            let typed = [typed, &[inner.get_name().to_owned()]].concat();
            visit(&typed, inner, all);
            if !inner.is_subcommand_required_set() {
                all.push((typed, inner.clone()));
            }
        }
    }
    let mut all = Vec::new();
    visit(&[], &Cli::command(), &mut all);
    all
}

#[test]
fn every_command_has_help_with_an_example() {
    let person = Person::new();
    let (help, _) = person.run(&["--help"], 0);
    assert!(help.contains("Examples:") && help.contains("Exit codes"), "{help}");
    let commands = commands();
    let names: Vec<String> = commands.iter().map(|(typed, _)| typed.join(" ")).collect();
    for known in ["job open", "demo", "demo competition", "proof verify", "job reveal", "show"] {
        assert!(names.iter().any(|name| name == known), "{known} is not among {names:?}");
    }
    for (typed, command) in commands {
        let mut arguments: Vec<&str> = typed.iter().map(String::as_str).collect();
        arguments.push("--help");
        let (help, _) = person.run(&arguments, 0);
        assert!(help.contains("Example"), "{typed:?}: {help}");
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            let (id, words) = (argument.get_id(), argument.get_help().map(ToString::to_string));
            assert!(words.is_some_and(|words| words.len() > 5), "{typed:?} does not explain {id}");
        }
    }
}

#[test]
fn every_command_that_sends_can_print_instead() {
    let sending = [
        "job open",
        "job cancel",
        "job settle",
        "job evaluate",
        "job reveal",
        "submit",
        "show",
        "mine",
        "deposit",
        "withdraw",
        "claim",
        "data publish",
    ];
    for (typed, command) in commands() {
        let prints = command.get_arguments().any(|argument| argument.get_id() == "calldata");
        assert_eq!(prints, sending.contains(&typed.join(" ").as_str()), "{typed:?}");
    }
}

#[test]
fn every_command_that_goes_on_has_its_caps() {
    let going_on = ["job settle", "job evaluate", "submit", "show", "mine"];
    for (typed, command) in commands() {
        let is_capped = |id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
        for cap in ["max_inputs", "max_cost", "max_surcharge"] {
            // `job open` has an option of that name, for the inputs of one evaluation.
            let is_meant = going_on.contains(&typed.join(" ").as_str())
                || cap == "max_inputs" && typed.join(" ") == "job open";
            assert_eq!(is_capped(cap), is_meant, "{typed:?} {cap}");
        }
    }
}

#[test]
fn jobs_can_be_told_all_that_their_terms_have() {
    let person = Person::new();
    let terms = [
        "--terms",
        "--title",
        "--close",
        "--places",
        "--base",
        "--hold-out",
        "--metric",
        "--output",
        "--min-score",
        "--min-gain",
        "--min-worst-class",
        "--max-model-bytes",
        "--max-work",
        "--max-inputs",
        "--public-slice",
        "--quota",
        "--ladder-step",
        "--sealed",
        "--reveal",
        "--sponsor-bond",
        "--miners",
        "--miner-bond",
        "--miners-pool",
        "--buy-in",
        "--attest",
        "--sample-rows",
        "--reward",
        "--rewards",
        "--prize",
        "--significance",
        "--unmet",
        "--salt",
        "--from-balance",
        "--dry-run",
        "--calldata",
    ];
    for (command, options) in [
        (&["job", "open"][..], &terms[..]),
        (&["job", "show"], &["<JOB>", "--submissions"]),
        (&["job", "evaluate"], &["<JOB>", "--base", "--base-on-hold-out", "--submission"]),
        (&["job", "reveal"], &["<JOB>", "--wait"]),
        (&["job", "board"], &["<JOB>"]),
        (&["job", "leaderboard"], &["<JOB>"]),
        (&["submit"], &["--job", "--model", "--data", "--from-balance", "--evaluate-earlier"]),
        (&["show"], &["--job", "--model"]),
        (&["mine"], &["--job", "--all-matching", "--max-bond", "--min-pool", "--once"]),
        (&["data", "seal"], &["<FILE>", "--job", "--salt", "--out"]),
        (&["demo", "competition"], &["--dapp", "--silent-sponsor"]),
    ] {
        let (help, _) = person.run(&[command, &["--help"]].concat(), 0);
        let words: Vec<&str> = help.split_whitespace().collect();
        for option in options {
            assert!(words.contains(option), "{command:?} does not name {option}: {help}");
        }
    }
}

#[test]
fn wrong_arguments_are_faults_that_say_what_is_right() {
    let person = Person::new();
    for (args, says) in [
        (&["--colour"][..], "--colour"),
        (&["fly"], "fly"),
        (&["competition", "open"], "competition"),
        (&["encode", "settle", "0"], "encode"),
        (&["job", "show", "many"], "many"),
        (&["job", "show", "0xabc"], "8 to 64 hexadecimal digits"),
        (&["deposit", "5"], "needs a unit"),
        (&["job", "open", "--min-gain", "1"], "91.5% or 915000ppm"),
        (&["job", "open", "--deadline", "soon"], "2h"),
        (&["job", "open", "--close", "soon"], "2h"),
        (&["job", "open", "--prize", "5"], "needs a unit"),
        (&["job", "open", "--prize", "5ether", "--reward", "1ether"], "cannot be used with"),
        (&["job", "open", "--unmet", "burn"], "return, share"),
        (&["job", "open", "--significance", "5"], "91.5% or 915000ppm"),
        (&["job", "list", "--app", "0x12"], "0x12"),
        (&["job", "reveal"], "<JOB>"),
        (&["job", "settle", "all"], "all"),
        (&["job", "evaluate", "0", "--base", "--submission", "1"], "cannot be used with"),
        (&["submit", "--job", "0"], "--model"),
        (&["mine", "--job", "all"], "all"),
        (&["mine"], "--job"),
        (&["mine", "--all-matching", "--max-bond", "1ether"], "--min-pool"),
        (&["mine", "--job", "0", "--deposit", "5"], "needs a unit"),
        (&["data", "seal", "holdout.safetensors", "--out", "sealed"], "--job"),
        (&["demo", "competition", "--loud"], "--loud"),
        (&["job", "list", "--patience", "9"], "duration"),
        (&["--ipfs", "magic:wand", "--app", APP, "job", "list"], "folder:PATH"),
        (&["--account", "1", "--keystore", "k", "balance"], "cannot be used with"),
    ] {
        let (printed, said) = person.run(args, 2);
        assert!(said.contains(says), "{args:?}: {said}");
        assert_eq!(printed, "");
    }
}

#[test]
fn what_is_missing_is_named_with_what_to_do() {
    let person = Person::new();
    let model = fixture("health/torch-base.onnx");
    for (args, says) in [
        (&["job", "list"][..], "deml devnet"),
        (
            &["--app", APP, "--node-url", NOBODY, "--inspect-url", NOBODY, "job", "list"],
            "is it running?",
        ),
        (&["--app", APP, "--rpc-url", NOBODY, "--account", "0", "balance"], "is it running?"),
        (&["--app", APP, "--keystore", "nobody", "balance"], "deml account new"),
        (&["--app", APP, "--rpc-url", "ftp://x", "job", "list"], "http or https"),
        (&["model", "check", "absent.onnx"], "cannot read absent.onnx"),
        (&["score", "--model", &model, "--hold-out", "absent.csv"], "cannot read absent.csv"),
        (&["job", "open", "--terms", "absent.toml", "--app", APP], "cannot read absent.toml"),
        (&["job", "open", "--app", APP], "--reward 0.5ether"),
        (&["job", "open", "--reward", "1ether", "--app", APP], "--base FILE"),
        (&["job", "board", "0"], "deml devnet"),
        (&["job", "reveal", "0", "--app", APP], "who signs?"),
        (&["submit", "--job", "0", "--model", "absent", "--app", APP], "cannot read absent"),
        (&["show", "--job", "0", "--model", "absent", "--app", APP], "cannot read absent"),
        (&["mine", "--job", "0", "--inspect-url", NOBODY, "--app", APP], "is it running?"),
        (&["data", "seal", "absent", "--job", "0", "--out", "sealed"], "cannot read absent"),
        (&["data", "publish", "0", "absent"], "cannot read absent"),
        (&["demo", "competition", "--dapp", "absent"], "absent"),
    ] {
        let (_, said) = person.run(args, 2);
        assert!(said.contains(says), "{args:?}: {said}");
        assert!(said.lines().count() <= 2, "{args:?}: {said}");
    }
}

#[test]
fn a_devnet_without_npm_or_its_application_says_so() {
    let person = Person::new();
    let ports = ["--l1-port", "0", "--node-port", "0", "--inspect-port", "0"];
    let dapp = env!("CARGO_BIN_EXE_deml");
    let mut command = person.command(&[&["devnet", "--dapp", dapp][..], &ports].concat());
    command.env("PATH", person.home.path());
    let (_, said) = ended(command, 2);
    assert!(said.contains("npm"), "{said}");
    let (_, said) = person.run(&[&["devnet", "--dapp", "absent"][..], &ports].concat(), 2);
    assert!(said.contains("absent"), "{said}");
}

/// Runs without tools on the path, even if they are installed.
#[test]
fn what_a_dapp_for_another_processor_needs_is_said_in_one_line() {
    let person = Person::new();
    let ports = ["--l1-port", "0", "--node-port", "0", "--inspect-port", "0"];
    let program = person.path("program");
    std::fs::write(&program, b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0").unwrap();
    let program = program.to_str().unwrap();
    for (dapp, says) in [
        (["--machine", "image"], "cartesi-machine is missing: install"),
        (["--dapp", program], "needs qemu-riscv64: install"),
    ] {
        let mut command = person.command(&[&["devnet"], &dapp[..], &ports].concat());
        command.env("PATH", person.home.path());
        let (_, said) = ended(command, 2);
        assert!(said.contains(says), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn accounts_are_made_listed_and_never_overwritten() {
    let person = Person::new();
    let password = person.path("password");
    std::fs::write(&password, "secret\n").unwrap();
    let password = password.to_str().unwrap();
    person.run(&["account", "new", "anne", "--password-file", password], 0);
    let (_, said) = person.run(&["account", "new", "anne", "--password-file", password], 2);
    assert!(said.contains("not overwritten"), "{said}");
    let (_, said) = person.run(&["account", "new", "bert"], 2);
    assert!(said.contains("--password-file"), "{said}");
    let (listed, _) = person.run(&["account", "list", "--json"], 0);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["name"], "anne");
    assert!(listed[0]["address"].as_str().unwrap().starts_with("0x"));
}

#[test]
fn a_model_is_checked_and_scored_without_any_node() {
    let person = Person::new();
    let (model, hold_out) =
        (fixture("health/torch-trained.onnx"), fixture("health/holdout.safetensors"));
    let (checked, _) = person.run(&["--json", "model", "check", &model], 0);
    let checked: serde_json::Value = serde_json::from_str(&checked).unwrap();
    assert!(checked["parameters"].as_u64().unwrap() > 0);
    assert!(checked["effort"]["work"].as_u64().unwrap() > 0);
    let score = ["--json", "score", "--model", &model, "--hold-out", &hold_out];
    let (scored, _) = person.run(&score, 0);
    let scored: serde_json::Value = serde_json::from_str(&scored).unwrap();
    assert!(scored["score"].as_u64().unwrap() > 800_000);
}

#[test]
fn the_bits_of_each_layer_are_digested() {
    let person = Person::new();
    let (name, hold_out) = ("health/torch-trained.onnx", fixture("health/holdout.safetensors"));
    let score = ["score", "--bits", "--model", &fixture(name), "--hold-out", &hold_out];
    let (shown, _) = person.run(&score, 0);
    let (scored, _) = person.run(&[&["--json"], &score[..]].concat(), 0);
    let scored: serde_json::Value = serde_json::from_str(&scored).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let bits = &scored["bits"];
    let layers = bits["layers"].as_array().unwrap();
    assert_eq!((&layers[0]["index"], &layers[0]["operator"]), (&0.into(), &"Gemm".into()));
    assert_eq!(layers.last().unwrap()["digest"], bits["answers"]);
    for digest in layers.iter().map(|layer| &layer["digest"]).chain([&bits["all"]]) {
        assert!(shown.contains(&text(digest)), "{shown}");
    }
    // The same digest as in all builds that run the conformance cases.
    let expected = include_str!("../../../../dapp/eval/tests/bits.txt");
    let line = format!("{} {name}", text(&bits["all"]));
    assert!(expected.lines().any(|expected| expected == line), "{line}");
}

#[test]
fn what_is_no_model_is_refused_by_name() {
    let person = Person::new();
    let junk = person.path("junk.onnx");
    std::fs::write(&junk, b"junk").unwrap();
    let junk = junk.to_str().unwrap();
    let (printed, said) = person.run(&["--json", "model", "check", junk], 1);
    assert!(said.starts_with("refused: UnfitModel: "), "{said}");
    let refused: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(refused["refused"], "UnfitModel");
}

#[test]
fn a_table_becomes_a_dataset() {
    let person = Person::new();
    let (csv, out) = (person.path("table.csv"), person.path("table.safetensors"));
    std::fs::write(&csv, "ill,a,b\n1,0.5,2\n0,1,3\n1,7,8\n").unwrap();
    let (csv, out) = (csv.to_str().unwrap(), out.to_str().unwrap());
    let pack = ["--json", "data", "pack", csv, "--label", "ill", "--out", out];
    let (packed, _) = person.run(&pack, 0);
    let packed: serde_json::Value = serde_json::from_str(&packed).unwrap();
    assert_eq!((packed["rows"].as_u64(), packed["features"].as_u64()), (Some(3), Some(2)));
    assert_eq!(packed["classes"], serde_json::json!([1, 2]));
    let (_, said) = person.run(&["data", "pack", csv, "--label", "none", "--out", out], 1);
    assert!(said.contains("no column is named \"none\""), "{said}");
}

#[test]
fn a_deposit_is_printed_without_any_node() {
    let person = Person::new();
    let deposit = ["--json", "--app", APP, "deposit", "1wei", "--calldata"];
    let (printed, said) = person.run(&deposit, 0);
    assert!(said.contains("cartesi deposit"), "{said}");
    let printed: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed["deposit"]["amount"], "1");
    assert_eq!(printed["deposit"]["exec_layer_data"], "0x");
}

#[test]
fn score_says_what_the_output_is_and_asks_where_the_metric_depends_on_it() {
    let person = Person::new();
    let score = |model: &str, more: &[&str], code| {
        let folder = model.split_once('/').unwrap().0;
        let [model, hold_out] = [model, &format!("{folder}/holdout.safetensors")].map(fixture);
        let args = ["score", "--model", &model, "--hold-out", &hold_out];
        person.run(&[&args[..], more].concat(), code)
    };
    let logits = "health/torch-logits-trained.onnx";
    let (_, said) = score(logits, &["--metric", "log-loss"], 1);
    assert!(said.contains("does not show") && said.contains("--output logits"), "{said}");
    let (printed, _) = score(logits, &["--metric", "log-loss", "--output", "logits"], 0);
    assert!(printed.contains("output  logits, as stated"), "{printed}");
    assert!(printed.contains("score   92.177 %"), "{printed}");
    let (printed, _) = score(logits, &[], 0);
    assert!(printed.contains("the score does not depend on it"), "{printed}");
    let probability = "health/torch-trained.onnx";
    let (printed, _) = score(probability, &[], 0);
    assert!(printed.contains("output  probabilities, by its Sigmoid"), "{printed}");
    let (_, said) = score(probability, &["--output", "logits"], 1);
    assert!(said.contains("its graph shows") || said.contains("graph shows that"), "{said}");
}

#[test]
fn score_shows_a_confusion_matrix_and_intervals_and_no_worst_class_of_numbers() {
    let person = Person::new();
    let score = |folder: &str, model: &str, more: &[&str]| {
        let [model, hold_out] = [model, "holdout.safetensors"];
        let [model, hold_out] = [model, hold_out].map(|name| fixture(&format!("{folder}/{name}")));
        let args = ["score", "--model", &model, "--hold-out", &hold_out];
        person.run(&[&args[..], more].concat(), 0).0
    };
    let printed = score("health", "torch-trained.onnx", &[]);
    for text in ["97.041 % (95 % interval 93.3 to 98.7 %)", "answered ", "precision ", "F1 "] {
        assert!(printed.contains(text), "{text}: {printed}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&score("health", "torch-trained.onnx", &["--json"])).unwrap();
    let confusion = json["figures"]["confusion"].as_array().unwrap();
    let counts = confusion.iter().flat_map(|row| row.as_array().unwrap());
    assert_eq!(counts.map(|count| count.as_u64().unwrap()).sum::<u64>(), 169);
    assert_eq!(json["output"], "probabilities");
    let printed = score("diabetes", "sklearn-trained.onnx", &["--metric", "r2"]);
    assert!(printed.contains("score   49.87") && printed.contains("errors  root"), "{printed}");
    assert!(!printed.contains("worst class"), "{printed}");
}

#[test]
fn model_check_says_what_the_output_is() {
    let person = Person::new();
    let check = |model: &str| person.run(&["model", "check", &fixture(model)], 0).0;
    let shown = check("digits/torch-branches-trained.onnx");
    assert!(shown.contains("its output is log-probabilities, by its LogSoftmax"), "{shown}");
    let unknown = check("health/torch-logits-trained.onnx");
    assert!(unknown.contains("does not show what its output is"), "{unknown}");
}
