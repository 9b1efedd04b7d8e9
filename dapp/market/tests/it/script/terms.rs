//! The terms of a job in a script's notation.
//!
//! ```text
//! anne opens bounty                 an open hold-out, two rewards of 10, evaluated by the machine
//! anne opens cup sealed prize=100   … a sealed one, a prize
//! anne opens cup sealed seats=3     … miners: with a pool of 20, a buy-in of 10, a bond of 8;
//!                                   with samples=5 the machine only samples
//! anne opens cup slice=slice        … a public board; a sealed job has one unless board=none
//! ```

use market::{
    Amount, Asset, Award, Board, Command, Evaluators, Metric, MinerTerms, Offer, Output, Score,
    Sealing, Terms, Threshold, Timestamp, U256, Unmet, Work,
};

use super::{Reason, Stage, address, amount, asset, number, padded};
use crate::{judge, world::job_name};

/// The words of a statement, `name=value`; the last of a name counts.
struct Stated<'a>(&'a [&'a str]);

impl<'a> Stated<'a> {
    fn has(&self, flag: &str) -> bool {
        self.0.contains(&flag)
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        let mut values = self.0.iter().rev().filter_map(|term| term.split_once('='));
        values.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    fn or<N: std::str::FromStr>(&self, name: &str, usual: N) -> Result<N, Reason> {
        self.value(name).map_or(Ok(usual), number)
    }

    fn money(&self, name: &str, usual: u128) -> Result<Amount, Reason> {
        self.value(name).map_or(Ok(Amount::new(usual)), amount)
    }
}

const KNOWN: &str = " sealed salt base rows hold_out slice board quota ladder_step asset close \
    places metric output min_score min_gain threshold max_model_bytes max_work max_inputs reveal \
    sponsor_bond reward rewards prize significance unmet seats bond pool buy_in attest samples ";

impl Stage {
    pub(super) fn open(
        &mut self,
        who: &str,
        title: &str,
        stated: &[&str],
    ) -> Result<Command, Reason> {
        for term in stated {
            let name = term.split('=').next().unwrap_or(term);
            let is_known = KNOWN.contains(&format!(" {name} "));
            is_known.then_some(()).ok_or_else(|| format!("no term {name}"))?;
        }
        let salt = padded(Stated(stated).value("salt").unwrap_or("salt"));
        let terms = self.terms(who, title, salt, &Stated(stated))?;
        let job = job_name(address(who), salt, &terms);
        self.jobs.insert(title.to_owned(), job);
        Ok(Command::OpenJob { job, salt, terms: Box::new(terms) })
    }

    fn terms(
        &mut self,
        who: &str,
        title: &str,
        salt: [u8; 32],
        stated: &Stated<'_>,
    ) -> Result<Terms, Reason> {
        let is_sealed = stated.has("sealed");
        let usual = if is_sealed { "hidden" } else { "rows" };
        let hold_out = stated.value("hold_out").unwrap_or(usual);
        let rows = judge::rows(&self.blob(hold_out)?.1).unwrap_or(20);
        let award = award(stated)?;
        let quarter = award.total().map_or(Amount::ZERO, |all| Amount(all.0 / 4 + U256::one()));
        let sealing = if is_sealed {
            Sealing::Sealed {
                hold_out: self.seal(who, hold_out, hold_out, salt)?,
                reveal_seconds: stated.or("reveal", 100)?,
                sponsor_bond: stated.value("sponsor_bond").map_or(Ok(quarter), amount)?,
            }
        } else {
            Sealing::Open { hold_out: self.blob(hold_out)?.0 }
        };
        let has_board = stated.value("slice").is_some() || is_sealed;
        let has_board = has_board && stated.value("board") != Some("none");
        let board = has_board.then(|| self.board(stated)).transpose()?;
        let of = stated.value("metric").map_or(Ok(Metric::Accuracy), metric)?;
        Ok(Terms {
            title: padded(title),
            asset: stated.value("asset").map_or(Asset::Ether, asset),
            close: Timestamp(stated.or("close", 2_000)?),
            places: stated.or("places", 4)?,
            offer: Offer {
                metric: of,
                output: stated.value("output").map_or(Ok(Output::FromGraph), output)?,
                min_score: Score(stated.or("min_score", 0)?),
                min_gain: Score(stated.or("min_gain", 1)?),
                threshold: threshold(stated, of)?,
                max_model_bytes: stated.or("max_model_bytes", 100)?,
                max_work: Work(stated.or("max_work", 1_000)?),
                max_inputs: stated.or("max_inputs", 64)?,
                rows: stated.or("rows", rows)?,
                base_model: self.blob(stated.value("base").unwrap_or("base"))?.0,
                board,
            },
            sealing,
            evaluators: evaluators(stated)?,
            award,
        })
    }

    fn board(&self, stated: &Stated<'_>) -> Result<Board, Reason> {
        Ok(Board {
            public_slice: self.blob(stated.value("slice").unwrap_or("slice"))?.0,
            quota: stated.or("quota", 2)?,
            ladder_step: Score(stated.or("ladder_step", 50_000)?),
        })
    }
}

fn award(stated: &Stated<'_>) -> Result<Award, Reason> {
    if stated.value("prize").is_none() {
        let (reward, count) = (stated.money("reward", 10)?, stated.or("rewards", 2)?);
        return Ok(Award::Rewards { reward, count });
    }
    let vouches = stated.value("unmet") == Some("share");
    Ok(Award::Prize {
        prize: stated.money("prize", 100)?,
        significance: Score(stated.or("significance", 50_000)?),
        unmet: if vouches { Unmet::Share } else { Unmet::Return },
    })
}

fn evaluators(stated: &Stated<'_>) -> Result<Evaluators, Reason> {
    if stated.value("seats").is_none() {
        return Ok(Evaluators::Machine);
    }
    Ok(Evaluators::Miners(MinerTerms {
        seats: stated.or("seats", 3)?,
        bond: stated.money("bond", 8)?,
        pool: stated.money("pool", 20)?,
        buy_in: stated.money("buy_in", 10)?,
        attest_seconds: stated.or("attest", 100)?,
        sample_rows: stated.or("samples", 0)?,
    }))
}

fn output(name: &str) -> Result<Output, Reason> {
    let found = Output::ALL.into_iter().find(|output| format!("{output:?}") == name);
    found.ok_or_else(|| format!("no output {name}"))
}

/// `threshold=METRIC:SCORE`; usually of nothing.
fn threshold(stated: &Stated<'_>, of: Metric) -> Result<Threshold, Reason> {
    let Some(threshold) = stated.value("threshold") else {
        return Ok(Threshold::none(of));
    };
    let (name, score) = threshold.split_once(':').ok_or("a threshold is METRIC:SCORE")?;
    Ok(Threshold { metric: metric(name)?, min_score: Score(number(score)?) })
}

fn metric(name: &str) -> Result<Metric, Reason> {
    let found = Metric::ALL.into_iter().find(|metric| format!("{metric:?}") == name);
    found.ok_or_else(|| format!("no metric {name}"))
}
