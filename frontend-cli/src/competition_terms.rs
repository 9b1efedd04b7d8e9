//! A competition's terms: from what a sponsor writes to what the market takes.

use anyhow::{Context, Result, bail, ensure};
use blobs::{BlobRef, Digest, Profile};
use market::{
    Amount, Asset, CompetitionTerms, Metric, Score, SealedBlob, Tied, Timestamp, U256, Unmet, Work,
};

use crate::{
    args::{CompetitionDraft, CompetitionOpen},
    files::{self, File},
    quantity::{Deadline, Money, Share, Unit},
    session::Currency,
    terms::{read_draft, title},
};

/// A competition's files, as the sponsor has them.
#[derive(Clone, Debug)]
pub struct CompetitionFiles {
    /// The model to beat.
    pub base: File,
    /// The dataset of the public board.
    pub public_slice: File,
    /// The dataset that decides.
    pub hold_out: File,
}

/// The terms as written: those of the file, and of the flags where both say something.
///
/// - Errors: the file cannot be read, or says something unknown
pub fn draft(open: &CompetitionOpen) -> Result<CompetitionDraft> {
    let Some(path) = &open.terms else { return Ok(open.draft.clone()) };
    let file = read_draft(path, |file: &mut CompetitionDraft| {
        vec![&mut file.base, &mut file.public_slice, &mut file.hold_out]
    })?;
    Ok(merge(open.draft.clone(), file))
}

/// Takes each of the fields from the first where it has one.
macro_rules! first_of {
    ($first:ident, $second:ident: $($field:ident)*) => {
        CompetitionDraft { $($field: $first.$field.or($second.$field),)* }
    };
}

fn merge(first: CompetitionDraft, second: CompetitionDraft) -> CompetitionDraft {
    first_of! {
        first, second:
        title base public_slice hold_out metric prize miners_pool buy_in entrant_bond miner_bond
        miners close reveal attest quota ladder_step min_score min_gain min_worst_class
        significance tied unmet max_model_bytes max_work miners_only sample_rows
    }
}

/// Reads the files a draft names.
///
/// - Errors: a file is not named or cannot be read
pub fn read_files(draft: &CompetitionDraft) -> Result<CompetitionFiles> {
    let base = draft.base.as_ref().context("which base model? say --base FILE")?;
    let slice = draft.public_slice.as_ref().context("which slice? say --public-slice FILE")?;
    let hold_out = draft.hold_out.as_ref().context("which hold-out? say --hold-out FILE")?;
    Ok(CompetitionFiles {
        base: files::read(base)?,
        public_slice: files::read(slice)?,
        hold_out: files::read(hold_out)?,
    })
}

/// The metric of a draft.
#[must_use]
pub fn metric(draft: &CompetitionDraft) -> Metric {
    draft.metric.map_or(Metric::Accuracy, Metric::from)
}

/// What a draft leaves to others.
#[derive(Clone, Debug)]
pub struct Known {
    /// What everything is paid in.
    pub currency: Currency,
    /// The time now.
    pub now: Timestamp,
    /// Work of evaluating the base model, on the larger of both datasets.
    pub base_work: Work,
}

/// The terms a draft stands for; its hold-out is sealed later, as that takes the job's number.
///
/// - Errors: a title too long; no prize or close; amounts in different assets
pub fn terms(
    draft: &CompetitionDraft,
    files: &CompetitionFiles,
    known: &Known,
) -> Result<CompetitionTerms> {
    let close = draft.close.context("until when? say --close 7d")?;
    let share = |share: Option<Share>, other| share.map_or(other, |share| share.0);
    let four_times = |number: u64| number.saturating_mul(4);
    let Known { currency, now, base_work } = known;
    let miners = draft.miners.unwrap_or(3);
    let prize = draft.prize.context("what prize? say --prize 10ether")?;
    let prize = amount(prize, currency)?;
    let or_percent = |money: Option<Money>, percent| match money {
        Some(money) => amount(money, currency),
        None => self::percent(prize, percent),
    };
    let buy_in = or_percent(draft.buy_in, 10)?;
    let or_buy_in = |money: Option<Money>| money.map_or(Ok(buy_in), |own| amount(own, currency));
    let metric = metric(draft);
    Ok(CompetitionTerms {
        title: title(draft.title.as_deref().unwrap_or_default())?,
        asset: currency.asset,
        prize,
        miners_pool: or_percent(draft.miners_pool, if miners == 0 { 0 } else { 20 })?,
        buy_in,
        entrant_bond: or_buy_in(draft.entrant_bond)?,
        miner_bond: or_buy_in(draft.miner_bond)?,
        miners,
        close: close.from(*now),
        reveal_seconds: seconds(draft.reveal, 24 * 60 * 60)?,
        attest_seconds: seconds(draft.attest, 60 * 60)?,
        quota: draft.quota.unwrap_or(10),
        ladder_step: share(draft.ladder_step, Score(10_000)),
        metric,
        min_score: share(draft.min_score, Score(0)),
        min_gain: share(draft.min_gain, Score(1_000)),
        min_worst_class: share(draft.min_worst_class, Score(0)),
        significance: share(draft.significance, Score(50_000)),
        tied: draft.tied.map_or(Tied::Equal, Tied::from),
        unmet: draft.unmet.map_or(Unmet::Return, Unmet::from),
        max_model_bytes: draft.max_model_bytes.unwrap_or(four_times(files.base.blob.size)),
        max_work: draft.max_work.map_or(Work(four_times(base_work.0)), Work),
        miners_only: draft.miners_only.unwrap_or(false),
        sample_rows: draft.sample_rows.unwrap_or(64),
        base_model: files.base.blob,
        public_slice: files.public_slice.blob,
        hold_out: unsealed(),
    })
}

