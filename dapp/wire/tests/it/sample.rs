//! Commands, effects and damaged calldata that the tests of this folder share.

use blobs::{BlobRef, Digest, Encoding, Profile};
use market::{
    Address, Amount, Asset, Attestation, Command, CompetitionTerms, Decision, Effect, Event, Fault,
    JobId, Marks, Metric, ModelRefusal, Offence, Outcome, Score, SealedBlob, Share, SubmissionId,
    Terms, Tied, Timestamp, U256, Unfit, Unmet, Verdict, Work,
};
use wire::{InputRefused, Selector, encode_command};

pub(crate) const ALICE: Address = Address([0xa1; 20]);
pub(crate) const BOB: Address = Address([0xb0; 20]);
pub(crate) const TOKEN: Address = Address([0x70; 20]);

pub(crate) fn blob() -> BlobRef {
    BlobRef { digest: Digest::of(b"model"), size: 20_000, profile: Profile::Kubo }
}

fn tree() -> BlobRef {
    BlobRef { digest: Digest::of(b"root"), size: 3_000_000, profile: Profile::UnixfsV1 }
}

fn title(text: &str) -> [u8; 32] {
    let mut title = [0; 32];
    title[..text.len()].copy_from_slice(text.as_bytes());
    title
}

pub(crate) fn terms() -> Terms {
    Terms {
        title: title("breast cancer"),
        asset: Asset::Ether,
        reward: Amount::new(500_000_000_000_000_000),
        rewards: 2,
        deadline: Timestamp(1_800_000_000),
        metric: Metric::Accuracy,
        min_score: Score(900_000),
        min_gain: Score(5_000),
        min_worst_class: Score(800_000),
        max_model_bytes: 100_000,
        max_work: Work(1_000_000_000),
        base_model: blob(),
        hold_out: tree(),
    }
}

/// Every number at its largest, the title without room for padding.
fn extreme_terms() -> Terms {
    let blob = BlobRef { digest: Digest([0xff; 32]), size: u64::MAX, profile: Profile::UnixfsV1 };
    Terms {
        title: title("äöü without a byte of padding"),
        asset: Asset::Erc20(Address([0xff; 20])),
        reward: Amount(U256::MAX),
        rewards: u32::MAX,
        deadline: Timestamp(u64::MAX),
        metric: Metric::LogLoss,
        min_score: Score(u32::MAX),
        min_gain: Score(u32::MAX),
        min_worst_class: Score(u32::MAX),
        max_model_bytes: u64::MAX,
        max_work: Work(u64::MAX),
        base_model: blob,
        hold_out: blob,
    }
}

pub(crate) fn competition_terms() -> CompetitionTerms {
    CompetitionTerms {
        title: title("digits"),
        asset: Asset::Erc20(TOKEN),
        prize: Amount::new(1_000),
        miners_pool: Amount::new(200),
        buy_in: Amount::new(100),
        entrant_bond: Amount::new(50),
        miner_bond: Amount::new(60),
        miners: 7,
        close: Timestamp(1_800_000_000),
        reveal_seconds: 3_600,
        attest_seconds: 1_800,
        quota: 3,
        ladder_step: Score(10_000),
        metric: Metric::Accuracy,
        min_score: Score(900_000),
        min_gain: Score(5_000),
        min_worst_class: Score(800_000),
        significance: Score(50_000),
        tied: Tied::Earliest,
        unmet: Unmet::Share,
        max_model_bytes: 100_000,
        max_work: Work(1_000_000_000),
        miners_only: false,
        sample_rows: 0,
        base_model: blob(),
        public_slice: tree(),
        hold_out: sealed(),
    }
}

