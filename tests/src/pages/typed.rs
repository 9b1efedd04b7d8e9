//! Command lines on pages and in help texts, and their validation.

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use deml::cli::Cli;

/// Words of a command line: quotes group them; a comment, a pipe or a redirection ends them.
#[must_use]
pub fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match letter {
            _ if quote == Some(letter) => quote = None,
            _ if quote.is_some() => word.get_or_insert_default().push(letter),
            '\'' | '"' => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            '#' | '|' | '<' | '>' if word.is_none() => break,
            ' ' => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// The commands of a line, without variable assignments: also those after `&&` and in `$(…)`.
#[must_use]
pub fn commands(line: &str) -> Vec<Vec<String>> {
    let mut parts = line.trim_start_matches("$ ").split("$(");
    let first = parts.next().into_iter();
    let inner = parts.filter_map(|part| part.split(')').next());
    let each = first.chain(inner).flat_map(|part| part.split("&&"));
    let is_setting = |word: &String| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| name.chars().all(|part| part.is_ascii_uppercase() || part == '_'))
    };
    each.map(|part| words(part).into_iter().skip_while(is_setting).collect()).collect()
}

/// Checks that `deml` parses these words; commands in sentences may lack arguments.
///
/// Words in capitals and `…` stand for values.
///
/// - Errors: clap's error message
pub fn parses(words: &[String], is_whole: bool) -> Result<(), String> {
    // Placeholders may be an address or a hash.
    let tried = [20, 32].map(|bytes| {
        let given = words.iter().map(|word| filled(word, bytes));
        Cli::try_parse_from(given).map(drop)
    });
    let [Err(error), Err(_)] = tried else { return Ok(()) };
    let is_incomplete = matches!(
        error.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    let is_fine = error.kind() == ErrorKind::DisplayHelp || is_incomplete && !is_whole;
    if is_fine { Ok(()) } else { Err(error.to_string()) }
}

/// A word with a value in place of its placeholder.
fn filled(word: &str, bytes: usize) -> String {
    match word {
        "N" | "ID" | "JOB" => return "0".to_owned(),
        "URL" => return "http://127.0.0.1:8545".to_owned(),
        "VERDICT" => return "flipped".to_owned(),
        _ => {}
    }
    if word.starts_with("0x") && word.ends_with('…') {
        return format!("0x{}", "00".repeat(bytes));
    }
    word.replace('…', "example.org")
}

/// The CID of no bytes.
const ANY_CID: &str = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";

/// Words of a message in the source with 0 in place of `{job}` and of options' values; other
/// text in braces is left out.
#[must_use]
pub fn with_zeros(words: &[String]) -> Vec<String> {
    let before = [""].into_iter().chain(words.iter().map(String::as_str));
    let filled = words.iter().zip(before).filter_map(|(word, before)| {
        let is_value = before.starts_with("--") || ["{job}", "{number}"].contains(&word.as_str());
        match word.starts_with('{') {
            true if before == "--cid" => Some(ANY_CID.to_owned()),
            true if is_value => Some("0".to_owned()),
            true => None,
            false => Some(word.clone()),
        }
    });
    filled.collect()
}

/// Whether some command of `deml` has this option, given without dashes.
#[must_use]
pub fn is_option(name: &str) -> bool {
    let has = |command: &clap::Command| {
        let mut long =
            command.get_arguments().flat_map(clap::Arg::get_long_and_visible_aliases).flatten();
        long.any(|long| long == name)
    };
    name == "help" || name == "version" || every_command().iter().any(has)
}

/// `deml` and all its subcommands.
fn every_command() -> Vec<clap::Command> {
    let mut all = vec![Cli::command()];
    let mut at = 0;
    while at < all.len() {
        let inner: Vec<_> = all[at].get_subcommands().cloned().collect();
        all.extend(inner);
        at += 1;
    }
    all
}

/// The text after the options in `deml`'s help: for each command its name and the text.
#[must_use]
pub fn help_texts() -> Vec<(String, String)> {
    let texts = every_command().into_iter().filter_map(|command| {
        let text = command.get_after_help()?.to_string();
        Some((command.get_name().to_owned(), text))
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_as_a_shell_cuts_them() {
        let cases = [
            ("deml job show 0  # look", &[&["deml", "job", "show", "0"][..]][..]),
            (
                "curl --json '{\"a\": [1, \"b c\"]}'",
                &[&["curl", "--json", "{\"a\": [1, \"b c\"]}"]],
            ),
            ("A=1 cargo test && x/y 12", &[&["cargo", "test"], &["x/y", "12"]]),
            (
                "$ cartesi send $(deml job settle 0) --hex",
                &[&["cartesi", "send"], &["deml", "job", "settle", "0"]],
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(commands(line), expected, "{line}");
        }
    }

    #[test]
    fn a_renamed_option_is_no_command() {
        let check = |line: &str, is_whole| parses(&words(line), is_whole);
        assert!(check("deml job settle 0 --calldata", true).is_ok());
        assert!(check("deml --app 0x… audit --rpc-url https://…", true).is_ok());
        assert!(check("deml proof verify FILE --root 0x…", true).is_ok());
        assert!(check("deml job reveal", false).is_ok());
        assert!(check("deml job reveal", true).is_err());
        assert!(check("deml score --digests", false).is_err());
        assert!(check("deml inspect", false).is_err());
    }
}
