//! Inspect answers about a sealed job that miners evaluate, read back by the types everybody uses.

use blobs::{Binding, Opening, seal};
use market::{
    Address, Asset, Attestation, AttestationBinding, Award, Board, Command, Evaluators, JobId,
    MinerTerms, Offer, Score, SealedBlob, Sealing, Slot, Stage, SubmittedModel, Terms,
};
use wire::{BoardLineView, JobList, JobView, ModelView, Page, Paging, Query, SeatsView};

use crate::{
    answers::{Season, ask, file},
    sample::{ALICE, BOB, sealed_terms},
};

const BASE: &[u8] = b"400";
const SLICE: &[u8] = b"some rows";
const HOLD_OUT: &[u8] = b"other rows";
const MODEL: &[u8] = b"900";
const SKETCH: &[u8] = b"700";
const MINER: Address = Address([0x33; 20]);
const CLOSE: u64 = 1_800_000_000;

/// What an account commits to, what it publishes, and what opens it.
fn sealed(sender: Address, scope: [u8; 32], plain: &[u8]) -> (SealedBlob, Vec<u8>, Opening) {
    let opening = Opening { key: [1; 32], salt: [2; 32], plain: file(plain) };
    let binding = Binding { chain_id: 0, app: [0; 20], scope, sender: sender.0 };
    let commitment = opening.commitment(&binding);
    let bytes = seal(&opening.key, commitment, plain);
    (SealedBlob { commitment, ciphertext: file(&bytes) }, bytes, opening)
}

fn terms(hold_out: SealedBlob) -> Terms {
    let Terms { offer, award, .. } = sealed_terms();
    let Award::Prize { prize, .. } = award else { panic!("there is a prize") };
    let sponsor_bond = prize;
    let Evaluators::Miners(miners) = sealed_terms().evaluators else { panic!("miners evaluate") };
    let board = Board { public_slice: file(SLICE), ..offer.board.unwrap() };
    Terms {
        asset: Asset::Ether,
        offer: Offer {
            min_worst_class: Score(0),
            base_model: file(BASE),
            board: Some(board),
            ..offer
        },
        sealing: Sealing::Sealed { hold_out, reveal_seconds: 7_200, sponsor_bond },
        evaluators: Evaluators::Miners(MinerTerms { seats: 1, sample_rows: 0, ..miners }),
        ..sealed_terms()
    }
}

/// A job that one has submitted to and shown a model in, with a miner, before its close.
fn open() -> (Season, JobId, [Opening; 2]) {
    let mut season = Season::new(&[ALICE, BOB, MINER]);
    let (hold_out, ciphertext, opening) = sealed(ALICE, [0x5a; 32], HOLD_OUT);
    let job = season.open(ALICE, terms(hold_out));
    season.publish(ALICE, job, Slot::BaseModel, BASE);
    season.publish(ALICE, job, Slot::PublicSlice, SLICE);
    season.publish(ALICE, job, Slot::HoldOut, &ciphertext);
    let (model, ciphertext, of_model) = sealed(BOB, job.0, MODEL);
    season.act(BOB, Command::Submit { job, model: SubmittedModel::Sealed(model) });
    season.publish(BOB, job, Slot::Submission, &ciphertext);
    season.act(BOB, Command::Show { job, model: file(SKETCH) });
    season.publish(BOB, job, Slot::Shown, SKETCH);
    season.act(MINER, Command::Enlist { job });
    (season, job, [opening, of_model])
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
    assert_eq!(shown.windows.reveal_until.0, CLOSE + 7_200);
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
    season.now = CLOSE;
    for (sender, Opening { key, salt, plain }) in [(ALICE, hold_out), (BOB, model)] {
        season.act(sender, Command::Reveal { job, key, salt, plaintext: plain });
    }
    season.now = CLOSE + 7_200;
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

    let app = Address::default();
    let place = AttestationBinding { chain_id: 0, app, job, miner: MINER, page: 0 };
    let (said, salt) = (Attestation { score: Score(1), ..Attestation::UNFIT }, [9; 32]);
    let commitment = place.commitment(&[said], &salt);
    season.act(MINER, Command::Attest { job, page: 0, commitment });
    assert_eq!(
        (&seats(&season).seats[0].attested[..], seats(&season).seats[0].revealed),
        (&[0][..], 0)
    );
    season.now = shown.windows.attest_until.unwrap().0;
    let (attestations, results) = (vec![said], Vec::new());
    season.act(MINER, Command::RevealAttestation { job, page: 0, attestations, results, salt });
    assert_eq!((seats(&season).seats[0].attested.len(), seats(&season).seats[0].revealed), (0, 1));
    let query = Query::List(job.into(), JobList::Models, Paging::default());
    let models: Page<ModelView> = ask(&season.market, query);
    let [revealed] = &models.items[..] else { panic!("one model was revealed") };
    assert_eq!((revealed.page, revealed.position, revealed.submission), (0, 0, Some(0)));
    assert_eq!(revealed.model, Some(file(MODEL)));
    let [answer] = &revealed.answers[..] else { panic!("one seat has answered") };
    assert_eq!((answer.attestation, &answer.seats[..]), (said, &[0][..]));
}
