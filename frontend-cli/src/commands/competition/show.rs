//! Looking at a competition.

use std::fmt;

use anyhow::Result;
use market::{JobId, Timestamp};
use serde::Serialize;
use wire::{CompetitionView, EntryView, MinersView, Paging, Query, SeatView, Text as _};

use crate::{
    commands::job_view::title,
    quantity::{count, duration, percent, until},
    session::{Currency, Session},
};

/// A competition with its entries and seats.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The competition.
    #[serde(flatten)]
    pub competition: CompetitionView,
    /// Its entries, in the order of their commitments.
    pub entry_list: Vec<EntryView>,
    /// Its drawn miners.
    pub seat_list: Vec<SeatView>,
    #[serde(skip)]
    currency: Currency,
    #[serde(skip)]
    now: Timestamp,
}

/// Asks the market for a competition.
///
/// - Errors: `NotFound`, `WrongKind`
pub async fn show(session: &Session, job: JobId) -> Result<Shown> {
    let competition = session.competition(job).await?;
    let entry_list = session.all(|paging| Query::Submissions(job, paging)).await?;
    let seat_list = seats(session, job).await?;
    let currency = session.currency(competition.terms.asset).await;
    Ok(Shown { competition, entry_list, seat_list, currency, now: session.now().await? })
}

/// The drawn miners of a competition, of which there are 100 at most.
pub(crate) async fn seats(session: &Session, job: JobId) -> Result<Vec<SeatView>> {
    let paging = Paging { offset: 0, limit: Paging::MAX_LIMIT };
    let miners: MinersView = session.ask(&Query::Seats(job, paging)).await?;
    Ok(miners.seats.items)
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (view, money) = (&self.competition, |amount| self.currency.show(amount));
        let (terms, windows) = (&view.terms, view.windows);
        writeln!(out, "competition {}: {} ({})", view.job, title(&terms.title), view.stage)?;
        writeln!(out, "  sponsor     {}", view.sponsor)?;
        writeln!(
            out,
            "  prize       {}, and {} for the miners; {} in escrow",
            money(terms.prize),
            money(terms.miners_pool),
            money(view.escrow)
        )?;
        let (buy_in, bond) = (money(terms.buy_in), money(terms.entrant_bond));
        writeln!(out, "  to enter    {buy_in}, and a bond of {bond}")?;
        writeln!(
            out,
            "  to mine     a bond of {}, for {}",
            money(terms.miner_bond),
            count(terms.miners.into(), "seat")
        )?;
        for (what, moment) in [
            ("entries     until", windows.close),
            ("keys        until", windows.reveal_until),
            ("attesting   until", windows.attest_until),
            ("unveiling   until", windows.unveil_until),
            ("objections  until", windows.object_until),
        ] {
            writeln!(out, "  {what} {moment} ({})", until(moment, self.now))?;
        }
        self.rules(out)?;
        let base = view.base.map_or_else(|| "not scored".to_owned(), |base| percent(base.score));
        writeln!(out, "  base model  {} ({base})", terms.base_model.cid())?;
        writeln!(out, "  slice       {}", terms.public_slice.cid())?;
        match &view.hold_out {
            Some(hold_out) => writeln!(out, "  hold-out    {}", hold_out.cid)?,
            None => writeln!(out, "  hold-out    sealed, {}", terms.hold_out.commitment)?,
        }
        let shows = count(terms.quota.into(), "model");
        write!(
            out,
            "  board       {shows} an entrant; moves by {}; windows of {}",
            percent(terms.ladder_step),
            duration(terms.attest_seconds.into())
        )?;
        self.people(out)
    }
}

impl Shown {
    fn rules(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = &self.competition.terms;
        writeln!(
            out,
            "  rules       {}: at least {}, {} better than the base model, worst class {}",
            terms.metric.write(),
            percent(terms.min_score),
            percent(terms.min_gain),
            percent(terms.min_worst_class)
        )?;
        writeln!(
            out,
            "              told apart at {}, else the prize is {}",
            percent(terms.significance),
            match terms.tied {
                market::Tied::Equal => "shared",
                market::Tied::Earliest => "the earliest commitment's",
            }
        )?;
        let unmet = match terms.unmet {
            market::Unmet::Return => "returns to the sponsor, who knows what decides",
            market::Unmet::Share => "is shared by all who revealed",
        };
        writeln!(out, "              if no model is accepted, the prize {unmet}")?;
        if terms.miners_only {
            let rows = count(terms.sample_rows.into(), "row");
            writeln!(
                out,
                "              miners alone evaluate; the machine checks {rows} at most"
            )?;
        }
        writeln!(
            out,
            "              a sponsor that does not reveal loses prize and pool to the entrants"
        )?;
        Ok(())
    }

    fn people(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entry_list {
            let EntryView { entry, entrant, state, .. } = entry;
            let state = format!("{state:?}").to_lowercase();
            write!(out, "\n  entry {entry:<5} {entrant}  {state}")?;
        }
        for SeatView { seat, miner, unveiled, offence, .. } in &self.seat_list {
            let offence = offence.as_ref().map(|offence| format!(", {}", offence.to_lowercase()));
            let said = count((*unveiled).into(), "page");
            write!(out, "\n  seat {seat:<6} {miner}  {said}{}", offence.unwrap_or_default())?;
        }
        Ok(())
    }
}
