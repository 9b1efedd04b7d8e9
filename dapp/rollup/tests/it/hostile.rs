//! Arbitrary bytes from anyone: the application answers without a panic; refusals change nothing.

use market::{Amount, Command, Slot, Target};
use proptest::prelude::*;
use rollup::{Advance, App, Status};
use scenarios::{
    ALICE, BASE, BOB, ETHER, HOLD_OUT, MODEL, NOW, Speller, TOKEN, evaluate, publish, submit,
};
use wire::{Genesis, encode_command, encode_erc20_deposit, encode_ether_deposit};

use crate::sample::{DEPOSIT, context, open, terms};

/// Calldata of every command that applies to a running job, and random bytes.
fn calldata() -> impl Strategy<Value = Vec<u8>> {
    let (job, open) = open(ALICE, terms(BASE));
    let commands = [
        open,
        publish(job, Slot::BaseModel, BASE),
        publish(job, Slot::HoldOut, HOLD_OUT),
        publish(job, Slot::Submission, MODEL),
        submit(job, MODEL),
        evaluate(job, Target::Base, 0, Amount::new(ETHER)),
        evaluate(job, Target::Submission(0), 0, Amount::new(ETHER)),
        Command::Settle { job },
        Command::CancelJob { job },
    ];
    let calldata = commands.iter().map(encode_command).collect::<Vec<_>>();
    prop_oneof![
        4 => prop::sample::select(calldata),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

/// An input, sometimes with one byte changed.
fn input() -> impl Strategy<Value = Advance> {
    let senders = prop::sample::select(vec![ALICE, BOB]);
    let change = prop::option::of((any::<prop::sample::Index>(), any::<u8>()));
    (senders, calldata(), 0..4_u8, 0..2_u64, change).prop_map(
        |(sender, calldata, kind, late, change)| {
            let Genesis { ether_portal, erc20_portal, .. } = Genesis::default();
            let amount = Amount::new(DEPOSIT);
            let (sender, mut payload) = match kind {
                0 => (ether_portal, encode_ether_deposit(sender, amount, &calldata)),
                1 => (erc20_portal, encode_erc20_deposit(TOKEN, sender, amount, &calldata)),
                _ => (sender, calldata),
            };
            if let Some((index, value)) = change
                && !payload.is_empty()
            {
                let index = index.index(payload.len());
                payload[index] = value;
            }
            Advance { context: context(sender, NOW + late * 4_000), payload }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn refused_inputs_leave_no_trace_and_money_is_conserved(
        inputs in prop::collection::vec(input(), 1..24),
    ) {
        let mut app = App::new(Genesis::default(), [], Speller);
        let Genesis { ether_portal, erc20_portal, .. } = Genesis::default();
        for input in inputs {
            let before = app.market().clone();
            let answer = app.advance(&input);
            prop_assert_eq!(answer.status, Status::Accept);
            let is_deposit = [ether_portal, erc20_portal].contains(&input.context.sender);
            if !answer.reports.is_empty() {
                let (before, after) = (&before, app.market());
                prop_assert!(is_deposit || before.ledger() == after.ledger());
                prop_assert!(before.jobs_from(0).eq(after.jobs_from(0)));
                prop_assert!(is_deposit || answer.outputs.is_empty());
            }
            prop_assert!(app.market().ledger().solvency().all(|(_, solvency)| solvency.holds()));
        }
    }

    #[test]
    fn any_body_is_accepted(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut app = App::new(Genesis::default(), [], Speller);
        let answer = app.answer(&body);
        prop_assert_eq!((answer.status, answer.reports.len()), (Status::Accept, 1));
        let answer = app.inspect(&body);
        prop_assert_eq!((answer.status, answer.reports.len()), (Status::Accept, 1));
    }
}
