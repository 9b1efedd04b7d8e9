//! The loop, request by request.

use blobs::Digest;
use hyper::StatusCode;
use market::{Amount, Asset, Command, JobId, Judge, Stage};
use rollup::{App, CatchingJudge};
use serde_json::Value;
use wire::{Genesis, Notice, encode_command};

use crate::{
    sample::{
        ALICE, BASE, BOB, GOOD, HOLD_OUT, REWARD, Speller, command, deposit, file, input, open_job,
        publish, question, submit,
    },
    server::{Step, Turn, payload, play, play_refusing},
};

fn app<J: Judge>(judge: J) -> App<J> {
    App::new(Genesis::default(), [], judge)
}

fn ask(requests: Vec<Value>) -> Vec<Step> {
    requests.into_iter().map(Step::Ask).collect()
}

fn free(app: &App<impl Judge>, account: market::Address) -> Amount {
    app.market().ledger().free(account, Asset::Ether)
}

fn accepted(turns: &[Turn]) -> bool {
    turns.iter().all(|turn| turn.status == "accept")
}

/// The requests that bring a job up to its only payment.
fn bounty() -> Vec<Value> {
    vec![
        deposit(REWARD, &encode_command(&open_job(BASE))),
        command(ALICE, &publish(BASE)),
        command(ALICE, &publish(HOLD_OUT)),
        command(BOB, &submit(GOOD)),
        command(BOB, &publish(GOOD)),
    ]
}

#[tokio::test]
async fn a_bounty_from_deposit_to_voucher() {
    let mut app = app(Speller);
    let mut requests = bounty();
    requests.push(command(BOB, &Command::Settle { job: JobId(0) }));
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns));
    let paths: Vec<_> = turns.iter().map(Turn::paths).collect();
    let expected: [&[&str]; 6] = [
        &["/notice"],
        &["/notice"],
        &["/notice", "/notice"],
        &["/notice"],
        &["/notice", "/notice", "/voucher"],
        &["/notice", "/voucher"],
    ];
    assert_eq!(paths, expected);
    let (_, voucher) = &turns[4].posts[2];
    assert_eq!(voucher["destination"], BOB.to_string());
    assert_eq!(voucher["value"], format!("0x{REWARD:064x}"));
    assert_eq!(voucher["payload"], "0x");
    let (_, scored) = &turns[4].posts[1];
    let notice = Notice::decode(&payload(scored)).unwrap();
    assert!(matches!(notice, Notice::ModelScored { accepted: true, .. }), "{notice:?}");
    let (_, record) = &turns[5].posts[1];
    assert_eq!(record["destination"], Genesis::default().registry.to_string());
    assert!(app.market().ledger().solvency().all(|(_, solvency)| solvency.holds()));
}

#[tokio::test]
async fn refusals_are_accepted_with_a_report_and_change_nothing() {
    let mut app = app(Speller);
    play(&mut app, ask(vec![deposit(7, &[])])).await;
    let before = app.market().clone();
    let settle = encode_command(&Command::Settle { job: JobId(0) });
    let dirty = [&settle[..4], &[0xff; 32]].concat();
    // What a portal would send, from someone who is none.
    let forged = wire::encode_ether_deposit(BOB, Amount::new(1), &settle);
    let portal = Genesis::default().ether_portal;
    let requests = [
        (input(BOB, &settle), "UnknownJob"),
        (input(BOB, &dirty), "OutOfRange"),
        (input(BOB, &[settle.as_slice(), &[0]].concat()), "NotCanonical"),
        (input(BOB, &forged), "UnknownSelector"),
        (input(BOB, &[]), "NoSelector"),
        (input(portal, &[0; 51]), "DepositTooShort"),
    ];
    let (requests, names): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns));
    let refused: Vec<_> = turns.iter().map(|turn| turn.reports()[0]["refused"].clone()).collect();
    assert_eq!(refused, names);
    assert_eq!(turns[0].reports()[0]["message"], "there is no job 0");
    assert_eq!(turns[0].reports()[0]["values"]["job"], "0");
    assert!(turns.iter().all(|turn| turn.paths() == ["/report"]));
    assert!(*app.market() == before);
}

#[tokio::test]
async fn a_deposit_is_credited_whatever_rides_on_it() {
    let mut app = app(Speller);
    let withdraw = Command::Withdraw { asset: Asset::Ether, amount: Amount::new(2) };
    let turns = play(
        &mut app,
        ask(vec![
            deposit(1, &[]),
            deposit(1, &[0xff]),
            deposit(1, &encode_command(&Command::Settle { job: JobId(9) })),
            deposit(1, &encode_command(&withdraw)),
        ]),
    )
    .await;
    assert!(accepted(&turns));
    let paths: Vec<_> = turns.iter().map(Turn::paths).collect();
    let expected: [&[&str]; 4] = [&[], &["/report"], &["/report"], &["/voucher"]];
    assert_eq!(paths, expected);
    assert_eq!(free(&app, ALICE), Amount::new(2));
}