/// Every number at its largest.
fn extreme_competition() -> CompetitionTerms {
    let blob = BlobRef { digest: Digest([0xff; 32]), size: u64::MAX, profile: Profile::UnixfsV1 };
    CompetitionTerms {
        title: title("äöü without a byte of padding"),
        asset: Asset::Ether,
        prize: Amount(U256::MAX),
        miners_pool: Amount(U256::MAX),
        buy_in: Amount(U256::MAX),
        entrant_bond: Amount(U256::MAX),
        miner_bond: Amount(U256::MAX),
        miners: u32::MAX,
        close: Timestamp(u64::MAX),
        reveal_seconds: u32::MAX,
        attest_seconds: u32::MAX,
        quota: u32::MAX,
        ladder_step: Score(u32::MAX),
        metric: Metric::LogLoss,
        min_score: Score(u32::MAX),
        min_gain: Score(u32::MAX),
        min_worst_class: Score(u32::MAX),
        significance: Score(u32::MAX),
        tied: Tied::Equal,
        unmet: Unmet::Return,
        max_model_bytes: u64::MAX,
        max_work: Work(u64::MAX),
        miners_only: true,
        sample_rows: u32::MAX,
        base_model: blob,
        public_slice: blob,
        hold_out: SealedBlob { commitment: Digest([0xff; 32]), ciphertext: blob },
    }
}

fn sealed() -> SealedBlob {
    SealedBlob { commitment: Digest::of(b"commitment"), ciphertext: tree() }
}

fn attestation() -> Attestation {
    let (score, worst_class) = (Score(972_027), Score(943_396));
    Attestation { score, worst_class, results: Digest::of(b"rows") }
}

fn competition_commands(job: JobId) -> Vec<Command> {
    let (key, salt) = ([0x4b; 32], [0x5a; 32]);
    let attestations = vec![attestation(), Attestation::UNFIT];
    let terms = |terms| Box::new(terms);
    vec![
        Command::OpenCompetition { job, terms: terms(competition_terms()) },
        Command::OpenCompetition { job, terms: terms(extreme_competition()) },
        Command::Enter { job, model: sealed() },
        Command::Show { job, model: blob() },
        Command::Enlist { job: Some(job) },
        Command::Enlist { job: None },
        Command::Retire,
        Command::Reveal { job, key, salt, plaintext: blob() },
        Command::Attest { job, page: 1, commitment: Digest::of(b"commitment") },
        Command::Unveil { job, page: 1, attestations, results: Vec::new(), salt },
        Command::Unveil { job, page: 0, attestations: Vec::new(), results: vec![0xa5; 33], salt },
        Command::Object { job, entry: 3 },
    ]
}

fn competition_events(job: JobId) -> Vec<Event> {
    let entry = SubmissionId { job, index: 3 };
    let (entrant, miner, model) = (BOB, ALICE, blob().digest);
    let marks = Marks { score: Score(972_027), worst_class: Score(943_396) };
    let judged = |board| Event::ShowJudged { entry, model, board };
    let not_better = ModelRefusal::NotBetter { shown: Score(900_000), step: Score(10_000) };
    let copy = ModelRefusal::Copy { original: 2, distance: 1_000 };
    let decision = Decision {
        outcome: Outcome::Won,
        winners: vec![3, 1],
        prize: Amount::new(1_150),
        right_miners: 5,
        right_objectors: 1,
        fees: Amount::new(600),
        forfeits: Amount::new(120),
        revealed: 4,
        refunds: Amount::new(0),
        remainder: Amount::new(1),
    };
    let none = Decision { outcome: Outcome::Cancelled, winners: Vec::new(), ..decision.clone() };
    let key = Digest([0x4b; 32]);
    let forfeited =
        |offence| Event::Forfeited { job, account: miner, bond: Amount::new(60), offence };
    vec![
        Event::CompetitionOpened { job, sponsor: ALICE, terms: Box::new(competition_terms()) },
        Event::CompetitionOpened { job, sponsor: ALICE, terms: Box::new(extreme_competition()) },
        Event::Entered { entry, entrant, model: sealed() },
        Event::ModelShown { entry, entrant, model: blob() },
        judged(Ok(Score(950_000))),
        judged(Err(not_better)),
        Event::Enlisted { job: Some(job), miner },
        Event::Enlisted { job: None, miner },
        Event::Retired { miner },
        Event::SeatsDrawn { job, seed: Digest::of(b"seed"), miners: vec![ALICE, BOB] },
        Event::SeatsDrawn { job, seed: Digest::of(b"seed"), miners: Vec::new() },
        Event::ModelRevealed { entry, entrant, position: 129, model: blob(), key },
        Event::HoldOutRevealed { job, hold_out: tree(), key },
        Event::HoldOutReady { job, base: marks },
        Event::Attested { job, page: 1, miner, commitment: Digest::of(b"commitment") },
        Event::Unveiled { job, page: 1, miner },
        Event::Objected { entry, objector: BOB },
        Event::EntryScored {
            entry,
            model,
            attestation: attestation(),
            agreed: 5,
            by_machine: true,
        },
        Event::EntryRefused { entry, model, reason: copy },
        Event::Compared {
            job,
            first: 3,
            other: 1,
            first_better: 17,
            other_better: 4,
            separated: true,
        },
        forfeited(Offence::Silent),
        forfeited(Offence::Wrong),
        forfeited(Offence::Objection),
        Event::Decided { job, decision: Box::new(decision) },
        Event::Decided { job, decision: Box::new(none) },
        Event::Paid {
            job,
            to: BOB,
            share: Share::Work,
            amount: Amount::new(144),
            bond: Amount::new(60),
        },
    ]
}

