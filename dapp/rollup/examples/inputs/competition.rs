//! A competition with a hundred seats, whose miners lie alike of all models until somebody objects,
//! so that the machine looks at each; ends with models that are compared, weight by weight too.

use blobs::{Binding, Opening, seal};
use market::{
    Address, Amount, Asset, Attestation, Command, CompetitionTerms, Desk, JobId, Metric, Prices,
    Score, SealedBlob, Tied, Timestamp, Unmet, Work,
};
use wire::{Genesis, Notice};

use crate::{
    Files, Result,
    stage::{APP, CHAIN, NOW, Stage, account, length, named},
};

pub(crate) const JOB: JobId = JobId(0);
pub(crate) const SPONSOR: Address = Address([0xa1; 20]);
const SALT: [u8; 32] = [0x5a; 32];
/// How long each window is.
pub(crate) const SECONDS: u32 = 600;
/// Seats for miners.
pub(crate) const SEATS: u8 = 100;
/// Miners for all competitions who have not the bond, and those who enlist for this one.
const POOR: usize = 600;
const ENLISTED: usize = 150;
/// How often the market draws at most.
const MAX_DRAWS: usize = 512;
/// Rows of the hold-out that is sealed.
const HOLD_OUT_ROWS: u32 = 300;
/// Far more steps than there are.
const MAX_STEPS: usize = 2_000;
/// Miners who unveil nothing.
const SILENT: usize = 10;

pub(crate) fn play(files: &Files) -> Result<()> {
    let read = |name| files.read(name);
    let [base, slice, hold_out] =
        [read("base.onnx")?, read("slice.safetensors")?, read("hold-out.safetensors")?];
    let (best, shown) = (read("mlp.onnx")?, read("cnn.onnx")?);
    let mut copy = best.clone();
    // Another number somewhere in the weights.
    let middle = copy.len() / 2;
    copy[middle] ^= 1;
    let models = [&best, &copy, &shown, &vec![7; best.len()], &best[1..].to_vec()].map(Vec::clone);
    let mut stage = Stage::new(Genesis::default());
    let (sealed, ciphertext, opening) = sealed(SPONSOR, &hold_out);
    let terms = terms([&base, &slice], sealed);
    let open = Command::OpenCompetition { job: JOB, terms: Box::new(terms) };
    stage.deposit("a deposit that opens a competition", SPONSOR, 10_000, Some(&open))?;
    stage.publish("a base model", SPONSOR, &base, Work(0))?;
    stage.publish("a public slice", SPONSOR, &slice, Work(0))?;
    stage.publish("a sealed hold-out", SPONSOR, &ciphertext, Work(0))?;
    for place in 0..POOR {
        let stand = Command::Enlist { job: None };
        stage.play("a miner for all competitions", Work(0), account(4, place), &stand)?;
    }
    for place in 0..ENLISTED {
        let enlist = Command::Enlist { job: Some(JOB) };
        stage.deposit("a deposit that enlists", account(3, place), 10, Some(&enlist))?;
    }
    let mut openings = Vec::new();
    for (place, model) in models.iter().enumerate() {
        let entrant = account(2, place);
        let (sealed, ciphertext, opening) = self::sealed(entrant, model);
        let enter = Command::Enter { job: JOB, model: sealed };
        stage.deposit("a deposit that enters", entrant, 20, Some(&enter))?;
        stage.publish("a sealed model", entrant, &ciphertext, Work(0))?;
        openings.push((entrant, opening, length(&ciphertext)));
    }
    let entrant = account(2, 0);
    let show = Command::Show { job: JOB, model: named(&shown) };
    stage.play("a model to be shown", Work(0), entrant, &show)?;
    stage.publish("a shown model", entrant, &shown, Work(0))?;

    stage.now += u64::from(SECONDS);
    move_on(&mut stage)?;
    // The last does not reveal.
    for (entrant, opening, bytes) in openings.into_iter().take(models.len() - 1) {
        reveal(&mut stage, "the key of a model", entrant, opening, bytes)?;
    }
    reveal(&mut stage, "the key of a hold-out", SPONSOR, opening, length(&ciphertext))?;
    stage.now += u64::from(SECONDS);
    let lie =
        Attestation { score: Score::MAX, worst_class: Score::MAX, results: named(&base).digest };
    attest(&mut stage, |_| lie, &[])?;
    let object = Command::Object { job: JOB, entry: 0 };
    stage.deposit("a deposit that objects", account(5, 0), 10, Some(&object))?;
    stage.now += u64::from(SECONDS);
    let seen = move_on(&mut stage)?;
    require(&seen, &["Compared", "EntryRefused", "Forfeited", "Decided", "Paid", "JobSettled"])
}

/// Checks that all of this was said.
pub(crate) fn require(said: &[Notice], events: &[&str]) -> Result<()> {
    match events.iter().find(|event| !said.iter().any(|notice| is(notice, event))) {
        Some(missing) => Err(format!("nothing was {missing}").into()),
        None => Ok(()),
    }
}

