//! Attesting, and revealing attestations: the local evaluation of each revealed model.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::Bytes;
use anyhow::{Context as _, Result};
use client::{archive::Archive, convert::to_market};
use eval::{Evaluator, delta, report};
use market::{
    Attestation, AttestationBinding, Blob, Command, Delta, Evaluation, JobId, Results, Sealing,
    SubmittedModel,
};
use trainer::local;
use wire::{JobList, JobView, ModelView, Page, Paging, Query, SeatView, SeatsView, SubmissionView};

use super::{
    Mined, Miner,
    state::{Found, State},
};
use crate::commands::job::evaluate;

/// Attestation of each model, with its row results.
type Findings = Vec<(Attestation, Option<Results>)>;

impl Miner<'_> {
    /// Commits to the attestations of each page that this account owes.
    pub(super) async fn attest(
        &self,
        view: &JobView,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        let (job, now) = (view.job, self.session.moment().await?);
        if view.hold_out.is_none() || view.windows.attest_until.is_none_or(|until| now >= until) {
            return Ok(());
        }
        let Some(seat) = self.seat(job).await? else { return Ok(()) };
        // The market lists only the first of them: a shorter list is complete, else we use our own
        // state.
        let is_all = (seat.attested.len() as u64) < Paging::MAX_LIMIT;
        for page in 0..pages(view) {
            let is_remembered = !is_all && state.of(job).attested.contains(&page);
            if seat.attested.contains(&page) || is_remembered {
                continue;
            }
            let found = self.found(view, page, state).await?;
            let binding = self.binding(job, page).await?;
            let commitment = binding.commitment(&found.attestations, &self.salt(job, page));
            let command = Command::Attest { job, page, commitment };
            self.send(&command, ("attested", view, Some(page)), mined).await?;
            state.of(job).attested.insert(page);
        }
        Ok(())
    }

    /// Reveals the committed attestations.
    pub(super) async fn reveal(
        &self,
        view: &JobView,
        state: &mut State,
        mined: &mut Mined,
    ) -> Result<()> {
        let (job, now) = (view.job, self.session.moment().await?);
        let windows = view.windows.attest_until.zip(view.windows.attestations_until);
        if windows.is_none_or(|(opens, closes)| now < opens || now >= closes) {
            return Ok(());
        }
        let Some(seat) = self.seat(job).await? else { return Ok(()) };
        for page in seat.attested {
            let Found { attestations, results } = self.found(view, page, state).await?;
            let (salt, results) = (self.salt(job, page), results.to_vec());
            let command = Command::RevealAttestation { job, page, attestations, results, salt };
            self.send(&command, ("revealed", view, Some(page)), mined).await?;
        }
        Ok(())
    }

    async fn seat(&self, job: JobId) -> Result<Option<SeatView>> {
        let me = to_market(self.sender.address());
        let paging = Paging { from: 0, limit: Paging::MAX_LIMIT };
        let query = Query::List(job.into(), JobList::Seats, paging);
        let miners: SeatsView = self.session.ask(&query).await?;
        Ok(miners.seats.into_iter().find(|seat| seat.miner == me))
    }

    /// The local attestations of a page: computed now, or stored before.
    ///
    /// They are stored before this returns.
    async fn found(&self, view: &JobView, page: u32, state: &mut State) -> Result<Found> {
        if let Some(found) = state.of(view.job).found.get(&page) {
            return Ok(found.clone());
        }
        let models = self.models(view, page).await?;
        let findings = self.evaluate(view, &models, state).await?;
        let results = match findings.first() {
            Some((_, Some(results))) if view.terms.sample_rows().is_some() => {
                results.to_bytes().into()
            }
            _ => Bytes::new(),
        };
        let attestations = findings.iter().map(|(found, _)| *found).collect();
        let found = Found { attestations, results };
        state.of(view.job).found.insert(page, found.clone());
        self.keep(state)?;
        Ok(found)
    }

    /// The revealed models of a page.
    async fn models(&self, view: &JobView, page: u32) -> Result<Vec<ModelView>> {
        let (size, mut models) = (u64::from(page_models(view)), Vec::new());
        loop {
            let got = models.len() as u64;
            let limit = Paging::MAX_LIMIT.min(size.saturating_sub(got));
            let from = u64::from(page).saturating_mul(size).saturating_add(got);
            let query = Query::List(view.job.into(), JobList::Models, Paging { from, limit });
            let part: Page<ModelView> = self.session.ask(&query).await?;
            let is_last = (part.items.len() as u64) < limit;
            models.extend(part.items);
            if is_last || models.len() as u64 >= size {
                return Ok(models);
            }
        }
    }

    /// Fetches models and evaluates them on all cores, as the machine would.
    async fn evaluate(
        &self,
        view: &JobView,
        models: &[ModelView],
        state: &State,
    ) -> Result<Findings> {
        let (session, job, terms) = (self.session, view.job, view.terms);
        let settings = session.settings().await?;
        let Sealing::Sealed { hold_out: sealed, .. } = terms.sealing else {
            return Ok(Vec::new());
        };
        let hold_out = view.hold_out.context("the hold-out is sealed")?;
        let submissions = self.submissions(job, models).await?;
        let published = submissions.values().map(|one| one.submitted.published());
        let wanted = published.chain([sealed.ciphertext, terms.offer.base_model]).collect();
        let owners = submissions.values().map(|one| one.client).chain([view.sponsor]).collect();
        let archive = Archive::read(session, &state.trail, job, &wanted, &owners).await?;
        let rows = archive.plain(view.sponsor, (sealed, hold_out), |_| None)?;
        let base = archive.blob(terms.offer.base_model)?;
        let mut files = Vec::new();
        for model in models {
            let blob = model.model.context("an attested model is sealed")?;
            let submission = model.submission.and_then(|number| submissions.get(&number));
            let bytes = match submission {
                Some(SubmissionView {
                    client, submitted: SubmittedModel::Sealed(sealed), ..
                }) => {
                    let rebuild = |data: &[u8]| {
                        let limit = blob.size;
                        delta::rebuild(&Delta { base, offset: 0, data, limit }).ok()
                    };
                    archive.plain(*client, (*sealed, blob), rebuild)?
                }
                Some(_) | None => archive.blob(blob)?.to_vec(),
            };
            files.push((blob.cid(), bytes));
        }
        let printer = session.printer;
        let evaluated = local::in_background(move || {
            let bar = printer.bar("evaluating", files.len() as u64);
            let mut judge = Evaluator::with_threads(report::cores());
            let mut found = Findings::new();
            for (cid, bytes) in &files {
                bar.set(found.len() as u64);
                let evaluation = Evaluation {
                    model: Blob { cid: *cid, bytes },
                    hold_out: Blob { cid: hold_out.cid(), bytes: &rows },
                    measure: terms.offer.measure(),
                    rows: None,
                };
                found.push(market::attest(&settings, &terms, evaluation, &mut judge));
            }
            Ok(found)
        });
        evaluated.await
    }

    /// The submissions of these models, by number.
    async fn submissions(
        &self,
        job: JobId,
        models: &[ModelView],
    ) -> Result<BTreeMap<u32, SubmissionView>> {
        let numbers: BTreeSet<u32> = models.iter().filter_map(|model| model.submission).collect();
        let mut submissions = BTreeMap::new();
        for number in numbers {
            submissions.insert(number, evaluate::submission(self.session, job, number).await?);
        }
        Ok(submissions)
    }

    /// The binding of this account's commitment to a page.
    async fn binding(&self, job: JobId, page: u32) -> Result<AttestationBinding> {
        Ok(AttestationBinding {
            chain_id: self.session.chain.chain_id().await?,
            app: to_market(self.session.application()),
            job,
            miner: to_market(self.sender.address()),
            page,
        })
    }

    /// Blinds the attestations of a page until they are revealed; deterministic, so that losing the
    /// state loses nothing.
    fn salt(&self, job: JobId, page: u32) -> [u8; 32] {
        let purpose = [b"attestations", job.0.as_slice(), &page.to_be_bytes()].concat();
        self.vault.derived(&purpose)
    }
}

/// Models per page.
const fn page_models(view: &JobView) -> u32 {
    let is_sampled = match view.terms.miners() {
        Some(miners) => miners.sample_rows > 0,
        None => false,
    };
    if is_sampled { 1 } else { market::PAGE_MODELS }
}

/// Number of pages: as the node states, if the job can have so many models.
fn pages(view: &JobView) -> u32 {
    view.pages.min(view.terms.places.saturating_add(1))
}
