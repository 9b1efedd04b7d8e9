//! Commands, effects and damaged calldata shared by the tests of this folder.

use blobs::{BlobRef, Chunk, Digest, Encoding, Profile};
use market::{
    Address, Amount, Asset, Attestation, Award, Board, BoardMove, Ciphertext, Command, Decision,
    Effect, EvaluationError, Evaluators, Event, Fault, JobId, Metric, MinerTerms, ModelRefusal,
    Offence, Offer, Outcome, Output, Score, Scores, SealedBlob, Sealing, Share, Slot, SponsorStake,
    SubmissionStake, SubmittedModel, Target, Terms, Threshold, Timestamp, U256, Unmet, Verdict,
    Work,
};
use scenarios::{ALICE, BOB, KEY, SALT, TOKEN, absent, context, publish_chunk};
use wire::{InputRefused, Selector, encode_command};

pub(crate) const JOB: JobId = JobId([7; 32]);

fn blob() -> BlobRef {
    absent(b"model", 20_000)
}

fn tree() -> BlobRef {
    BlobRef { digest: Digest::of(b"root"), size: 3_000_000, profile: Profile::UnixfsV1 }
}

/// A blob reference with the largest numbers.
fn largest() -> BlobRef {
    BlobRef { digest: Digest([0xff; 32]), size: u64::MAX, profile: Profile::UnixfsV1 }
}

fn title(text: &str) -> [u8; 32] {
    let mut title = [0; 32];
    title[..text.len()].copy_from_slice(text.as_bytes());
    title
}

/// An open job with rewards, evaluated by the machine.
pub(crate) fn terms() -> Terms {
    Terms {
        title: title("breast cancer"),
        asset: Asset::Ether,
        close: Timestamp(1_800_000_000),
        places: 4,
        offer: Offer {
            metric: Metric::Accuracy,
            output: Output::FromGraph,
            min_score: Score(900_000),
            min_gain: Score(5_000),
            threshold: Threshold { metric: Metric::WorstClassRecall, min_score: Score(800_000) },
            max_model_bytes: 100_000,
            max_work: Work(1_000_000_000),
            max_inputs: 12,
            rows: 1_000,
            base_model: blob(),
            board: None,
        },
        sealing: Sealing::Open { hold_out: tree() },
        evaluators: Evaluators::Machine,
        award: Award::Rewards { reward: Amount::new(500_000_000_000_000_000), count: 2 },
    }
}

/// A sealed job with a prize, evaluated by miners.
fn sealed_terms() -> Terms {
    let Terms { offer, .. } = terms();
    let board = Board { public_slice: tree(), quota: 3, ladder_step: Score(10_000) };
    Terms {
        title: title("digits"),
        asset: Asset::Erc20(TOKEN),
        offer: Offer { board: Some(board), ..offer },
        sealing: Sealing::Sealed {
            hold_out: sealed(),
            reveal_seconds: 3_600,
            sponsor_bond: Amount::new(250),
        },
        evaluators: Evaluators::Miners(MinerTerms {
            seats: 7,
            bond: Amount::new(60),
            pool: Amount::new(200),
            buy_in: Amount::new(100),
            attest_seconds: 7_200,
            sample_rows: 64,
        }),
        award: Award::Prize {
            prize: Amount::new(1_000),
            significance: Score(50_000),
            unmet: Unmet::Share,
        },
        ..terms()
    }
}

/// Every number at its maximum, and a title without padding.
fn extreme_terms() -> Terms {
    let (score, amount) = (Score(u32::MAX), Amount(U256::MAX));
    let commitment = Digest([0xff; 32]);
    Terms {
        title: title("äöü without a byte of padding"),
        asset: Asset::Erc20(Address([0xff; 20])),
        close: Timestamp(u64::MAX),
        places: u32::MAX,
        offer: Offer {
            metric: Metric::LogLoss,
            output: Output::Logits,
            min_score: score,
            min_gain: score,
            threshold: Threshold { metric: Metric::Brier, min_score: score },
            max_model_bytes: u64::MAX,
            max_work: Work(u64::MAX),
            max_inputs: u32::MAX,
            rows: u32::MAX,
            base_model: largest(),
            board: Some(Board { public_slice: largest(), quota: u32::MAX, ladder_step: score }),
        },
        sealing: Sealing::Sealed {
            hold_out: SealedBlob { commitment, ciphertext: largest() },
            reveal_seconds: u32::MAX,
            sponsor_bond: amount,
        },
        evaluators: Evaluators::Miners(MinerTerms {
            seats: u32::MAX,
            bond: amount,
            pool: amount,
            buy_in: amount,
            attest_seconds: u32::MAX,
            sample_rows: u32::MAX,
        }),
        award: Award::Rewards { reward: amount, count: u32::MAX },
    }
}

