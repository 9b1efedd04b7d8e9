//! Open job: a sponsor's reward moves from free balance to escrow, and the terms are fixed.

use blobs::BlobRef;

use super::{Context, evaluate};
use crate::{
    effect::{Effect, Event},
    job::{Job, Task, Terms},
    judge::Judge,
    ledger::Kind,
    market::{Market, Settings},
    meter::Meter,
    refusal::Refusal,
    shelf::Purpose,
    units::{Amount, Asset, JobId, Score, Timestamp, Work},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    terms: Terms,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    check_terms(&market.settings, &terms, context.now)?;
    let (reward, rewards) = (terms.reward, terms.rewards);
    let overflow = Refusal::EscrowOverflow { reward, rewards };
    let escrow = reward.checked_times(rewards).ok_or(overflow)?;
    let has_blobs = [terms.base_model, terms.hold_out].map(|blob| market.shelf.holds(blob));
    for (blob, held) in [terms.base_model, terms.hold_out].into_iter().zip(has_blobs) {
        if !held {
            market.shelf.check_expect(context.sender, blob)?;
        }
    }
    let sponsor = context.sender;
    let transfer = market.ledger.prepare(Kind::Escrow, sponsor, terms.asset, escrow)?;

    // Nothing below can fail.
    let id = JobId(market.next_job);
    market.next_job = market.next_job.saturating_add(1);
    market.ledger.post(transfer);
    let mut job = Job::new(sponsor, terms, escrow);
    job.has_blobs = has_blobs;
    if has_blobs == [true, true] {
        job.queue.push_back(Task::Base);
    }
    for (blob, held) in job.blobs().into_iter().zip(has_blobs) {
        if held {
            market.shelf.need(blob);
        } else {
            market.shelf.expect(sponsor, blob, Purpose::Job(id));
        }
    }
    market.jobs.insert(id, job);
    let opened = Event::JobOpened { job: id, sponsor, terms: Box::new(terms) };
    let mut effects = vec![Effect::Event(opened)];
    let meter = Meter::new(&market.settings);
    effects.extend(evaluate::run(market, id, meter, judge));
    Ok(effects)
}

fn check_terms(settings: &Settings, terms: &Terms, now: Timestamp) -> Result<(), Refusal> {
    if let Asset::Erc20(token) = terms.asset
        && !settings.allowed_tokens.contains(&token)
    {
        return Err(Refusal::AssetNotAllowed { asset: terms.asset });
    }
    if terms.reward == Amount::ZERO || terms.rewards == 0 {
        return Err(Refusal::RewardZero {});
    }
    let deadline = terms.deadline;
    if deadline <= now {
        return Err(Refusal::DeadlineTooSoon { deadline, now });
    }
    let latest = now.after(settings.max_window_seconds);
    if deadline > latest {
        return Err(Refusal::DeadlineTooFar { deadline, latest });
    }
    check_scores(terms)?;
    if terms.max_work == Work(0) {
        return Err(Refusal::WorkZero {});
    }
    let largest = settings.max_blob_bytes;
    check_size(terms.max_model_bytes, largest)?;
    check_blob(terms.base_model, largest)?;
    check_blob(terms.hold_out, largest)?;
    if terms.base_model.digest == terms.hold_out.digest {
        return Err(Refusal::SameBlob { digest: terms.hold_out.digest });
    }
    Ok(())
}

fn check_scores(terms: &Terms) -> Result<(), Refusal> {
    let scores = [terms.min_score, terms.min_gain, terms.min_worst_class];
    if let Some(&found) = scores.iter().find(|score| **score > Score::MAX) {
        return Err(Refusal::ScoreOutOfRange { found, largest: Score::MAX });
    }
    if terms.min_gain == Score(0) {
        return Err(Refusal::GainZero {});
    }
    if terms.metric.is_regression() && terms.min_worst_class != Score(0) {
        return Err(Refusal::WorstClassOfRegression {});
    }
    Ok(())
}

pub(super) fn check_blob(blob: BlobRef, largest: u64) -> Result<(), Refusal> {
    check_size(blob.size, largest)
}

pub(super) fn check_size(size: u64, largest: u64) -> Result<(), Refusal> {
    let fits = (1..=largest).contains(&size);
    fits.then_some(()).ok_or(Refusal::BlobSizeOutOfRange { size, largest })
}
