//! Inspect queries to an application with some state.

use rollup::App;
use serde_json::Value;
use wire::{Query, encode_command, encode_ether_deposit};

use crate::{
    advance::{check_answer, message},
    memory::within,
    plan, seeds,
    world::{self, ACCOUNTS, Metered},
};

/// Memory limit of an answer: its JSON, the views in it, and their strings.
const MEMORY_BYTES: usize = 2 << 20;

thread_local! {
    static APP: App<Metered> = played();
}

/// Sends any query.
///
/// - The answer is one report of JSON, and nothing else happens.
/// - A valid query has a text form that parses to the same query.
/// - Memory follows the answer, which paging bounds, not the query.
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

/// An application with jobs of all kinds, balances and submissions.
fn played() -> App<Metered> {
    let (mut app, _) = world::app(false);
    for choices in [0, 1, 4, 6] {
        // Not to their ends, so that something is under way.
        let script = seeds::job(0, choices);
        for step in script[1..].chunks(4).take(30) {
            let [kind, who, _, choice]: [u8; 4] = step.try_into().expect("four bytes");
            let account = ACCOUNTS[usize::from(who & 3)];
            let command = encode_command(&plan::command(kind, choice, account, app.market()));
            let deposit = encode_ether_deposit(account, market::Amount::new(100_000), &command);
            app.advance(&message(world::genesis().ether_portal, deposit));
        }
    }
    let submitted = app.market().jobs_from(0).map(|(_, job)| job.submitted);
    assert_eq!(submitted.sum::<u32>(), 8, "the clients were let in");
    app
}
