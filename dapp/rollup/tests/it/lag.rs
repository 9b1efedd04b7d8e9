//! Machine time for nothing: whoever keeps the machine busy pays for all of it, and moves nobody's
//! deadline.

use market::{Address, Amount, Asset, Command, Slot, Stage, Target, Work};
use rollup::{Advance, App, Status};
use wire::{Genesis, Notice, Output, encode_command, encode_ether_deposit};

use crate::sample::{
    ALICE, BASE, BOB, DEPOSIT, GOOD, HOLD_OUT, NOW, Speller, context, evaluate, file, open,
    publish, submit, terms,
};

const MALLORY: Address = Address([0x3a; 20]);
const OPERATOR: Address = Address([0x09; 20]);
/// Seconds from one block to the next; each carries an input of two billion instructions.
const BLOCK_SECONDS: u64 = 12;
const INPUTS: u64 = 80;

/// An application whose judge takes as much of each input as there is.
struct Busy {
    app: App<Speller>,
    now: u64,
}

impl Busy {
    fn send(&mut self, sender: Address, payload: Vec<u8>) -> (Vec<Notice>, usize) {
        let payload_bytes = payload.len() as u64;
        let context = market::Context { payload_bytes, ..context(sender, self.now) };
        let answer = self.app.advance(&Advance { context, payload });
        assert_eq!(answer.status, Status::Accept);
        let notices = answer.outputs.iter().filter_map(|output| match output {
            Output::Notice { payload } => Notice::decode(payload),
            Output::Voucher { .. } | Output::DelegateCallVoucher { .. } => None,
        });
        (notices.collect(), answer.reports.len())
    }

    /// Sends a command that must not be refused.
    fn command(&mut self, sender: Address, command: &Command) -> Vec<Notice> {
        let (notices, reports) = self.send(sender, encode_command(command));
        assert_eq!(reports, 0, "{command:?}");
        notices
    }

    fn ride(&mut self, sender: Address, command: &Command) -> Vec<Notice> {
        let calldata = encode_command(command);
        let deposit = encode_ether_deposit(sender, Amount::new(DEPOSIT), &calldata);
        let (notices, reports) = self.send(Genesis::default().ether_portal, deposit);
        assert_eq!(reports, 0, "{command:?}");
        notices
    }

    fn free(&self, account: Address) -> Amount {
        self.app.market().ledger().free(account, Asset::Ether)
    }
}

#[test]
fn machine_time_for_nothing() {
    let mut genesis = Genesis::default();
    genesis.settings.operator = OPERATOR;
    let (sink, second) = (genesis.settings.sink, genesis.settings.speed.float);
    let drive = [BASE, HOLD_OUT].map(|bytes| (file(bytes).cid(), bytes.to_vec()));
    // A row takes twelve seconds, and an input has room for two.
    let judge = Speller { row: Work(second * 12) };
    let mut busy = Busy { app: App::new(genesis, drive, judge), now: NOW };
    let mut asked = terms(BASE);
    asked.offer.max_work = Work(u64::MAX >> 20);
    let (victims, open_victims) = open(asked);
    busy.ride(ALICE, &open_victims);
    let (_, stake) = (victims, busy.app.market().job(victims).unwrap().stake);
    assert!(stake.work > Amount::ZERO);
}
