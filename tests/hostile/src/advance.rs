//! Sequences of inputs to a running application: honest ones, honest ones with a few bytes
//! changed, and arbitrary bytes.

use std::{cell::Cell, rc::Rc};

use market::{Address, Amount, Context, Market, Timestamp, U256, Work};
use rollup::{Advance, Answer, App, Request, Status};
use scenarios::{NOW, TOKEN};
use serde_json::Value;
use wire::{
    Genesis, Input, decode_command, encode_command, encode_erc20_deposit, encode_ether_deposit,
};

use crate::{
    books::Books,
    memory::{kept, within},
    plan::{self, COMMANDS},
    script::Script,
    world::{self, ACCOUNTS, Metered},
};

/// Inputs of one script.
const STEPS: usize = 64;
/// Temporary memory of an input: a small model and its tensors, and a chunk that inflates.
const MEMORY_BYTES: usize = 1 << 20;
/// Memory per byte of an input: a chunk may inflate to 32 bytes, which the store takes in.
const MEMORY_PER_BYTE: usize = 80;
/// Memory that a judge retains: two small models and a dataset.
const JUDGE_BYTES: usize = 256 << 10;
/// Memory of a balance, including the spare capacity of its tree.
const BALANCE_BYTES: usize = 512;
/// Memory of an ended job and of a submission to it while they are shown.
const RECORD_BYTES: usize = 4 << 10;

/// Runs a script of inputs.
///
/// - Each is accepted, with a report only if it was refused.
/// - A refused input changes nothing except a deposit's credit and the clock.
/// - Money is conserved, by books kept beside the market's.
/// - Calldata that decodes as a command is the command's canonical encoding.
/// - No input exceeds its work limit or the memory that its length allows, and retained memory is
///   within the bytes that jobs have reserved, the balances, and the records of ended jobs.
///
/// - Panics: if one of these does not hold
pub fn advance(bytes: &[u8]) {
    play(bytes);
}

fn play(bytes: &[u8]) -> App<Metered> {
    let mut script = Script::new(bytes);
    let (mut app, worked) = world::app(script.byte() & 1 == 1);
    let mut books = Books::default();
    let mut now = NOW;
    let mut inputs = 0;
    let (kept, ()) = kept(|| {
        while inputs < STEPS && !script.is_over() {
            inputs += 1;
            match next(&mut script, app.market(), &mut now) {
                Step::Input(input) => check(&mut app, &worked, &mut books, &input),
                Step::Body(body) => match Request::decode(body) {
                    Ok(Request::Advance(input)) => check(&mut app, &worked, &mut books, &input),
                    _ => check_body(&mut app, body),
                },
            }
        }
    });
    let market = app.market();
    let reserved = usize::try_from(market.reserved_bytes()).unwrap_or(usize::MAX);
    let balances = market.ledger().balance_count();
    let jobs = market.jobs_from(0).filter(|(_, job)| !job.stage.is_live());
    let records: usize = jobs.map(|(_, job)| 1 + job.submissions.len()).sum();
    let most = reserved + balances * BALANCE_BYTES + records * RECORD_BYTES + JUDGE_BYTES;
    assert!(usize::try_from(kept).unwrap_or_default() <= most, "{kept} bytes stay, not {most}");
    app
}

enum Step<'a> {
    /// An input.
    Input(Advance),
    /// The body of a request, valid or not.
    Body(&'a [u8]),
}

/// The next step of a script. Its first byte selects the input and the number of changes, the
/// second the sender and the way to send it, the third the time that passes.
fn next<'a>(script: &mut Script<'a>, market: &Market, now: &mut u64) -> Step<'a> {
    let (what, who, later) = (script.byte(), script.byte(), script.byte());
    *now += u64::from(later) * 32;
    let (kind, edits) = (what & 0x1f, what >> 5);
    let account = ACCOUNTS[usize::from(who & 3)];
    if kind > COMMANDS {
        return Step::Body(script.block());
    }
    let mut payload = if kind == COMMANDS {
        script.block().to_vec()
    } else {
        encode_command(&plan::command(kind, script.byte(), account, market))
    };
    script.edit(&mut payload, edits);
    let amount = Amount(match who >> 4 {
        15 => U256::MAX,
        thousands => U256::from(u32::from(thousands) * 10_000),
    });
    let Genesis { ether_portal, erc20_portal, .. } = Genesis::default();
    let (sender, payload) = match who >> 2 & 3 {
        0 => (ether_portal, encode_ether_deposit(account, amount, &payload)),
        1 => (erc20_portal, encode_erc20_deposit(TOKEN, account, amount, &payload)),
        _ => (account, payload),
    };
    Step::Input(Advance { context: context(sender, *now), payload })
}

