//! The loop, request by request.

use hyper::StatusCode;
use market::{Address, Amount, Asset, Command, JobId, Judge, Share, Slot, Stage};
use rollup::{App, CatchingJudge};
use scenarios::{
    ALICE, BASE, BOB, ETHER, HOLD_OUT, MODEL, NOW, Speller, TOKEN, file, publish, submit,
};
use serde_json::Value;
use wire::{Genesis, Notice, encode_command};

use crate::{
    sample::{DEPOSIT, command, deposit, input, input_at, open, question, ride, terms},
    server::{Step, Turn, play, play_refusing},
};

fn app<J: Judge>(judge: J) -> App<J> {
    App::new(Genesis::default(), [], judge)
}

fn ask(requests: Vec<Value>) -> Vec<Step> {
    requests.into_iter().map(Step::Ask).collect()
}

fn free(app: &App<impl Judge>, account: Address) -> Amount {
    app.market().ledger().free(account, Asset::Ether)
}

fn accepted(turns: &[Turn]) -> bool {
    turns.iter().all(|turn| turn.status == "accept")
}

/// The requests up to the only payment of a job, to the client who submits this model.
fn bounty(model: &[u8]) -> (JobId, Vec<Value>) {
    let (job, open) = open(ALICE, terms(BASE));
    let requests = vec![
        ride(ALICE, &open),
        command(ALICE, &publish(job, Slot::BaseModel, BASE)),
        command(ALICE, &publish(job, Slot::HoldOut, HOLD_OUT)),
        ride(BOB, &submit(job, model)),
        command(BOB, &publish(job, Slot::Submission, model)),
    ];
    (job, requests)
}

#[tokio::test]
async fn a_bounty_from_deposit_to_voucher() {
    let mut app = app(Speller);
    let (job, mut requests) = bounty(MODEL);
    requests.push(command(BOB, &Command::Settle { job }));
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns));
    let vouchers = turns.iter().map(|turn| {
        let vouchers = turn.posts.iter().filter(|(path, _)| path == "/voucher");
        vouchers.map(|(_, body)| body["destination"].clone()).collect::<Vec<_>>()
    });
    let registry = Genesis::default().registry.to_string();
    let expected = [vec![], vec![], vec![], vec![], vec![BOB.to_string()], vec![registry]];
    assert!(vouchers.eq(expected), "{turns:?}");
    let notices = turns[4].notices();
    let ruling = notices.iter().find_map(|notice| match notice {
        Notice::SubmissionDecided { verdict, .. } => Some(verdict.accepted),
        _ => None,
    });
    assert_eq!(ruling, Some(true));
    // The reward and the rest of the stake are paid in one voucher.
    let paid = notices.iter().find_map(|notice| match notice {
        Notice::Paid { to: BOB, share: Share::Reward, amount, voucher: true, .. } => Some(*amount),
        _ => None,
    });
    let paid = paid.unwrap();
    assert!(paid >= Amount::new(ETHER));
    let (_, voucher) = turns[4].posts.iter().find(|(path, _)| path == "/voucher").unwrap();
    assert_eq!(voucher["value"], format!("0x{:064x}", paid.0));
    assert_eq!(voucher["payload"], "0x");
    assert!(app.market().ledger().solvency().all(|(_, solvency)| solvency.holds()));
}

#[tokio::test]
async fn refusals_are_accepted_with_a_report_and_change_nothing() {
    let mut app = app(Speller);
    play(&mut app, ask(vec![deposit(ALICE, DEPOSIT, &[])])).await;
    let before = app.market().ledger().clone();
    let settle = encode_command(&Command::Settle { job: JobId([9; 32]) });
    let dirty = [&settle[..], &[0xff; 32]].concat();
    // A portal's payload, from a sender that is not a portal.
    let forged = wire::encode_ether_deposit(BOB, Amount::new(1), &settle);
    let portal = Genesis::default().ether_portal;
    let requests = [
        (input(BOB, &settle), "UnknownJob"),
        (input(BOB, &dirty), "NotCanonical"),
        (input(BOB, &forged), "UnknownSelector"),
        (input(BOB, &[]), "NoSelector"),
        (input(portal, &[0; 51]), "DepositTooShort"),
    ];
    let (requests, names): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns));
    let refused: Vec<_> = turns.iter().map(|turn| turn.reports()[0]["refused"].clone()).collect();
    assert_eq!(refused, names);
    let job = JobId([9; 32]).to_string();
    assert_eq!(turns[0].reports()[0]["message"], format!("there is no job {job}"));
    assert_eq!(turns[0].reports()[0]["values"]["job"], job);
    assert!(turns.iter().all(|turn| turn.paths() == ["/report"]));
    assert!(*app.market().ledger() == before);
}

