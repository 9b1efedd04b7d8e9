//! Inspect answers about a competition, read back by the types everybody else uses.

use blobs::{Binding, Digest, Encoding, Opening, seal};
use market::{
    Address, Amount, Asset, Command, CompetitionTerms, Context, JobId, Market, Score, SealedBlob,
    Stage, Tied, Timestamp,
};
use wire::{
    AnyJobView, CompetitionView, EntryStateView, EntryView, ErrorView, Genesis, LeaderboardView,
    MinersView, ModelView, Page, Paging, Query,
};

use crate::{
    answers::{Speller, ask, file},
    sample::{ALICE, BOB, competition_terms},
};

const BASE: &[u8] = b"400";
const SLICE: &[u8] = b"some rows";
const HOLD_OUT: &[u8] = b"other rows";
const MODEL: &[u8] = b"900";
const SKETCH: &[u8] = b"700";
const MINER: Address = Address([0x33; 20]);
const JOB: JobId = JobId(0);
const CLOSE: u64 = 1_800_000_000;

struct Holding {
    market: Market,
    now: u64,
}

impl Holding {
    fn act(&mut self, sender: Address, command: Command) {
        let context = Context { sender, now: Timestamp(self.now), ..Context::default() };
        self.market.apply(&context, command, &mut Speller).unwrap();
    }

    fn publish(&mut self, sender: Address, bytes: &[u8]) {
        let (digest, data) = (file(bytes).digest, bytes.to_vec());
        let (offset, encoding) = (0, Encoding::Plain);
        self.act(sender, Command::Publish { digest, offset, encoding, data });
    }
}

/// What an account commits to, what it publishes, and what opens it.
fn sealed(sender: Address, plain: &[u8]) -> (SealedBlob, Vec<u8>, Opening) {
    let opening = Opening { key: [1; 32], salt: [2; 32], plain: file(plain) };
    let binding = Binding { chain_id: 0, app: [0; 20], job: JOB.0, sender: sender.0 };
    let commitment = opening.commitment(&binding);
    let bytes = seal(&opening.key, commitment, plain);
    (SealedBlob { commitment, ciphertext: file(&bytes) }, bytes, opening)
}

fn terms(hold_out: SealedBlob) -> CompetitionTerms {
    CompetitionTerms {
        asset: Asset::Ether,
        miners: 1,
        min_score: Score(0),
        min_worst_class: Score(0),
        tied: Tied::Equal,
        base_model: file(BASE),
        public_slice: file(SLICE),
        hold_out,
        ..competition_terms()
    }
}

/// A competition that one has entered, with a miner, before its close.
fn open() -> (Holding, [Opening; 2]) {
    let market = Market::new(Genesis::default().settings(), []);
    let mut stage = Holding { market, now: CLOSE - 10 };
    for account in [ALICE, BOB, MINER] {
        stage.market.deposit(account, Asset::Ether, Amount::new(2_000)).unwrap();
    }
    let (hold_out, ciphertext, opening) = sealed(ALICE, HOLD_OUT);
    let terms = Box::new(terms(hold_out));
    stage.act(ALICE, Command::OpenCompetition { job: JOB, terms });
    [BASE, SLICE, &ciphertext].into_iter().for_each(|bytes| stage.publish(ALICE, bytes));
    let (model, ciphertext, of_model) = sealed(BOB, MODEL);
    stage.act(BOB, Command::Enter { job: JOB, model });
    stage.publish(BOB, &ciphertext);
    stage.act(BOB, Command::Show { job: JOB, model: file(SKETCH) });
    stage.publish(BOB, SKETCH);
    stage.act(MINER, Command::Enlist { job: Some(JOB) });
    stage.act(MINER, Command::Enlist { job: None });
    (stage, [opening, of_model])
}

fn view(market: &Market) -> CompetitionView {
    let AnyJobView::Competition(view) = ask(market, Query::Job(JOB)) else { panic!("a bounty") };
    *view
}

