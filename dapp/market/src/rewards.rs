//! Rewards: paid strictly in the order of commitments, and once per model.
//!
//! The earliest undecided commitment is decided next; if its bytes do not arrive, it has its
//! delivery window and no more. If a later one were paid first, someone who saw the earlier bytes
//! in transit could be paid for a copy. A model that is a copy of an accepted one is refused.

use blobs::Digest;

use crate::{
    context::{Slot, Target},
    decide,
    evaluation::{Done, Evaluated},
    input::Input,
    invariant::there,
    job::Job,
    judge::{Blob, Comparison, Similarity, WeightDistance},
    meter::Meter,
    refusal::{ModelRefusal, Refusal},
    settings::Settings,
    state::State,
    store::SlotKey,
    terms::Award,
    units::{JobId, Work},
    work,
};

/// Maximum number of submissions decided by one input.
const DECISIONS_PER_INPUT: usize = 64;
/// At least the payload of an input that continues an evaluation.
const SMALL_PAYLOAD_BYTES: u64 = 1_024;

/// Decides submissions in order, as far as the input allows; returns why it stopped, if the sender
/// could have paid to continue.
pub(crate) fn decide_next(input: &mut Input<'_>) -> Option<Refusal> {
    for _ in 0..DECISIONS_PER_INPUT {
        let number = input.job().next_reward()?;
        let ending = input.state.settings.prices.ending;
        if !input.state.meter.may_begin(&input.state.settings, ending) {
            return None;
        }
        match compare(input, number) {
            Compared::Waits(reason) => return reason,
            Compared::Refused(reason) => decide::refuse(input, number, reason),
            Compared::Original => decide::accept(input, number),
        }
        input.state.meter.advance(ending);
    }
    None
}

impl Job {
    /// The next submission to decide, if it can be decided now.
    pub(crate) fn next_reward(&self) -> Option<u32> {
        if !matches!(self.terms.award, Award::Rewards { .. }) || self.decision.is_some() {
            return None;
        }
        let number = self.first_undecided()?;
        (self.rewards_left() > 0).then_some(())?;
        self.known(number).evaluated.finding()?;
        self.whole.contains(&number).then_some(number)
    }

    /// The earliest commitment that is undecided.
    pub(crate) fn first_undecided(&self) -> Option<u32> {
        let first = [self.expecting.first(), self.whole.first()];
        first.into_iter().flatten().min().copied()
    }
}

enum Compared {
    /// The input has no room for it, or the sender cannot pay for it.
    Waits(Option<Refusal>),
    Refused(ModelRefusal),
    Original,
}

/// Compares a submission's model with all accepted ones that it has not been compared with.
fn compare(input: &mut Input<'_>, number: u32) -> Compared {
    let from = input.submission(number).evaluated.finding().map_or(0, |finding| finding.compared);
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let others = input.job().accepted.clone();
    for original in others.into_iter().skip(from) {
        let (similarity, prepaid) = match similarity(input, [original, number]) {
            Ok(found) => found,
            Err(reason) => return Compared::Waits(reason),
        };
        if let Evaluated::Done(finding) = &mut input.submission_mut(number).evaluated {
            finding.compared = finding.compared.saturating_add(1);
        }
        if prepaid > Work(0) {
            let done = Done { prepaid, borne: Work(0), is_comparing: true };
            work::pay(input, Target::Submission(number), done);
        }
        match similarity {
            Err(reason) => return Compared::Refused(reason),
            Ok(similarity) if similarity.is_copy() => {
                let agreement = similarity.agreement;
                return Compared::Refused(ModelRefusal::Copy { original, agreement });
            }
            Ok(_) => {}
        }
    }
    Compared::Original
}

/// Similarity of two models, or the reason why the later one cannot be compared; and the work done.
type Found = (Result<Similarity, ModelRefusal>, Work);

/// Compares two submissions' models.
///
/// - Errors: the input has no room for it; with a reason if the sender cannot pay the cost beyond
///   the stake
fn similarity(input: &mut Input<'_>, pair: [u32; 2]) -> Result<Found, Option<Refusal>> {
    let settings = &input.state.settings;
    let mut meter = input.state.meter;
    let comparison = comparison(input.state, input.id, pair);
    let comparison = there(comparison, "what was evaluated has its bytes");
    if comparison.first.cid == comparison.second.cid {
        let distance = Some(WeightDistance::EQUAL);
        return Ok((Ok(Similarity { agreement: 1_000_000, distance }), Work(0)));
    }
    let reading = input.judge.reading_comparison(&comparison);
    let (fresh, maximum) = (fresh_input(settings), settings.input_work);
    let too_large = |found| Err(ModelRefusal::StepTooLarge { maximum, found });
    if !fresh.fits(reading) {
        return Ok((too_large(reading), Work(0)));
    }
    if !meter.fits(reading) {
        return Err(None);
    }
    meter.spend(reading);
    let probes = input.judge.quote_comparison(&comparison);
    let work = reading.plus(probes.unwrap_or_default());
    let short = work::short_of(input.state, input.id, (input.context.sender, pair[1]), work);
    let unfit = |unfit| ModelRefusal::EvaluationError { unfit };
    let found = match probes {
        Err(reason) => Ok((Err(unfit(reason)), reading)),
        Ok(_) if !fresh.fits(work) => Ok((too_large(work), reading)),
        Ok(probes) if short.is_some() || !meter.fits(probes) => Err(short),
        Ok(probes) => {
            meter.answer(probes);
            Ok((input.judge.compare(&comparison).map_err(unfit), work))
        }
    };
    input.state.meter = meter;
    found
}

/// The meter of an input with nothing else to do.
fn fresh_input(settings: &Settings) -> Meter {
    let mut meter = Meter::new(settings, SMALL_PAYLOAD_BYTES);
    meter.spend(settings.prices.ending.times(3));
    meter
}

fn comparison(state: &State, id: JobId, numbers: [u32; 2]) -> Option<Comparison<'_>> {
    let job = state.known(id);
    let base_cid = job.terms.offer.base_model.cid();
    let base = job.slots.blob(&state.drive, SlotKey::job(Slot::BaseModel))?;
    let hold_out = job.slots.blob(&state.drive, SlotKey::job(Slot::HoldOut))?;
    let [first, second] = numbers.map(|number| {
        let cid = job.known(number).model?.cid();
        let key = SlotKey::of(Slot::Submission, number);
        Some(Blob { cid, bytes: job.slots.blob(&state.drive, key)? })
    });
    Some(Comparison {
        base: Blob { cid: base_cid, bytes: base },
        first: first?,
        second: second?,
        hold_out: Blob { cid: job.hold_out?.cid(), bytes: hold_out },
        measure: job.terms.offer.measure(),
        seed: Digest::of(&[state.randao, id.0, job.commitments.0].concat()),
    })
}
