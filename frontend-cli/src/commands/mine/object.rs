//! Objecting, where all who attest agree on something that is not so.

use anyhow::Result;
use market::{Attestation, Command, Score};
use wire::{CompetitionView, ModelView, Query};

use super::{Mined, Miner, OBJECTED, attest::page_models, state::State};

/// An entry of which the miners agree on something, and what this computer finds.
#[derive(Clone, Copy, Debug)]
pub struct Checked {
    /// The entry.
    pub entry: u32,
    /// What the miners say.
    pub attested: Attestation,
    /// What is so.
    pub found: Attestation,
}

impl Checked {
    /// Whether the miners are wrong.
    #[must_use]
    pub fn is_wrong(&self) -> bool {
        self.attested != self.found
    }
}

impl Miner<'_> {
    /// Doubts each entry whose attestations are others than this computer's.
    pub(super) async fn object(
        &self,
        view: &CompetitionView,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        for model in self.agreed_on(view).await? {
            let Some(entry) = model.entry else { continue };
            let page = self.found(view, model.position / page_models(view), state).await?;
            let place = usize::try_from(model.position % page_models(view)).unwrap_or(usize::MAX);
            let found = page.attestations.get(place).map(|found| found.attestation());
            let checked = found.and_then(|found| checked(view, &model, found));
            if checked.is_some_and(|checked| checked.is_wrong()) {
                let (job, command) = (view.job, Command::Object { job: view.job, entry });
                let deed = (OBJECTED, Some(job), Some(entry));
                self.send_bonded(view, &command, deed, mined).await?;
            }
        }
        Ok(())
    }

    /// Evaluates the entries on which miners agree, or one of them, for who asks for nothing else.
    ///
    /// - Errors: chain or node are not there, or a blob is nowhere
    pub async fn check(&self, view: &CompetitionView, only: Option<u32>) -> Result<Vec<Checked>> {
        let (_, state) = self.state().await?;
        let mut models = self.agreed_on(view).await?;
        models.retain(|model| only.is_none() || model.entry == only);
        if models.is_empty() {
            return Ok(Vec::new());
        }
        self.keep(&state)?;
        let found = self.evaluate(view, &models, &state).await?;
        let pairs = models.iter().zip(found);
        Ok(pairs.filter_map(|(model, (found, _))| checked(view, model, found)).collect())
    }

    /// The models that can be objected to. Where answers differ or are few, the machine looks by
    /// itself.
    async fn agreed_on(&self, view: &CompetitionView) -> Result<Vec<ModelView>> {
        let job = view.job;
        let models: Vec<ModelView> = self.session.all(|paging| Query::Models(job, paging)).await?;
        let seats = view.seats.unwrap_or(0);
        let is_agreed = |model: &ModelView| {
            model.answers == 1 && model.agreed.saturating_mul(2) > seats && !model.doubted
        };
        let open = models.into_iter().filter(|model| model.entry.is_some() && is_agreed(model));
        Ok(open.filter(|model| model.refusal.is_none()).collect())
    }
}

/// What is attested of an agreed entry beside what was found.
fn checked(view: &CompetitionView, model: &ModelView, found: Attestation) -> Option<Checked> {
    let (entry, attested) = (model.entry?, model.attested?.attestation());
    // The market keeps no worst class where it does not follow from the results.
    let worst_class = if view.terms.miners_only { Score(0) } else { found.worst_class };
    Some(Checked { entry, attested, found: Attestation { worst_class, ..found } })
}
