//! The inputs of a crowd for one job, from its blobs to the last attestation.

use std::collections::VecDeque;

use market::{Address, Command, Slot, Target, Timestamp};
use scenarios::file;

use crate::{
    plan::Plan,
    world::{FILES, SECONDS},
};

/// An action of an account, with its earliest time.
pub(crate) struct Turn {
    pub(crate) from: Timestamp,
    pub(crate) sender: Address,
    pub(crate) act: Act,
}

pub(crate) enum Act {
    Command(Command),
    /// A command on a deposit that pays for it.
    Deposit(Command),
    /// Continue an evaluation.
    Evaluate(Target),
    /// Attest to the first page, or reveal that, with as many models as there are by then.
    Attest,
    RevealAttestation,
}

/// A submitting account: its model, and whether it shows an open one and stays to the end.
pub(crate) struct Client {
    pub(crate) account: Address,
    pub(crate) model: Vec<u8>,
    pub(crate) shows: bool,
    pub(crate) stays: bool,
}

/// All actions for a job after its opening.
pub(crate) fn turns(
    plan: &Plan,
    opened: Timestamp,
    clients: &[Client],
    miners: &[Address],
    reveals: bool,
) -> VecDeque<Turn> {
    let mut turns = VecDeque::new();
    let mut send = |from, sender, act| turns.push_back(Turn { from, sender, act });
    let (open, close) = (opened, plan.terms.close);
    for slot in [Slot::BaseModel, Slot::HoldOut, Slot::PublicSlice] {
        send(open, plan.sponsor, Act::Command(plan.publish_own(slot)));
    }
    (0..3).for_each(|_| send(open, plan.sponsor, Act::Evaluate(Target::Base)));
    for miner in miners {
        send(open, *miner, Act::Deposit(Command::Enlist { job: plan.job }));
    }
    for (number, Client { account, model, shows, stays }) in (0..).zip(clients) {
        let [submit, publish] = plan.submission(*account, model);
        send(open, *account, Act::Deposit(submit));
        if *stays || plan.is_sealed() {
            send(open, *account, Act::Command(publish));
        }
        if *shows {
            let show = Command::Show { job: plan.job, model: file(model) };
            send(open, *account, Act::Deposit(show));
            send(open, *account, Act::Command(plan.publish(Slot::Shown, model)));
        }
        if !plan.is_sealed() {
            let evaluate = || Act::Evaluate(Target::Submission(number));
            (0..3).for_each(|_| send(open, *account, evaluate()));
        }
    }
    if !plan.is_sealed() {
        return turns;
    }
    for Client { account, model, .. } in clients.iter().filter(|client| client.stays) {
        send(close, *account, Act::Command(plan.reveal(model)));
    }
    if reveals {
        send(close, plan.sponsor, Act::Command(plan.reveal(&FILES.hold_out)));
    }
    let window = u64::from(SECONDS);
    let revealed = plan.terms.reveal_until();
    send(revealed, plan.sponsor, Act::Command(Command::Settle { job: plan.job }));
    let after = |seconds| revealed.after(seconds);
    miners.iter().for_each(|miner| send(after(window / 4), *miner, Act::Attest));
    miners.iter().for_each(|miner| send(after(window * 5 / 4), *miner, Act::RevealAttestation));
    (0..3).for_each(|_| send(revealed, plan.sponsor, Act::Evaluate(Target::BaseOnHoldOut)));
    for number in (0..).take(clients.len()) {
        let evaluate = || Act::Evaluate(Target::Submission(number));
        (0..3).for_each(|_| send(revealed, plan.sponsor, evaluate()));
    }
    turns
}
