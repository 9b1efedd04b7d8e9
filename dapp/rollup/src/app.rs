//! The application: a request in, an answer out. No I/O, and no way to fail.

use std::collections::BTreeMap;

use blobs::Cid;
use market::{Judge, Market};
use serde::Serialize;
use wire::{ErrorView, Genesis, Input, Output, RefusalView, decode_command, outputs};

use crate::{
    answer::{Answer, Status},
    guard::{catch, has_room_for, has_room_to_answer},
    request::{Advance, Request},
};

/// Why nothing new is begun.
const MEMORY_FULL: &str =
    "the machine's memory is full; jobs can be settled and cancelled, and money withdrawn";

/// The longest report; the server's own limit is twice as much.
const MAX_REPORT_BYTES: usize = 1 << 20;

/// The market and all it needs to answer requests.
pub struct App<J> {
    genesis: Genesis,
    market: Market,
    judge: J,
    /// Whether allocations can fail, so that it is looked whether they would.
    memory_is_limited: bool,
}

impl<J: Judge> App<J> {
    /// An application at genesis; `drive` holds the blobs that the deployment carries.
    pub fn new(
        genesis: Genesis,
        drive: impl IntoIterator<Item = (Cid, Vec<u8>)>,
        judge: J,
    ) -> Self {
        wire::prepare();
        let market = Market::new(genesis.settings(), drive);
        Self { genesis, market, judge, memory_is_limited: false }
    }

    /// Has what needs memory refused when there is little of the limited memory left.
    pub const fn expect_limited_memory(&mut self) {
        self.memory_is_limited = true;
    }

    /// The state.
    #[must_use]
    pub const fn market(&self) -> &Market {
        &self.market
    }

    /// Answers a request, whatever it is.
    ///
    /// A body that is no request is accepted with a report: it might have been a deposit.
    pub fn answer(&mut self, body: &[u8]) -> Answer {
        match Request::decode(body) {
            Ok(Request::Advance(advance)) => self.advance(&advance),
            Ok(Request::Inspect(question)) => self.inspect(&question),
            Err(refused) => failure(&refused.to_string()),
        }
    }

    /// Carries out an input.
    ///
    /// A refusal is accepted with a report. A panic is undone by rejecting the input, except for a
    /// deposit, whose money has moved on L1 already: its credit is made before its command is
    /// looked at, and stands. What such a command can have left behind is nothing, as far as the
    /// rules keep to their order: checks, which write nothing, then writes, which cannot fail.
    pub fn advance(&mut self, advance: &Advance) -> Answer {
        let Genesis { ether_portal, erc20_portal, .. } = self.genesis;
        let is_deposit = [ether_portal, erc20_portal].contains(&advance.context.sender);
        let on_failure = if is_deposit { Status::Accept } else { Status::Reject };
        match catch(|| self.carry_out(advance)) {
            Some(Ok(outputs)) => Answer { outputs, on_failure, ..Answer::silent() },
            Some(Err(refusal)) => Answer::report(report(&refusal)),
            None => {
                Answer { status: on_failure, ..failure("the application failed on this input") }
            }
        }
    }

    fn carry_out(&mut self, advance: &Advance) -> Result<Vec<Output>, RefusalView> {
        let Advance { context, ref payload } = *advance;
        let input = Input::read(&self.genesis, context, payload)
            .map_err(|refused| RefusalView::from(&refused))?;
        if let Some(credit) = input.credit {
            let credited = self.market.deposit(input.context.sender, credit.asset, credit.amount);
            credited.map_err(|refused| RefusalView::from(&refused))?;
        }
        let Some(calldata) = input.command else { return Ok(Vec::new()) };
        let command = decode_command(calldata).map_err(|refused| RefusalView::from(&refused))?;
        if self.memory_is_limited && !has_room_for(&command) {
            return Err(memory_full());
        }
        let effects = self.market.apply(&input.context, command, &mut self.judge);
        let effects = effects.map_err(|refused| RefusalView::from(&refused))?;
        Ok(effects.iter().flat_map(|effect| outputs(effect, self.genesis.registry)).collect())
    }

    /// Answers a question.
    #[must_use]
    pub fn inspect(&self, question: &[u8]) -> Answer {
        if self.memory_is_limited && !has_room_to_answer() {
            return failure(MEMORY_FULL);
        }
        match catch(|| wire::answer(&self.market, question)) {
            Some(answer) if answer.len() <= MAX_REPORT_BYTES => Answer::report(answer),
            Some(_) => failure("the answer is too long; ask for fewer items"),
            None => failure("the application failed on this question"),
        }
    }
}

fn memory_full() -> RefusalView {
    let (refused, message) = ("MemoryFull".to_owned(), MEMORY_FULL.to_owned());
    RefusalView { refused, message, values: BTreeMap::new() }
}

fn failure(error: &str) -> Answer {
    Answer::report(report(&ErrorView { error: error.to_owned() }))
}

fn report(view: &impl Serialize) -> Vec<u8> {
    let mut report = serde_json::to_vec(view).unwrap_or_default();
    report.truncate(MAX_REPORT_BYTES);
    report
}

#[cfg(test)]
mod tests {
    use market::{Address, Amount, Asset, Context, Timestamp};
    use wire::encode_ether_deposit;

    use super::*;
    use crate::guard::{CatchingJudge, planted::plant};

    const ALICE: Address = Address([0xa1; 20]);

    /// A panic wherever it is: an input is undone, unless it is a deposit; a question gets an
    /// answer; and the next request is answered as if nothing had been.
    #[test]
    fn a_panic_anywhere_is_caught_and_spoken_of() {
        let genesis = Genesis::default();
        let mut app = App::new(genesis.clone(), [], CatchingJudge::<eval::Evaluator>::default());
        let deposit = encode_ether_deposit(ALICE, Amount::new(7), &[]);
        let advance = |sender, payload| Advance {
            context: Context { sender, now: Timestamp(1), ..Context::default() },
            payload,
        };
        let deposit = advance(genesis.ether_portal, deposit);
        for (name, input, status) in [
            ("a message", advance(ALICE, vec![1, 2, 3, 4]), Status::Reject),
            ("a deposit", deposit.clone(), Status::Accept),
        ] {
            plant();
            let answer = app.advance(&input);
            assert_eq!((answer.status, answer.outputs.len()), (status, 0), "{name}");
            assert_eq!(answer.reports, failure("the application failed on this input").reports);
        }
        plant();
        let answer = app.inspect(b"jobs");
        assert_eq!(answer, failure("the application failed on this question"));
        app.advance(&deposit);
        assert_eq!(app.market().ledger().free(ALICE, Asset::Ether), Amount::new(7));
        assert_ne!(app.inspect(b"jobs"), answer);
    }
}