pub(crate) fn commands() -> Vec<Command> {
    let job = JobId(7);
    let publish = |encoding, data: &[u8]| Command::Publish {
        digest: Digest::of(b"model"),
        offset: 65_024,
        encoding,
        data: data.to_vec(),
    };
    let bounties = vec![
        Command::OpenJob(Box::new(terms())),
        Command::OpenJob(Box::new(extreme_terms())),
        Command::CancelJob { job },
        Command::CancelJob { job: JobId(u32::MAX) },
        publish(Encoding::Plain, b""),
        publish(Encoding::Plain, &[0x5a; 32]),
        publish(Encoding::Deflate, &[0xa5; 33]),
        Command::Submit { job, model: blob(), data: tree() },
        Command::Evaluate { job, work: Work(250_000_000) },
        Command::Settle { job },
        Command::Withdraw { asset: Asset::Ether, amount: Amount(U256::MAX) },
        Command::Withdraw { asset: Asset::Erc20(TOKEN), amount: Amount::new(0) },
    ];
    [bounties, competition_commands(job)].concat()
}

pub(crate) fn effects() -> Vec<Effect> {
    let job = JobId(7);
    let submission = SubmissionId { job, index: 3 };
    let marks = Marks { score: Score(972_027), worst_class: Score(943_396) };
    let model = blob().digest;
    let judged = |verdict| Event::ModelJudged { submission, client: BOB, model, verdict };
    let (minimum, found) = (Score(5_000), marks.score);
    let small = ModelRefusal::GainTooSmall { base: marks.score, minimum, found };
    let unfit = Unfit { fault: Fault::UnknownOperator, node: Some(12) };
    let unfit = ModelRefusal::Unfit { unfit };
    let refund = Amount::new(1_000_000_000_000_000_000);
    let events = [
        Event::JobOpened { job, sponsor: ALICE, terms: Box::new(terms()) },
        Event::JobOpened { job, sponsor: ALICE, terms: Box::new(extreme_terms()) },
        Event::BlobStored { digest: model, size: blob().size, publisher: ALICE },
        Event::JobReady { job, base: marks },
        Event::ModelSubmitted { submission, client: BOB, model: blob(), data: tree() },
        judged(Verdict::Accepted(marks)),
        judged(Verdict::Refused { marks: Some(marks), reason: small }),
        judged(Verdict::Refused { marks: None, reason: unfit }),
        Event::JobCancelled { job, refund, reason: None },
        Event::JobCancelled { job, refund, reason: Some(unfit) },
        Event::JobSettled { job, payouts: 1, winner: Some(submission), remainder: refund },
        Event::JobSettled { job, payouts: 0, winner: None, remainder: Amount(U256::MAX) },
    ];
    let pay = |asset| Effect::Pay { to: BOB, asset, amount: refund };
    let record = Effect::Record { job, sponsor: ALICE, model: blob(), marks, hold_out: tree() };
    let vouchers = [pay(Asset::Ether), pay(Asset::Erc20(TOKEN)), record];
    let events = events.into_iter().chain(competition_events(job));
    events.map(Effect::Event).chain(vouchers).collect()
}