#[tokio::test]
async fn every_input_moves_the_clock() {
    let mut app = app(Speller);
    let later = |seconds, payload: &[u8]| input_at(BOB, NOW + seconds, payload);
    for (seconds, payload) in [(5, &b"no command"[..]), (9, &[]), (12, &[0; 51])] {
        play(&mut app, ask(vec![later(seconds, payload)])).await;
        assert_eq!(app.market().now().0, NOW + seconds);
    }
}

#[tokio::test]
async fn a_deposit_is_credited_whatever_rides_on_it() {
    let mut app = app(Speller);
    let withdraw = Command::Withdraw { asset: Asset::Ether, amount: Amount::new(2 * ETHER) };
    let settle = encode_command(&Command::Settle { job: JobId([9; 32]) });
    let calldata = [&[][..], &[0xff], &settle, &encode_command(&withdraw)];
    let requests = calldata.map(|calldata| deposit(ALICE, ETHER, calldata));
    let turns = play(&mut app, ask(requests.into())).await;
    assert!(accepted(&turns));
    let paths: Vec<_> = turns.iter().map(Turn::paths).collect();
    let expected: [&[&str]; 4] = [&[], &["/report"], &["/report"], &["/voucher"]];
    assert_eq!(paths, expected);
    assert_eq!(free(&app, ALICE), Amount::new(2 * ETHER));
}

#[tokio::test]
async fn what_is_not_kept_goes_straight_back() {
    let mut app = app(Speller);
    let erc20_portal = Genesis::default().erc20_portal;
    let unknown = |amount| wire::encode_erc20_deposit(TOKEN, ALICE, amount, &[]);
    let settle = encode_command(&Command::Settle { job: JobId([9; 32]) });
    let turns = play(
        &mut app,
        ask(vec![
            input(erc20_portal, &unknown(Amount::new(7))),
            input(erc20_portal, &unknown(Amount(market::U256::MAX))),
            // A balance too small to keep; the command sent with it is refused.
            deposit(ALICE, 1, &settle),
        ]),
    )
    .await;
    assert!(accepted(&turns));
    let paths: Vec<_> = turns.iter().map(Turn::paths).collect();
    let returned = ["/notice", "/voucher"];
    let expected: [&[&str]; 3] = [&returned, &returned, &["/notice", "/voucher", "/report"]];
    assert_eq!(paths, expected);
    assert_eq!(turns[2].reports()[0]["refused"], "UnknownJob");
    assert_eq!(app.market().ledger().balance_count(), 0);
    assert!(app.market().ledger().solvency().all(|(asset, _)| asset == Asset::Ether));
}

#[tokio::test]
async fn a_panic_rejects_the_input_but_never_a_deposit() {
    // The bare judge panics inside the market's rules, like a bug of ours.
    let mut app = app(Speller);
    let (_, requests) = bounty(b"no number");
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns[..4]));
    assert_eq!(turns[4].status, "reject");
    assert_eq!(turns[4].paths(), ["/report"]);
    assert_eq!(turns[4].reports()[0]["error"], "the application failed on this input");
}

/// A command that is sent with a deposit and panics is undone: the deposit stands, and nothing
/// else.
#[tokio::test]
async fn a_panic_on_a_deposit_undoes_its_command_alone() {
    let drive = [b"no number".as_slice(), HOLD_OUT];
    let drive = drive.map(|bytes| (file(bytes).cid(), bytes.to_vec()));
    let mut app = App::new(Genesis::default(), drive, Speller);
    // The job is open and its money in escrow when the judge is called.
    let (job, open) = open(ALICE, terms(b"no number"));
    let turns = play(&mut app, ask(vec![ride(ALICE, &open), question("solvency")])).await;
    assert!(accepted(&turns));
    assert_eq!(turns[0].paths(), ["/report"]);
    assert_eq!(turns[0].reports()[0]["error"], "the application failed on this input");
    assert_eq!(turns[1].reports()[0]["solvent"], true);
    let market = app.market();
    assert_eq!(free(&app, ALICE), Amount::new(DEPOSIT));
    let rest = (market.job(job).is_none(), market.job_count(), market.reserved_bytes());
    assert_eq!(rest, (true, 0, 0));
    assert!(market.ledger().solvency().all(|(_, solvency)| solvency.escrowed == Amount::ZERO));
}

