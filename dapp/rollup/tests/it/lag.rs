//! No machine time for free: an account that keeps the machine busy pays for all of it, and moves
//! no one else's deadline.

use market::{Address, Amount, Asset, Command, Slot, Target, Terms, Timestamp, Work};
use rollup::{Advance, App, Status};
use scenarios::{
    ALICE, BASE, BOB, ETHER, EXPENSIVE_ROW, HOLD_OUT, MODEL, NOW, Speller, evaluate, file, publish,
    submit,
};
use wire::{Genesis, Notice, Output, encode_command, encode_ether_deposit};

use crate::sample::{DEPOSIT, context, open, terms};

const MALLORY: Address = Address([0x3a; 20]);
const OPERATOR: Address = Address([0x09; 20]);
/// Seconds between blocks; each carries an input of two billion instructions.
const BLOCK_SECONDS: u64 = 12;
const INPUTS: u64 = 60;

/// An application under load.
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
            Output::Notice { payload } => wire::decode_notice(payload),
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

/// Payments for the work in these notices: to the operator, and as surcharges.
fn paid(notices: &[Notice]) -> [Amount; 2] {
    let add = |one: Amount, other| one.checked_add(other).unwrap();
    notices.iter().fold([Amount::ZERO; 2], |[all, surcharges], notice| match notice {
        Notice::WorkPaid { operator, surcharge, .. } => {
            [add(all, *operator), add(surcharges, *surcharge)]
        }
        _ => [all, surcharges],
    })
}

#[test]
fn machine_time_for_nothing() {
    let heavy = b"0400";
    let mut genesis = Genesis::default();
    let settings = &mut genesis.settings;
    settings.operator = OPERATOR;
    settings.windows.delivery_seconds = 600;
    let (settings, sink) = (settings.clone(), settings.sink);
    let drive = [BASE, heavy, HOLD_OUT].map(|bytes| (file(bytes).cid(), bytes.to_vec()));
    let mut busy = Busy { app: App::new(genesis, drive, Speller), now: NOW };

    // Bob submits, and has ten minutes to deliver his bytes.
    let close = Timestamp(NOW + 660);
    let (job, open_victims) = open(ALICE, Terms { close, ..terms(BASE) });
    busy.ride(ALICE, &open_victims);
    busy.ride(BOB, &submit(job, MODEL));
    // Mallory keeps the machine fully busy in each block, for a job of her own.
    let mut expensive = terms(heavy);
    expensive.offer.max_work = Work(1_000_000_000_000);
    let (own, open_own) = open(MALLORY, expensive);
    let mut notices = busy.ride(MALLORY, &open_own);
    let surcharge = Amount::new(ETHER);
    for _ in 0..INPUTS {
        busy.now += BLOCK_SECONDS;
        let step = busy.app.market().job(own).unwrap().base.step();
        notices.extend(busy.command(MALLORY, &evaluate(own, Target::Base, step, surcharge)));
    }

    // She pays for all of it: the operator, and during the lag the sink.
    let rows = busy.app.market().job(own).unwrap().base.step();
    assert_eq!(u64::from(rows), 2 * (INPUTS + 1));
    let work = EXPENSIVE_ROW.times(rows.into());
    let price = settings.work_price(Asset::Ether, work).unwrap();
    let part = price.scaled_down(settings.operator_ppm.into(), 1_000_000.into()).unwrap();
    let [operator, surcharges] = paid(&notices);
    assert!(operator >= part.checked_sub(Amount::new(u128::from(rows))).unwrap());
    assert!(busy.free(OPERATOR) >= operator);
    // At a lag of five minutes the surcharge is the price once more, at ten minutes three times.
    assert!(surcharges > price.scaled_down(1.into(), 2.into()).unwrap(), "{surcharges} {price}");
    assert!(busy.free(sink) >= surcharges);

    // Bob's deadline has passed by block time, but not by the market's clock: he can deliver.
    let market = busy.app.market();
    assert!(
        busy.now > close.0 && market.now() < close,
        "{} {}",
        market.now(),
        market.lag_seconds()
    );
    busy.command(BOB, &publish(job, Slot::Submission, MODEL));
    // When the machine is idle again, his model is evaluated without a surcharge, and paid.
    busy.now += 600;
    let notices = busy.command(BOB, &evaluate(job, Target::Submission(0), 0, surcharge));
    let accepted = notices.iter().any(
        |notice| matches!(notice, Notice::SubmissionDecided { verdict, .. } if verdict.accepted),
    );
    assert!(accepted && paid(&notices)[1] == Amount::ZERO, "{notices:?}");
    assert_eq!(busy.app.market().job(job).unwrap().payouts, 1);
}