/// Calldata that ABI decoders often let pass, and why it is refused.
pub(crate) fn refused() -> Vec<(Vec<u8>, InputRefused)> {
    use InputRefused::{
        Malformed, NoSelector, NotCanonical, OutOfRange, TitleNotText, UnknownEncoding,
        UnknownLeafSize, UnknownMetric, UnknownSelector,
    };
    let settle = encode_command(&Command::Settle { job: JobId(7) });
    let open = encode_command(&Command::OpenJob(Box::new(terms())));
    let withdraw = encode_command(&commands()[11]);
    let publish = encode_command(&commands()[6]);
    // Word `n` of the arguments, with its last byte or another one changed.
    let with = |calldata: &[u8], word: usize, byte: usize, value: u8| {
        let mut calldata = calldata.to_vec();
        calldata[4 + 32 * word + byte] = value;
        calldata
    };
    let longer = |calldata: &[u8], bytes: &[u8]| [calldata, bytes].concat();
    // The data's offset, one word further on, and a gap before the data.
    let mut gap = with(&publish, 3, 31, 0xa0);
    gap.splice(4 + 32 * 4..4 + 32 * 4, [0; 32]);
    let selector = Selector([0xde, 0xad, 0xbe, 0xef]);
    vec![
        (vec![], NoSelector { found: 0 }),
        (settle[..3].to_vec(), NoSelector { found: 3 }),
        (longer(&selector.0, &settle[4..]), UnknownSelector { selector }),
        (settle[..4].to_vec(), Malformed { function: "settle" }),
        (settle[..35].to_vec(), Malformed { function: "settle" }),
        (longer(&settle, &[0]), NotCanonical { function: "settle" }),
        (longer(&settle, &[0; 32]), NotCanonical { function: "settle" }),
        (with(&settle, 0, 27, 1), OutOfRange { field: "job" }),
        (with(&withdraw, 0, 11, 1), NotCanonical { function: "withdraw" }),
        (with(&open, 0, 0, 0xff), TitleNotText {}),
        (with(&open, 0, 0, 0x1b), TitleNotText {}),
        (with(&open, 0, 31, b'!'), TitleNotText {}),
        (with(&open, 1, 0, 1), NotCanonical { function: "openJob" }),
        (with(&open, 4, 23, 1), OutOfRange { field: "deadline" }),
        (with(&open, 5, 31, 6), UnknownMetric { code: 6 }),
        (with(&open, 5, 30, 1), OutOfRange { field: "metric" }),
        (with(&open, 13, 31, 1), UnknownLeafSize { leaf_size: 262_145 }),
        (with(&publish, 2, 31, 2), UnknownEncoding { code: 2 }),
        (with(&publish, 3, 31, 0x9f), Malformed { function: "publish" }),
        (with(&publish, 3, 31, 0x60), NotCanonical { function: "publish" }),
        (with(&publish, 3, 0, 0x80), Malformed { function: "publish" }),
        (with(&publish, 4, 28, 0xff), Malformed { function: "publish" }),
        (with(&publish, 6, 1, 1), NotCanonical { function: "publish" }),
        (publish[..publish.len() - 1].to_vec(), NotCanonical { function: "publish" }),
        (longer(&publish, &[0; 32]), NotCanonical { function: "publish" }),
        (gap, NotCanonical { function: "publish" }),
    ]
}