#[tokio::test]
async fn a_judge_that_panics_makes_the_model_unfit() {
    let mut app = app(CatchingJudge::<Speller>::default());
    let (job, mut requests) = bounty(b"no number");
    requests.extend([
        ride(BOB, &submit(job, MODEL)),
        command(BOB, &publish(job, Slot::Submission, MODEL)),
    ]);
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns));
    let reason = |turn: &Turn| {
        turn.notices().into_iter().find_map(|notice| match notice {
            Notice::SubmissionDecided { verdict, .. } => Some(verdict.reason),
            _ => None,
        })
    };
    let unfit = "EvaluationError: the model cannot be evaluated: Crashed";
    assert_eq!(reason(&turns[4]).as_deref(), Some(unfit));
    assert_eq!(reason(&turns[6]).as_deref(), Some(""));
}

#[tokio::test]
async fn an_output_the_server_does_not_take_undoes_the_input_but_never_a_deposit() {
    let withdraw = Command::Withdraw { asset: Asset::Ether, amount: Amount::new(ETHER) };
    let requests = vec![ride(ALICE, &withdraw), command(ALICE, &withdraw), question("solvency")];
    let turns = play_refusing(&mut app(Speller), ask(requests), &["/voucher"]).await;
    let statuses: Vec<_> = turns.iter().map(|turn| turn.status.as_str()).collect();
    assert_eq!(statuses, ["accept", "reject", "accept"]);
}

#[tokio::test]
async fn the_loop_goes_on_after_whatever_the_server_says() {
    let mut app = app(Speller);
    let garbage = [
        "",
        "null",
        "{}",
        r#"{"request_type":"gio","data":{}}"#,
        r#"{"request_type":"inspect_state","data":{"payload":"0x0"}}"#,
        r#"{"request_type":"inspect_state","data":{"payload":"jobs"}}"#,
        r#"{"request_type":"advance_state","data":{"metadata":{"msg_sender":"0x","block_timestamp":1},"payload":"0x"}}"#,
        r#"{"request_type":"advance_state","data":{"metadata":{},"payload":"0x"}}"#,
    ];
    let mut steps = vec![
        Step::Status(StatusCode::ACCEPTED),
        Step::Status(StatusCode::BAD_REQUEST),
        Step::Break,
        Step::Status(StatusCode::INTERNAL_SERVER_ERROR),
        Step::Ask(deposit(ALICE, ETHER, &[])),
        Step::Status(StatusCode::ACCEPTED),
        Step::Break,
    ];
    steps.extend(garbage.map(Step::AskRaw));
    steps.push(Step::Ask(deposit(ALICE, ETHER, &[])));
    let turns = play(&mut app, steps).await;
    assert_eq!(turns.len(), garbage.len() + 2);
    assert!(accepted(&turns));
    for turn in &turns[1..=garbage.len()] {
        assert!(turn.reports()[0]["error"].is_string());
    }
    assert_eq!(free(&app, ALICE), Amount::new(2 * ETHER));
}

#[tokio::test]
async fn a_reject_is_said_once() {
    let mut app = app(Speller);
    let mut steps = ask(bounty(b"no number").1);
    steps.extend([Step::Status(StatusCode::ACCEPTED), Step::Ask(deposit(ALICE, ETHER, &[]))]);
    let turns = play(&mut app, steps).await;
    assert_eq!(turns[4].status, "reject");
    assert_eq!(turns[5].status, "accept");
}

#[tokio::test]
async fn every_question_is_answered_and_changes_nothing() {
    let mut app = app(Speller);
    let (job, requests) = bounty(MODEL);
    play(&mut app, ask(requests)).await;
    let before = app.market().clone();
    let questions = [
        ("jobs".to_owned(), "total"),
        ("jobs?from=1&limit=2".to_owned(), "items"),
        ("jobs/0".to_owned(), "terms"),
        (format!("jobs/{job}"), "terms"),
        ("jobs/0/submissions".to_owned(), "items"),
        ("jobs/0/submissions/0".to_owned(), "state"),
        ("jobs/0/blobs".to_owned(), "items"),
        ("jobs/0/quote".to_owned(), "submission"),
        (format!("accounts/{ALICE}"), "balances"),
        ("quote".to_owned(), "settings"),
        ("solvency".to_owned(), "solvent"),
        ("jobs/1".to_owned(), "error"),
        ("leaders".to_owned(), "error"),
        (String::new(), "error"),
    ];
    let requests = questions.iter().map(|(path, _)| question(path)).collect();
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns));
    for (turn, (path, field)) in turns.iter().zip(&questions) {
        assert_eq!(turn.paths(), ["/report"], "{path}");
        assert!(turn.reports()[0].get(field).is_some(), "{path}: {:?}", turn.reports()[0]);
    }
    assert!(*app.market() == before);
    assert_eq!(app.market().job(job).unwrap().stage, Stage::Open);
}
