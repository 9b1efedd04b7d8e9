//! From a sponsor's draft to the market's terms: what follows from the fields, and their defaults.

use anyhow::{Context, Result, bail, ensure};
use blobs::{BlobRef, SEAL_BYTES};
use market::{
    Amount, Asset, Award, Board, Evaluators, Measure, Metric, MinerTerms, Offer, Output, Score,
    SealedBlob, Sealing, Settings, Terms, Threshold, Timestamp, U256, Unmet, Work,
};

use crate::{
    currency::Currency,
    draft::{AwardDraft, EvaluatorsDraft, SealingDraft, TermsDraft},
    quantity::{Deadline, Money, Share, Unit, date, percent},
    refused::Refused,
    text::one_line,
};

const HOUR: u64 = 60 * 60;
/// What may pass until the block that opens a job, in seconds.
const OPENING_SECONDS: u64 = 15;
/// Default number of places of a job.
const PLACES: u32 = 32;
/// Maximum share of the store's free bytes that such a job takes: rent rises steeply.
const STORE_PART: u64 = 8;

/// The threshold of a draft, beside its metric.
fn threshold(draft: &TermsDraft) -> (Metric, Threshold) {
    let metric = draft.offer.metric.map_or(Metric::Accuracy, |name| name.0);
    (metric, draft.offer.threshold.map_or(Threshold::none(metric), |text| text.0))
}

/// How a draft's job turns answers into scores.
#[must_use]
pub fn measure(draft: &TermsDraft) -> Measure {
    let output = draft.offer.output.map_or(Output::FromGraph, |name| name.0);
    let (metric, Threshold { metric: threshold_metric, .. }) = threshold(draft);
    Measure { metric, threshold_metric, output }
}

/// Whether a draft's job is sealed: if it says so, or has miners, which require it.
#[must_use]
pub fn is_sealed(draft: &TermsDraft) -> bool {
    let has_miners = draft.evaluators.miners.is_some_and(|miners| miners > 0);
    draft.sealing.sealed.unwrap_or(has_miners)
}

/// The reward or prize of a draft.
///
/// - Errors: there is neither, or both
pub fn award_money(draft: &TermsDraft) -> Result<Money> {
    match (draft.award.reward, draft.award.prize) {
        (Some(money), None) | (None, Some(money)) => {
            ensure!(!money.is_zero(), "an award of nothing: say --reward or --prize above zero");
            Ok(money)
        }
        (None, None) => bail!("what reward? say --reward 0.5ether, or --prize 10ether"),
        (Some(_), Some(_)) => bail!("a job has a reward for each model or one prize: not both"),
    }
}

/// A sponsor's files for a job, by name and size.
#[derive(Clone, Copy, Debug)]
pub struct JobBlobs {
    /// The model to beat.
    pub base: BlobRef,
    /// The dataset that decides.
    pub hold_out: BlobRef,
    /// The dataset of the public board, if there is one.
    pub public_slice: Option<BlobRef>,
}

/// Facts needed to complete a draft.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The deployment's settings.
    pub settings: &'a Settings,
    /// Bytes reserved in the store.
    pub reserved_bytes: u64,
    /// Currency of all amounts.
    pub currency: &'a Currency,
    /// The market's clock.
    pub now: Timestamp,
    /// Rows of the hold-out.
    pub rows: u32,
    /// Work of evaluating the base model, on the larger of both datasets.
    pub base_work: Work,
    /// The sealed hold-out; `None` if the job is open.
    pub sealed: Option<SealedBlob>,
}

/// The terms a draft stands for.
///
/// - Errors: a title too long; no close; amounts in different assets; options of a choice that is
///   not taken
pub fn terms(draft: &TermsDraft, files: JobBlobs, known: &Known<'_>) -> Result<Terms> {
    let close = draft.close.context("until when? say --close 2h")?;
    let award = award(&draft.award, known.currency)?;
    let total = award.total().ok().context("the award exceeds 256 bits")?;
    let mut terms = Terms {
        title: title(draft.title.as_deref().unwrap_or_default())?,
        asset: known.currency.asset,
        close: close.from(known.now),
        places: 1,
        offer: offer(draft, files, known)?,
        sealing: sealing(&draft.sealing, files.hold_out, total, known)?,
        evaluators: Evaluators::Machine,
        award,
    };
    // The number of places depends on the bytes each stores, which are more with miners.
    terms.evaluators = evaluators(&draft.evaluators, &terms, total, known)?;
    terms.places = draft.places.unwrap_or_else(|| places(&terms, known));
    terms.evaluators = evaluators(&draft.evaluators, &terms, total, known)?;
    Ok(terms)
}

