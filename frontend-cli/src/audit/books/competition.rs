//! The money of competitions, from their notices and by their terms alone: what each entrant and
//! miner put in, what the outcome makes of it, and that every payment is a part of that.

use std::collections::{BTreeMap, VecDeque};

use market::{Address, Amount, CompetitionTerms, JobId, Outcome, Share, U256, Unmet};
use serde::{Deserialize, Serialize};
use wire::Notice;

use super::super::divergence::{Divergence, Kind};
use super::{Books, Checked, Owed, said};
use crate::payment::Payment;

/// The money of a competition that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Competition {
    sponsor: Address,
    terms: CompetitionTerms,
    escrow: Amount,
    /// Who entered, and whether the model is revealed.
    entrants: Vec<(Address, bool)>,
    has_hold_out: bool,
    /// Miners' and objectors' bonds that are held, by account.
    bonds: BTreeMap<Address, u32>,
    /// Who has a seat, and whether that one's bond is lost.
    seats: Vec<(Address, bool)>,
    /// Bonds lost by miners and by objectors.
    lost_bonds: u32,
    dues: Option<Dues>,
}

/// What is still to be paid once all is decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Dues {
    winners: VecDeque<(Address, Amount)>,
    /// Right miners in the order of their seats.
    miners: VecDeque<(Address, Amount)>,
    /// What right objectors get, whoever they are.
    objectors: VecDeque<Amount>,
    entrants: VecDeque<(Address, Amount)>,
    remainder: Amount,
    winners_count: u32,
}

/// What an outcome shares out.
struct Pots {
    prize: Amount,
    fees: Amount,
    forfeits: Amount,
    refunds: Amount,
    remainder: Amount,
}

impl Books {
    /// Enters a notice of a competition.
    ///
    /// - Errors: money moves that the terms do not move
    pub(super) fn competition(&mut self, notice: &Notice, owed: &mut Owed) -> Checked<()> {
        match notice {
            Notice::CompetitionOpened { job, sponsor, terms } => {
                self.open_competition(*job, *sponsor, terms)
            }
            Notice::Entered { job, entrant, .. } => {
                self.put_in(*job, *entrant, |book| {
                    sum(book.terms.buy_in, book.terms.entrant_bond)
                })?;
                self.book(*job)?.entrants.push((*entrant, false));
                Ok(())
            }
            // Offers for all jobs put nothing in.
            Notice::Enlisted { job, .. } if !self.competitions.contains_key(job) => Ok(()),
            Notice::Enlisted { job, miner } | Notice::Objected { job, objector: miner, .. } => {
                self.put_in_bond(*job, *miner)
            }
            Notice::SeatsDrawn { job, miners, .. } => self.draw(*job, miners),
            Notice::ModelRevealed { job, entry, entrant, .. } => {
                let bond = self.book(*job)?.reveal(*job, *entry, *entrant)?;
                self.take_out(*job, *entrant, bond)
            }
            Notice::HoldOutRevealed { job, .. } => {
                self.book(*job)?.has_hold_out = true;
                Ok(())
            }
            Notice::Forfeited { job, account, reason, .. } => {
                self.book(*job)?.forfeit(*job, *account, reason == "Objection")
            }
            Notice::Decided { job, outcome, winners, right_objectors, .. } => {
                let told = pots_told(notice);
                self.book(*job)?.decide(*job, *outcome, winners, *right_objectors, told)
            }
            Notice::Paid { job, to, share, amount, bond } => {
                self.share(*job, *to, *share, [*amount, *bond], owed)
            }
            _ => Ok(()),
        }
    }

    /// A competition ends; whether the registry is told of a winner.
    pub(super) fn close_competition(&mut self, id: JobId, remainder: Amount) -> Checked<bool> {
        let book = self.book(id)?;
        let is_whole = book.dues.as_ref().is_some_and(|dues| dues.is_paid(remainder));
        if !is_whole || book.escrow != remainder {
            return conservation(format!("competition {id} ends with shares that are not paid"));
        }
        let has_winner = book.dues.as_ref().is_some_and(|dues| dues.winners_count > 0);
        let sponsor = book.sponsor;
        self.take_out(id, sponsor, remainder)?;
        self.competitions.remove(&id);
        Ok(has_winner)
    }

