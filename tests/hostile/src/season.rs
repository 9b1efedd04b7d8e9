//! What a crowd sends for one competition, from its blobs to the objection to its miners.

use std::collections::VecDeque;

use market::{Address, Amount, Asset, Command, CompetitionTerms, JobId, Timestamp, Work};

use crate::{
    contest,
    world::{self, FILES},
};

/// Seconds from its opening to its close, and of each window after that: enough for all its turns.
const OPEN_SECONDS: u64 = 2_000;
const WINDOW_SECONDS: u32 = 400;

/// What someone sends, not before a time.
pub(crate) struct Turn {
    pub(crate) from: u64,
    pub(crate) sender: Address,
    pub(crate) act: Act,
}

pub(crate) enum Act {
    Command(Command),
    /// A command on a deposit of Ether.
    Deposit(Amount, Command),
    /// Attest, or unveil, as many models as there are by then.
    Attest,
    Unveil,
}

/// An entrant: whose model, and whether it shows an open one and reveals.
pub(crate) struct Entrant {
    pub(crate) account: Address,
    pub(crate) model: Vec<u8>,
    pub(crate) shows: bool,
    pub(crate) reveals: bool,
}

/// A competition to be held.
pub(crate) struct Season {
    pub(crate) job: JobId,
    pub(crate) now: u64,
    pub(crate) sponsor: Address,
    pub(crate) base: Vec<u8>,
    pub(crate) reveals: bool,
    pub(crate) entrants: Vec<Entrant>,
    pub(crate) miners: Vec<Address>,
}

impl Season {
    /// What opens it, and with how much.
    pub(crate) fn opening(&self) -> (Amount, Command) {
        let terms = self.terms();
        let escrow = terms.prize.checked_add(terms.miners_pool).expect("a small sum");
        (escrow, Command::OpenCompetition { job: self.job, terms: Box::new(terms) })
    }

    /// When it can be settled.
    pub(crate) fn deadline(&self) -> u64 {
        self.terms().object_until().0
    }

    fn terms(&self) -> CompetitionTerms {
        CompetitionTerms {
            asset: Asset::Ether,
            miners: u32::try_from(self.miners.len()).unwrap_or(u32::MAX),
            close: Timestamp(self.now + OPEN_SECONDS),
            reveal_seconds: WINDOW_SECONDS,
            attest_seconds: WINDOW_SECONDS,
            miners_only: false,
            base_model: world::file(&self.base),
            ..contest::terms(self.sponsor, self.job, 0)
        }
    }

    /// All that happens after its opening.
    pub(crate) fn turns(&self) -> VecDeque<Turn> {
        let (job, terms) = (self.job, self.terms());
        let mut turns = VecDeque::new();
        let mut send = |from: Timestamp, sender, act| {
            turns.push_back(Turn { from: from.0, sender, act });
        };
        let open = Timestamp(self.now);
        let ciphertext = contest::sealed(self.sponsor, job, &FILES.hold_out).1;
        for file in [&self.base, &FILES.hold_out, &ciphertext] {
            send(open, self.sponsor, Act::Command(world::publish(file)));
        }
        let evaluate = Command::Evaluate { job, work: Work(u64::MAX) };
        send(open, self.sponsor, Act::Command(evaluate));
        let enlist = Command::Enlist { job: Some(job) };
        for miner in &self.miners {
            send(open, *miner, Act::Deposit(terms.miner_bond, enlist.clone()));
        }
        let price = terms.buy_in.checked_add(terms.entrant_bond).expect("a small sum");
        for Entrant { account, model, shows, .. } in &self.entrants {
            let (sealed, ciphertext) = contest::sealed(*account, job, model);
            send(open, *account, Act::Deposit(price, Command::Enter { job, model: sealed }));
            send(open, *account, Act::Command(world::publish(&ciphertext)));
            if *shows {
                let show = Command::Show { job, model: world::file(model) };
                send(open, *account, Act::Command(show));
                send(open, *account, Act::Command(world::publish(model)));
            }
        }
        for Entrant { account, model, .. } in self.entrants.iter().filter(|one| one.reveals) {
            send(terms.close, *account, Act::Command(contest::reveal(job, model)));
        }
        if self.reveals {
            let reveal = contest::reveal(job, &FILES.hold_out);
            send(terms.close, self.sponsor, Act::Command(reveal));
        }
        self.miners.iter().for_each(|miner| send(terms.reveal_until(), *miner, Act::Attest));
        self.miners.iter().for_each(|miner| send(terms.attest_until(), *miner, Act::Unveil));
        if let Some(objector) = self.entrants.first() {
            let object = Command::Object { job, entry: 0 };
            send(terms.unveil_until(), objector.account, Act::Deposit(terms.miner_bond, object));
        }
        turns
    }
}
