//! Object: anybody with a miner's bond has the machine look at what the miners agree on.

use super::{Context, attest::check_window};
use crate::{
    effect::{Effect, Event},
    ledger::Kind,
    market::Market,
    refusal::Refusal,
    units::{JobId, SubmissionId},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    entry: u32,
) -> Result<Vec<Effect>, Refusal> {
    let objector = context.sender;
    let job = market.competition_or_refuse(id)?;
    check_window(job, id, [job.terms.unveil_until(), job.terms.object_until()], context.now)?;
    let unknown = Refusal::UnknownEntry { entry };
    let position = job.position_of(entry).ok_or(unknown)?;
    let model = job.model(position).filter(|model| model.refusal.is_none()).ok_or(unknown)?;
    if model.objector.is_some() {
        return Err(Refusal::AlreadyObjected { entry });
    }
    model.agreed(job.seats.len()).ok_or(Refusal::NotAgreed { entry })?;
    let bond = job.terms.miner_bond;
    let escrow = job.escrow.checked_add(bond).ok_or(Refusal::PrizeOverflow {})?;
    let payment = market.ledger.prepare(Kind::Escrow, objector, job.terms.asset, bond)?;

    // Nothing below can fail.
    market.ledger.post(payment);
    if let Some(job) = market.competitions.get_mut(&id) {
        job.escrow = escrow;
        job.objected.push(position);
        if let Some(model) = job.model_mut(position) {
            model.objector = Some(objector);
        }
    }
    let entry = SubmissionId { job: id, index: entry };
    Ok(vec![Effect::Event(Event::Objected { entry, objector })])
}