    fn book(&mut self, id: JobId) -> Checked<&mut Competition> {
        let unknown =
            || Divergence::new(Kind::Conservation, format!("there is no competition {id}"));
        self.competitions.get_mut(&id).ok_or_else(|| unknown().into())
    }

    fn open_competition(
        &mut self,
        id: JobId,
        sponsor: Address,
        terms: &CompetitionTerms,
    ) -> Checked<()> {
        if self.jobs.contains_key(&id) || self.competitions.contains_key(&id) {
            return conservation(format!("job {id} opens twice"));
        }
        let book = Competition {
            sponsor,
            terms: *terms,
            escrow: Amount::ZERO,
            entrants: Vec::new(),
            has_hold_out: false,
            bonds: BTreeMap::new(),
            seats: Vec::new(),
            lost_bonds: 0,
            dues: None,
        };
        self.competitions.insert(id, book);
        self.put_in(id, sponsor, |book| sum(book.terms.prize, book.terms.miners_pool))
    }

    /// Moves an amount that the terms ask for from a free balance to the competition.
    fn put_in(
        &mut self,
        id: JobId,
        account: Address,
        asked: impl Fn(&Competition) -> Amount,
    ) -> Checked<()> {
        let book = self.book(id)?;
        let (asset, amount) = (book.terms.asset, asked(book));
        book.escrow = sum(book.escrow, amount);
        match self.escrow(account, asset, amount) {
            Some(()) => Ok(()),
            None => conservation(format!("{account} puts more into job {id} than it had")),
        }
    }

    fn put_in_bond(&mut self, id: JobId, account: Address) -> Checked<()> {
        self.put_in(id, account, |book| book.terms.miner_bond)?;
        *self.book(id)?.bonds.entry(account).or_default() += 1;
        Ok(())
    }

    /// Moves an amount from the competition to a free balance.
    fn take_out(&mut self, id: JobId, account: Address, amount: Amount) -> Checked<()> {
        let book = self.book(id)?;
        let asset = book.terms.asset;
        let left = book.escrow.checked_sub(amount);
        book.escrow = left.unwrap_or(book.escrow);
        if left.is_none() || self.release(account, asset, amount).is_none() {
            return conservation(format!("job {id} gives back more than it holds"));
        }
        Ok(())
    }

    /// Seats are drawn; whoever was not enlisted for this job puts in its bond now.
    fn draw(&mut self, id: JobId, miners: &[Address]) -> Checked<()> {
        for miner in miners {
            if !self.book(id)?.bonds.contains_key(miner) {
                self.put_in_bond(id, *miner)?;
            }
            self.book(id)?.seats.push((*miner, false));
        }
        Ok(())
    }

    /// Somebody gets a share, which must be the next of its kind, and perhaps a bond.
    fn share(
        &mut self,
        id: JobId,
        to: Address,
        share: Share,
        [amount, bond]: [Amount; 2],
        owed: &mut Owed,
    ) -> Checked<()> {
        let book = self.book(id)?;
        let payment = Payment { to, asset: book.terms.asset, amount };
        if !book.owes(to, share, amount) {
            let sentence = format!("competition {id} pays a share that is not its next");
            let wrong = Divergence::new(Kind::Payout, sentence);
            return Err(wrong.between(None, Some(said(&payment))).into());
        }
        if bond > Amount::ZERO {
            if bond != book.terms.miner_bond || !book.has_bond(to) {
                return conservation(format!("{to} gets a bond of job {id} that is not its own"));
            }
            self.take_out(id, to, bond)?;
        }
        if amount > Amount::ZERO {
            let book = self.book(id)?;
            let Some(left) = book.escrow.checked_sub(amount) else {
                return conservation(format!("job {id} pays more than it holds"));
            };
            book.escrow = left;
            owed.payments.push_back((id, payment));
        }
        Ok(())
    }
}

impl Competition {
    /// An entrant reveals, once; the bond it gets back.
    fn reveal(&mut self, id: JobId, entry: u32, entrant: Address) -> Checked<Amount> {
        let entry = usize::try_from(entry).ok().and_then(|entry| self.entrants.get_mut(entry));
        match entry.filter(|entry| **entry == (entrant, false)) {
            Some(entry) => entry.1 = true,
            None => return conservation(format!("{entrant} reveals what it has not in job {id}")),
        }
        Ok(self.terms.entrant_bond)
    }

