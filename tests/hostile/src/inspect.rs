//! Questions to an application that has something to tell.

use market::Address;
use rollup::App;
use serde_json::Value;
use wire::{Query, encode_command, encode_ether_deposit};

use crate::{
    advance::{check_answer, message},
    memory::within,
    world::{self, ACCOUNTS, Metered},
};

/// What an answer may take: its JSON, the views it is made of, and their strings.
const MEMORY_BYTES: usize = 2 << 20;

thread_local! {
    static APP: App<Metered> = played();
}

/// Asks any question.
///
/// - The answer is one report of JSON, and nothing else happens.
/// - What is understood has a text form that is understood as the same.
/// - Memory follows the answer, which is bounded by the paging, not the question.
///
/// - Panics: if one of these does not hold
pub fn inspect(bytes: &[u8]) {
    APP.with(|app| {
        let answer = within(MEMORY_BYTES + 2 * bytes.len(), "a question", || app.inspect(bytes));
        check_answer(&answer);
        assert!(answer.outputs.is_empty(), "a question has no outputs");
        let [report] = answer.reports.as_slice() else { panic!("a question has one answer") };
        let report: Value = serde_json::from_slice(report).expect("an answer is JSON");
        assert!(report.is_object(), "{report}");
    });
    if let Ok(query) = Query::parse(bytes) {
        let text = query.to_string();
        assert_eq!(Query::parse(text.as_bytes()), Ok(query), "{text}");
    }
}

/// An application with a job, balances and submissions of all kinds.
fn played() -> App<Metered> {
    let [sponsor, clients @ ..] = ACCOUNTS;
    let (mut app, _) = world::app(false);
    let deposit = |to: Address| {
        let amount = market::Amount::new(1_000);
        message(world::genesis().ether_portal, encode_ether_deposit(to, amount, &[]))
    };
    let send = |kind, choice| encode_command(&world::command(kind, choice));
    let mut inputs = vec![deposit(sponsor)];
    inputs.push(message(sponsor, send(0, 1)));
    inputs.extend([1, 2, 5, 5, 5, 5].map(|kind| message(sponsor, send(kind, 0))));
    for (client, model) in clients.into_iter().zip([4, 2, 0]) {
        inputs.extend([3, 4].map(|kind| message(client, send(kind, model << 2))));
        inputs.extend([deposit(client), message(client, send(5, 0))]);
    }
    for input in inputs {
        app.advance(&input);
    }
    let job = app.market().job(market::JobId(0)).expect("the job was opened");
    assert_eq!(job.submissions, 3, "the clients were let in");
    app
}
