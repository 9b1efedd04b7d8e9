//! Runs the `console` blocks of pages: on one devnet, in order.

use std::{
    env, fs,
    io::{self, Read as _},
    process::Stdio,
};

use super::{Page, root, shown, typed};
use crate::market::Market;

/// The default URL of Ethereum in `deml devnet`.
const DEFAULT_URL: &str = "http://127.0.0.1:8545";

/// Runs the pages one after the other, and returns the differences from their shown output.
///
/// Commands run among the files of the fixtures folder that the first page names.
/// With `UPDATE_EXPECT` set, the pages are rewritten.
#[must_use]
pub fn play(pages: &[&str]) -> Vec<String> {
    let pages: Vec<_> = pages.iter().map(|path| Page::read(path)).collect();
    let market = Market::start();
    let codes = pages.iter().flat_map(Page::inline_code).map(|code| code.text);
    let folder = codes
        .map(|code| root().join(code))
        .find(|path| path.starts_with(root().join("tests/fixtures")) && path.is_dir());
    for file in fs::read_dir(folder.unwrap()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), market.home().join(file.file_name())).unwrap();
    }
    let mut said = String::new();
    pages.iter().flat_map(|page| play_page(page, &market, &mut said)).collect()
}

fn play_page(page: &Page, market: &Market, said: &mut String) -> Vec<String> {
    let lines = page.lines();
    let (mut renewed, mut copied, mut differences) = (Vec::<String>::new(), 0, Vec::new());
    let steps = page.steps();
    assert!(!steps.is_empty(), "{} shows no commands", page.path);
    for step in steps {
        let output = run(market, &step.command.text, said);
        let (shown, printed) = (&lines[step.output.clone()], output.lines().collect::<Vec<_>>());
        if !shown::fits(shown, &printed) {
            let (line, command) = (step.command.line, &step.command.text);
            let shown = shown.join("\n");
            let path = &page.path;
            differences.push(format!(
                "{path}:{line}: {command}\nis shown with\n{shown}\nand printed\n{output}"
            ));
        }
        renewed.extend(lines[copied..step.output.start].iter().copied().map(str::to_owned));
        renewed.extend(shown::renewed(shown, &printed));
        copied = step.output.end;
        said.push_str(&output);
    }
    renewed.extend(lines[copied..].iter().copied().map(str::to_owned));
    if env::var_os("UPDATE_EXPECT").is_none() {
        return differences;
    }
    fs::write(root().join(&page.path), renewed.join("\n") + "\n").unwrap();
    Vec::new()
}

/// Runs a command as typed, and returns its terminal output.
fn run(market: &Market, command: &str, said: &str) -> String {
    let url = market.devnet_file()["rpc_url"].as_str().unwrap().to_owned();
    let words = filled(&typed::words(command), said).into_iter();
    let words: Vec<_> = words.map(|word| word.replace(DEFAULT_URL, &url)).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["deml", arguments @ ..] => shown_by(market, arguments),
        _ => panic!("only `deml` is run, not {command:?}"),
    }
}

/// Replaces `…` by earlier output: after `--root`, the last printed `root`.
fn filled(words: &[String], said: &str) -> Vec<String> {
    let before = [None].into_iter().chain(words.iter().map(Some));
    let each = words.iter().zip(before).map(|(word, before)| {
        let name = before.and_then(|before| before.strip_prefix("--"));
        let Some(name) = name.filter(|_| word.contains('…')) else { return word.clone() };
        let value = said.rsplit_once(&format!("{name} ")).map(|(_, rest)| rest);
        let value = value.and_then(|rest| rest.split([' ', ',', '\n']).next());
        value.unwrap_or_else(|| panic!("nothing printed a {name}")).to_owned()
    });
    each.collect()
}

/// The output of `deml` on stdout and stderr, interleaved.
fn shown_by(market: &Market, arguments: &[&str]) -> String {
    let (mut reader, writer) = io::pipe().unwrap();
    let mut command = market.command(arguments);
    command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    // It still holds the write ends of the pipe, so reading would never end.
    drop(command);
    let mut output = String::new();
    reader.read_to_string(&mut output).unwrap();
    child.wait().unwrap();
    output
}