    fn forfeit(&mut self, id: JobId, account: Address, is_objection: bool) -> Checked<()> {
        let seat = self.seats.iter_mut().find(|seat| **seat == (account, false));
        match seat {
            Some(seat) if !is_objection => seat.1 = true,
            _ if is_objection => {}
            _ => return conservation(format!("{account} loses a bond of job {id} it has not")),
        }
        if !self.has_bond(account) {
            return conservation(format!("{account} loses a bond of job {id} twice"));
        }
        self.lost_bonds += 1;
        Ok(())
    }

    /// Takes one of an account's bonds off the list; whether it had one.
    fn has_bond(&mut self, account: Address) -> bool {
        let Some(held) = self.bonds.get_mut(&account).filter(|held| **held > 0) else {
            return false;
        };
        *held -= 1;
        true
    }

    /// Works out what the outcome makes of the money, and compares it with what was told.
    fn decide(
        &mut self,
        id: JobId,
        outcome: Outcome,
        winners: &[u32],
        right_objectors: u32,
        told: [Amount; 5],
    ) -> Checked<()> {
        let is_evaluated = matches!(outcome, Outcome::NoWinner | Outcome::Won);
        let right = self.seats.iter().filter(|seat| is_evaluated && !seat.1);
        let right: Vec<Address> = right.map(|seat| seat.0).collect();
        let pots = self.pots(outcome, right.len(), right_objectors);
        let ours = [pots.prize, pots.fees, pots.forfeits, pots.refunds, pots.remainder];
        if ours != told {
            let shown = |pots: [Amount; 5]| {
                let [prize, fees, forfeits, refunds, remainder] = pots;
                format!(
                    "prize {prize}, fees {fees}, forfeits {forfeits}, refunds {refunds}, remainder {remainder}"
                )
            };
            let sentence = format!("competition {id} divides its money against its terms");
            let wrong = Divergence::new(Kind::Payout, sentence);
            return Err(wrong.between(Some(shown(ours)), Some(shown(told))).into());
        }
        let revealed = |entry: &u32| {
            let entry = self.entrants.get(usize::try_from(*entry).ok()?)?;
            entry.1.then_some(entry.0)
        };
        let named: Option<Vec<Address>> = winners.iter().map(revealed).collect();
        let Some(named) = named.filter(|named| named.is_empty() == (outcome != Outcome::Won))
        else {
            return conservation(format!("competition {id} is won by what was not revealed"));
        };
        let all_share = outcome == Outcome::NobodyRevealed;
        let sharing = self.entrants.iter().filter(|(_, revealed)| *revealed || all_share);
        let sharing: Vec<Address> = sharing.map(|(entrant, _)| *entrant).collect();
        let workers = right.len() + usize::try_from(right_objectors).unwrap_or(usize::MAX);
        let objectors = (right.len()..workers).map(|n| part(pots.forfeits, workers, n));
        let fees = |n| sum(part(pots.fees, right.len(), n), part(pots.forfeits, workers, n));
        self.dues = Some(Dues {
            winners_count: u32::try_from(named.len()).unwrap_or(u32::MAX),
            winners: parts(&named, |n| part(pots.prize, named.len(), n)),
            miners: parts(&right, fees),
            objectors: objectors.collect(),
            entrants: parts(&sharing, |n| part(pots.refunds, sharing.len(), n)),
            remainder: pots.remainder,
        });
        if pots.refunds == Amount::ZERO {
            self.dues.iter_mut().for_each(|dues| dues.entrants.clear());
        }
        Ok(())
    }

