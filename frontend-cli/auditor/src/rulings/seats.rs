//! Seats: the draw, their attestations of models, and the loss of bonds.

use std::collections::BTreeSet;

use blobs::Digest;
use market::{
    Address, Attestation, AttestationBinding, Command, Context, Offence, PAGE_MODELS, Results,
    Score,
};
use wire::Notice;

use super::super::divergence::Checked;
use super::super::divergence::{Divergence, DivergenceKind};
use super::{Job, ruling};

impl Job {
    /// Applies a notice about miners and their seats.
    pub(super) fn seat_notice(
        &mut self,
        context: &Context,
        command: Option<&Command>,
        notice: &Notice,
    ) -> Checked {
        match notice {
            Notice::Enlisted { miner, .. } => self.enlisted.push(*miner),
            Notice::SeatsDrawn { seed, miners, .. } => {
                let parts = [context.prev_randao, self.id.0, self.commitments.0, self.keys.0];
                let seats = self.terms.miners().map_or(0, |miners| miners.seats);
                let ours = Digest::of(&parts.concat());
                if ours != *seed || *miners != drawn(ours, self.enlisted.clone(), seats) {
                    return ruling(format!("the seats of job {} are not drawn by chance", self.id));
                }
            }
            Notice::Attested { page, miner, commitment, .. } => {
                self.attested.insert((*miner, *page), *commitment);
            }
            Notice::AttestationRevealed { page, miner, .. } => {
                return self.hear(context, command, *page, *miner);
            }
            Notice::ModelEvaluated { submission, attestation, agreed, .. } => {
                return self.find(*submission, *attestation, *agreed);
            }
            Notice::Forfeited { account, offence, .. } => {
                self.blamed.insert(*account);
                if *offence == Offence::Wrong {
                    self.accused.push(*account);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A seat reveals its committed attestations of a page of models.
    fn hear(
        &mut self,
        context: &Context,
        command: Option<&Command>,
        page: u32,
        miner: Address,
    ) -> Checked {
        let Some(Command::RevealAttestation { attestations, results, salt, .. }) = command else {
            return ruling("attestations are revealed by another command");
        };
        let (chain_id, app) = (context.chain_id, context.app);
        let binding = AttestationBinding { chain_id, app, job: self.id, miner, page };
        let commitment = binding.commitment(attestations, salt);
        let is_sampled = self.terms.sample_rows().is_some();
        let size = if is_sampled { 1 } else { PAGE_MODELS as usize };
        let base = is_sampled.then_some(None);
        let models = base.into_iter().chain(self.revealed.iter().copied().map(Some));
        for (model, said) in models.skip(page as usize * size).take(size).zip(attestations) {
            // The threshold's score cannot be derived from row results, and is not attested.
            let threshold_score = if is_sampled { Score(0) } else { said.threshold_score };
            let said = Attestation { threshold_score, ..*said };
            self.words.entry(model).or_default().push((miner, said));
        }
        let (metric, rows) = (self.terms.offer.metric, self.terms.offer.rows);
        if let (true, Some(said)) = (is_sampled, attestations.first())
            && let Some(results) = Results::from_bytes(metric, rows, results)
        {
            self.said.insert(said.results, results);
        }
        if self.attested.remove(&(miner, page)) == Some(commitment) {
            return Ok(());
        }
        ruling(format!("{miner} reveals attestations that it was not committed to"))
    }

    /// The machine has evaluated a model: `agreed` seats attested the same, and those who attested
    /// otherwise lose their bonds; where it samples, only those it checked some rows of.
    fn find(&mut self, number: u32, found: Attestation, agreed: u32) -> Checked {
        let said = self.words.remove(&Some(number)).unwrap_or_default();
        let (right, others): (Vec<_>, Vec<_>) = said.iter().partition(|(_, said)| *said == found);
        let is_sampled = self.terms.sample_rows().is_some();
        let others: BTreeSet<Address> = others.into_iter().map(|(miner, _)| miner).collect();
        let is_just = self.accused.drain(..).all(|accused| others.contains(&accused))
            && (is_sampled || others.is_subset(&self.blamed));
        let Some(entry) = self.submissions.get_mut(&number) else {
            return ruling(format!("submission {number} was never made"));
        };
        (entry.found, entry.scores) = (Some(found), found.scores());
        if let Some(results) = self.said.get(&found.results) {
            self.results.insert(number, results.clone());
        }
        if !is_just {
            return ruling(format!("others lose bonds than were wrong about submission {number}"));
        }
        let is_told = !is_sampled || !right.is_empty() || found == Attestation::UNFIT;
        if right.len() == agreed as usize && is_told {
            return Ok(());
        }
        let sentence = format!("of submission {number} other seats agree than have said so");
        let both = (Some(right.len().to_string()), Some(agreed.to_string()));
        Err(Divergence::new(DivergenceKind::Ruling, sentence).between(both.0, both.1).into())
    }
}

/// The miners that a seed draws for `seats` seats: a partial shuffle of the list.
fn drawn(seed: Digest, mut miners: Vec<Address>, seats: u32) -> Vec<Address> {
    let seats = miners.len().min(seats as usize);
    for (draw, number) in (0..seats).zip(0_u32..) {
        let [a, b, c, d, e, f, g, h, ..] =
            Digest::of(&[&seed.0[..], &number.to_be_bytes()].concat()).0;
        let left = (miners.len() - draw) as u64;
        let pick = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % left;
        miners.swap(draw, draw + usize::try_from(pick).unwrap_or_default());
    }
    miners.truncate(seats);
    miners
}