/// Terms that cover every variant of each choice, each metric and each output.
pub(crate) fn all_terms() -> Vec<Terms> {
    let metrics = Metric::ALL.into_iter().map(|metric| {
        let base = terms();
        Terms { offer: Offer { metric, ..base.offer }, ..base }
    });
    let outputs = Output::ALL.into_iter().skip(1).map(|output| {
        let base = terms();
        Terms { offer: Offer { output, ..base.offer }, ..base }
    });
    let returned =
        Award::Prize { prize: Amount::new(1), significance: Score(1), unmet: Unmet::Return };
    let mixed = Terms { award: terms().award, ..sealed_terms() };
    let prize = Terms { award: returned, ..terms() };
    metrics.chain(outputs).chain([sealed_terms(), extreme_terms(), mixed, prize]).collect()
}

fn sealed() -> SealedBlob {
    SealedBlob { commitment: Digest::of(b"commitment"), ciphertext: tree() }
}

fn attestation() -> Attestation {
    let (score, threshold_score) = (Score(972_027), Score(943_396));
    Attestation { score, threshold_score, results: Digest::of(b"rows") }
}

fn open_job(terms: &Terms) -> Command {
    scenarios::open_job(&context(ALICE), SALT, terms).1
}

fn publish(slot: Slot, encoding: Encoding, data: &[u8]) -> Command {
    publish_chunk(JOB, slot, Chunk { offset: 65_024, encoding, data: data.to_vec() })
}

fn evaluate(target: Target) -> Command {
    let (work, max_surcharge) = (Work(250_000_000), Amount::new(77));
    Command::Evaluate { job: JOB, target, from: 512, work, max_surcharge }
}

fn send_message(bytes: usize) -> Command {
    let ciphertext = Ciphertext(vec![0xa5; bytes]);
    Command::SendMessage { job: JOB, submission: 3, sequence: 7, ciphertext }
}

pub(crate) fn commands() -> Vec<Command> {
    let (job, key, salt) = (JOB, KEY, SALT);
    let attestations = vec![attestation(), Attestation::UNFIT];
    let none = Vec::new();
    let results = vec![0xa5; 33];
    let targets = [Target::Base, Target::BaseOnHoldOut, Target::Submission(3), Target::Shown(4)];
    let slots = Slot::ALL.map(|slot| publish(slot, Encoding::Plain, &[0x5a; 32]));
    let others = [
        Command::CancelJob { job },
        publish(Slot::HoldOut, Encoding::Plain, b""),
        publish(Slot::Submission, Encoding::Deflate, &[0xa5; 33]),
        publish(Slot::Submission, Encoding::Delta, &[0xd5; 34]),
        Command::Submit { job, model: SubmittedModel::Open { model: blob(), data: tree() } },
        Command::Submit { job, model: SubmittedModel::Sealed(sealed()) },
        Command::Show { job, model: blob() },
        Command::Enlist { job },
        Command::Reveal { job, key, salt, plaintext: blob() },
        Command::Attest { job, page: 1, commitment: Digest::of(b"commitment") },
        Command::RevealAttestation { job, page: 1, attestations, results: Vec::new(), salt },
        Command::RevealAttestation { job, page: 0, attestations: none, results, salt },
        Command::Settle { job },
        Command::PublishMessageKey { key },
        send_message(0),
        send_message(33),
        Command::Withdraw { asset: Asset::Ether, amount: Amount(U256::MAX) },
        Command::Withdraw { asset: Asset::Erc20(TOKEN), amount: Amount::new(0) },
    ];
    let opened = all_terms();
    let opened = opened.iter().map(open_job);
    opened.chain(slots).chain(targets.map(evaluate)).chain(others).collect()
}