#[test]
fn a_competition_is_shown_with_its_windows_and_its_board() {
    let (stage, _) = open();
    let shown = view(&stage.market);
    assert_eq!((shown.stage, shown.stage_deadline), (Stage::Open, Timestamp(CLOSE)));
    assert_eq!((shown.entries, shown.enlisted, shown.seats), (1, 1, None));
    assert_eq!(shown.escrow, Amount::new(1_000 + 200 + 100 + 50 + 60));
    assert_eq!(shown.base.unwrap().score, Score(400_000));
    assert_eq!(shown.windows.reveal_until, Timestamp(CLOSE + 3_600));
    assert_eq!(shown.windows.object_until, Timestamp(CLOSE + 3_600 + 3 * 1_800));
    let all: Page<AnyJobView> = ask(&stage.market, Query::Jobs(Paging::default()));
    assert_eq!(all.items, [AnyJobView::Competition(Box::new(shown))]);
    let places: LeaderboardView = ask(&stage.market, Query::Leaderboard(JOB, Paging::default()));
    let place = places.board.items[0];
    assert_eq!((place.entry, place.entrant, place.score), (0, BOB, Score(700_000)));
    assert_eq!((places.ranking.items.len(), places.winners.len()), (0, 0));
    let listed: Page<String> = ask(&stage.market, Query::Miners(Paging::default()));
    assert_eq!(listed.items, [MINER.to_string()]);
    let error: ErrorView = ask(&stage.market, Query::Models(JobId(3), Paging::default()));
    assert_eq!(error.error, "there is no job 3");
}

#[test]
fn seats_models_and_the_decision_are_shown() {
    let (mut stage, [hold_out, model]) = open();
    stage.now = CLOSE;
    stage.act(MINER, Command::Settle { job: JOB });
    for (sender, Opening { key, salt, plain }) in [(ALICE, hold_out), (BOB, model)] {
        stage.act(sender, Command::Reveal { job: JOB, key, salt, plaintext: plain });
    }
    let shown = view(&stage.market);
    assert_eq!((shown.stage, shown.seats, shown.pages), (Stage::Revealing, Some(1), 1));
    assert_eq!(shown.hold_out_base.unwrap().score, Score(400_000));
    let miners: MinersView = ask(&stage.market, Query::Seats(JOB, Paging::default()));
    assert_eq!((miners.enlisted, miners.seats.items[0].miner), (vec![MINER], MINER));
    let commitment = Digest([7; 32]);
    stage.now = CLOSE + 3_600;
    stage.act(MINER, Command::Attest { job: JOB, page: 0, commitment });
    let miners: MinersView = ask(&stage.market, Query::Seats(JOB, Paging::default()));
    assert_eq!(
        (&miners.seats.items[0].attested[..], miners.seats.items[0].unveiled),
        (&[0][..], 0)
    );

    // The miner stays silent, so that the machine evaluates.
    stage.now = CLOSE + 3_600 + 3 * 1_800;
    stage.act(MINER, Command::Settle { job: JOB });
    let shown = view(&stage.market);
    assert_eq!((shown.stage, shown.escrow), (Stage::Settled, Amount::ZERO));
    let decision = shown.decision.unwrap();
    assert_eq!((decision.winners, decision.prize), (vec![0], Amount::new(1_000 + 60)));
    let entries: Page<EntryView> = ask(&stage.market, Query::Submissions(JOB, Paging::default()));
    let [entry] = entries.items.as_slice() else { panic!("one entry") };
    assert_eq!((entry.state, entry.shows, entry.board), (EntryStateView::Scored, 1, Some(700_000)));
    let models: Page<ModelView> = ask(&stage.market, Query::Models(JOB, Paging::default()));
    assert_eq!(Some(&models.items[0]), entry.model.as_ref());
    assert_eq!(models.items[0].finding.unwrap().score, Score(900_000));
    assert!(models.items[0].by_machine);
    let places: LeaderboardView = ask(&stage.market, Query::Leaderboard(JOB, Paging::default()));
    assert_eq!((places.ranking.items[0].score, places.winners), (Score(900_000), vec![0]));
}