fn offer(draft: &TermsDraft, files: JobBlobs, known: &Known<'_>) -> Result<Offer> {
    let JobBlobs { base, public_slice, .. } = files;
    let offer = &draft.offer;
    let share = |share: Option<Share>, other| share.map_or(other, |share| share.0);
    let board = public_slice.map(|public_slice| Board {
        public_slice,
        quota: offer.quota.unwrap_or(10),
        ladder_step: share(offer.ladder_step, Score(10_000)),
    });
    ensure!(
        board.is_some() || offer.quota.is_none() && offer.ladder_step.is_none(),
        "--quota and --ladder-step are of a public board: say --public-slice FILE"
    );
    let max_model_bytes = offer.max_model_bytes;
    let (metric, threshold) = threshold(draft);
    Ok(Offer {
        metric,
        output: measure(draft).output,
        min_score: share(offer.min_score, Score(0)),
        min_gain: share(offer.min_gain, Score(1_000)),
        threshold,
        max_model_bytes: max_model_bytes.unwrap_or_else(|| largest_model(base.size, known)),
        max_work: offer.max_work.map_or(known.base_work.times(4), Work),
        max_inputs: offer.max_inputs.unwrap_or(64),
        rows: known.rows,
        base_model: base,
        board,
    })
}

/// Four times the base model, limited by what the deployment stores and can decrypt in one input.
fn largest_model(base_bytes: u64, known: &Known<'_>) -> u64 {
    let Known { settings, sealed, .. } = known;
    let overhead = if sealed.is_some() { SEAL_BYTES } else { 0 };
    let stored = settings.max_blob_bytes.saturating_sub(overhead);
    let mut bytes = base_bytes.saturating_mul(4).min(stored);
    let takes = |bytes: u64| settings.prices.opening_model(bytes).plus(settings.prices.input).0;
    while sealed.is_some() && bytes > base_bytes && takes(bytes) > settings.input_work.0 {
        bytes = (bytes / 2).max(base_bytes);
    }
    bytes
}

fn sealing(
    draft: &SealingDraft,
    hold_out: BlobRef,
    award: Amount,
    known: &Known<'_>,
) -> Result<Sealing> {
    let Some(sealed) = known.sealed else {
        let is_bare = draft.reveal.is_none() && draft.sponsor_bond.is_none();
        ensure!(is_bare, "--reveal and --sponsor-bond are of a sealed job: say --sealed");
        return Ok(Sealing::Open { hold_out });
    };
    let least = award.scaled_up(U256::one(), U256::from(4)).context("the award is too large")?;
    let usual = (24 * HOUR).max(known.settings.windows.reveal_seconds);
    Ok(Sealing::Sealed {
        hold_out: sealed,
        reveal_seconds: seconds(draft.reveal, usual)?,
        sponsor_bond: draft.sponsor_bond.map_or(Ok(least), |own| amount(own, known.currency))?,
    })
}

fn evaluators(
    draft: &EvaluatorsDraft,
    terms: &Terms,
    award: Amount,
    known: &Known<'_>,
) -> Result<Evaluators> {
    let EvaluatorsDraft { miners, miner_bond, miners_pool, buy_in, attest, sample_rows } = draft;
    let Some(seats) = miners.filter(|seats| *seats > 0) else {
        let has_money = miner_bond.is_some() || miners_pool.is_some() || buy_in.is_some();
        ensure!(
            !has_money && attest.is_none() && sample_rows.is_none(),
            "--miner-bond, --miners-pool, --buy-in, --attest and --sample-rows are of a job that \
             miners evaluate: say --miners N"
        );
        return Ok(Evaluators::Machine);
    };
    let or = |money: &Option<Money>, other| match money {
        Some(own) => amount(*own, known.currency),
        None => Ok(other),
    };
    let buy_in = or(buy_in, per_cent(award, 10)?)?;
    let work = terms.offer.max_work.times(terms.places.into());
    let settings = known.settings;
    let takes = settings.windows.attest_seconds.max(settings.mining_seconds(work));
    Ok(Evaluators::Miners(MinerTerms {
        seats,
        bond: or(miner_bond, buy_in)?,
        pool: or(miners_pool, per_cent(award, 20)?)?,
        buy_in,
        attest_seconds: seconds(*attest, HOUR.max(takes))?,
        sample_rows: sample_rows.unwrap_or(0),
    }))
}