fn decision() -> Decision {
    Decision {
        outcome: Outcome::Won,
        winner: Some(3),
        prize: Amount::new(1_000),
        shared: Amount::new(1),
        revealed: 4,
        fees: Amount::new(600),
        forfeits: Amount::new(120),
        right_seats: 5,
        sponsor_loses: Amount::new(250),
    }
}

const SCORES: Scores = Scores { score: Score(972_027), threshold_score: Score(943_396) };

fn events_of_submissions() -> Vec<Event> {
    let (job, submission, client, model) = (JOB, 3, BOB, blob().digest);
    let stake =
        SubmissionStake { work: Amount::new(5), bond: Amount::new(6), buy_in: Amount::new(7) };
    let (minimum, found) = (Score(5_000), SCORES.score);
    let small = ModelRefusal::GainTooSmall { base: SCORES.score, minimum, found };
    let unfit = EvaluationError { fault: Fault::UnknownOperator, node: Some(12) };
    let unfit = ModelRefusal::EvaluationError { unfit };
    let not_better = ModelRefusal::NotBetter { shown: Score(900_000), step: Score(10_000) };
    let decided = |verdict: Verdict| {
        let verdict = verdict.into();
        Event::SubmissionDecided { job, submission, client, model, verdict }
    };
    let submitted = |model| Event::Submitted { job, submission, client, model, stake };
    let evaluated = |score, reason| {
        let board = BoardMove { score, reason };
        Event::ShowEvaluated { job, submission, model, board }
    };
    vec![
        submitted(SubmittedModel::Open { model: blob(), data: tree() }),
        submitted(SubmittedModel::Sealed(sealed())),
        Event::ModelShown { job, submission, client, model: blob(), stake: Amount::new(8) },
        evaluated(Some(Score(950_000)), None),
        evaluated(None, Some(not_better)),
        Event::ModelRevealed {
            job,
            submission,
            client,
            position: 129,
            model: blob(),
            key: Digest(KEY),
        },
        Event::ModelEvaluated { job, submission, model, attestation: attestation(), agreed: 5 },
        decided(Verdict::Accepted(SCORES)),
        decided(Verdict::Refused { scores: Some(SCORES), reason: small }),
        decided(Verdict::Refused { scores: None, reason: unfit }),
    ]
}

fn events_of_jobs() -> Vec<Event> {
    let (job, sponsor, miner, key) = (JOB, ALICE, ALICE, Digest(KEY));
    let [award, pool, bond, work, rent] = [1, 2, 3, 4, 5].map(Amount::new);
    let stake = SponsorStake { award, pool, bond, work, rent };
    let opened = all_terms().into_iter().zip(0..).map(|(terms, number)| Event::JobOpened {
        job,
        number,
        sponsor,
        salt: SALT,
        terms: Box::new(terms),
        stake,
    });
    let stored = Slot::ALL.map(|slot| Event::BlobStored {
        job,
        slot,
        digest: blob().digest,
        size: blob().size,
        publisher: ALICE,
    });
    let seed = Digest::of(b"seed");
    let unfit = EvaluationError { fault: Fault::BadShape, node: None };
    let others = [
        Event::JobReady { job, base: SCORES },
        Event::Enlisted { job, miner },
        Event::SeatsDrawn { job, seed, miners: vec![ALICE, BOB] },
        Event::SeatsDrawn { job, seed, miners: Vec::new() },
        Event::HoldOutRevealed { job, hold_out: tree(), key },
        Event::HoldOutReady { job, base: SCORES },
        Event::Attested { job, page: 1, miner, commitment: Digest::of(b"commitment") },
        Event::AttestationRevealed { job, page: 1, miner },
        Event::Compared {
            job,
            best: 3,
            other: 1,
            best_better: 17,
            other_better: 4,
            separated: true,
        },
        Event::JobEnded { job, payouts: 1, winner: Some(3), reason: None },
        Event::JobEnded {
            job,
            payouts: 0,
            winner: None,
            reason: Some(ModelRefusal::EvaluationError { unfit }),
        },
    ];
    opened.chain(stored).chain(others).collect()
}

