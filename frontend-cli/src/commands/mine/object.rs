//! Objecting, where all who attest agree on something that is not so.

use anyhow::Result;
use market::Command;
use wire::{CompetitionView, ModelView, Query};

use super::{Mined, Miner};

impl Miner<'_> {
    /// Doubts each entry whose attestations are others than this computer's.
    pub(super) async fn object(&self, view: &CompetitionView, mined: &mut Mined) -> Result<()> {
        let job = view.job;
        let models: Vec<ModelView> = self.session.all(|paging| Query::Models(job, paging)).await?;
        let size = if view.terms.miners_only { 1 } else { market::PAGE_MODELS };
        for model in models {
            // Where answers differ, the machine looks by itself.
            let (Some(entry), Some(attested), 1) = (model.entry, model.attested, model.answers)
            else {
                continue;
            };
            let found = self.found(view, model.position / size).await?;
            let place = usize::try_from(model.position % size).unwrap_or(usize::MAX);
            let is_wrong = found.attestations.get(place).is_some_and(|own| *own != attested);
            if is_wrong && !model.doubted {
                let command = Command::Object { job, entry };
                self.send(&command, ("objected", Some(job), Some(entry)), mined).await?;
            }
        }
        Ok(())
    }
}
