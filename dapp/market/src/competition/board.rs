//! The public board: it moves by the Ladder rule, so that nobody climbs it by chance.
//!
//! - Source: Blum and Hardt, "The Ladder: a reliable leaderboard for machine learning competitions"
//!   (2015), section 3, with a step that the terms state

use std::cmp::Reverse;

use super::Competition;
use crate::{
    effect::{Effect, Event},
    refusal::ModelRefusal,
    units::{JobId, Score, SubmissionId},
};

impl Competition {
    /// Moves the board if a shown model is better than what it has of the entrant by more than the
    /// step; before anything was shown, that is the base model.
    pub(super) fn judge_show(
        &mut self,
        id: JobId,
        show: u32,
        score: Result<Score, ModelRefusal>,
    ) -> Option<Effect> {
        let show = *self.show(show)?;
        let base = self.base.map(|base| base.score).unwrap_or_default();
        let step = self.terms.ladder_step;
        let entry = self.entry_mut(show.entry)?;
        let before = entry.board;
        let shown = before.unwrap_or(base);
        let board = score.and_then(|score| match score.gain_over(shown) > step {
            true => Ok(score),
            false => Err(ModelRefusal::NotBetter { shown, step }),
        });
        if let Ok(score) = board {
            entry.board = Some(score);
            if let Some(before) = before {
                self.board.remove(&(Reverse(before), show.entry));
            }
            self.board.insert((Reverse(score), show.entry));
        }
        let (entry, model) = (SubmissionId { job: id, index: show.entry }, show.model.digest);
        Some(Effect::Event(Event::ShowJudged { entry, model, board }))
    }
}