/// Stands for a hold-out that is not sealed yet.
const fn unsealed() -> SealedBlob {
    let nothing = Digest([0; 32]);
    let ciphertext = BlobRef { digest: nothing, size: 0, profile: Profile::Kubo };
    SealedBlob { commitment: nothing, ciphertext }
}

fn seconds(duration: Option<Deadline>, other: u32) -> Result<u32> {
    match duration {
        None => Ok(other),
        Some(Deadline::In(seconds)) => u32::try_from(seconds).context("that is too long"),
        Some(Deadline::At(_)) => bail!("--reveal and --attest are durations like 1h or 2d"),
    }
}

fn amount(money: Money, currency: &Currency) -> Result<Amount> {
    let is_ether = matches!(money.unit, Unit::Ether(_));
    let symbol = &currency.symbol;
    ensure!(
        is_ether == (currency.asset == Asset::Ether),
        "all amounts of a competition are in one asset, here {symbol}"
    );
    money.amount(currency.decimals)
}

/// So many per cent of an amount, rounded down.
fn percent(of: Amount, percent: u32) -> Result<Amount> {
    let product = of.checked_times(percent).context("the prize is too large")?;
    Ok(Amount(product.0 / U256::from(100)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_states_terms_flags_win_and_the_rest_has_its_default() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["base.onnx", "slice.safetensors", "holdout.safetensors"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let path = folder.path().join("terms.toml");
        let text = r#"
            title = "Digits"
            base = "base.onnx"
            public-slice = "slice.safetensors"
            hold-out = "holdout.safetensors"
            prize = "10ether"
            close = "2h"
            reveal = "1h"
            tied = "earliest"
            unmet = "share"
            buy-in = "0.5ether"
        "#;
        fs::write(&path, text).unwrap();
        let flags = CompetitionDraft { miners: Some(7), ..CompetitionDraft::default() };
        let open = CompetitionOpen { terms: Some(path.clone()), draft: flags, from_balance: false };
        let mut draft = draft(&open).unwrap();
        let files = read_files(&draft).unwrap();
        let (now, base_work) = (Timestamp(1_000), Work(5));
        let known = Known { currency: Currency::ether(), now, base_work };
        let terms = super::terms(&draft, &files, &known).unwrap();
        let tenths = |tenths: u128| Amount::new(tenths * 100_000_000_000_000_000);
        assert_eq!((terms.prize, terms.miners_pool), (tenths(100), tenths(20)));
        assert_eq!((terms.buy_in, terms.entrant_bond), (tenths(5), tenths(5)));
        assert_eq!((terms.miners, terms.tied), (7, Tied::Earliest));
        assert_eq!(terms.unmet, Unmet::Share);
        assert_eq!((terms.close, terms.reveal_seconds), (Timestamp(8_200), 3_600));
        assert_eq!((terms.max_work, terms.max_model_bytes), (Work(20), 36));

        draft.buy_in = Some("5token".parse().unwrap());
        assert!(super::terms(&draft, &files, &known).is_err());
        fs::write(&path, "colour = \"red\"").unwrap();
        let open = CompetitionOpen { terms: Some(path), ..CompetitionOpen::default() };
        assert!(super::draft(&open).is_err());
    }
}