    fn pots(&self, outcome: Outcome, right_miners: usize, right_objectors: u32) -> Pots {
        let terms = &self.terms;
        let revealed = self.entrants.iter().filter(|(_, revealed)| *revealed).count();
        let own = sum(terms.prize, terms.miners_pool);
        let lost = times(sum(terms.buy_in, terms.entrant_bond), self.entrants.len() - revealed);
        let buy_ins = times(terms.buy_in, revealed);
        let none = Amount::ZERO;
        let mut pots =
            Pots { prize: none, fees: none, forfeits: none, refunds: none, remainder: none };
        match outcome {
            Outcome::Cancelled | Outcome::NobodyEntered => pots.remainder = own,
            Outcome::NobodyRevealed if self.has_hold_out => pots.remainder = sum(own, lost),
            Outcome::NobodyRevealed => (pots.refunds, pots.remainder) = (lost, own),
            Outcome::SponsorFailed => pots.refunds = sum(sum(own, lost), buy_ins),
            Outcome::NoWinner | Outcome::Won => {
                let bonds = times(terms.miner_bond, usize::try_from(self.lost_bonds).unwrap_or(0));
                let has_workers = right_miners > 0 || right_objectors > 0;
                let lost = if has_workers { lost } else { sum(lost, bonds) };
                pots.forfeits = if has_workers { bonds } else { none };
                if right_miners > 0 {
                    pots.fees = sum(terms.miners_pool, buy_ins);
                } else {
                    (pots.refunds, pots.remainder) = (buy_ins, terms.miners_pool);
                }
                let pot = match (outcome, terms.unmet) {
                    (Outcome::Won, _) => &mut pots.prize,
                    (_, Unmet::Share) => &mut pots.refunds,
                    (_, Unmet::Return) => &mut pots.remainder,
                };
                *pot = sum(*pot, terms.prize);
                let lost_to =
                    if outcome == Outcome::Won { &mut pots.prize } else { &mut pots.refunds };
                *lost_to = sum(*lost_to, lost);
            }
        }
        pots
    }

    /// Whether this share is the next of its kind; it is owed no more then.
    fn owes(&mut self, to: Address, share: Share, amount: Amount) -> bool {
        let Some(dues) = &mut self.dues else {
            return share == Share::Bond && amount == Amount::ZERO;
        };
        let next = |queue: &mut VecDeque<(Address, Amount)>| {
            let is_next = queue.front() == Some(&(to, amount));
            is_next && queue.pop_front().is_some()
        };
        match share {
            Share::Prize => next(&mut dues.winners),
            Share::Entrant => next(&mut dues.entrants),
            Share::Work if dues.miners.is_empty() => {
                let is_next = dues.objectors.front() == Some(&amount);
                is_next && dues.objectors.pop_front().is_some()
            }
            Share::Work => next(&mut dues.miners),
            Share::Bond => amount == Amount::ZERO,
        }
    }
}

impl Dues {
    /// Whether nothing is owed but this remainder.
    fn is_paid(&self, remainder: Amount) -> bool {
        let queues = [&self.winners, &self.miners, &self.entrants];
        queues.iter().all(|queue| queue.is_empty())
            && self.objectors.is_empty()
            && self.remainder == remainder
    }
}

fn pots_told(notice: &Notice) -> [Amount; 5] {
    match notice {
        Notice::Decided { prize, fees, forfeits, refunds, remainder, .. } => {
            [*prize, *fees, *forfeits, *refunds, *remainder]
        }
        _ => [Amount::ZERO; 5],
    }
}

fn parts(all: &[Address], of: impl Fn(usize) -> Amount) -> VecDeque<(Address, Amount)> {
    all.iter().enumerate().map(|(number, account)| (*account, of(number))).collect()
}

/// Part `number` of a sum divided into `count`: rounded down, the first takes what is left over.
fn part(whole: Amount, count: usize, number: usize) -> Amount {
    let Amount(whole) = whole;
    let (each, rest) = match U256::from(count) {
        none if none.is_zero() => (U256::zero(), U256::zero()),
        count => whole.div_mod(count),
    };
    Amount(if number == 0 { each.saturating_add(rest) } else { each })
}

/// More than 256 bits of anything is never held.
fn sum(one: Amount, other: Amount) -> Amount {
    one.checked_add(other).unwrap_or(Amount(U256::MAX))
}

fn times(amount: Amount, count: usize) -> Amount {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    amount.checked_times(count).unwrap_or(Amount(U256::MAX))
}

fn conservation<T>(sentence: String) -> Checked<T> {
    Err(Divergence::new(Kind::Conservation, sentence).into())
}
