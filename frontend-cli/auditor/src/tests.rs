//! The auditor's models beside the real application, in one process: an honest history holds, each
//! tampered item is found, and no finding hides another.

use std::fs;
use std::path::Path;

use alloy::primitives::{B256, Bytes};
use application::{Completion, InputStatus};
use blobs::{Digest, Profile, blob_ref};
use client::chain::{Advance, Output};
use client::convert::{context, to_ethereum};
use client::payment::Payment;
use eval::{Dataset, Evaluator};
use market::{
    Address, Amount, Asset, Attestation, Award, Blob, Command, Evaluation, Evaluators, JobId,
    Judge, Metric, MetricAccumulator, MinerTerms, Offer, Results, Score, SealedBlob, Sealing,
    Share, Slot, SubmittedModel, Target, Terms, Timestamp, Work,
};
use rollup::App;
use scenarios::{
    APP, CHAIN, ETHER, attest, board, competition, evaluate, file, miners, offer, open_job,
    publish_all, reveal, seal, submit,
};
use wire::{Genesis, Notice, encode_command, encode_ether_deposit};

use super::blobs::BlobTracker;
use super::decoded::DecodedInput;
use super::divergence::{Divergence, DivergenceKind};
use super::evaluation::{CheckOutcome, OutputLocation};
use super::ledger::LedgerModel;
use super::rulings::Rulings;

const SPONSOR: Address = Address([1; 20]);
const ADA: Address = Address([2; 20]);
const BEN: Address = Address([3; 20]);
const MINERS: [Address; 2] = [Address([4; 20]), Address([5; 20])];
const HOUR: u64 = 3_600;

/// Changes the outputs of an input.
type Change = fn(u64, &mut Vec<Bytes>);

/// An application and the auditor's models of it.
struct Play {
    app: App<Evaluator>,
    genesis: Genesis,
    ledger: LedgerModel,
    blobs: BlobTracker,
    rulings: Rulings,
    evaluator: Evaluator,
    change: Change,
    index: u64,
    now: u64,
    wrongs: Vec<Divergence>,
    notes: Vec<String>,
    notices: Vec<Notice>,
}

