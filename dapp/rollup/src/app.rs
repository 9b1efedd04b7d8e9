//! The application: maps a request to an answer. No I/O, and no way to fail.

use std::collections::BTreeMap;

use blobs::Cid;
use market::{Command, Context, Effect, Judge, Market};
use serde::Serialize;
use wire::{Advance, Credit, ErrorView, Genesis, Input, RefusalView, decode_command, output};

use crate::{
    answer::{Answer, Status},
    guard::{catch, has_room_for, has_room_to_answer},
    request::Request,
};

/// Report if there is too little memory to begin anything new.
const MEMORY_FULL: &str =
    "the machine's memory is full; jobs can be settled and cancelled, and money withdrawn";

/// Report of an input, or a command, that was undone.
const FAILED: &str = "the application failed on this input";

/// Longest report; the server's limit is twice as much.
const MAX_REPORT_BYTES: usize = 1 << 20;

/// The market and everything needed to answer requests.
pub struct App<J> {
    genesis: Genesis,
    market: Market,
    judge: J,
    /// Whether allocations can fail, so that memory has to be checked in advance.
    memory_is_limited: bool,
}

impl<J: Judge> App<J> {
    /// An application at genesis; `drive` has the blobs shipped with the deployment.
    pub fn new(
        genesis: Genesis,
        drive: impl IntoIterator<Item = (Cid, Vec<u8>)>,
        judge: J,
    ) -> Self {
        let market = Market::new(genesis.settings.clone(), drive);
        Self::resume(genesis, market, judge)
    }

    /// An application that continues from an earlier state.
    pub fn resume(genesis: Genesis, market: Market, judge: J) -> Self {
        wire::prepare();
        Self { genesis, market, judge, memory_is_limited: false }
    }

    /// From now on, refuses requests that need memory if little of the limited memory is left.
    pub const fn expect_limited_memory(&mut self) {
        self.memory_is_limited = true;
    }

    /// State of the market.
    #[must_use]
    pub const fn market(&self) -> &Market {
        &self.market
    }

    /// Answers any request.
    ///
    /// A body that is not a request is accepted with a report: it might have been a deposit.
    pub fn answer(&mut self, body: &[u8]) -> Answer {
        match Request::decode(body) {
            Ok(Request::Advance(advance)) => self.advance(&advance),
            Ok(Request::Inspect(question)) => self.inspect(&question),
            Err(refused) => failure(&refused.to_string()),
        }
    }

    /// Processes an input.
    ///
    /// A refusal is accepted with a report. A panic is undone by rejecting the input, except for a
    /// deposit, whose money has already moved on L1: its credit stands, and a command sent with
    /// it that panics is undone on its own.
    pub fn advance(&mut self, advance: &Advance) -> Answer {
        let Genesis { ether_portal, erc20_portal, .. } = self.genesis;
        let is_deposit = [ether_portal, erc20_portal].contains(&advance.context.sender);
        let on_failure = if is_deposit { Status::Accept } else { Status::Reject };
        match catch(|| self.carry_out(advance)) {
            Some(answer) => Answer { on_failure, ..answer },
            None => Answer { status: on_failure, on_failure, ..failure(FAILED) },
        }
    }

    /// Runs an input: the market's clock advances first, and the cost is added to its lag last.
    fn carry_out(&mut self, advance: &Advance) -> Answer {
        let context = &advance.context;
        self.market.begin(context);
        let mut effects = Vec::new();
        let report = self.take(advance, &mut effects).err();
        effects.extend(self.market.finish(effects.len()));
        let outputs = effects.iter().map(|effect| output(effect, self.genesis.registry)).collect();
        let reports = report.into_iter().collect();
        Answer { outputs, reports, ..Answer::silent() }
    }

