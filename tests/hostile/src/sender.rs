//! Sends inputs to an application in this process, and optionally to the program beside it,
//! which must answer the same.

use blobs::Cid;
use eval::Evaluator;
use market::{Address, Amount, Command, Market};
use rollup::{Advance, Answer, App, CatchingJudge, Status};
use scenarios::NOW;
use wire::{Genesis, encode_command, encode_erc20_deposit, encode_ether_deposit};

use crate::{
    advance::{check_answer, context},
    program::Program,
};

/// Seconds between inputs.
const SECONDS: u64 = 1;

/// Counts of inputs and their results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Inputs.
    pub inputs: u64,
    /// Refused inputs.
    pub refused: u64,
    /// Queries between them.
    pub questions: u64,
    /// Vouchers and notices.
    pub outputs: u64,
}

/// An application that receives inputs.
pub(crate) struct Sender {
    pub(crate) genesis: Genesis,
    pub(crate) now: u64,
    pub(crate) counts: Counts,
    pub(crate) program: Option<Program>,
    app: App<CatchingJudge<Evaluator>>,
}

impl Sender {
    pub(crate) fn new(
        genesis: Genesis,
        drive: Vec<(Cid, Vec<u8>)>,
        program: Option<Program>,
    ) -> Self {
        let app = App::new(genesis.clone(), drive, CatchingJudge::default());
        Self { genesis, now: NOW, counts: Counts::default(), program, app }
    }

    pub(crate) const fn market(&self) -> &Market {
        self.app.market()
    }

    pub(crate) fn command(&mut self, sender: Address, command: &Command) -> Answer {
        self.input(sender, encode_command(command))
    }

    /// A deposit of Ether, with calldata attached.
    pub(crate) fn ether(&mut self, sender: Address, amount: Amount, calldata: &[u8]) -> Answer {
        let deposit = encode_ether_deposit(sender, amount, calldata);
        self.input(self.genesis.ether_portal, deposit)
    }

    pub(crate) fn token(&mut self, token: Address, sender: Address, amount: Amount) -> Answer {
        let deposit = encode_erc20_deposit(token, sender, amount, b"no command");
        self.input(self.genesis.erc20_portal, deposit)
    }

    /// Sends an input.
    ///
    /// - Panics: if the application fails on it, or the program's answer differs
    pub(crate) fn input(&mut self, sender: Address, payload: Vec<u8>) -> Answer {
        self.now += SECONDS;
        let mut advance = Advance { context: context(sender, self.now), payload };
        advance.context.payload_bytes = advance.payload.len() as u64;
        let answer = self.app.advance(&advance);
        check_answer(&answer);
        if let Some(program) = &mut self.program {
            let (outputs, reports) = program.advance(&advance);
            assert!(outputs == answer.outputs, "the program says {outputs:?} to {advance:?}");
            assert!(reports == answer.reports, "the program reports otherwise on {advance:?}");
        }
        self.counts.inputs += 1;
        self.counts.refused += u64::from(!answer.reports.is_empty());
        self.counts.outputs += answer.outputs.len() as u64;
        if self.counts.inputs.is_multiple_of(1_000) {
            let mut totals = self.market().ledger().solvency();
            assert!(totals.all(|(_, solvency)| solvency.holds()), "money is not conserved");
        }
        answer
    }

    pub(crate) fn ask(&mut self, question: &str) {
        let answer = self.app.inspect(question.as_bytes());
        assert_eq!((answer.status, answer.reports.len()), (Status::Accept, 1));
        if let Some(program) = &mut self.program {
            let reports = program.inspect(question.as_bytes());
            assert!(reports == answer.reports, "the program answers {question} otherwise");
        }
        self.counts.questions += 1;
    }
}

/// The address of a numbered account.
pub(crate) fn account(number: u64) -> Address {
    let mut address = [0xac; 20];
    address[..8].copy_from_slice(&number.to_be_bytes());
    Address(address)
}