impl Play {
    fn new(change: Change) -> Self {
        let mut genesis = Genesis::default();
        genesis.settings.operator = Address([7; 20]);
        Self {
            app: App::new(genesis.clone(), Vec::new(), Evaluator::new()),
            ledger: LedgerModel::new(genesis.settings.clone()),
            blobs: BlobTracker::new(Vec::new()),
            rulings: Rulings::new(genesis.registry),
            genesis,
            evaluator: Evaluator::new(),
            change,
            index: 0,
            now: 1_800_000_000,
            wrongs: Vec::new(),
            notes: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Applies an input to the application, and its outputs, possibly tampered, to the models.
    fn input(&mut self, sender: Address, payload: Vec<u8>) {
        self.now += 12;
        let advance = Advance {
            chain_id: CHAIN,
            app_contract: to_ethereum(APP),
            msg_sender: to_ethereum(sender),
            block_number: self.index,
            block_timestamp: self.now,
            prev_randao: B256::repeat_byte(5),
            index: self.index,
            payload: payload.clone().into(),
        };
        let answer = self.app.advance(&rollup::Advance { context: context(&advance), payload });
        let mut outputs: Vec<Bytes> =
            answer.outputs.iter().map(|output| output.encode().into()).collect();
        (self.change)(self.index, &mut outputs);
        let reports = answer.reports.into_iter().map(Into::into).collect();
        let led_to = Completion { status: InputStatus::Accepted, outputs, reports };
        let decoded = DecodedInput::read(&self.genesis, &advance, &led_to).unwrap();
        self.notices.extend(decoded.notices().map(|(_, notice)| notice.clone()));
        let (_, mut wrongs) = self.ledger.take(&decoded);
        for (output, task) in self.blobs.take(&decoded) {
            let (input, transaction) = (self.index, B256::ZERO);
            let location = OutputLocation { input, output, transaction, is_judged: true };
            match task.check(&mut self.evaluator, location) {
                CheckOutcome::Holds(Some((job, number, results))) => {
                    self.rulings.file(job, number, results);
                }
                CheckOutcome::Wrong(wrong, told) => {
                    told.iter().for_each(|told| self.rulings.dispute(told.job));
                    self.wrongs.push(*wrong);
                }
                CheckOutcome::AttestedOtherwise(words) => self.notes.push(words),
                CheckOutcome::Holds(None) | CheckOutcome::NotJudged => {}
            }
        }
        wrongs.extend(self.rulings.take(&decoded));
        let totals = self.app.market().ledger().solvency().collect();
        wrongs.extend(self.ledger.compare(&totals));
        let at = |wrong: Divergence| wrong.at(self.index, B256::ZERO);
        self.wrongs.extend(wrongs.into_iter().map(at));
        self.index += 1;
    }

    fn command(&mut self, sender: Address, command: &Command) {
        self.input(sender, encode_command(command));
    }

    fn ride(&mut self, sender: Address, amount: u128, command: &Command) {
        let payload = encode_ether_deposit(sender, Amount::new(amount), &encode_command(command));
        self.input(self.genesis.ether_portal, payload);
    }

    fn publish(&mut self, sender: Address, job: JobId, slot: Slot, bytes: &[u8]) {
        for chunk in publish_all(job, slot, bytes) {
            self.command(sender, &chunk);
        }
    }

    /// Opens a job and publishes the blobs of its own, so that it takes submissions.
    fn open(&mut self, salt: u8, terms: &Terms, own: &[(Slot, &[u8])]) -> JobId {
        let (job, opening) = open_job(&scenarios::context(SPONSOR), [salt; 32], terms);
        self.ride(SPONSOR, 20 * ETHER, &opening);
        for (slot, bytes) in own {
            self.publish(SPONSOR, job, *slot, bytes);
        }
        job
    }

    fn submit(&mut self, client: Address, job: JobId, model: &[u8]) {
        self.ride(client, ETHER, &submit(job, model));
        self.publish(client, job, Slot::Submission, model);
    }

    fn wait(&mut self, seconds: u64) {
        self.now += seconds;
    }

    /// Settles a job, which must end.
    fn settle(&mut self, job: JobId) {
        for _ in 0..20 {
            self.command(BEN, &Command::Settle { job });
        }
        let ended = self.notices.iter().filter_map(|notice| match notice {
            Notice::JobEnded { job, .. } => Some(*job),
            _ => None,
        });
        assert!(ended.into_iter().any(|ended| ended == job), "{:#?}", self.notices);
    }

    fn paid(&self, to: Address, share: Share) -> bool {
        self.notices.iter().any(|notice| {
            matches!(notice, Notice::Paid { to: whom, share: what, .. }
                if (*whom, *what) == (to, share))
        })
    }
}

fn read(name: &str) -> Vec<u8> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    fs::read(fixtures.join(name)).unwrap()
}

fn rows(dataset: &[u8]) -> u32 {
    Dataset::from_safetensors(dataset).unwrap().rows().try_into().unwrap()
}

fn base() -> Vec<u8> {
    read("health/sklearn-base.onnx")
}

fn trained() -> Vec<u8> {
    read("health/sklearn-trained.onnx")
}

fn hold_out() -> Vec<u8> {
    read("health/holdout.safetensors")
}

/// Two rewards of an ether each.
fn bounty(close: u64, profile: Profile) -> Terms {
    Terms {
        close: Timestamp(close),
        places: 10,
        offer: Offer {
            max_work: Work(400_000_000),
            rows: rows(&hold_out()),
            base_model: blob_ref(&base(), profile),
            ..offer()
        },
        sealing: Sealing::Open { hold_out: blob_ref(&hold_out(), profile) },
        award: Award::Rewards { reward: Amount::new(ETHER), count: 2 },
        ..scenarios::bounty()
    }
}

/// A job with two rewards, of which one is paid; `own` holds its files.
fn play_bounty(play: &mut Play, salt: u8, profile: Profile) -> JobId {
    let terms = bounty(play.now + HOUR, profile);
    let files = (base(), hold_out());
    let own: [(Slot, &[u8]); 2] = [(Slot::BaseModel, &files.0), (Slot::HoldOut, &files.1)];
    let job = play.open(salt, &terms, &own);
    play.submit(ADA, job, &trained());
    job
}

fn holds(play: &Play) {
    assert_eq!(play.wrongs, [], "{:#?}", play.notices);
}

#[test]
fn an_honest_bounty_holds() {
    let mut play = Play::new(|_, _| {});
    let job = play_bounty(&mut play, 1, Profile::Kubo);
    assert!(play.paid(ADA, Share::Reward), "{:#?}", play.notices);
    // A worse model, one that never arrives, and a deposit that is withdrawn.
    play.submit(BEN, job, &read("health/torch-base.onnx"));
    play.input(play.genesis.ether_portal, encode_ether_deposit(BEN, Amount::new(1), &[]));
    let token = wire::encode_erc20_deposit(Address([8; 20]), BEN, Amount::new(5), &[]);
    play.input(play.genesis.erc20_portal, token);
    let (asset, amount) = (Asset::Ether, Amount::new(ETHER / 2));
    play.command(BEN, &Command::Withdraw { asset, amount });
    play.wait(3 * HOUR);
    play.settle(job);
    holds(&play);
}

#[test]
fn audit_is_not_blinded_by_jobs_that_name_the_same_bytes() {
    let mut play = Play::new(|_, _| {});
    let files = (base(), hold_out());
    let own: [(Slot, &[u8]); 2] = [(Slot::BaseModel, &files.0), (Slot::HoldOut, &files.1)];
    let terms = bounty(play.now + HOUR, Profile::Kubo);
    let victim = play.open(1, &terms, &own);
    // The victim's blobs with another leaf size, in a job that is cancelled.
    let terms = bounty(play.now + HOUR, Profile::UnixfsV1);
    let attack = play.open(2, &terms, &[]);
    play.command(SPONSOR, &Command::CancelJob { job: attack });
    // The same model from the same account in two jobs, one of which ends first.
    let terms = bounty(play.now + HOUR, Profile::Kubo);
    let other = play.open(3, &terms, &own);
    play.submit(ADA, other, &trained());
    play.submit(ADA, victim, &trained());
    play.submit(BEN, victim, &read("health/torch-trained.onnx"));
    play.wait(3 * HOUR);
    [other, victim].into_iter().for_each(|job| play.settle(job));
    let rewards = play
        .notices
        .iter()
        .filter(|notice| matches!(notice, Notice::Paid { share: Share::Reward, .. }));
    assert_eq!(rewards.count(), 3, "{:#?}", play.notices);
    holds(&play);
}

/// Replaces the notices of one kind.
fn forge(outputs: &mut [Bytes], forge: impl Fn(&mut Notice)) {
    for output in outputs {
        let Some(Output::Notice { payload }) = Output::decode(output) else { continue };
        let mut notice = wire::decode_notice(&payload).unwrap();
        forge(&mut notice);
        *output = Output::Notice { payload: wire::encode_notice(&notice).into() }.encode();
    }
}

/// Sends every payment of more than a tenth of an ether to someone else.
fn redirect(outputs: &mut [Bytes]) {
    for output in outputs {
        let decoded = Output::decode(output).unwrap();
        let payment = Payment::of(&decoded);
        if payment.is_some_and(|payment| payment.amount > Amount::new(ETHER / 10)) {
            let Output::Voucher { value, payload, .. } = decoded else { continue };
            let destination = to_ethereum(BEN);
            *output = Output::Voucher { destination, value, payload }.encode();
        }
    }
}

fn accept_less(notice: &mut Notice) {
    if let Notice::SubmissionDecided { verdict, .. } = notice
        && let Some(scores) = &mut verdict.scores
    {
        scores.score.0 -= 1;
    }
}

#[test]
fn what_is_changed_is_found_and_named() {
    let cases: [(&str, DivergenceKind, Change); 7] = [
        ("a reward to another", DivergenceKind::Payout, |_, outputs| redirect(outputs)),
        ("another score", DivergenceKind::Score, |_, outputs| forge(outputs, accept_less)),
        ("a payment that is left out", DivergenceKind::Payout, |_, outputs| {
            outputs.retain(|output| Payment::of(&Output::decode(output).unwrap()).is_none());
        }),
        ("another stake", DivergenceKind::Payout, |_, outputs| {
            forge(outputs, |notice| {
                if let Notice::Submitted { stake, .. } = notice {
                    stake.bond = Amount::new(1);
                }
            });
        }),
        ("another share", DivergenceKind::Payout, |_, outputs| {
            forge(outputs, |notice| {
                if let Notice::Paid { share: Share::Reward, to, .. } = notice {
                    *to = BEN;
                }
            });
        }),
        ("refused though it is good", DivergenceKind::Ruling, |_, outputs| {
            forge(outputs, |notice| {
                if let Notice::SubmissionDecided { verdict, .. } = notice {
                    verdict.accepted = false;
                    verdict.reason = "ScoreTooLow: so it is said".to_owned();
                }
            });
        }),
        ("another name", DivergenceKind::Payout, |_, outputs| {
            forge(outputs, |notice| {
                if let Notice::JobOpened { salt, .. } = notice {
                    salt[0] ^= 1;
                }
            });
        }),
    ];
    for (name, kind, change) in cases {
        let mut play = Play::new(change);
        play_bounty(&mut play, 1, Profile::Kubo);
        let kinds: Vec<DivergenceKind> = play.wrongs.iter().map(|wrong| wrong.kind).collect();
        assert!(kinds.contains(&kind), "{name}: {:#?}", play.wrongs);
    }
}

#[test]
fn audit_is_not_blinded_by_what_is_wrong_first() {
    // The first job's reward goes to someone else, and the second job's score is changed.
    let mut play = Play::new(|index, outputs| match index {
        0..5 => redirect(outputs),
        5..10 => forge(outputs, accept_less),
        _ => {}
    });
    let first = play_bounty(&mut play, 1, Profile::Kubo);
    assert_eq!(play.index, 5);
    let second = play_bounty(&mut play, 2, Profile::Kubo);
    let third = play_bounty(&mut play, 3, Profile::Kubo);
    play.wait(3 * HOUR);
    [first, second, third].into_iter().for_each(|job| play.settle(job));
    let found: Vec<_> = play.wrongs.iter().map(|wrong| (wrong.input, wrong.kind)).collect();
    let [pay, score] = [(Some(4), DivergenceKind::Payout), (Some(9), DivergenceKind::Score)];
    assert!(found.contains(&pay) && found.contains(&score), "{:#?}", play.wrongs);
    // Nothing else is reported as wrong, though all that follows differs from the replay.
    assert!(found.iter().all(|(input, _)| [Some(4), Some(9)].contains(input)), "{found:?}");
}

/// A sealed job with a prize, and two seats.
fn contest(close: u64, sample_rows: u32, sealed_hold_out: SealedBlob) -> Terms {
    let board = Some(board(&read("health/client-b.safetensors")));
    Terms {
        close: Timestamp(close),
        places: 2,
        offer: Offer { board, ..bounty(close, Profile::Kubo).offer },
        evaluators: Evaluators::Miners(MinerTerms { sample_rows, ..miners() }),
        ..competition(sealed_hold_out)
    }
}

/// An honest miner's attestation of a model.
fn honest(model: &[u8]) -> (Attestation, Results) {
    let hold_out = hold_out();
    let blob = |bytes| Blob { cid: file(bytes).cid(), bytes };
    let (model, hold_out) = (blob(model), blob(&hold_out));
    let evaluation = Evaluation { model, hold_out, measure: Metric::Accuracy.into(), rows: None };
    let mut evaluator = Evaluator::new();
    let classes = evaluator.quote(&evaluation).unwrap().classes;
    let mut accumulator = MetricAccumulator::with_results(classes, Metric::Accuracy);
    evaluator.answer(&evaluation, &mut accumulator, Work(u64::MAX)).unwrap();
    let scores = accumulator.scores(Metric::Accuracy.into());
    let results = accumulator.into_results().unwrap();
    (Attestation::new(scores, &results), results)
}

/// Runs a contest of two entrants whose models get these attestations from the seats.
fn play_contest(
    play: &mut Play,
    sample_rows: u32,
    says: impl Fn(usize, &[u8]) -> (Attestation, Vec<u8>),
) -> JobId {
    let context = scenarios::context;
    let secret = seal(&context(SPONSOR), [1; 32], &hold_out());
    let terms = contest(play.now + HOUR, sample_rows, secret.sealed);
    let (base, slice) = (base(), read("health/client-b.safetensors"));
    let own: [(Slot, &[u8]); 3] = [
        (Slot::BaseModel, &base),
        (Slot::PublicSlice, &slice),
        (Slot::HoldOut, &secret.ciphertext),
    ];
    let job = play.open(1, &terms, &own);
    let models = [trained(), read("health/torch-trained.onnx")];
    let mut openings = vec![(SPONSOR, secret.opening)];
    for (client, model) in [ADA, BEN].into_iter().zip(&models) {
        let secret = seal(&context(client), job.0, model);
        let model = SubmittedModel::Sealed(secret.sealed);
        play.ride(client, ETHER, &Command::Submit { job, model });
        play.publish(client, job, Slot::Submission, &secret.ciphertext);
        openings.push((client, secret.opening));
    }
    for miner in MINERS {
        play.ride(miner, ETHER, &Command::Enlist { job });
    }
    play.wait(HOUR);
    for (sender, opening) in openings {
        play.command(sender, &reveal(job, opening));
    }
    play.wait(2 * HOUR);
    play.command(BEN, &Command::Settle { job });
    // One page for both models, or one each if the machine only samples, the base model first.
    let pages: Vec<Vec<&[u8]>> = match sample_rows {
        0 => vec![models.iter().map(Vec::as_slice).collect()],
        _ => [&base].into_iter().chain(&models).map(|model| vec![model.as_slice()]).collect(),
    };
    for is_revealing in [false, true] {
        for (seat, miner) in MINERS.into_iter().enumerate() {
            for (page, models) in (0..).zip(&pages) {
                let said: Vec<_> = models.iter().map(|model| says(seat, model)).collect();
                let attestations = said.iter().map(|said| said.0).collect();
                let results = if sample_rows > 0 { said[0].1.clone() } else { Vec::new() };
                let sent = attest(&context(miner), job, page, attestations, results);
                play.command(miner, &sent[usize::from(is_revealing)]);
            }
        }
        play.wait(HOUR);
    }
    play.command(BEN, &Command::Settle { job });
    for target in [Target::BaseOnHoldOut, Target::Submission(0), Target::Submission(1)] {
        play.command(BEN, &evaluate(job, target, 0, Amount::ZERO));
    }
    play.settle(job);
    job
}

#[test]
fn an_honest_contest_holds_whatever_its_seats_say() {
    let mut play = Play::new(|_, _| {});
    // One of the seats lies about everything.
    play_contest(&mut play, 0, |seat, model| match seat {
        0 => (honest(model).0, Vec::new()),
        _ => (Attestation { results: Digest([1; 32]), ..honest(model).0 }, Vec::new()),
    });
    assert!(play.paid(MINERS[0], Share::Mining) && !play.paid(MINERS[1], Share::Mining));
    assert!(play.paid(ADA, Share::Reward) || play.paid(BEN, Share::Reward));
    holds(&play);
}

#[test]
fn audit_is_not_blinded_by_what_seats_alone_agreed_on() {
    let mut play = Play::new(|_, _| {});
    // Both seats credit models with one row too many; the machine checks one row.
    play_contest(&mut play, 1, |_, model| {
        let (_, results) = honest(model);
        let mut bytes = results.to_bytes();
        let wrong = bytes.iter().position(|byte| *byte != 0xff).unwrap();
        bytes[wrong] |= bytes[wrong] + 1;
        let made_up = Results::from_bytes(Metric::Accuracy, results.rows(), &bytes).unwrap();
        let score = made_up.score(Metric::Accuracy).unwrap();
        let (threshold_score, results) = (Score(0), made_up.digest());
        (Attestation { score, threshold_score, results }, bytes)
    });
    assert!(play.paid(MINERS[0], Share::Mining), "{:#?}", play.notices);
    assert_eq!(play.notes.len(), 3, "{:#?}", play.notes);
    assert!(play.notes.iter().all(|note| note.contains("the miners say")), "{:#?}", play.notes);
    holds(&play);
}

#[test]
fn prizes_and_seats_that_are_changed_are_found() {
    let cases: [(&str, Change); 3] = [
        ("another winner", |_, outputs| {
            forge(outputs, |notice| {
                if let Notice::JobDecided { decision, .. } = notice {
                    decision.winner = decision.winner.map(|winner| 1 - winner);
                }
            });
        }),
        ("another draw", |_, outputs| {
            forge(outputs, |notice| {
                if let Notice::SeatsDrawn { miners, .. } = notice {
                    miners.pop();
                }
            });
        }),
        ("more seats that agree", |_, outputs| {
            forge(outputs, |notice| {
                if let Notice::ModelEvaluated { agreed, .. } = notice {
                    *agreed += 1;
                }
            });
        }),
    ];
    for (name, change) in cases {
        let mut play = Play::new(change);
        play_contest(&mut play, 0, |_, model| (honest(model).0, Vec::new()));
        let found = play.wrongs.iter().any(|wrong| wrong.kind == DivergenceKind::Ruling);
        assert!(found, "{name}: {:#?}", play.wrongs);
    }
}
