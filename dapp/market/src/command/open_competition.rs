//! Open competition: a sponsor escrows prize and miners' pool and announces the terms, a base
//! model, a public slice and a sealed hold-out.

use blobs::SEAL_BYTES;

use super::{
    Context,
    open_job::{check_blob, check_size},
};
use crate::{
    competition::{Competition, CompetitionTerms, MAX_SAMPLE_ROWS, MAX_SEATS, advance},
    effect::{Effect, Event},
    judge::Judge,
    ledger::Kind,
    market::{Market, Settings},
    meter::Meter,
    metric::Metric,
    refusal::Refusal,
    shelf::Purpose,
    units::{Amount, Asset, JobId, Score, Timestamp, Work},
};

pub(crate) fn apply(
    market: &mut Market,
    context: &Context,
    id: JobId,
    terms: CompetitionTerms,
    judge: &mut dyn Judge,
) -> Result<Vec<Effect>, Refusal> {
    let next = JobId(market.next_job);
    if id != next {
        return Err(Refusal::JobNumberTaken { expected: id, next });
    }
    check_terms(&market.settings, &terms, context.now)?;
    let escrow = escrow(&terms).ok_or(Refusal::PrizeOverflow {})?;
    let sponsor = context.sender;
    let mut job = Competition::new(sponsor, terms, escrow);
    job.has_blobs = job.blobs().map(|blob| market.shelf.holds(blob));
    for (blob, held) in job.blobs().into_iter().zip(job.has_blobs) {
        if !held {
            market.shelf.check_expect(sponsor, blob)?;
        }
    }
    let transfer = market.ledger.prepare(Kind::Escrow, sponsor, terms.asset, escrow)?;

    // Nothing below can fail.
    market.next_job = market.next_job.saturating_add(1);
    market.ledger.post(transfer);
    for (blob, held) in job.blobs().into_iter().zip(job.has_blobs) {
        if held {
            market.shelf.need(blob);
        } else {
            market.shelf.expect(sponsor, blob, Purpose::Job(id));
        }
    }
    job.begin();
    market.competitions.insert(id, job);
    let opened = Event::CompetitionOpened { job: id, sponsor, terms: Box::new(terms) };
    let mut effects = vec![Effect::Event(opened)];
    let meter = Meter::new(&market.settings);
    effects.extend(advance::run(market, context, id, meter, judge));
    Ok(effects)
}

/// Prize and pool, if all amounts of the terms together fit their type.
fn escrow(terms: &CompetitionTerms) -> Option<Amount> {
    let own = terms.prize.checked_add(terms.miners_pool)?;
    let more = [terms.buy_in, terms.entrant_bond, terms.miner_bond];
    more.into_iter().try_fold(own, Amount::checked_add)?;
    Some(own)
}

fn check_terms(
    settings: &Settings,
    terms: &CompetitionTerms,
    now: Timestamp,
) -> Result<(), Refusal> {
    if let Asset::Erc20(token) = terms.asset
        && !settings.allowed_tokens.contains(&token)
    {
        return Err(Refusal::AssetNotAllowed { asset: terms.asset });
    }
    if terms.prize == Amount::ZERO {
        return Err(Refusal::PrizeZero {});
    }
    if terms.miners > MAX_SEATS {
        return Err(Refusal::MinersOutOfRange { found: terms.miners, largest: MAX_SEATS });
    }
    let deadline = terms.close;
    if deadline <= now {
        return Err(Refusal::DeadlineTooSoon { deadline, now });
    }
    let longest = settings.max_window_seconds;
    let latest = now.after(longest);
    if deadline > latest {
        return Err(Refusal::DeadlineTooFar { deadline, latest });
    }
    for seconds in [terms.reveal_seconds, terms.attest_seconds] {
        if seconds == 0 || u64::from(seconds) > longest {
            return Err(Refusal::WindowOutOfRange { seconds, longest });
        }
    }
    check_scores(terms)?;
    check_blobs(settings, terms)
}

fn check_scores(terms: &CompetitionTerms) -> Result<(), Refusal> {
    let CompetitionTerms { min_score, min_gain, min_worst_class, .. } = *terms;
    let CompetitionTerms { ladder_step, significance, metric, .. } = *terms;
    let scores = [min_score, min_gain, min_worst_class, ladder_step, significance];
    if let Some(&found) = scores.iter().find(|score| **score > Score::MAX) {
        return Err(Refusal::ScoreOutOfRange { found, largest: Score::MAX });
    }
    if min_gain == Score(0) {
        return Err(Refusal::GainZero {});
    }
    if significance == Score(0) {
        return Err(Refusal::SignificanceZero {});
    }
    if metric.is_regression() && min_worst_class != Score(0) {
        return Err(Refusal::WorstClassOfRegression {});
    }
    let is_told_by_rows = metric == Metric::Accuracy || metric.is_loss();
    let has_sample = terms.miners > 0 && (1..=MAX_SAMPLE_ROWS).contains(&terms.sample_rows);
    let has_sample = has_sample && min_worst_class == Score(0);
    if terms.miners_only && !(is_told_by_rows && has_sample) {
        return Err(Refusal::MinersOnlyTerms {});
    }
    Ok(())
}

fn check_blobs(settings: &Settings, terms: &CompetitionTerms) -> Result<(), Refusal> {
    if terms.max_work == Work(0) {
        return Err(Refusal::WorkZero {});
    }
    let largest = settings.max_blob_bytes;
    let ciphertext = terms.hold_out.ciphertext;
    // An entry's ciphertext is a blob, too.
    check_size(terms.max_model_bytes, largest.saturating_sub(SEAL_BYTES))?;
    for blob in [terms.base_model, terms.public_slice, ciphertext] {
        check_blob(blob, largest)?;
    }
    if ciphertext.size <= SEAL_BYTES {
        return Err(Refusal::CiphertextTooShort { size: ciphertext.size });
    }
    let digests = [terms.base_model.digest, terms.public_slice.digest];
    if digests[0] == digests[1] || digests.contains(&ciphertext.digest) {
        return Err(Refusal::SameBlob { digest: terms.public_slice.digest });
    }
    let longest = ciphertext.size.max(terms.max_model_bytes.saturating_add(SEAL_BYTES));
    let prices = &settings.prices;
    let found = prices.opening(longest).plus(Work(prices.input));
    let maximum = settings.input_work;
    if found > maximum {
        return Err(Refusal::OpeningTooDear { maximum, found });
    }
    Ok(())
}
