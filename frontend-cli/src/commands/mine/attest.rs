//! Attesting and unveiling: what this computer finds of each revealed model.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use eval::{Evaluator, report};
use market::{Attestation, Command, Desk, Exam, Exhibit, JobId, Results};
use serde::{Deserialize, Serialize};
use wire::{AttestationView, CompetitionView, EntryView, ModelView, Query};

use super::{Mined, Miner};
use crate::{archive::Archive, commands::competition::show, convert::to_market, native};

const NAME: &str = "mining";

/// What was found of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) attestations: Vec<AttestationView>,
    /// The results row by row, in competitions for miners only.
    pub(super) results: Vec<u8>,
}

/// All that was found of pages: of which competition, which page.
type State = BTreeMap<String, Found>;

impl Miner<'_> {
    /// Commits to what is found of each page that this account owes.
    pub(super) async fn attest(&self, view: &CompetitionView, mined: &mut Mined) -> Result<()> {
        let me = to_market(self.sender.address());
        let seats = show::seats(self.session, view.job).await?;
        let Some(seat) = seats.into_iter().find(|seat| seat.miner == me) else { return Ok(()) };
        let pages = (0..view.pages).filter(|page| !seat.attested.contains(page));
        for page in pages {
            let found = self.found(view, page).await?;
            let attestations: Vec<_> =
                found.attestations.iter().map(|one| one.attestation()).collect();
            let desk = self.desk(view.job, page).await?;
            let commitment = desk.commitment(&attestations, &self.salt(view.job, page));
            let (job, command) = (view.job, Command::Attest { job: view.job, page, commitment });
            self.send(&command, ("attested", Some(job), Some(page)), mined).await?;
        }
        Ok(())
    }

    /// Shows what was committed to.
    pub(super) async fn unveil(&self, view: &CompetitionView, mined: &mut Mined) -> Result<()> {
        let me = to_market(self.sender.address());
        let seats = show::seats(self.session, view.job).await?;
        let Some(seat) = seats.into_iter().find(|seat| seat.miner == me) else { return Ok(()) };
        for page in seat.attested {
            let Found { attestations, results } = self.found(view, page).await?;
            let attestations = attestations.iter().map(AttestationView::attestation).collect();
            let (job, salt) = (view.job, self.salt(view.job, page));
            let command = Command::Unveil { job, page, attestations, results, salt };
            self.send(&command, ("unveiled", Some(job), Some(page)), mined).await?;
        }
        Ok(())
    }

    /// What this computer finds of a page: now, or when it was asked before.
    pub(super) async fn found(&self, view: &CompetitionView, page: u32) -> Result<Found> {
        let name = format!("{}/{page}", view.job);
        let mut state: State = self.vault.read(NAME)?;
        if let Some(found) = state.get(&name) {
            return Ok(found.clone());
        }
        let found = self.evaluate(view, page).await?;
        state.insert(name, found.clone());
        self.vault.write(NAME, &state)?;
        Ok(found)
    }

    /// Fetches the models of a page and evaluates them on all cores.
    async fn evaluate(&self, view: &CompetitionView, page: u32) -> Result<Found> {
        let (session, job, terms) = (self.session, view.job, view.terms);
        let models: Vec<ModelView> = session.all(|paging| Query::Models(job, paging)).await?;
        let entries: Vec<EntryView> = session.all(|paging| Query::Submissions(job, paging)).await?;
        let size = if terms.miners_only { 1 } else { market::PAGE_MODELS };
        let of_page = |model: &&ModelView| model.position / size == page;
        let models: Vec<ModelView> = models.iter().filter(of_page).cloned().collect();
        let ciphertexts = entries.iter().map(|entry| entry.sealed.ciphertext);
        let wanted = ciphertexts.chain([terms.base_model, terms.hold_out.ciphertext]);
        let archive = Archive::read(session, &wanted.collect::<BTreeSet<_>>()).await?;
        let hold_out = view.hold_out.as_ref().context("the hold-out is sealed")?;
        let hold_out = blobs::BlobRef::try_from(hold_out).map_err(anyhow::Error::msg)?;
        let sealed = (terms.hold_out, hold_out);
        let rows = archive.plain(session, (job, view.sponsor), sealed).await?;
        let mut files = Vec::new();
        for model in &models {
            let entry = model.entry.and_then(|entry| entries.get(usize::try_from(entry).ok()?));
            files.push(match entry {
                Some(entry) => {
                    let sealed = (entry.sealed, model.model);
                    archive.plain(session, (job, entry.entrant), sealed).await?
                }
                None => archive.blob(session, model.model).await?,
            });
        }
        let talk = session.talk;
        let evaluated = native::in_background(move || {
            let bar = talk.bar("evaluating", files.len() as u64);
            let mut judge = Evaluator::with_threads(report::cores());
            let mut found: Vec<(Attestation, Option<Results>)> = Vec::new();
            for (model, bytes) in models.iter().zip(&files) {
                bar.set(found.len() as u64);
                let exam = Exam {
                    model: Exhibit { cid: model.model.cid(), bytes },
                    hold_out: Exhibit { cid: hold_out.cid(), bytes: &rows },
                    metric: terms.metric,
                    rows: None,
                };
                found.push(native::attest(&mut judge, &exam, terms.max_work));
            }
            Ok(found)
        });
        let evaluated = evaluated.await?;
        let attestations = evaluated.iter().map(|(found, _)| (*found).into()).collect();
        let results = match evaluated.first() {
            Some((_, Some(results))) if terms.miners_only => results.to_bytes(),
            _ => Vec::new(),
        };
        Ok(Found { attestations, results })
    }

    /// What this account's commitment to a page is bound to.
    async fn desk(&self, job: JobId, page: u32) -> Result<Desk> {
        Ok(Desk {
            chain_id: self.session.chain.chain_id().await?,
            app: to_market(self.session.application()),
            job,
            miner: to_market(self.sender.address()),
            page,
        })
    }

    /// Hides the attestations of a page until they are unveiled; always the same, so that nothing
    /// is lost with the state.
    fn salt(&self, job: JobId, page: u32) -> [u8; 32] {
        let mut purpose = b"attestations".to_vec();
        purpose.extend(job.0.to_be_bytes());
        purpose.extend(page.to_be_bytes());
        self.vault.derived(&purpose)
    }
}
