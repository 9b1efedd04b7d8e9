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
/// An address whose last digit is not the one that its letters' case was made for.
const MISTYPED: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92265";

pub(crate) struct Person {
    home: tempfile::TempDir,
}

impl Person {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
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

/// Runs a command that must exit with this code; returns its stdout and stderr.
pub(crate) fn ended(mut command: Command, code: i32) -> (String, String) {
    let output: Output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{command:?}\n{printed}\n{said}");
    assert!(!said.contains("panicked"), "{said}");
    (printed, said)
}

pub(crate) fn fixture(name: &str) -> String {
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
fn options_of_every_command_are_explained_in_one_place() {
    let person = Person::new();
    let (options, _) = person.run(&["help", "options"], 0);
    for option in ["--rpc-url", "--app", "--keystore", "--as", "--patience", "--json"] {
        assert!(options.contains(option), "{option}: {options}");
    }
    let (help, _) = person.run(&["deposit", "--help"], 0);
    assert!(help.contains("deml help options") && !help.contains("--inspect-url"), "{help}");
    let (told, _) = person.run(&["help", "job", "open"], 0);
    let (own, _) = person.run(&["job", "open", "--help"], 0);
    assert_eq!(told.trim_end(), own.trim_end());
    let (_, said) = person.run(&["help", "fly"], 2);
    assert!(said.contains("there is no command fly"), "{said}");
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
        "message publish",
        "message send",
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
        "--threshold",
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

/// `deml train` with one more option.
fn train<'a>(option: &'a str, value: &'a str) -> [&'a str; 9] {
    ["train", "--base", "b.onnx", "--data", "d.csv", "--out", "o.onnx", option, value]
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
        (&["deposit", "0ether"], "is nothing: say an amount above zero"),
        (&["mine", "--job", "0", "--deposit", "0ether"], "is nothing"),
        (&["job", "list", "--app", MISTYPED], "copy it once more"),
        (&["balance", MISTYPED], "copy it once more"),
        (&["balance", "sponsor.eth"], "look up the address that it stands for"),
        (&["mine", "--all-matching", "--asset", MISTYPED], "copy it once more"),
        (&["model", "get", "--cid", "ipns://model", "--out", "m"], "give the CID"),
        (&["--ipfs", "ipfs://bafkqaaa", "--app", APP, "job", "list"], "not a store: fetch it"),
        (&["--as", APP, "--account", "1", "balance"], "cannot be used with"),
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
        (&train("--batch", "0"), "1.."),
        (&train("--epochs", "0"), "1.."),
        (&train("--early-stop", "0"), "1.."),
        (&train("--learning-rate", "-1"), "a number above zero"),
        (&train("--learning-rate", "NaN"), "a number above zero"),
        (&train("--learning-rate", "inf"), "a number above zero"),
        (&train("--momentum", "1"), "a number below one"),
        (&train("--weight-decay", "-0.1"), "zero or a number above it"),
        (&train("--clip-gradient", "0"), "a number above zero"),
        (&train("--class-weights", "1,x"), "a number for each class"),
        (&train("--validation", "91"), "0..=90"),
        (&train("--optimizer", "lion"), "sgd, adam, adamw"),
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
        (&["job", "open", "--reward", "0ether", "--app", APP], "an award of nothing"),
        (&["withdraw", "0ether", "--as", APP, "--calldata", "--app", APP], "is nothing"),
        (&["withdraw", "1ether", "--as", APP, "--app", APP], "signs elsewhere"),
        (&["model", "check", "ipfs://bafkqaaa"], "deml model get --cid ipfs://bafkqaaa"),
        (&["job", "open", "--reward", "1ether", "--app", APP], "--base FILE"),
        (&["job", "board", "0"], "deml devnet"),
        (&["job", "reveal", "0", "--app", APP], "who signs?"),
        (&["message", "read", "--as", APP, "--app", APP], "say --keystore FILE, too"),
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
    assert!(said.starts_with("refused: unfit model: "), "{said}");
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
fn what_was_understood_is_said_before_anything_is_done() {
    let person = Person::new();
    let (csv, out) = (person.path("flowers.csv"), person.path("flowers.safetensors"));
    let species = ["setosa", "versicolor", "virginica"];
    let rows: String =
        (0..30).map(|row| format!("{row}.5,{},{}\n", row * row, species[row % 3])).collect();
    std::fs::write(&csv, format!("length,width,species\n{rows}")).unwrap();
    let (csv, out) = (csv.to_str().unwrap(), out.to_str().unwrap());
    let (packed, said) = person.run(&["data", "pack", csv, "--out", out], 0);
    let words = "30 rows, 2 features, label `species` (3 classes: setosa, versicolor, virginica), \
                 header: yes";
    assert!(said.contains(words), "{said}");
    assert!(packed.contains("0 (setosa) 10, 1 (versicolor) 10, 2 (virginica) 10"), "{packed}");
    let train = person.path("train.safetensors");
    let split = ["--json", "data", "split", csv, "--classes", out, "--hold-out", out, "--train"];
    let (parts, _) = person.run(&[&split[..], &[train.to_str().unwrap()]].concat(), 0);
    let parts: serde_json::Value = serde_json::from_str(&parts).unwrap();
    assert_eq!(parts["hold_out"]["classes"], serde_json::json!([2, 2, 2]));
    assert_eq!(parts["train"]["class_names"], serde_json::json!(species));
    let (checked, _) = person.run(&["data", "check", csv], 0);
    assert!(checked.contains("class virginica: 10 rows"), "{checked}");
}

#[test]
fn labels_from_one_are_asked_for_and_standard_input_is_read() {
    let person = Person::new();
    let (csv, out) = (person.path("rows.csv"), person.path("rows.safetensors"));
    std::fs::write(&csv, "a,b\n0.5,1\n1.5,2\n2,1\n").unwrap();
    let (csv, out) = (csv.to_str().unwrap(), out.to_str().unwrap());
    let (_, said) = person.run(&["data", "pack", csv, "--out", out], 1);
    assert!(said.contains("say --classes 1,2"), "{said}");
    person.run(&["data", "check", csv], 1);
    let pack = ["data", "pack", "-", "--classes", "1,2", "--out", out];
    let mut command = person.command(&pack);
    command.stdin(std::fs::File::open(csv).unwrap());
    let (packed, _) = ended(command, 0);
    assert!(packed.contains("0 (1) 2, 1 (2) 1"), "{packed}");
}

#[test]
fn a_dataset_too_large_to_score_is_not_packed() {
    let person = Person::new();
    let (npy, out) = (person.path("rows.npy"), person.path("rows.safetensors"));
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (20000, 1026), }\n";
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    let mut file = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes()].concat();
    // 82 MB as f32, a quarter of it as bytes; the last column has two classes.
    file.extend(
        (0..20_000 * 1_026_u32)
            .map(|at| u8::from(at % 2_052 == 1_025) | u8::from(at % 7 == 0 && at % 1_026 != 1_025)),
    );
    std::fs::write(&npy, file).unwrap();
    let (npy, out) = (npy.to_str().unwrap(), out.to_str().unwrap());
    let pack = ["data", "pack", npy, "--label", "1026", "--out", out];
    let (_, said) = person.run(&pack, 1);
    assert!(said.contains("a dataset may have 67104760"), "{said}");
    assert!(said.contains("--u8"), "{said}");
    let (packed, _) = person.run(&[&pack[..], &["--u8"]].concat(), 0);
    assert!(packed.contains("20000 rows of 1025 features"), "{packed}");
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
    assert!(!printed.contains("worst-class"), "{printed}");
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

#[test]
fn closed_and_full_outputs_end_in_order() {
    let person = Person::new();
    let model = fixture("health/torch-trained.onnx");
    let check = ["model", "check", &model];
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = person.command(&check);
    command.stdout(writer).stderr(Stdio::piped());
    let closed = command.spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(closed.stderr).unwrap();
    assert_eq!((closed.status.code(), said.as_str()), (Some(0), ""));

    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = person.command(&check);
    command.stdout(full()).stderr(Stdio::piped());
    let ended = command.spawn().unwrap().wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: cannot write to standard output: No space left"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");

    // Neither messages nor errors hinder the end.
    let mut command = person.command(&["model", "check", "absent"]);
    assert_eq!(command.stderr(full()).status().unwrap().code(), Some(2));
}

#[test]
fn outputs_go_into_devices_and_through_links() {
    let person = Person::new();
    let (csv, link, target) = (person.path("table.csv"), person.path("link"), person.path("out"));
    std::fs::write(&csv, "ill,a,b\n1,0.5,2\n0,1,3\n1,7,8\n").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for out in [Path::new("/dev/null"), &link] {
        let (csv, out) = (csv.to_str().unwrap(), out.to_str().unwrap());
        person.run(&["data", "pack", csv, "--label", "ill", "--out", out], 0);
    }
    assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(std::fs::metadata(&target).unwrap().len() > 0);
}

#[test]
fn keystores_of_other_programs_open_and_hostile_ones_are_refused() {
    let person = Person::new();
    let password = person.path("password");
    std::fs::write(&password, "testpassword\n").unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/tests/fixtures/keystores");
    let opened = |keystore: &Path| {
        let (keystore, password) = (keystore.to_str().unwrap(), password.to_str().unwrap());
        let key = ["--keystore", keystore, "--password-file", password];
        let nobody = ["--app", APP, "--rpc-url", NOBODY, "--node-url", NOBODY];
        let inspect = ["--inspect-url", NOBODY, "balance"];
        person.run(&[&key[..], &nobody, &inspect].concat(), 2).1
    };
    for name in ["cast.json", "ethers-5.json", "ethers-6.json"] {
        // The key is there; what is missing comes after it.
        let said = opened(&fixtures.join(name));
        assert!(said.contains("is it running?"), "{name}: {said}");
    }
    let cast = std::fs::read_to_string(fixtures.join("cast.json")).unwrap();
    for (from, to, says) in [
        ("\"n\":8192", "\"n\":1073741824", "more work or memory than any wallet asks for"),
        ("76b101853541497514cfdef1a8ecbce2", "76b1", "\"iv\" has 2 bytes, not 16 to 16"),
        ("b9408118", "b9408119", "wrong password?"),
        ("\"version\":3", "\"version\":3,\"address\":\"{}\"", "do not trust it"),
    ] {
        let file = person.path("hostile.json");
        let to = to.replace("{}", &"07".repeat(20));
        assert!(cast.contains(from), "{from}");
        std::fs::write(&file, cast.replace(from, &to)).unwrap();
        let said = opened(&file);
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn a_mnemonic_s_account_becomes_a_keystore() {
    use std::io::Write as _;
    let person = Person::new();
    let password = person.path("password");
    std::fs::write(&password, "secret\n").unwrap();
    let arguments = ["--json", "account", "import", "anvil", "--mnemonic", "--index", "1"];
    let mut command = person.command(&arguments);
    command.arg("--password-file").arg(&password);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut import = command.spawn().unwrap();
    let words = "test test test test test test test test test test test junk\n";
    import.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
    let output = import.wait_with_output().unwrap();
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(made["address"], "0x70997970c51812dc3a010c7d01b50e0d17dc79c8");
}
