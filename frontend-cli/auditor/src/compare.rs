//! Classifies how the node's record of an input differs from the application's replay.

use alloy::primitives::Bytes;
use application::{Completion, InputStatus};
use client::chain::Input;
use client::payment::Payment;
use market::{Attestation, Score, Scores};
use wire::{Notice, Output, Ruling};

use super::divergence::{Divergence, DivergenceKind, SeenIn, shown};
use super::served::{InputRecord, Served};

/// The difference between the node's record of an input and its replay, where `first_output` is the
/// index of the input's first output. `None` if they agree or the node has not reached it.
pub(super) fn compare(
    input: &Input,
    replayed: &Completion,
    first_output: u64,
    served: &Served,
) -> Option<Divergence> {
    let index = input.advance.index;
    let found = match served {
        Served::Behind => return None,
        Served::Missing => {
            let sentence = format!("the node passes over input {index}, which Ethereum holds");
            let expected = Some(input.hash().to_string());
            Divergence::new(DivergenceKind::Withheld, sentence).between(expected, None)
        }
        Served::Processed { input: record, outputs } => foreign(input, record).or_else(|| {
            outputs_differ(index, replayed, first_output, record.is_rejected(), outputs)
        })?,
    };
    Some(Divergence { seen_in: SeenIn::Node, ..found.at(index, input.transaction) })
}

/// Whether the node's bytes of the input differ from Ethereum's.
fn foreign(input: &Input, record: &InputRecord) -> Option<Divergence> {
    let (index, hash) = (input.advance.index, input.hash());
    let found = record.hash.filter(|found| *found != hash)?;
    let sentence = format!("the node has another input {index} than Ethereum");
    let both = (Some(hash.to_string()), Some(found.to_string()));
    Some(Divergence::new(DivergenceKind::ForeignInput, sentence).between(both.0, both.1))
}

fn outputs_differ(
    index: u64,
    replayed: &Completion,
    first_output: u64,
    is_rejected: bool,
    theirs: &[Bytes],
) -> Option<Divergence> {
    let ours = &replayed.outputs;
    let was_rejected = is_rejected || replayed.status == InputStatus::Rejected;
    if was_rejected && !theirs.is_empty() && (is_rejected || theirs != ours) {
        let sentence = format!("input {index} was rejected, and an output of it was kept");
        let kept = Divergence::new(DivergenceKind::RejectedKept, sentence)
            .between(None, shown(&theirs[0]));
        return Some(Divergence { output: Some(first_output), ..kept });
    }
    let length = ours.len().max(theirs.len());
    let at = (0..length).find(|at| ours.get(*at) != theirs.get(*at))?;
    let (our, their) = (ours.get(at), theirs.get(at));
    let kind = kind(ours, theirs, at);
    let (expected, found) = match kind {
        DivergenceKind::Added => (None, their),
        DivergenceKind::Dropped => (our, None),
        _ => (our, their),
    };
    let (expected, found) = match (kind, our.and_then(scores), their.and_then(scores)) {
        (DivergenceKind::Score, Some(ours), Some(theirs)) => different_scores(ours, theirs),
        _ => (expected.and_then(shown), found.and_then(shown)),
    };
    let sentence = sentence(kind, index, our, their);
    let output = Some(first_output + at as u64);
    Some(Divergence { output, ..Divergence::new(kind, sentence).between(expected, found) })
}

/// The kind of a difference that first shows in output `at` of an input.
fn kind(ours: &[Bytes], theirs: &[Bytes], at: usize) -> DivergenceKind {
    let sorted = |outputs: &[Bytes]| {
        let mut sorted = outputs.to_vec();
        sorted.sort_unstable();
        sorted
    };
    if sorted(ours) == sorted(theirs) {
        return DivergenceKind::Reordered;
    }
    if let (Some(our), Some(their)) = (ours.get(at), theirs.get(at)) {
        if is_other_score(our, their) {
            return DivergenceKind::Score;
        }
        let same_number = ours.len() == theirs.len();
        if same_number && payment(our).is_some() && payment(their).is_some() {
            return DivergenceKind::Payout;
        }
    }
    match theirs.len().cmp(&ours.len()) {
        std::cmp::Ordering::Greater => DivergenceKind::Added,
        std::cmp::Ordering::Less => DivergenceKind::Dropped,
        std::cmp::Ordering::Equal => DivergenceKind::Flipped,
    }
}

/// Whether two notices report different scores for the same model.
fn is_other_score(our: &Bytes, their: &Bytes) -> bool {
    let (Some(mut ours), Some(mut theirs)) = (notice(our), notice(their)) else { return false };
    match (take_scores(&mut ours), take_scores(&mut theirs)) {
        (Some(our), Some(their)) => our != their && ours == theirs,
        _ => false,
    }
}

/// The scores by the metric and by the threshold's in a notice.
fn scores(output: &Bytes) -> Option<[Score; 2]> {
    take_scores(&mut notice(output)?)
}

/// Removes the scores from a notice, with everything derived from them.
fn take_scores(notice: &mut Notice) -> Option<[Score; 2]> {
    let none = Score(0);
    let taken = match notice {
        Notice::JobReady { base: scores, .. } | Notice::HoldOutReady { base: scores, .. } => {
            std::mem::replace(scores, Scores { score: none, threshold_score: none })
        }
        Notice::ModelEvaluated { attestation, agreed, .. } => {
            *agreed = 0;
            let Attestation { score, threshold_score, .. } =
                std::mem::replace(attestation, Attestation::UNFIT);
            Scores { score, threshold_score }
        }
        Notice::SubmissionDecided { verdict, .. } => {
            let none = Ruling { accepted: false, scores: None, reason: String::new() };
            std::mem::replace(verdict, none).scores?
        }
        Notice::ShowEvaluated { board, .. } => {
            let score = board.score.replace(none)?;
            Scores { score, threshold_score: none }
        }
        _ => return None,
    };
    Some([taken.score, taken.threshold_score])
}

/// The two scores, or those by the threshold's metric where only these differ.
fn different_scores(ours: [Score; 2], theirs: [Score; 2]) -> (Option<String>, Option<String>) {
    let pair = ours.into_iter().zip(theirs).find(|(our, their)| our != their);
    pair.map(|(our, their)| (our.to_string(), their.to_string())).unzip()
}

fn notice(output: &Bytes) -> Option<Notice> {
    match Output::decode(output)? {
        Output::Notice { payload } => wire::decode_notice(&payload),
        _ => None,
    }
}

fn payment(output: &Bytes) -> Option<Payment> {
    Payment::of(&client::chain::Output::decode(output)?)
}

fn sentence(
    kind: DivergenceKind,
    index: u64,
    our: Option<&Bytes>,
    their: Option<&Bytes>,
) -> String {
    let said = match kind {
        DivergenceKind::Added => "has an output that the application did not make",
        DivergenceKind::Dropped => "lacks an output of the application",
        DivergenceKind::Reordered => {
            "has its outputs in another order than the application made them"
        }
        DivergenceKind::Score => "tells another score than the model earns",
        DivergenceKind::Payout => "pays otherwise than the application said",
        _ => "has another output than the application made",
    };
    let mut sentence = format!("input {index} {said}");
    if let (DivergenceKind::Payout, Some(our), Some(their)) =
        (kind, our.and_then(payment), their.and_then(payment))
    {
        let shown = |payment: Payment| {
            let Payment { to, asset, amount } = payment;
            format!("{amount} of {asset} to {to}")
        };
        sentence = format!("{sentence}: {} instead of {}", shown(their), shown(our));
    }
    sentence
}