fn events_of_messages() -> Vec<Event> {
    let (job, submission, from, to) = (JOB, 3, BOB, ALICE);
    let ciphertext = Ciphertext((0..304).map(|byte: u32| byte.to_be_bytes()[3]).collect());
    vec![
        Event::MessageKeyPublished { account: BOB, key: KEY },
        Event::MessageSent { job, submission, from, to, sequence: 7, ciphertext },
    ]
}

fn events_of_money() -> Vec<Event> {
    let (job, to, amount) = (JOB, BOB, Amount::new(144));
    let paid = Share::ALL.map(|share| Event::Paid { job, to, share, amount, voucher: true });
    let offences = [Offence::Silent, Offence::Wrong, Offence::NotDelivered, Offence::NotRevealed];
    let forfeited = offences.map(|offence| {
        let (account, bond) = (ALICE, Amount::new(60));
        Event::Forfeited { job, account, bond, offence }
    });
    let decided = Outcome::ALL.map(|outcome| {
        let winner = (outcome == Outcome::Won).then_some(3);
        Event::JobDecided { job, decision: Box::new(Decision { outcome, winner, ..decision() }) }
    });
    let work = [Target::BaseOnHoldOut, Target::Submission(3)].map(|target| Event::WorkPaid {
        job,
        target,
        step: 700,
        worker: ALICE,
        earned: Amount::new(80),
        operator: Amount::new(20),
        surcharge: Amount::new(9),
    });
    let returned = [Asset::Ether, Asset::Erc20(TOKEN)].map(|asset| Event::Returned {
        account: BOB,
        asset,
        amount,
    });
    let free = Event::Paid { job, to, share: Share::Stake, amount, voucher: false };
    let mut events = vec![free];
    events.extend(paid);
    events.extend(forfeited);
    events.extend(decided);
    events.extend(work);
    events.extend(returned);
    events
}

pub(crate) fn effects() -> Vec<Effect> {
    let amount = Amount::new(1_000_000_000_000_000_000);
    let pay = |asset| Effect::Pay { to: BOB, asset, amount };
    let (model, scores, hold_out) = (blob(), SCORES, tree());
    let record = Effect::Record { job: JOB, sponsor: ALICE, model, scores, hold_out };
    let vouchers = [pay(Asset::Ether), pay(Asset::Erc20(TOKEN)), record];
    let events =
        [events_of_jobs(), events_of_submissions(), events_of_messages(), events_of_money()]
            .concat();
    events.into_iter().map(Effect::Event).chain(vouchers).collect()
}

/// Calldata that is not the canonical encoding of a command.
pub(crate) struct Damaged {
    pub(crate) calldata: Vec<u8>,
    pub(crate) refused: InputRefused,
    /// Whether it breaks a rule that Solidity's types cannot express.
    pub(crate) beyond_types: bool,
}

/// Calldata that ABI decoders often accept, and the reason for refusing it.
pub(crate) fn refused() -> Vec<Damaged> {
    let damaged =
        |beyond_types| move |(calldata, refused)| Damaged { calldata, refused, beyond_types };
    let by_types = refused_by_types().into_iter().map(damaged(false));
    by_types.chain(refused_by_rules().into_iter().map(damaged(true))).collect()
}

/// The calldata with one byte of word `n` of the arguments changed.
fn with(calldata: &[u8], word: usize, byte: usize, value: u8) -> Vec<u8> {
    let mut calldata = calldata.to_vec();
    calldata[4 + 32 * word + byte] = value;
    calldata
}

