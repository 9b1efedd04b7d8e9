//! A report as a self-contained page: no scripts, no external resources.

use std::fmt::{self, Write as _};

use client::{
    calendar,
    printer::plain,
    quantity::{money, percent},
};

use super::divergence::Divergence;
use super::report::Report;
use super::summary::{JobSummaries, JobSummary, Subject};
use super::timeline::{Timeline, TimelineEntry};

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto;
  padding: 0 1rem; color: #1b1f24; background: #fff; overflow-wrap: anywhere }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
h3 { font-size: 1rem; margin: 0 }
.holds { border-left: .5rem solid #1a7f37; padding-left: 1rem }
.diverges { border-left: .5rem solid #b42318; padding-left: 1rem }
code { font-size: .85em }
dl { display: grid; grid-template-columns: 7.5rem 1fr; gap: .1rem .75rem; margin: .5rem 0 }
dt { color: #57606a } dd { margin: 0 }
article { border: 1px solid #d0d7de; border-radius: .4rem; padding: .75rem 1rem; margin: .75rem 0 }
details, summary, details[open]::details-content { display: inline }
details:not([open])::details-content { display: none }
summary { cursor: pointer; list-style: none; border-bottom: 1px dotted }
summary::-webkit-details-marker { display: none }
details[open] > summary { color: #57606a }
ol { list-style: none; margin: 0; padding: 0 0 0 1rem; border-left: 2px solid #d0d7de }
li { margin: .5rem 0; position: relative }
li::before { content: ''; position: absolute; left: -1.4rem; top: .5rem; width: .7rem;
  height: .7rem; border-radius: 50%; background: #57606a }
li.wrong::before { background: #b42318 } li.wrong { font-weight: 600 }
small { color: #57606a }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117 }
  dt, small, details[open] > summary { color: #9198a1 } article { border-color: #3d444d } }
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

/// Untrusted text, in which addresses and hashes are short, and whole on a click.
struct Shortened<'a>(&'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_part = |part: char| part.is_ascii_alphanumeric();
        let mut rest = self.0;
        while !rest.is_empty() {
            let end = rest.find(|part| !is_part(part)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            match ends(word) {
                Some([begin, end]) => write!(
                    out,
                    "<details><summary><code>{begin}…{end}</code></summary> <code>{word}</code>\
                     </details>"
                )?,
                None => write!(out, "{}", Escaped(word))?,
            }
            let next = after.find(is_part).unwrap_or(after.len());
            let (between, after) = after.split_at(next);
            write!(out, "{}", Escaped(between))?;
            rest = after;
        }
        Ok(())
    }
}

/// The first and the last characters of an address, a hash or a CID; all are ASCII.
fn ends(word: &str) -> Option<[&str; 2]> {
    let is_hash = word.strip_prefix("0x").is_some_and(|digits| {
        digits.len() >= 40 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    let is_cid = word.len() >= 50 && (word.starts_with("baf") || word.starts_with("Qm"));
    (is_hash || is_cid).then(|| [&word[..6], &word[word.len() - 4..]])
}

/// The page of a report on a market.
///
/// - Errors: none; writing to a string cannot fail
pub fn page(report: &Report, subject: &Subject) -> Result<String, fmt::Error> {
    let mut out = String::new();
    let class = if report.divergence.is_none() { "holds" } else { "diverges" };
    let application = subject.application;
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Audit of {application}</title>\n<style>{STYLE}</style>\n\
         <h1>Audit of {}</h1>\n<section class=\"{class}\">\n",
        Shortened(&application.to_string())
    )?;
    match &report.divergence {
        None => {
            writeln!(out, "<div>All holds: {} up to block {}.</div>", report.counts, report.block)?;
        }
        Some(_) => report.divergences().try_for_each(|divergence| wrong(&mut out, divergence))?,
    }
    if report.left_out > 0 {
        writeln!(out, "<div>And {} more.</div>", report.left_out)?;
    }
    for note in &report.notes {
        writeln!(out, "<div>Note: {}</div>", Shortened(note))?;
    }
    writeln!(out, "</section>\n<h2>What was audited</h2>")?;
    audited(&mut out, report, subject)?;
    writeln!(out, "<h2>Money</h2>")?;
    balances(&mut out, report)?;
    writeln!(out, "<h2>Jobs</h2>")?;
    jobs(&mut out, &report.jobs)?;
    writeln!(out, "<h2>What happened</h2>\n<ol>")?;
    timeline(&mut out, &report.timeline, report.divergences())?;
    writeln!(out, "</ol>")?;
    Ok(out)
}

/// A list of facts, each with its name.
fn facts<'a>(out: &mut String, facts: impl IntoIterator<Item = (&'a str, String)>) -> fmt::Result {
    writeln!(out, "<dl>")?;
    for (name, fact) in facts {
        writeln!(out, "<dt>{name}</dt><dd>{}</dd>", Shortened(&fact))?;
    }
    writeln!(out, "</dl>")
}

fn audited(out: &mut String, report: &Report, subject: &Subject) -> fmt::Result {
    let Subject { chain_id, application, line, template, time, replayed_by, is_compared } = subject;
    let line = line.map_or_else(|| "at their own addresses".to_owned(), |line| line.to_string());
    let node = if *is_compared { "yes, its answers" } else { "no: from Ethereum alone" };
    let facts_of = [
        ("application", application.to_string()),
        ("chain", chain_id.to_string()),
        ("contracts", format!("Cartesi Rollups {line}")),
        ("template", template.to_string()),
        ("up to", format!("block {}, {}", report.block, utc(*time))),
        ("replayed by", replayed_by.clone()),
        ("node compared", node.to_owned()),
        ("checked", format!("{}, in {:.1} s", report.counts, report.seconds)),
        ("made by", format!("deml {}", env!("CARGO_PKG_VERSION"))),
    ];
    facts(out, facts_of)?;
    writeln!(
        out,
        "<div><small>Each input's hash was compared with the InputBox, each output and score \
         computed again, each payment explained by the terms, each accepted claim compared with \
         the outputs.</small></div>"
    )
}

/// Both sides of each asset.
fn balances(out: &mut String, report: &Report) -> fmt::Result {
    if report.totals.is_empty() {
        writeln!(out, "<div>Nothing was deposited.</div>")?;
    }
    for (asset, total) in &report.totals {
        let rows = [
            ("deposited", total.deposited),
            ("paid out", total.paid_out),
            ("free balances", total.free),
            ("in escrow", total.escrowed),
        ];
        writeln!(out, "<article><h3>{}</h3>", Shortened(&asset.to_string()))?;
        facts(out, rows.map(|(name, amount)| (name, money(*asset, amount))))?;
        writeln!(out, "</article>")?;
    }
    Ok(())
}

fn jobs(out: &mut String, JobSummaries { jobs, left_out }: &JobSummaries) -> fmt::Result {
    if jobs.is_empty() {
        writeln!(out, "<div>None was opened.</div>")?;
    }
    for summary in jobs {
        let JobSummary { job, number, title, sponsor, asset, offer, state, .. } = summary;
        let best = summary.best.map(|best| format!(", the best with {}", percent(best)));
        let (submitted, accepted) = (summary.submitted, summary.accepted);
        let best = best.unwrap_or_default();
        let rows = [
            ("name", job.to_string()),
            ("sponsor", sponsor.to_string()),
            ("offers", offer.clone()),
            ("state", state.clone()),
            ("models", format!("{submitted} submitted, {accepted} accepted{best}")),
            ("to winners", money(*asset, summary.rewarded)),
            ("to others", money(*asset, summary.paid)),
            ("in escrow", money(*asset, summary.held)),
        ];
        writeln!(out, "<article><h3>job {number}: {}</h3>", Escaped(title))?;
        facts(out, rows)?;
        writeln!(out, "</article>")?;
    }
    match left_out {
        0 => Ok(()),
        more => writeln!(out, "<div>And {more} more.</div>"),
    }
}

fn wrong(out: &mut String, divergence: &Divergence) -> fmt::Result {
    let Divergence { kind, sentence, seen_in, .. } = divergence;
    writeln!(out, "<div><strong>{kind}</strong>: {}.</div>", Shortened(sentence))?;
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
    facts(out, rows.into_iter().filter_map(|(name, value)| Some((name, value?))))
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
    let (words, location) = (Shortened(words), Shortened(location));
    writeln!(out, "<li class=\"{class}\">{words}<br><small>{location}</small></li>")
}

/// A human-readable time: `2026-11-26 08:15:00 UTC`.
fn utc(seconds: u64) -> String {
    calendar::iso(seconds).replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use alloy::primitives::{Address, B256};
    use market::{Address as Account, Amount, Asset, JobId, Score, Solvency};

    use super::super::divergence::DivergenceKind;
    use super::super::report::{Counts, Verdict};
    use super::*;

    fn subject() -> Subject {
        Subject {
            chain_id: 31_337,
            application: Address::ZERO,
            line: None,
            template: B256::ZERO,
            time: 951_782_399,
            replayed_by: "the program <b>".to_owned(),
            is_compared: false,
        }
    }

    fn job(title: &str) -> JobSummary {
        JobSummary {
            job: JobId([7; 32]),
            number: 3,
            title: title.to_owned(),
            sponsor: Account([0x3c; 20]),
            asset: Asset::Ether,
            offer: "1 reward of 0.5 ether".to_owned(),
            state: "ended, won: 1 model paid".to_owned(),
            submitted: 2,
            accepted: 1,
            best: Some(Score(940_000)),
            rewarded: Amount::new(500_000_000_000_000_000),
            paid: Amount::ZERO,
            held: Amount::new(1_000_000_000_000_000),
        }
    }

    #[test]
    fn addresses_are_short_and_whole_on_a_click() {
        let account = format!("0x{}", "3c".repeat(20));
        let said = Shortened(&format!("{account} deposits <1> ether, 0x12")).to_string();
        let whole = format!("<code>{account}</code></details> deposits &lt;1&gt; ether, 0x12");
        assert!(said.starts_with("<details><summary><code>0x3c3c…3c3c</code></summary>"), "{said}");
        assert!(said.ends_with(&whole), "{said}");
        assert_eq!(Shortened("漢字 0x").to_string(), "漢字 0x");
    }

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
            jobs: JobSummaries { jobs: vec![job("<b>Health</b>")], left_out: 0 },
            totals: BTreeMap::from([(Asset::Ether, Solvency::default())]),
        };
        let page = page(&report, &subject()).unwrap();
        for stranger in ["<script", "<b>", "<one>", "<i>", "src=", "href=", "\u{202e}", "\u{200b}"]
        {
            assert!(!page.contains(stranger), "{stranger}");
        }
        for part in [
            "job 3: &lt;b&gt;Health&lt;/b&gt;",
            "2 submitted, 1 accepted, the best with 94.000 %",
            "<dt>to winners</dt><dd>0.5 ether</dd>",
            "<dt>in escrow</dt><dd>0.001 ether</dd>",
            "<dt>chain</dt><dd>31337</dd>",
            "block 7, 2000-02-28 23:59:59 UTC",
            concat!("<dt>made by</dt><dd>deml ", env!("CARGO_PKG_VERSION")),
        ] {
            assert!(page.contains(part), "{part}");
        }
        let order = ["&lt;script&gt;", "a &lt;b&gt;", "later", "another &lt;one&gt;", "and 3 more"];
        let story = &page[page.find("<ol>").unwrap()..];
        let offsets: Vec<_> = order.iter().map(|part| story.find(part).unwrap()).collect();
        assert!(offsets.is_sorted(), "{offsets:?}");
    }
}
