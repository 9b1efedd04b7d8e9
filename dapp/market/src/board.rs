//! The public board: it moves by the Ladder rule, so that nobody climbs it by luck.
//!
//! - Source: Blum and Hardt, "The Ladder: a reliable leaderboard for machine learning competitions"
//!   (2015), section 3, with a fixed step stated in the terms

use std::cmp::Reverse;

use crate::{
    context::Slot,
    effect::{BoardMove, Event, Share},
    evaluation::Evaluated,
    input::{Input, Route},
    refusal::ModelRefusal,
    store::SlotKey,
    units::Score,
};

/// Concludes the evaluation of a shown model: the board moves if the score exceeds the account's
/// previous one, or the base model's if there is none, by more than the step.
pub(crate) fn conclude(input: &mut Input<'_>, number: u32) {
    let job = input.job_mut();
    let base = job.base.scores().map(|base| base.score).unwrap_or_default();
    let step = job.terms.offer.board.map_or(Score(0), |board| board.ladder_step);
    let client = job.known(number).client;
    let shows = &mut job.known_mut(number).board;
    let evaluated = std::mem::take(&mut shows.evaluated);
    let model = shows.model.take();
    let stake = std::mem::take(&mut shows.stake);
    let before = shows.score;
    let shown = before.unwrap_or(base);
    let (score, reason) = match evaluated {
        Evaluated::Failed(reason) => (None, Some(reason)),
        Evaluated::Done(finding) if finding.scores.score.gain_over(shown) > step => {
            (Some(finding.scores.score), None)
        }
        Evaluated::Done(_) | Evaluated::Waiting | Evaluated::UnderWay(_) => {
            (None, Some(ModelRefusal::NotBetter { shown, step }))
        }
    };
    if let Some(score) = score {
        shows.score = Some(score);
        if let Some(before) = before {
            job.board.remove(&(Reverse(before), number));
        }
        job.board.insert((Reverse(score), number));
    }
    job.slots.clear(SlotKey::of(Slot::Shown, number));
    if let Some(model) = model {
        let (job, model, board) = (input.id, model.digest, BoardMove { score, reason });
        input.emit(Event::ShowEvaluated { job, submission: number, model, board });
    }
    input.pay(client, Share::Stake, stake, Route::Balance);
}
