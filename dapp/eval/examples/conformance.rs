//! `cargo conformance`: ONNX's own node tests, run through the evaluator.
//!
//! The cases are those of the PyPI wheel `onnx` 1.22.0, which pip puts into the cache. `--json`
//! prints one object, `--write` writes the table of operators to the docs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's printer")]

use std::{
    collections::BTreeMap,
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use eval::conformance::{CaseOutcome, operators, run};
use serde_json::json;

/// The wheel: the last that ships the cases.
const SUITE: &str = "onnx==1.22.0";
/// Where the table of operators goes.
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/OPERATORS.md");

/// What a step gives, or the sentence that says why not.
type Result<T> = std::result::Result<T, String>;

/// The cases of an operator: how many passed, and the others with their reasons.
#[derive(Default)]
struct Tally {
    passed: usize,
    refused: Vec<(String, String)>,
    failed: Vec<(String, String)>,
}

fn main() -> ExitCode {
    let arguments = env::args().skip(1).collect::<Vec<_>>();
    match conformance(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::from(2)
        }
    }
}

/// Runs all cases, or those of an operator or with a part of a name that is given;
/// returns whether none failed.
fn conformance(arguments: &[String]) -> Result<bool> {
    let (flags, wanted): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|argument| argument.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|given| *given == flag);
    if let Some(flag) = flags.iter().find(|flag| !["--json", "--write"].contains(&flag.as_str())) {
        return Err(format!("{flag} is not known; there are --json and --write"));
    }
    if has("--write") && !wanted.is_empty() {
        return Err("--write writes the table of all operators: name none".to_owned());
    }
    let wanted = wanted.iter().map(|word| word.to_lowercase()).collect::<Vec<_>>();
    let entries = fs::read_dir(cases()?).map_err(|error| error.to_string())?;
    let mut folders = entries.filter_map(|entry| Some(entry.ok()?.path())).collect::<Vec<_>>();
    folders.sort();
    let mut tallies = BTreeMap::<String, Tally>::new();
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let model = read(&folder.join("model.onnx"))?;
        let operator = operator_of(&model);
        let is_wanted = |word: &String| name.contains(word) || operator.to_lowercase() == *word;
        if !wanted.is_empty() && !wanted.iter().any(is_wanted) {
            continue;
        }
        let outcome = case(&folder, &model)?;
        let tally = tallies.entry(operator).or_default();
        match outcome {
            CaseOutcome::Passed => tally.passed += 1,
            CaseOutcome::Refused(reason) => tally.refused.push((name, reason)),
            CaseOutcome::Failed(reason) => tally.failed.push((name, reason)),
        }
    }
    if tallies.is_empty() {
        return Err(format!("no case is of or named {}", wanted.join(" or ")));
    }
    if has("--write") {
        fs::write(TABLE, table(&tallies))
            .map_err(|error| format!("cannot write {TABLE}: {error}"))?;
    }
    show(&tallies, has("--json"));
    Ok(tallies.values().all(|tally| tally.failed.is_empty()))
}

/// The operator a case is of.
fn operator_of(model: &[u8]) -> String {
    match operators(model).as_slice() {
        [operator] => operator.clone(),
        _ => "several".to_owned(),
    }
}

/// What came of a case.
fn case(folder: &Path, model: &[u8]) -> Result<CaseOutcome> {
    let files = |kind: &str| -> Result<Vec<Vec<u8>>> {
        let path = |index| folder.join(format!("test_data_set_0/{kind}_{index}.pb"));
        let paths = (0..).map(path).take_while(|path| path.exists());
        paths.map(|path| read(&path)).collect()
    };
    let (inputs, outputs) = (files("input")?, files("output")?);
    let outcome = catch_unwind(AssertUnwindSafe(|| run(model, &inputs, &outputs)));
    Ok(outcome.unwrap_or_else(|_| CaseOutcome::Failed("a panic".to_owned())))
}

/// The folder of the cases; fetched by pip the first time.
fn cases() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let base = base.ok_or("set HOME or XDG_CACHE_HOME, so that there is a place for the cases")?;
    let folder = base.join("deml").join(SUITE);
    let cases = folder.join("onnx/backend/test/data/node");
    if cases.exists() {
        return Ok(cases);
    }
    eprintln!("fetching {SUITE} into {}", folder.display());
    let status = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
        .arg(&folder)
        .arg(SUITE)
        .status()
        .map_err(|error| format!("cannot run python3, install Python with pip: {error}"))?;
    if status.success() && cases.exists() {
        Ok(cases)
    } else {
        Err(format!("pip could not fetch {SUITE}; see what it says"))
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn totals(tallies: &BTreeMap<String, Tally>) -> [usize; 3] {
    tallies.values().fold([0; 3], |[passed, refused, failed], tally| {
        [passed + tally.passed, refused + tally.refused.len(), failed + tally.failed.len()]
    })
}

fn show(tallies: &BTreeMap<String, Tally>, as_json: bool) {
    let [passed, refused, failed] = totals(tallies);
    if as_json {
        let reasons = |list: &[(String, String)]| {
            let reason =
                |(case, reason): &(String, String)| json!({"case": case, "reason": reason});
            list.iter().map(reason).collect::<Vec<_>>()
        };
        let operator = |(name, tally): (&String, &Tally)| {
            json!({
                "operator": name,
                "passed": tally.passed,
                "refused": reasons(&tally.refused),
                "failed": reasons(&tally.failed),
            })
        };
        let operators = tallies.iter().map(operator).collect::<Vec<_>>();
        println!(
            "{}",
            json!({
                "suite": SUITE,
                "passed": passed,
                "refused": refused,
                "failed": failed,
                "operators": operators,
            })
        );
        return;
    }
    for (kind, list) in [("refused", 0), ("failed", 1)] {
        for tally in tallies.values() {
            let cases = if list == 0 { &tally.refused } else { &tally.failed };
            for (case, reason) in cases {
                println!("{kind} {case}: {reason}");
            }
        }
    }
    let all = passed + refused + failed;
    let per_mille = (passed * 1000).checked_div(all).unwrap_or(0);
    println!(
        "{SUITE}: {passed} of {all} pass ({}.{} %), {refused} are refused, {failed} fail",
        per_mille / 10,
        per_mille % 10
    );
}

/// The table of operators for the docs.
fn table(tallies: &BTreeMap<String, Tally>) -> String {
    let [passed, refused, failed] = totals(tallies);
    let mut page = format!(
        "# Operators\n\nWritten by `cargo conformance --write`, which runs ONNX's own node tests \
         ({SUITE}): {passed} of {} pass, {refused} are refused, {failed} fail. A case is refused \
         before it runs where the operator, an element type or an attribute is not known, or a \
         shape would depend on data.\n\n| operator | pass | refused |\n| --- | --- | --- |\n",
        passed + refused + failed
    );
    for (name, tally) in tallies {
        let name = if name == "several" { "graphs of several operators" } else { name };
        page.push_str(&format!("| {name} | {} | {} |\n", tally.passed, tally.refused.len()));
    }
    page
}