/// A body that is not an input: one report, nothing changed.
fn check_body(app: &mut App<Metered>, body: &[u8]) {
    let before = app.market().clone();
    let answer = app.answer(body);
    check_answer(&answer);
    assert_eq!((answer.outputs.len(), answer.reports.len()), (0, 1));
    assert!(*app.market() == before, "a question or garbage left a trace");
}

fn check(app: &mut App<Metered>, worked: &Rc<Cell<Work>>, books: &mut Books, input: &Advance) {
    let before = app.market().clone();
    worked.set(Work(0));
    let limit = MEMORY_BYTES + input.payload.len() * MEMORY_PER_BYTE;
    let answer = within(limit, "an input", || app.advance(input));
    check_answer(&answer);
    let budget = before.settings().input_work;
    assert!(worked.get() <= budget, "worked {} of {budget}", worked.get());
    let credited = credit(&before, input, books);
    if let Some(report) = answer.reports.first() {
        assert_same(app.market(), &credited);
        let report: Value = serde_json::from_slice(report).expect("a report is JSON");
        assert!(report["refused"].is_string(), "{report}");
    }
    books.left(&answer.outputs, Genesis::default().registry);
    books.check(app.market());
}

/// The market as it must be if an input only credits its deposit.
fn credit(before: &Market, input: &Advance, books: &mut Books) -> Market {
    let mut credited = before.clone();
    credited.begin(&input.context);
    if let Ok(read) = Input::read(&world::genesis(), input.context, &input.payload) {
        let context = &read.context;
        if let Some(credit) = read.credit {
            credited.deposit(context.sender, credit.asset, credit.amount);
            books.deposited(credit.asset, credit.amount);
        }
        if let Some(calldata) = read.command
            && let Ok(command) = decode_command(context, calldata)
        {
            assert!(encode_command(&command) == calldata, "a command has one encoding");
        }
    }
    credited.finish(0);
    credited
}

/// Asserts that two markets are equal except for the work charged to the clock.
pub(crate) fn assert_same(one: &Market, other: &Market) {
    assert!(one.ledger() == other.ledger(), "a refused input left a trace on the ledger");
    assert!(one.jobs_from(0).eq(other.jobs_from(0)), "a refused input left a trace in a job");
    assert_eq!(one.reserved_bytes(), other.reserved_bytes());
    assert_eq!(one.job_count(), other.job_count());
}

/// Whatever the input, the application goes on, returns at most one report, and does not panic.
pub(crate) fn check_answer(answer: &Answer) {
    assert_eq!(answer.status, Status::Accept);
    assert!(answer.reports.len() <= 1, "one report at most");
    for report in &answer.reports {
        assert!(report.len() <= 1 << 20, "a report of {} bytes", report.len());
        let text = String::from_utf8_lossy(report);
        assert!(!text.contains("the application failed"), "{text}");
    }
}

/// An input to the application from this sender.
pub(crate) fn message(sender: Address, payload: Vec<u8>) -> Advance {
    Advance { context: context(sender, NOW), payload }
}

/// The context of an input from this sender at this time.
pub(crate) fn context(sender: Address, now: u64) -> Context {
    Context { sender, block_time: Timestamp(now), ..Context::default() }
}

#[cfg(test)]
mod tests {
    use market::Stage;

    use super::*;
    use crate::{plan::PLANS, seeds};

    /// Seeds run to completion, so that mutations of them reach nearly everything.
    #[test]
    fn the_seeds_hold_every_combination_to_its_end() {
        for (choices, plan) in (0..).zip(&*PLANS) {
            let app = play(&seeds::job(0, choices));
            let job = app.market().job(plan.job).expect("it opens");
            assert_eq!(job.stage, Stage::Settled, "{choices}");
            assert_eq!(job.submitted, 2, "{choices}");
            assert_eq!(job.revealed.len(), if plan.is_sealed() { 2 } else { 0 }, "{choices}");
            assert_eq!(job.seats.is_empty(), plan.terms.miners().is_none(), "{choices}");
            // Miners who call everything unfit decide nothing if the machine evaluates itself.
            assert_eq!(job.best.is_some(), plan.terms.sample_rows().is_none(), "{choices}");
        }
    }
}