fn refused_by_types() -> Vec<(Vec<u8>, InputRefused)> {
    use InputRefused::{
        Malformed, NoSelector, NotCanonical, OutOfRange, UnknownCode, UnknownSelector,
    };
    let settle = encode_command(&Command::Settle { job: JOB });
    let open = encode_command(&open_job(&terms()));
    let withdraw =
        encode_command(&Command::Withdraw { asset: Asset::Erc20(TOKEN), amount: Amount::new(0) });
    let publish = encode_command(&publish(Slot::Submission, Encoding::Deflate, &[0xa5; 33]));
    let evaluate = encode_command(&evaluate(Target::Submission(3)));
    let longer = |calldata: &[u8], bytes: &[u8]| [calldata, bytes].concat();
    // The data's offset moved by one word, with a gap before the data.
    let mut gap = with(&publish, 4, 31, 0xc0);
    gap.splice(4 + 32 * 5..4 + 32 * 5, [0; 32]);
    let selector = Selector([0xde, 0xad, 0xbe, 0xef]);
    vec![
        (vec![], NoSelector { found: 0 }),
        (settle[..3].to_vec(), NoSelector { found: 3 }),
        (longer(&selector.0, &settle[4..]), UnknownSelector { selector }),
        (settle[..4].to_vec(), Malformed { function: "settle" }),
        (settle[..35].to_vec(), Malformed { function: "settle" }),
        (longer(&settle, &[0]), NotCanonical { function: "settle" }),
        (longer(&settle, &[0; 32]), NotCanonical { function: "settle" }),
        (with(&withdraw, 0, 11, 1), NotCanonical { function: "withdraw" }),
        (with(&open, 2, 0, 1), NotCanonical { function: "openJob" }),
        (with(&open, 3, 23, 1), OutOfRange { field: "close" }),
        (with(&open, 5, 31, 15), UnknownCode { field: "metric", code: 15 }),
        (with(&open, 5, 30, 1), OutOfRange { field: "metric" }),
        (with(&open, 6, 31, 5), UnknownCode { field: "output", code: 5 }),
        (with(&open, 9, 31, 15), UnknownCode { field: "metric", code: 15 }),
        (with(&open, 18, 31, 2), NotCanonical { function: "openJob" }),
        (with(&open, 42, 31, 2), UnknownCode { field: "unmet", code: 2 }),
        (with(&evaluate, 1, 31, 4), UnknownCode { field: "target", code: 4 }),
        (with(&evaluate, 3, 27, 1), OutOfRange { field: "from" }),
        (with(&publish, 1, 31, 5), UnknownCode { field: "slot", code: 5 }),
        (with(&publish, 3, 31, 3), UnknownCode { field: "encoding", code: 3 }),
        (with(&publish, 4, 31, 0xbf), Malformed { function: "publish" }),
        (with(&publish, 4, 31, 0x60), NotCanonical { function: "publish" }),
        (with(&publish, 4, 0, 0x80), Malformed { function: "publish" }),
        (with(&publish, 5, 28, 0xff), Malformed { function: "publish" }),
        (with(&publish, 7, 1, 1), NotCanonical { function: "publish" }),
        (publish[..publish.len() - 1].to_vec(), NotCanonical { function: "publish" }),
        (longer(&publish, &[0; 32]), NotCanonical { function: "publish" }),
        (gap, NotCanonical { function: "publish" }),
    ]
}

fn refused_by_rules() -> Vec<(Vec<u8>, InputRefused)> {
    use InputRefused::{NotCanonical, TitleNotText, UnknownLeafSize};
    let open = encode_command(&open_job(&terms()));
    let sealed = encode_command(&open_job(&sealed_terms()));
    let base = encode_command(&evaluate(Target::Base));
    let unused = NotCanonical { function: "openJob" };
    vec![
        (with(&open, 1, 0, 0xff), TitleNotText {}),
        (with(&open, 1, 0, 0x1b), TitleNotText {}),
        (with(&open, 1, 31, b'!'), TitleNotText {}),
        (with(&open, 17, 31, 1), UnknownLeafSize { leaf_size: 262_145 }),
        // Fields of a missing board, of sealing, of miners, and of a prize.
        (with(&open, 19, 31, 1), unused),
        (with(&open, 22, 31, 1), unused),
        (with(&open, 28, 31, 1), unused),
        (with(&open, 30, 31, 1), unused),
        (with(&open, 32, 31, 1), unused),
        (with(&open, 41, 31, 1), unused),
        (with(&open, 42, 31, 1), unused),
        // The number of models of a prize, and the submission of a base model.
        (with(&sealed, 40, 31, 1), unused),
        (with(&base, 2, 31, 1), NotCanonical { function: "evaluate" }),
    ]
}
