//! A market and its environment: blocks, inputs, sealed blobs, and a record of all deposits and
//! payments.

use std::collections::BTreeMap;

use blobs::{BlobRef, Cid, Digest, Opening};
use market::{
    Address, Amount, Asset, AssetPrices, Attestation, AttestationBinding, Blob, Command, Context,
    Effect, Evaluation, Job, JobId, Judge, Market, MetricAccumulator, Refusal, Results, Settings,
    Speed, Terms, Timestamp, U256, Windows, Work,
};

use scenarios::{APP, CHAIN, Secret, context};

use crate::judge::WordJudge;

pub(crate) const OPERATOR: Address = Address(*b"operator\0\0\0\0\0\0\0\0\0\0\0\0");
pub(crate) const SINK: Address = Address(*b"sink\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

/// Maximum number of outputs of one input, however many accounts take part.
const MOST_OUTPUTS: usize = 400;

/// Result of an input.
pub(crate) type Outcome = Result<Vec<Effect>, Refusal>;

/// A market and its environment.
pub(crate) struct World {
    pub(crate) market: Market,
    /// Time of the next block.
    pub(crate) block_time: Timestamp,
    /// `prevRandao` of the next block.
    pub(crate) prev_randao: [u8; 32],
    /// Number of inputs so far.
    pub(crate) inputs: u64,
    /// On refusals, every n-th input compares the whole market with its previous state.
    pub(crate) thorough: u64,
    deposited: BTreeMap<(Address, Asset), U256>,
    paid: BTreeMap<(Address, Asset), U256>,
}

impl World {
    pub(crate) fn new(settings: Settings, drive: impl IntoIterator<Item = (Cid, Vec<u8>)>) -> Self {
        Self {
            market: Market::new(settings, drive),
            block_time: Timestamp(1_000),
            prev_randao: [1; 32],
            inputs: 0,
            thorough: 1,
            deposited: BTreeMap::new(),
            paid: BTreeMap::new(),
        }
    }

    fn context(&self, sender: Address, payload_bytes: usize) -> Context {
        Context {
            block_time: self.block_time,
            block: self.block_time.0,
            prev_randao: self.prev_randao,
            input: self.inputs,
            payload_bytes: payload_bytes as u64,
            ..context(sender)
        }
    }

    /// An input through a portal, with an optional command: the deposit stands even if the command
    /// is refused.
    pub(crate) fn deposit(
        &mut self,
        account: Address,
        (asset, amount): (Asset, Amount),
        command: Option<Command>,
    ) -> (Vec<Effect>, Result<(), Refusal>) {
        let context = self.begin(account, command.as_ref());
        let mut effects = self.market.deposit(account, asset, amount);
        let sum = self.deposited.entry((account, asset)).or_default();
        *sum = sum.saturating_add(amount.0);
        let ridden = command.map(|command| self.apply(&context, command, &mut WordJudge));
        let refused = match ridden {
            Some(Ok(more)) => {
                effects.extend(more);
                Ok(())
            }
            Some(Err(refusal)) => Err(refusal),
            None => Ok(()),
        };
        (self.end(effects), refused)
    }

    /// An input that carries a command.
    pub(crate) fn act(&mut self, sender: Address, command: Command) -> Outcome {
        self.act_before(sender, command, &mut WordJudge)
    }

    /// The same, with a different judge.
    pub(crate) fn act_before(
        &mut self,
        sender: Address,
        command: Command,
        judge: &mut dyn Judge,
    ) -> Outcome {
        let context = self.begin(sender, Some(&command));
        match self.apply(&context, command, judge) {
            Ok(effects) => Ok(self.end(effects)),
            Err(refusal) => Err(self.refuse(refusal)),
        }
    }

    fn begin(&mut self, sender: Address, command: Option<&Command>) -> Context {
        let data = match command {
            Some(Command::Publish { data, .. }) => data.len(),
            _ => 0,
        };
        let context = self.context(sender, data);
        self.inputs += 1;
        self.market.begin(&context);
        context
    }

    /// Applies a command; checks that a refused one changes nothing.
    fn apply(&mut self, context: &Context, command: Command, judge: &mut dyn Judge) -> Outcome {
        let before = self.inputs.is_multiple_of(self.thorough).then(|| self.market.clone());
        let said = before.is_some().then(|| format!("{command:?}"));
        let outcome = self.market.apply(context, command, judge);
        if let (Err(refusal), Some(mut before)) = (&outcome, before) {
            // The cost of the refusal is on the meter, which every input resets.
            let mut after = self.market.clone();
            before.begin(context);
            after.begin(context);
            assert!(before == after, "{refusal} changed something: {said:?}");
        }
        outcome
    }

    fn end(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        let more = self.market.finish(effects.len());
        effects.extend(more);
        assert!(effects.len() <= MOST_OUTPUTS, "{} outputs of one input", effects.len());
        for effect in &effects {
            if let Effect::Pay { to, asset, amount } = effect {
                let sum = self.paid.entry((*to, *asset)).or_default();
                *sum = sum.saturating_add(amount.0);
            }
        }
        self.check();
        effects
    }

    fn refuse(&mut self, refusal: Refusal) -> Refusal {
        let left = self.market.finish(0);
        assert!(left.is_empty(), "{refusal} leaves something behind: {left:?}");
        self.check();
        refusal
    }

    /// Checks that money is conserved.
    fn check(&self) {
        let solvent = self.market.ledger().solvency().all(|(_, sides)| sides.holds());
        assert!(solvent, "after input {}: {:?}", self.inputs, self.solvency());
    }

    fn solvency(&self) -> Vec<(Asset, market::Solvency)> {
        self.market.ledger().solvency().collect()
    }

    /// Balance and payments of an account, less its deposits.
    pub(crate) fn earned(&self, account: Address, asset: Asset) -> i128 {
        let of = |sums: &BTreeMap<(Address, Asset), U256>| {
            let sum = sums.get(&(account, asset)).copied().unwrap_or_default();
            i128::try_from(sum.as_u128()).unwrap()
        };
        let free = self.market.ledger().free(account, asset).0.as_u128();
        i128::try_from(free).unwrap() + of(&self.paid) - of(&self.deposited)
    }
}

/// Settings under which everything is free unless a test says otherwise.
pub(crate) fn settings() -> Settings {
    Settings {
        assets: [(Asset::Ether, AssetPrices::default())].into(),
        operator: OPERATOR,
        sink: SINK,
        operator_ppm: 200_000,
        max_blob_bytes: 1_000_000,
        max_stored_bytes: 4_000_000,
        max_balances: 1_000_000,
        input_work: Work(1_000_000),
        prices: market::Prices::default(),
        speed: Speed { float: 1_000_000_000, integer: 1_000_000_000, mining: 1_000_000_000 },
        max_window_seconds: 10_000,
        windows: Windows {
            delivery_seconds: 50,
            reveal_seconds: 50,
            attest_seconds: 50,
            evaluation_seconds: 500,
        },
        surcharge_lag_seconds: 300,
    }
}

/// A job name like those derived by `wire`: unique to sponsor, salt and terms.
pub(crate) fn job_name(sponsor: Address, salt: [u8; 32], terms: &Terms) -> JobId {
    JobId(Digest::of(format!("{sponsor}{salt:?}{terms:?}").as_bytes()).0)
}

/// The attestations of an honest miner for a page, changed by `lies` model by model; and the
/// results row by row if the machine only samples.
pub(crate) fn attestations<'a>(
    job: &Job,
    page: u32,
    bytes_of: impl Fn(Digest) -> Option<&'a [u8]>,
    mut lies: impl FnMut(Option<u32>, &mut Attestation, &mut Results),
) -> (Vec<Attestation>, Vec<u8>) {
    let (mut all, mut rows) = (Vec::new(), Vec::new());
    for model in job.page(page) {
        let submission = model.and_then(|index| job.submissions.get(&index));
        let blob = submission.map_or(Some(job.terms.offer.base_model), |found| found.model);
        let found = examine(job, blob, job.hold_out, &bytes_of);
        let Some((mut attestation, mut results)) = found else {
            all.push(Attestation::UNFIT);
            continue;
        };
        lies(model, &mut attestation, &mut results);
        if job.terms.sample_rows().is_some() {
            rows = results.to_bytes();
        }
        all.push(attestation);
    }
    (all, rows)
}

