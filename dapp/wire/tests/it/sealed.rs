//! Inspect answers about a sealed job with miners, parsed with the types that clients use.

use blobs::Opening;
use market::{
    Address, Attestation, Command, Evaluators, JobId, MinerTerms, Score, SealedBlob, Slot, Stage,
    SubmittedModel, Terms,
};
use scenarios::{
    ALICE, BASE, BOB, HOLD_OUT, MODEL, SALT, SLICE, attest, competition, context, file, miners,
    reveal, seal,
};
use wire::{BoardLineView, JobList, JobView, ModelView, Page, Paging, Query, SeatsView};

use crate::answers::{Season, ask};

const SKETCH: &[u8] = b"700";
const MINER: Address = Address([0x33; 20]);

/// A competition with a single seat.
fn terms(hold_out: SealedBlob) -> Terms {
    let evaluators = Evaluators::Miners(MinerTerms { seats: 1, ..miners() });
    Terms { evaluators, ..competition(hold_out) }
}

/// A job before its close: one client has submitted and shown a model, one miner has enlisted.
fn open() -> (Season, JobId, [Opening; 2]) {
    let mut season = Season::new(&[ALICE, BOB, MINER]);
    let hold_out = seal(&context(ALICE), SALT, HOLD_OUT);
    let job = season.open(ALICE, &terms(hold_out.sealed));
    season.publish(ALICE, job, Slot::BaseModel, BASE);
    season.publish(ALICE, job, Slot::PublicSlice, SLICE);
    season.publish(ALICE, job, Slot::HoldOut, &hold_out.ciphertext);
    let model = seal(&context(BOB), job.0, MODEL);
    season.act(BOB, Command::Submit { job, model: SubmittedModel::Sealed(model.sealed) });
    season.publish(BOB, job, Slot::Submission, &model.ciphertext);
    season.act(BOB, Command::Show { job, model: file(SKETCH) });
    season.publish(BOB, job, Slot::Shown, SKETCH);
    season.act(MINER, Command::Enlist { job });
    (season, job, [hold_out.opening, model.opening])
}

fn view(season: &Season, job: JobId) -> JobView {
    ask(&season.market, Query::Job(job.into()))
}

#[test]
fn the_board_has_what_was_shown() {
    let (season, job, _) = open();
    let shown = view(&season, job);
    assert_eq!((shown.stage, shown.submitted, shown.places_taken), (Stage::Open, 1, 1));
    assert_eq!((shown.enlisted, shown.seats, shown.revealed), (1, 0, 0));
    assert_eq!(shown.base.unwrap().score, Score(400_000));
    assert_eq!(shown.windows.reveal_until.0, shown.terms.close.0 + 3_600);
    assert_eq!((shown.windows.attest_until, shown.hold_out), (None, None));
    let query = Query::List(job.into(), JobList::Board, Paging::default());
    let board: Page<BoardLineView> = ask(&season.market, query);
    let [line] = &board.items[..] else { panic!("one has shown a model") };
    let expected = (1, 0, BOB, Score(700_000));
    assert_eq!((line.rank, line.submission, line.client, line.score), expected);
}

#[test]
fn models_are_shown_with_what_the_seats_say_of_them() {
    let (mut season, job, [hold_out, model]) = open();
    season.now = view(&season, job).terms.close.0;
    for (sender, opening) in [(ALICE, hold_out), (BOB, model)] {
        season.act(sender, reveal(job, opening));
    }
    season.now = view(&season, job).windows.reveal_until.0;
    season.act(MINER, Command::Settle { job });
    let shown = view(&season, job);
    assert_eq!((shown.stage, shown.seats, shown.pages), (Stage::Evaluating, 1, 1));
    assert_eq!((shown.revealed, shown.hold_out), (1, Some(hold_out.plain)));
    assert_eq!(shown.base_on_hold_out.unwrap().score, Score(400_000));
    let seats = |season: &Season| -> SeatsView {
        let query = Query::List(job.into(), JobList::Seats, Paging::default());
        ask(&season.market, query)
    };
    assert_eq!((seats(&season).enlisted, seats(&season).seats[0].miner), (vec![MINER], MINER));

    let said = Attestation { score: Score(1), ..Attestation::UNFIT };
    let [attest, reveal] = attest(&context(MINER), job, 0, vec![said], Vec::new());
    season.act(MINER, attest);
    assert_eq!(
        (&seats(&season).seats[0].attested[..], seats(&season).seats[0].revealed),
        (&[0][..], 0)
    );
    season.now = shown.windows.attest_until.unwrap().0;
    season.act(MINER, reveal);
    assert_eq!((seats(&season).seats[0].attested.len(), seats(&season).seats[0].revealed), (0, 1));
    let query = Query::List(job.into(), JobList::Models, Paging::default());
    let models: Page<ModelView> = ask(&season.market, query);
    let [revealed] = &models.items[..] else { panic!("one model was revealed") };
    assert_eq!((revealed.page, revealed.position, revealed.submission), (0, 0, Some(0)));
    assert_eq!(revealed.model, Some(file(MODEL)));
    let [answer] = &revealed.answers[..] else { panic!("one seat has answered") };
    assert_eq!((answer.attestation, &answer.seats[..]), (said, &[0][..]));
}