#[tokio::test]
async fn a_deposit_of_more_than_fits_is_accepted_with_a_report() {
    let mut app = app(Speller);
    let token = market::Address([0x70; 20]);
    let all = Amount(market::U256::MAX);
    let twice = wire::encode_erc20_deposit(token, ALICE, all, &[]);
    let request = input(Genesis::default().erc20_portal, &twice);
    let turns = play(&mut app, ask(vec![request.clone(), request])).await;
    assert!(accepted(&turns));
    assert_eq!(turns[1].reports()[0]["refused"], "BalanceOverflow");
    assert_eq!(app.market().ledger().free(ALICE, Asset::Erc20(token)), all);
}

#[tokio::test]
async fn a_panic_rejects_the_input_but_never_a_deposit() {
    // The bare judge panics inside the market's rules, as a fault of ours would.
    let mut app = app(Speller);
    let mut requests = bounty();
    requests[4] = command(BOB, &publish(b"no number"));
    requests[3] = command(BOB, &submit(b"no number"));
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns[..4]));
    assert_eq!(turns[4].status, "reject");
    assert_eq!(turns[4].paths(), ["/report"]);
    assert_eq!(turns[4].reports()[0]["error"], "the application failed on this input");

    let drive = [b"no number".as_slice(), HOLD_OUT];
    let drive = drive.map(|bytes| (file(bytes).cid(), bytes.to_vec()));
    let mut app = App::new(Genesis::default(), drive, Speller);
    let requests =
        vec![deposit(2 * REWARD, &encode_command(&open_job(b"no number"))), question("solvency")];
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns));
    assert_eq!(turns[0].paths(), ["/report"]);
    assert_eq!(turns[1].reports()[0]["solvent"], true);
    assert_eq!(free(&app, ALICE), Amount::new(REWARD));
}

#[tokio::test]
async fn a_judge_that_panics_makes_the_model_unfit() {
    let mut app = app(CatchingJudge::<Speller>::default());
    let mut requests = bounty();
    requests[4] = command(BOB, &publish(b"no number"));
    requests[3] = command(BOB, &submit(b"no number"));
    requests.extend([command(BOB, &submit(GOOD)), command(BOB, &publish(GOOD))]);
    let turns = play(&mut app, ask(requests)).await;
    assert!(accepted(&turns));
    let (_, refused) = &turns[4].posts[1];
    let Some(Notice::ModelRefused { reason, .. }) = Notice::decode(&payload(refused)) else {
        panic!("the model is refused")
    };
    assert_eq!(reason, "Unfit: the model cannot be evaluated: Crashed");
    assert_eq!(turns[6].paths(), ["/notice", "/notice", "/voucher"]);
}

#[tokio::test]
async fn an_output_the_server_does_not_take_undoes_the_input_but_never_a_deposit() {
    let withdraw = Command::Withdraw { asset: Asset::Ether, amount: Amount::new(1) };
    let requests = vec![
        deposit(3, &encode_command(&withdraw)),
        command(ALICE, &withdraw),
        question("solvency"),
    ];
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
        Step::Ask(deposit(1, &[])),
        Step::Status(StatusCode::ACCEPTED),
        Step::Break,
    ];
    steps.extend(garbage.map(Step::AskRaw));
    steps.push(Step::Ask(deposit(1, &[])));
    let turns = play(&mut app, steps).await;
    assert_eq!(turns.len(), garbage.len() + 2);
    assert!(accepted(&turns));
    for turn in &turns[1..=garbage.len()] {
        assert!(turn.reports()[0]["error"].is_string());
    }
    assert_eq!(free(&app, ALICE), Amount::new(2));
}

#[tokio::test]
async fn a_reject_is_said_once() {
    let mut app = app(Speller);
    let mut steps = ask(bounty());
    steps[3] = Step::Ask(command(BOB, &submit(b"no number")));
    steps[4] = Step::Ask(command(BOB, &publish(b"no number")));
    steps.extend([Step::Status(StatusCode::ACCEPTED), Step::Ask(deposit(1, &[]))]);
    let turns = play(&mut app, steps).await;
    assert_eq!(turns[4].status, "reject");
    assert_eq!(turns[5].status, "accept");
}

#[tokio::test]
async fn every_question_is_answered_and_changes_nothing() {
    let mut app = app(Speller);
    play(&mut app, ask(bounty())).await;
    let before = app.market().clone();
    let digest = Digest::of(HOLD_OUT);
    let questions = [
        ("jobs".to_owned(), "total"),
        ("jobs?offset=1&limit=2".to_owned(), "items"),
        ("jobs/0".to_owned(), "terms"),
        ("jobs/0/submissions".to_owned(), "items"),
        (format!("accounts/{ALICE}"), "balances"),
        (format!("blobs/{digest}"), "copies"),
        (format!("blobs/{}", file(HOLD_OUT).cid()), "copies"),
        ("quote/0/20000/1000000".to_owned(), "evaluation_inputs"),
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
    assert_eq!(app.market().job(JobId(0)).unwrap().stage, Stage::Open);
}
