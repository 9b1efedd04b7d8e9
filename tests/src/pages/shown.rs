//! Comparison of the output shown on a page with what the command printed.
//!
//! `…` stands for what differs from run to run: within a line for any text, alone on a line for
//! any number of lines. The rest must be equal, except for the number of spaces between words.

/// The wildcard.
const ANY: char = '…';

fn is_gap(line: &str) -> bool {
    line.trim() == ANY.to_string()
}

/// Whether the shown lines match the printed ones.
#[must_use]
pub fn fits(shown: &[&str], printed: &[&str]) -> bool {
    match (shown, printed) {
        ([], _) => printed.is_empty(),
        ([gap, later @ ..], _) if is_gap(gap) => {
            (0..=printed.len()).any(|skipped| fits(later, &printed[skipped..]))
        }
        ([line, later @ ..], [first, rest @ ..]) => line_fits(line, first) && fits(later, rest),
        (_, []) => false,
    }
}

fn line_fits(shown: &str, printed: &str) -> bool {
    let spaced = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let (shown, printed) = (spaced(shown), spaced(printed));
    let Some((first, others)) = shown.split_once(ANY) else { return shown == printed };
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    let (between, last) =
        others.rsplit_once(ANY).map_or((None, others), |(between, last)| (Some(between), last));
    for part in between.into_iter().flat_map(|between| between.split(ANY)) {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The lines to show from now on: the printed ones, with the wildcards of the shown ones kept.
#[must_use]
pub fn renewed(shown: &[&str], printed: &[&str]) -> Vec<String> {
    if fits(shown, printed) {
        return shown.iter().copied().map(str::to_owned).collect();
    }
    let (mut renewed, mut left, mut gap) = (Vec::new(), printed, None);
    for line in shown {
        if is_gap(line) {
            gap = Some(*line);
            continue;
        }
        let is_same = |other: &&str| line_fits(line, other);
        let is_alike =
            |other: &&str| line.split_whitespace().next() == other.split_whitespace().next();
        let found = left.iter().position(is_same);
        let Some(at) = found.or_else(|| left.iter().position(is_alike)) else {
            continue;
        };
        push_between(&mut renewed, gap.take(), &left[..at]);
        renewed.push(renewed_line(line, left[at]));
        left = &left[at + 1..];
    }
    push_between(&mut renewed, gap, left);
    renewed
}

fn push_between(renewed: &mut Vec<String>, gap: Option<&str>, lines: &[&str]) {
    match gap {
        Some(gap) if !lines.is_empty() => renewed.push(gap.to_owned()),
        _ => renewed.extend(lines.iter().map(|line| renewed_line("", line))),
    }
}

/// The printed line with the wildcards of the shown one, and without hashes of 32 bytes.
fn renewed_line(shown: &str, printed: &str) -> String {
    if line_fits(shown, printed) {
        return shown.to_owned();
    }
    let old: Vec<_> = shown.split_whitespace().collect();
    let is_as_long = old.len() == printed.split_whitespace().count();
    let mut old = old.into_iter();
    let words = printed.split(' ').map(|word| {
        let old = if word.is_empty() { None } else { old.next() };
        let old = old.filter(|old| is_as_long && old.contains(ANY) && line_fits(old, word));
        let is_hash = word.starts_with("0x") && word.trim_end_matches([',', '"']).len() == 66;
        old.map_or_else(|| if is_hash { "0x…".to_owned() } else { word.to_owned() }, str::to_owned)
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_left_open_may_differ() {
        let printed = ["job 0 is 0x12", "epoch 1", "epoch 2", "paid   0.5 ether in 3 s"];
        let cases = [
            (&["job 0 is 0x12", "epoch 1", "epoch 2", "paid 0.5 ether in 3 s"][..], true),
            (&["job 0 is 0x…", "…", "paid 0.5 ether in … s"], true),
            (&["job … is 0x…", "…", "epoch 2", "paid 0.5 ether in … s"], true),
            (&["…"], true),
            (&["job 0 is 0x…", "…", "paid 0.6 ether in … s"], false),
            (&["job 0 is 0x…", "…", "epoch 2", "epoch 2", "paid 0.5 ether in … s"], false),
            (&["job 0 is 0x…", "…"], true),
            (&["job 0 is 0x…", "epoch …"], false),
            (&[], false),
            (&["job 1 is 0x…", "…"], false),
        ];
        for (shown, is_so) in cases {
            assert_eq!(fits(shown, &printed), is_so, "{shown:?}");
        }
    }

    #[test]
    fn what_was_left_open_stays_so() {
        let printed = ["job 0 is 0x12", "epoch 1", "epoch 2", "paid   0.5 ether in 3 s", "root"];
        let cases = [
            (
                &["job 0 is 0x…", "…", "paid   0.4 ether in … s", "root"][..],
                &["job 0 is 0x…", "…", "paid   0.5 ether in … s", "root"][..],
            ),
            (
                &["job 0 is 0x…", "epoch 1"],
                &["job 0 is 0x…", "epoch 1", "epoch 2", "paid   0.5 ether in 3 s", "root"],
            ),
            (&["gone", "…", "root"], &["…", "root"]),
            (&[], &printed),
        ];
        for (shown, expected) in cases {
            assert_eq!(renewed(shown, &printed), expected, "{shown:?}");
        }
        let hash = format!("root 0x{}", "ab".repeat(32));
        assert_eq!(renewed(&[], &[&hash]), ["root 0x…"]);
    }
}