    /// Credits a deposit, then tries the command; neither depends on the other.
    ///
    /// - Errors: the refusal, as a report
    fn take(&mut self, advance: &Advance, effects: &mut Vec<Effect>) -> Result<(), Vec<u8>> {
        let Advance { context, ref payload } = *advance;
        let Input { context, credit, command } =
            Input::read(&self.genesis, context, payload).map_err(|refused| refusal(&refused))?;
        if let Some(Credit { asset, amount }) = credit {
            effects.extend(self.market.deposit(context.sender, asset, amount));
        }
        let Some(calldata) = command else { return Ok(()) };
        let command = decode_command(&context, calldata).map_err(|refused| refusal(&refused))?;
        if self.memory_is_limited && !has_room_for(&command) {
            return Err(memory_full());
        }
        effects.extend(if credit.is_some() {
            self.ride(&context, command)?
        } else {
            let applied = self.market.apply(&context, command, &mut self.judge);
            applied.map_err(|refused| refusal(&refused))?
        });
        Ok(())
    }

    /// Applies a command sent with a deposit; undoes it if it panics.
    fn ride(&mut self, context: &Context, command: Command) -> Result<Vec<Effect>, Vec<u8>> {
        let checkpoint = self.market.checkpoint(&command);
        match catch(|| self.market.apply(context, command, &mut self.judge)) {
            Some(applied) => applied.map_err(|refused| refusal(&refused)),
            None => {
                self.market.restore(checkpoint);
                Err(error(FAILED))
            }
        }
    }

    /// Answers a query.
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

fn memory_full() -> Vec<u8> {
    let (refused, message) = ("MemoryFull".to_owned(), MEMORY_FULL.to_owned());
    report(&RefusalView { refused, message, values: BTreeMap::new() })
}

fn refusal<R>(refused: &R) -> Vec<u8>
where
    for<'a> RefusalView: From<&'a R>,
{
    report(&RefusalView::from(refused))
}

fn failure(message: &str) -> Answer {
    Answer::report(error(message))
}

fn error(message: &str) -> Vec<u8> {
    report(&ErrorView { error: message.to_owned() })
}

fn report(view: &impl Serialize) -> Vec<u8> {
    let mut report = serde_json::to_vec(view).unwrap_or_default();
    report.truncate(MAX_REPORT_BYTES);
    report
}

#[cfg(test)]
mod tests {
    use market::{Address, Amount, Asset, Timestamp};
    use wire::{encode_command, encode_ether_deposit};

    use super::*;
    use crate::guard::{CatchingJudge, planted::plant};

    const ALICE: Address = Address([0xa1; 20]);

    /// Panics anywhere: an input is undone, unless it is a deposit; a query gets an answer; and the
    /// next request is answered as if nothing had happened.
    #[test]
    fn a_panic_anywhere_is_caught_and_reported() {
        let genesis = Genesis::default();
        let mut app = App::new(genesis.clone(), [], CatchingJudge::<eval::Evaluator>::default());
        let amount = Amount::new(10_u128.pow(18));
        let advance = |sender, payload| Advance {
            context: Context { sender, block_time: Timestamp(1), ..Context::default() },
            payload,
        };
        let withdraw = encode_command(&Command::Withdraw { asset: Asset::Ether, amount });
        let deposit =
            |command| advance(genesis.ether_portal, encode_ether_deposit(ALICE, amount, command));
        let failed = || failure(FAILED).reports;
        for (name, input, skipped, status, free) in [
            ("a message", advance(ALICE, vec![1, 2, 3, 4]), 0, Status::Reject, Amount::ZERO),
            ("a deposit", deposit(&[]), 0, Status::Accept, Amount::ZERO),
            ("a command on a deposit", deposit(&withdraw), 1, Status::Accept, amount),
        ] {
            plant(skipped);
            let answer = app.advance(&input);
            assert_eq!((answer.status, answer.outputs.len()), (status, 0), "{name}");
            assert_eq!(answer.reports, failed(), "{name}");
            assert_eq!(app.market().ledger().free(ALICE, Asset::Ether), free, "{name}");
        }
        plant(0);
        let answer = app.inspect(b"jobs");
        assert_eq!(answer, failure("the application failed on this question"));
        let answer = app.advance(&deposit(&withdraw));
        assert_eq!((answer.outputs.len(), answer.reports.len()), (1, 0));
        assert_eq!(app.market().ledger().free(ALICE, Asset::Ether), amount);
    }
}
