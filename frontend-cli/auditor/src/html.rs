//! A report as a self-contained page: no scripts, no external resources.

use std::fmt::{self, Write as _};

use client::{calendar, printer::plain};

use super::divergence::Divergence;
use super::report::Report;
use super::timeline::{Timeline, TimelineEntry};

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1f24; background: #fff }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.holds { border-left: .5rem solid #1a7f37; padding-left: 1rem }
.diverges { border-left: .5rem solid #b42318; padding-left: 1rem }
code { font-size: .85em; overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0 }
ol { list-style: none; margin: 0; padding: 0 0 0 1rem; border-left: 2px solid #d0d7de }
li { margin: .5rem 0; position: relative }
li::before { content: ''; position: absolute; left: -1.4rem; top: .5rem; width: .7rem;
  height: .7rem; border-radius: 50%; background: #57606a }
li.wrong::before { background: #b42318 } li.wrong { font-weight: 600 }
small { color: #57606a }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 } }
";

/// Untrusted text, escaped for HTML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        plain(self.0).chars().try_for_each(|character| match character {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&#39;"),
            other => out.write_char(other),
        })
    }
}

/// The page of a report on `application`.
///
/// - Errors: none; writing to a string cannot fail
pub fn page(report: &Report, application: &str) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let class = if report.divergence.is_none() { "holds" } else { "diverges" };
    let application = Escaped(application);
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Audit of {application}</title>\n<style>{STYLE}</style>\n\
         <h1>Audit of <code>{application}</code></h1>\n<section class=\"{class}\">\n"
    )?;
    match &report.divergence {
        None => writeln!(out, "<p>All holds: {} up to block {}.</p>", report.counts, report.block)?,
        Some(_) => report.divergences().try_for_each(|divergence| wrong(&mut out, divergence))?,
    }
    if report.left_out > 0 {
        writeln!(out, "<p>And {} more.</p>", report.left_out)?;
    }
    for note in &report.notes {
        writeln!(out, "<p>Note: {}</p>", Escaped(note))?;
    }
    writeln!(out, "</section>\n<h2>What happened</h2>\n<ol>")?;
    timeline(&mut out, &report.timeline, report.divergences())?;
    writeln!(out, "</ol>")?;
    writeln!(out, "<p><small>Checked: {}; {:.1} s.</small></p>", report.counts, report.seconds)?;
    Ok(out)
}

fn wrong(out: &mut String, divergence: &Divergence) -> fmt::Result {
    let Divergence { kind, sentence, seen_in, .. } = divergence;
    writeln!(out, "<p><strong>{kind}</strong>: {}.</p>\n<table>", Escaped(sentence))?;
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let rows = [
        ("input", number(divergence.input)),
        ("output", number(divergence.output)),
        ("expected", divergence.expected.clone()),
        ("found", divergence.found.clone()),
        ("transaction", divergence.transaction.map(|hash| hash.to_string())),
        ("drill-down", divergence.drill_down.as_ref().map(ToString::to_string)),
        ("seen in", Some(seen_in.to_string())),
    ];
    for (name, value) in rows {
        if let Some(value) = value {
            writeln!(out, "<tr><th>{name}</th><td><code>{}</code></td></tr>", Escaped(&value))?;
        }
    }
    writeln!(out, "</table>")
}

/// The timeline, with each divergence at its position.
fn timeline<'a>(
    out: &mut String,
    timeline: &Timeline,
    wrongs: impl Iterator<Item = &'a Divergence>,
) -> fmt::Result {
    let mut wrongs = wrongs.peekable();
    for telling in &timeline.moments {
        let TimelineEntry { time, input, transaction, words } = telling;
        let is_past = |wrong: &&Divergence| {
            input.is_some_and(|input| wrong.input.is_some_and(|at| input > at))
        };
        while let Some(divergence) = wrongs.next_if(is_past) {
            moment(out, "wrong", &divergence.sentence, "")?;
        }
        let mut location = String::new();
        if let Some(input) = input {
            write!(location, "input {input}, ")?;
        }
        if let Some(time) = time {
            write!(location, "{}, ", utc(*time))?;
        }
        write!(location, "{transaction}")?;
        moment(out, "", words, &location)?;
    }
    for divergence in wrongs {
        moment(out, "wrong", &divergence.sentence, "")?;
    }
    match timeline.left_out {
        0 => Ok(()),
        more => writeln!(out, "<li>and {more} more</li>"),
    }
}

fn moment(out: &mut String, class: &str, words: &str, location: &str) -> fmt::Result {
    let (words, location) = (Escaped(words), Escaped(location));
    writeln!(out, "<li class=\"{class}\">{words}<br><small><code>{location}</code></small></li>")
}

/// A human-readable time: `2026-11-26 08:15:00 UTC`.
fn utc(seconds: u64) -> String {
    calendar::iso(seconds).replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::super::divergence::DivergenceKind;
    use super::super::report::{Counts, Verdict};
    use super::*;

    #[test]
    fn moments_are_written_as_people_do() {
        assert_eq!(utc(951_782_399), "2000-02-28 23:59:59 UTC");
    }

    #[test]
    fn what_strangers_write_cannot_act() {
        let telling = |input, words: &str| TimelineEntry {
            time: Some(1),
            input: Some(input),
            transaction: B256::ZERO,
            words: words.to_owned(),
        };
        let moments =
            vec![telling(0, "<script>alert('a')</script>\u{202e}\u{200b}"), telling(2, "later")];
        let wrong = Divergence::new(DivergenceKind::Flipped, "a <b> & \"c\"").at(1, B256::ZERO);
        let report = Report {
            verdict: Verdict::Diverges,
            divergence: Some(wrong),
            later: vec![Divergence::new(DivergenceKind::Score, "another <one>").at(2, B256::ZERO)],
            left_out: 0,
            counts: Counts::default(),
            resumed: None,
            block: 7,
            seconds: 0.5,
            notes: vec!["<i>".to_owned()],
            timeline: Timeline { moments, left_out: 3 },
        };
        let page = page(&report, "0x<").unwrap();
        for stranger in
            ["<script", "<b>", "<one>", "<i>", "0x<", "src=", "href=", "\u{202e}", "\u{200b}"]
        {
            assert!(!page.contains(stranger), "{stranger}");
        }
        let order = ["&lt;script&gt;", "a &lt;b&gt;", "later", "another &lt;one&gt;", "and 3 more"];
        let story = &page[page.find("<ol>").unwrap()..];
        let offsets: Vec<_> = order.iter().map(|part| story.find(part).unwrap()).collect();
        assert!(offsets.is_sorted(), "{offsets:?}");
    }
}
