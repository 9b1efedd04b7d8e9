//! Attesting and unveiling: what this computer finds of each revealed model.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Bytes;
use anyhow::{Context, Result};
use eval::{Evaluator, report};
use market::{Attestation, Command, Desk, Exam, Exhibit, JobId, Results, Settings, Work};
use wire::{AttestationView, CompetitionView, EntryView, ModelView, Page, Paging, Query, SeatView};

use super::{
    Mined, Miner,
    state::{Found, State},
};
use crate::{archive::Archive, commands::competition::show, convert::to_market, native};

/// What is found of a model, and row by row.
type Findings = Vec<(Attestation, Option<Results>)>;

impl Miner<'_> {
    /// Commits to what is found of each page that this account owes.
    pub(super) async fn attest(
        &self,
        view: &CompetitionView,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        let job = view.job;
        let Some(seat) = self.seat(job).await? else { return Ok(()) };
        // The market shows the first of them; what it shows is complete, or we remember the rest.
        let is_all = (seat.attested.len() as u64) < Paging::MAX_LIMIT;
        for page in 0..view.pages {
            let is_remembered = !is_all && state.of(job).attested.contains(&page);
            if seat.attested.contains(&page) || is_remembered {
                continue;
            }
            let found = self.found(view, page, state).await?;
            let attestations: Vec<_> =
                found.attestations.iter().map(|one| one.attestation()).collect();
            let desk = self.desk(job, page).await?;
            let commitment = desk.commitment(&attestations, &self.salt(job, page));
            let command = Command::Attest { job, page, commitment };
            self.send(&command, ("attested", Some(job), Some(page)), mined).await?;
            state.of(job).attested.insert(page);
        }
        Ok(())
    }

    /// Shows what was committed to.
    pub(super) async fn unveil(
        &self,
        view: &CompetitionView,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        let Some(seat) = self.seat(view.job).await? else { return Ok(()) };
        for page in seat.attested {
            let Found { attestations, results } = self.found(view, page, state).await?;
            let attestations = attestations.iter().map(AttestationView::attestation).collect();
            let (job, salt, results) = (view.job, self.salt(view.job, page), results.to_vec());
            let command = Command::Unveil { job, page, attestations, results, salt };
            self.send(&command, ("unveiled", Some(job), Some(page)), mined).await?;
        }
        Ok(())
    }

    async fn seat(&self, job: JobId) -> Result<Option<SeatView>> {
        let me = to_market(self.sender.address());
        Ok(show::seats(self.session, job).await?.into_iter().find(|seat| seat.miner == me))
    }

    /// What this computer finds of a page: now, or when it was asked before.
    ///
    /// It is kept before this returns.
    pub(super) async fn found(
        &self,
        view: &CompetitionView,
        page: u32,
        state: &mut State,
    ) -> Result<Found> {
        if let Some(found) = state.of(view.job).found.get(&page) {
            return Ok(found.clone());
        }
        let models = self.models(view, page).await?;
        let findings = self.evaluate(view, &models, state).await?;
        let results = match findings.first() {
            Some((_, Some(results))) if view.terms.miners_only => results.to_bytes().into(),
            _ => Bytes::new(),
        };
        let attestations = findings.iter().map(|(found, _)| (*found).into()).collect();
        let found = Found { attestations, results };
        state.of(view.job).found.insert(page, found.clone());
        self.keep(state)?;
        Ok(found)
    }

    /// The revealed models of a page.
    async fn models(&self, view: &CompetitionView, page: u32) -> Result<Vec<ModelView>> {
        let (size, mut models) = (u64::from(page_models(view)), Vec::new());
        loop {
            let got = models.len() as u64;
            let limit = Paging::MAX_LIMIT.min(size.saturating_sub(got));
            let offset = u64::from(page).saturating_mul(size).saturating_add(got);
            let query = Query::Models(view.job, Paging { offset, limit });
            let page: Page<ModelView> = self.session.ask(&query).await?;
            let is_last = (page.items.len() as u64) < Paging::MAX_LIMIT;
            models.extend(page.items);
            if is_last {
                return Ok(models);
            }
        }
    }

    /// Fetches models and evaluates them on all cores, as the machine would.
    pub(super) async fn evaluate(
        &self,
        view: &CompetitionView,
        models: &[ModelView],
        state: &State,
    ) -> Result<Findings> {
        let (session, job, terms) = (self.session, view.job, view.terms);
        let settings = settings(session.settings().await?, terms.miners_only);
        let entries = self.entries(job, models).await?;
        let plain = view.hold_out.as_ref().context("the hold-out is sealed")?;
        let hold_out = blobs::BlobRef::try_from(plain).map_err(anyhow::Error::msg)?;
        let bases = models.iter().filter(|model| model.entry.is_none()).map(|model| model.model);
        let wanted = entries.values().map(|entry| entry.sealed.ciphertext).chain(bases);
        let wanted: BTreeSet<_> = wanted.chain([terms.hold_out.ciphertext]).collect();
        let owners = entries.values().map(|entry| entry.entrant).chain([view.sponsor]).collect();
        let archive = Archive::read(session, &state.trail, job, &wanted, &owners).await?;
        let rows = archive.plain((job, view.sponsor), (terms.hold_out, hold_out))?;
        let mut files = Vec::new();
        for model in models {
            let bytes = match model.entry.and_then(|entry| entries.get(&entry)) {
                Some(EntryView { entrant, sealed, .. }) => {
                    archive.plain((job, *entrant), (*sealed, model.model))?
                }
                None => archive.blob(model.model)?.to_vec(),
            };
            files.push((model.model.cid(), bytes));
        }
        let talk = session.talk;
        let evaluated = native::in_background(move || {
            let bar = talk.bar("evaluating", files.len() as u64);
            let mut judge = Evaluator::with_threads(report::cores());
            let mut found = Findings::new();
            for (cid, bytes) in &files {
                bar.set(found.len() as u64);
                let exam = Exam {
                    model: Exhibit { cid: *cid, bytes },
                    hold_out: Exhibit { cid: hold_out.cid(), bytes: &rows },
                    metric: terms.metric,
                    rows: None,
                };
                found.push(Attestation::examine(&settings, &exam, terms.max_work, &mut judge));
            }
            Ok(found)
        });
        evaluated.await
    }

    /// The entries of these models, by number.
    async fn entries(&self, job: JobId, models: &[ModelView]) -> Result<BTreeMap<u32, EntryView>> {
        let numbers: Vec<u32> = models.iter().filter_map(|model| model.entry).collect();
        let entries: Vec<EntryView> = match numbers[..] {
            [] => Vec::new(),
            [entry] => {
                let paging = Paging { offset: entry.into(), limit: 1 };
                let page: Page<_> = self.session.ask(&Query::Submissions(job, paging)).await?;
                page.items
            }
            _ => self.session.all(|paging| Query::Submissions(job, paging)).await?,
        };
        let named = entries.into_iter().filter(|entry| numbers.contains(&entry.entry));
        Ok(named.map(|entry| (entry.entry, entry)).collect())
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

/// How many models a page has.
pub(super) const fn page_models(view: &CompetitionView) -> u32 {
    if view.terms.miners_only { 1 } else { market::PAGE_MODELS }
}

/// What miners go by: in competitions for miners only, nothing has to fit the machine.
fn settings(deployment: Settings, miners_only: bool) -> Settings {
    let input_work = if miners_only { Work(u64::MAX) } else { deployment.input_work };
    Settings { input_work, ..deployment }
}