fn award(draft: &AwardDraft, currency: &Currency) -> Result<Award> {
    if let Some(reward) = draft.reward {
        let is_bare = draft.significance.is_none() && draft.unmet.is_none();
        ensure!(is_bare, "--significance and --unmet are of a prize, not of rewards");
        let reward = amount(reward, currency)?;
        return Ok(Award::Rewards { reward, count: draft.rewards.unwrap_or(1) });
    }
    ensure!(draft.rewards.is_none(), "--rewards says how often a --reward is paid");
    Ok(Award::Prize {
        prize: amount(draft.prize.context("what prize? say --prize 10ether")?, currency)?,
        significance: draft.significance.map_or(Score(50_000), |share| share.0),
        unmet: draft.unmet.map_or(Unmet::Return, Unmet::from),
    })
}

/// The default number of places, fewer if storage is expensive, but at least one per reward.
fn places(terms: &Terms, known: &Known<'_>) -> u32 {
    let (wanted, least) = match terms.award {
        Award::Rewards { count, .. } => (PLACES.max(count.saturating_mul(4)), count.max(1)),
        Award::Prize { .. } => (PLACES, 1),
    };
    let with = |places| Terms { places, ..*terms }.reserved_bytes();
    let (none, each) = (with(0), with(1).saturating_sub(with(0)).max(1));
    let free = known.settings.max_stored_bytes.saturating_sub(known.reserved_bytes);
    let cheap = (free / STORE_PART).saturating_sub(none) / each;
    let cheap = u32::try_from(cheap).unwrap_or(u32::MAX);
    wanted.min(cheap).clamp(least, market::MAX_PLACES.max(least))
}

/// A window as stated, or the default.
fn seconds(duration: Option<Deadline>, usual: u64) -> Result<u32> {
    let seconds = match duration {
        None => usual,
        Some(Deadline::In(seconds)) => seconds,
        Some(Deadline::At(_)) => bail!("--reveal and --attest are durations like 1h or 2d"),
    };
    u32::try_from(seconds).context("a window of more than 136 years is too long")
}

fn amount(money: Money, currency: &Currency) -> Result<Amount> {
    let is_ether = matches!(money.unit, Unit::Ether(_));
    let symbol = &currency.symbol;
    ensure!(
        is_ether == (currency.asset == Asset::Ether),
        "all amounts of a job are in one asset, here {symbol}"
    );
    money.amount(currency.decimals)
}

/// A percentage of an amount, rounded down.
fn per_cent(of: Amount, percent: u32) -> Result<Amount> {
    of.scaled_down(percent.into(), 100.into()).context("the award is too large")
}

/// A title in the market's form.
///
/// - Errors: longer than 32 bytes, or with non-printable characters
fn title(text: &str) -> Result<[u8; 32]> {
    let mut title = [0; 32];
    let room = title.get_mut(..text.len());
    room.context("a title has at most 32 bytes: choose a shorter one")?
        .copy_from_slice(text.as_bytes());
    ensure!(one_line(text) == text, "a title is one line of characters that can be seen");
    Ok(title)
}

/// Checks terms as of a moment, and as of a little later, when the block that opens the job comes.
///
/// - Errors: the market's refusal; a close that is past, too early or too distant with its date
pub fn check(terms: &Terms, settings: &Settings, now: Timestamp) -> Result<(), Refused> {
    let close = date(terms.close);
    if terms.close <= now.after(OPENING_SECONDS) {
        let why = format_args!(
            "it would close at {close}, and it is {} now: give it more than {OPENING_SECONDS} s",
            date(now)
        );
        return Err(Refused::new("CloseTooSoon", why));
    }
    let latest = now.after(settings.max_window_seconds);
    if terms.close > latest {
        let why = format_args!("it would close at {close}, and the last date is {}", date(latest));
        return Err(Refused::new("CloseTooFar", why));
    }
    let check = |at| terms.check(settings, at).map_err(|why| Refused((&why).into()));
    check(now)?;
    check(now.after(OPENING_SECONDS))
}

/// Refuses a gain over the base model that nobody can reach.
///
/// - Errors: `GainImpossible`
pub fn check_gain(min_gain: Score, base: Score) -> Result<(), Refused> {
    if min_gain > Score::MAX.gain_over(base) {
        let (gain, score) = (percent(min_gain), percent(base));
        let why = format_args!("nobody can gain {gain} over a base model with {score}");
        return Err(Refused::new("GainImpossible", why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_fit_or_are_refused() {
        assert_eq!(&title("Health").unwrap()[..7], b"Health\0");
        assert!(title(&"x".repeat(32)).is_ok());
        assert!(title(&"x".repeat(33)).is_err());
        assert!(title("a\nb").is_err());
        assert!(title("a\u{202e}b").is_err());
    }
}