/// The evaluation of a model on the hold-out; `None` if it cannot be evaluated within the terms.
fn examine<'a>(
    job: &Job,
    model: Option<BlobRef>,
    hold_out: Option<BlobRef>,
    bytes_of: impl Fn(Digest) -> Option<&'a [u8]>,
) -> Option<(Attestation, Results)> {
    let blob = |blob: BlobRef| Some(Blob { cid: blob.cid(), bytes: bytes_of(blob.digest)? });
    let offer = &job.terms.offer;
    let (metric, measure, rows) = (offer.metric, offer.measure(), None);
    let evaluation = Evaluation { model: blob(model?)?, hold_out: blob(hold_out?)?, measure, rows };
    let quote = WordJudge.quote(&evaluation).ok().filter(|quote| quote.work <= offer.max_work)?;
    let mut accumulator = MetricAccumulator::with_results(quote.classes, metric);
    WordJudge.answer(&evaluation, &mut accumulator, Work(u64::MAX)).ok()?;
    let scores = accumulator.scores(measure);
    let results = accumulator.into_results()?;
    Some((Attestation::new(scores, &results), results))
}

/// Flips the result of a row.
pub(crate) fn flip(job: &Job, row: usize, attestation: &mut Attestation, results: &mut Results) {
    let (metric, mut bytes) = (job.terms.offer.metric, results.to_bytes());
    bytes[row / 8] ^= 1 << (row % 8);
    *results = Results::from_bytes(metric, results.rows(), &bytes).unwrap();
    attestation.results = results.digest();
    attestation.score = results.score(metric).unwrap();
}

/// The commitment of a miner to its attestations of a page.
pub(crate) fn attested(
    job: JobId,
    miner: Address,
    page: u32,
    attestations: &[Attestation],
    salt: &[u8; 32],
) -> Digest {
    AttestationBinding { chain_id: CHAIN, app: APP, job, miner, page }
        .commitment(attestations, salt)
}

/// Seals `content` under a commitment to `plain`; for an honest account they are the same.
pub(crate) fn seal(scope: [u8; 32], sender: Address, plain: BlobRef, content: &[u8]) -> Secret {
    let own = |part: &[u8]| Digest::of(&[part, &sender.0, &scope, &plain.digest.0].concat()).0;
    let opening = Opening { key: own(b"key"), salt: own(b"salt"), plain };
    Secret::new(&context(sender), scope, opening, content)
}