fn is(notice: &Notice, event: &str) -> bool {
    serde_json::to_value(notice).is_ok_and(|notice| notice["event"] == event)
}

/// All seats but some attest the first page alike, and unveil; the time is then that of objecting.
pub(crate) fn attest(
    stage: &mut Stage,
    says: impl Fn(usize) -> Attestation,
    results: &[Vec<u8>],
) -> Result<()> {
    let job = stage.app.market().competition(JOB).ok_or("no competition")?;
    let miners: Vec<_> =
        job.seats.iter().map(|seat| seat.miner).take(usize::from(SEATS) - SILENT).collect();
    let (models, page) = (job.page(0).len(), 0);
    for unveils in [false, true] {
        for (seat, &miner) in miners.iter().enumerate() {
            let attestations = vec![says(seat); models];
            let desk = Desk { chain_id: CHAIN, app: APP, job: JOB, miner, page };
            let commitment = desk.commitment(&attestations, &SALT);
            if unveils {
                let results = results.get(seat).cloned().unwrap_or_default();
                let price = Prices::COUNTED.chunk(0, length(&results));
                let unveil = Command::Unveil { job: JOB, page, attestations, results, salt: SALT };
                stage.play("attestations unveiled", price, miner, &unveil)?;
            } else {
                let attest = Command::Attest { job: JOB, page, commitment };
                stage.play("a commitment to attestations", Work(0), miner, &attest)?;
            }
        }
        stage.now += u64::from(SECONDS);
    }
    Ok(())
}

/// Takes all steps there are, one by one; what was said.
pub(crate) fn move_on(stage: &mut Stage) -> Result<Vec<Notice>> {
    let prices = Prices::COUNTED;
    let mut said = Vec::new();
    for _ in 0..MAX_STEPS {
        let job = stage.app.market().competition(JOB).ok_or("no competition")?;
        let [seats, enlisted] = [job.seats.len(), job.enlisted().len()];
        let sampled = if job.terms.miners_only { job.terms.sample_rows } else { 0 };
        let standing = stage.app.market().standing_miners().len();
        let ending = Work(prices.ending);
        let price = |first: &str, is_judged: bool| match (first, is_judged) {
            ("Compared", _) => prices.comparing(HOLD_OUT_ROWS),
            ("SeatsDrawn", _) => {
                let [draws, poor] = [enlisted + standing, standing].map(|n| n.min(MAX_DRAWS));
                prices.drawing(draws).plus(prices.saying(poor)).plus(ending)
            }
            ("Forfeited", false) => {
                let drawn = prices.drawing(sampled as usize).plus(prices.saying(seats));
                drawn.plus(ending)
            }
            (_, true) => prices.checking(sampled as usize, seats),
            (_, false) => ending,
        };
        match stage.step(JOB, price)? {
            Some(notices) => said.extend(notices),
            None => return Ok(said),
        }
    }
    Err("it does not end".into())
}

/// What an account commits to, the ciphertext, and what opens it.
pub(crate) fn sealed(sender: Address, plain: &[u8]) -> (SealedBlob, Vec<u8>, Opening) {
    let opening = Opening { key: [0x4b; 32], salt: SALT, plain: named(plain) };
    let binding = Binding { chain_id: CHAIN, app: APP.0, job: JOB.0, sender: sender.0 };
    let commitment = opening.commitment(&binding);
    let bytes = seal(&opening.key, commitment, plain);
    (SealedBlob { commitment, ciphertext: named(&bytes) }, bytes, opening)
}

pub(crate) fn reveal(
    stage: &mut Stage,
    what: &str,
    sender: Address,
    opening: Opening,
    bytes: u64,
) -> Result<()> {
    let Opening { key, salt, plain: plaintext } = opening;
    let command = Command::Reveal { job: JOB, key, salt, plaintext };
    stage.play(what, Prices::COUNTED.opening(bytes), sender, &command)?;
    Ok(())
}

pub(crate) fn terms([base, slice]: [&[u8]; 2], hold_out: SealedBlob) -> CompetitionTerms {
    CompetitionTerms {
        title: [0; 32],
        asset: Asset::Ether,
        prize: Amount::new(1_000),
        miners_pool: Amount::new(200),
        buy_in: Amount::new(10),
        entrant_bond: Amount::new(10),
        miner_bond: Amount::new(10),
        miners: u32::from(SEATS),
        close: Timestamp(NOW + u64::from(SECONDS)),
        reveal_seconds: SECONDS,
        attest_seconds: SECONDS,
        quota: 1,
        ladder_step: Score(1),
        metric: Metric::Accuracy,
        min_score: Score(0),
        min_gain: Score(1),
        min_worst_class: Score(0),
        significance: Score(50_000),
        tied: Tied::Equal,
        unmet: Unmet::Return,
        max_model_bytes: 1 << 20,
        max_work: Work(u64::MAX),
        miners_only: false,
        sample_rows: 0,
        base_model: named(base),
        public_slice: named(slice),
        hold_out,
    }
}
