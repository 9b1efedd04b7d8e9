//! What the sponsor of an open job can do or must do now, with what each costs and returns.

use blobs::Digest;
use drafts::{
    Currency,
    quantity::{count, date, until},
};
use market::{Amount, Command, Sealing, SponsorStake, Stage, rent::Rent};
use serde::Serialize;
use wire::{JobView, encode_command};

use crate::{
    entry::Sealed,
    error::{Error, OrReport as _, Result},
    sponsor::Desk,
    transactions::Transaction,
};

/// Something to do.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Duty {
    name: &'static str,
    /// What it costs and returns, or until when it has to be done.
    words: String,
    /// How it is done; none if it cannot be done now, or not here.
    transactions: Vec<Transaction>,
    /// Whether not doing it costs the sponsor.
    is_urgent: bool,
    /// Whether the key is not in this browser.
    lacks_key: bool,
}

impl Desk {
    /// What its sponsor can or must do in a job now; nothing in one that has ended.
    ///
    /// - `sealed`: the keys that this browser has
    /// - Errors: `NotSponsor`
    pub(crate) fn duties(&self, sealed: &[Sealed]) -> Result<Vec<Duty>> {
        let view = self.job.as_ref().or_report("the job is not open")?;
        if self.sponsor != Some(view.sponsor) {
            return Err(Error::refused("NotSponsor", "another account has opened this job"));
        }
        if !view.stage.is_live() {
            return Ok(Vec::new());
        }
        let currency = &self.purse(view.terms.asset)?.purse.currency;
        let duties = [
            self.deliver(view),
            self.reveal(view, currency, sealed),
            self.evaluate(view),
            self.settle(view, currency),
            self.cancel(view, currency)?,
        ];
        Ok(duties.into_iter().flatten().collect())
    }

    fn deliver(&self, view: &JobView) -> Option<Duty> {
        let lacks = self.slots.iter().filter(|one| one.submission.is_none() && !one.whole);
        let bytes: u64 = lacks.map(|one| one.size.saturating_sub(one.received)).sum();
        (view.stage == Stage::Announced && bytes > 0).then(|| Duty {
            name: "Go on publishing",
            words: format!(
                "The market lacks {} of its files: without them the job is cancelled at its close, \
                 {}, and its rent runs. Go on where it was begun: under Open a job in that \
                 browser, or with `deml data publish`.",
                count(bytes, "byte"),
                date(view.terms.close)
            ),
            transactions: Vec::new(),
            is_urgent: true,
            lacks_key: false,
        })
    }

    fn reveal(&self, view: &JobView, currency: &Currency, sealed: &[Sealed]) -> Option<Duty> {
        let Sealing::Sealed { hold_out, sponsor_bond, .. } = view.terms.sealing else {
            return None;
        };
        let (close, last) = (view.windows.close, view.windows.reveal_until);
        let stages = [Stage::Announced, Stage::Open, Stage::Revealing];
        if view.hold_out.is_some() || !stages.contains(&view.stage) || self.now >= last {
            return None;
        }
        let is_it = |one: &&Sealed| {
            let salt = Digest(view.salt);
            self.commitment(view.sponsor, salt, one.plain, one.seal) == hold_out.commitment
        };
        let found = sealed.iter().find(is_it);
        let window = format!("from {} to {}", date(close), date(last));
        let loss = format!(
            "without it you lose the bond of {}, and the award to those who revealed",
            currency.show(sponsor_bond)
        );
        let is_due = self.now >= close;
        let command = found.map(|Sealed { plain, seal }| Command::Reveal {
            job: view.job,
            key: seal.key.0,
            salt: seal.salt.0,
            plaintext: *plain,
        });
        let words = match &command {
            None => format!(
                "The hold-out's key is taken {window}, and it is not in this browser: open the \
                 file that you saved; {loss}."
            ),
            Some(_) if !is_due => {
                let when = until(close, self.now);
                format!("The hold-out's key is taken {window}: come back {when}; {loss}.")
            }
            Some(command) => format!(
                "The hold-out's key is taken until {}, and {loss}. It costs {}; the bond comes \
                 back when the job ends.",
                date(last),
                self.cost(command)
            ),
        };
        let command = command.filter(|_| is_due);
        let transactions = command.map(|one| self.way().inputs("reveal the hold-out", &[one]));
        Some(Duty {
            name: "Reveal the hold-out",
            words,
            transactions: transactions.unwrap_or_default(),
            is_urgent: is_due,
            lacks_key: found.is_none(),
        })
    }

    fn evaluate(&self, view: &JobView) -> Option<Duty> {
        let evaluations = &view.evaluations;
        (!evaluations.is_empty()).then(|| Duty {
            name: "Carry on the evaluation",
            words: format!(
                "{} under way. Who carries one on pays the gas, and earns a part of the work that \
                 was prepaid for it.",
                count(evaluations.len() as u64, "evaluation")
            ),
            transactions: evaluations
                .iter()
                .flat_map(|one| self.carry_on(view, one.target))
                .collect(),
            is_urgent: false,
            lacks_key: false,
        })
    }

    fn settle(&self, view: &JobView, currency: &Currency) -> Option<Duty> {
        let command = Command::Settle { job: view.job };
        let most = total(view.stake, Amount::ZERO);
        let windows = &view.windows;
        let is_awaiting_keys = view.stage == Stage::Revealing && self.now < windows.reveal_until;
        let can = self.now >= windows.close && !is_awaiting_keys;
        can.then(|| Duty {
            name: "Settle",
            words: format!(
                "It costs {} a step, and the market refuses it while a window is open. Of {} in \
                 escrow comes back what is not awarded, not forfeited and not used.",
                self.cost(&command),
                most.map_or_else(|| "all".to_owned(), |most| currency.show(most))
            ),
            transactions: self.way().inputs("settle the job", &[command]),
            is_urgent: false,
            lacks_key: false,
        })
    }

    fn cancel(&self, view: &JobView, currency: &Currency) -> Result<Option<Duty>> {
        if view.submitted > 0 || ![Stage::Announced, Stage::Open].contains(&view.stage) {
            return Ok(None);
        }
        let least_seconds = self.market.settings.windows.delivery_seconds;
        let rent = Rent { all: view.stake.rent, floor: Amount::ZERO };
        let used = rent.used((view.opened, view.last_date), self.now, least_seconds);
        let used = used.or_report("the rent exceeds 256 bits")?.all;
        let back = total(view.stake, used).or_report("the stake exceeds 256 bits")?;
        let command = Command::CancelJob { job: view.job };
        Ok(Some(Duty {
            name: "Cancel the job",
            words: format!(
                "It costs {}, and returns {}: all that is in escrow but the rent used, of {}. It \
                 cannot be undone.",
                self.cost(&command),
                currency.show(back),
                currency.show(used)
            ),
            transactions: self.way().inputs("cancel the job", &[command]),
            is_urgent: false,
            lacks_key: false,
        }))
    }

    fn cost(&self, command: &Command) -> String {
        format!("{} of gas", self.gas(&[encode_command(command).len()], false))
    }
}

/// What is held, less the rent used.
fn total(stake: SponsorStake, used: Amount) -> Option<Amount> {
    stake.total().ok()?.checked_sub(used)
}
