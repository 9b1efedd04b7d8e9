//! Sends one transaction and waits for its block; what was sent is on disk before, so that a lost
//! answer or a killed command never pays twice.
//!
//! A command that ends early leaves its note behind. The same order finds the note and goes on with
//! that transaction: it is awaited, or sent again with the same number, of which a chain takes one.

use alloy::consensus::TxEnvelope;
use alloy::eips::Encodable2718 as _;
use alloy::network::{NetworkTransactionBuilder as _, TransactionBuilder as _};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::Provider as _;
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use anyhow::{Context, Result, anyhow, bail};
use market::Amount;

use super::{
    Sender,
    answer::Answer,
    fate::{self, Fate},
    fees::Fees,
    notes::{Held, Note, Turn},
};
use crate::chain::revert;
use crate::printer::Refused;
use crate::quantity::{self, ETHER_DECIMALS};

/// Looks in a row at which an endpoint does not know a transaction before it is sent once more.
const LOST_AFTER: u32 = 4;

/// A call to send.
pub(super) struct Order<'a> {
    /// What it is for; completes "cannot …".
    pub(super) what: &'a str,
    pub(super) to: Address,
    pub(super) value: U256,
    pub(super) data: Bytes,
}

/// A signed transaction.
struct Signed {
    hash: B256,
    raw: Vec<u8>,
    most: u128,
}

/// A transaction under way, and its earlier forms with the same number.
struct Flight {
    nonce: u64,
    since: u64,
    hashes: Vec<B256>,
    held: Vec<Held>,
    /// The form that this process signed.
    signed: Option<Signed>,
}

impl Order<'_> {
    fn is(&self, note: &Note) -> bool {
        (note.to, note.value, &note.data) == (self.to, self.value, &self.data)
    }
}

impl Flight {
    fn newest(&self) -> B256 {
        self.hashes.last().copied().unwrap_or_default()
    }

    fn forget(&self) -> Result<()> {
        self.held.iter().try_for_each(Held::remove)
    }
}

impl Sender {
    /// Sends an order, or goes on with what an earlier command sent for it.
    ///
    /// - Errors: one sentence; if the transaction may still be mined, with its hash
    pub(super) async fn dispatch(
        &self,
        order: &Order<'_>,
    ) -> Result<(TransactionReceipt, Vec<Held>)> {
        let turn = self.turn().await?;
        let flight = match self.resumed(order).await? {
            Some(flight) => flight,
            None => self.launched(order).await?,
        };
        drop(turn);
        let receipt = self.awaited(order, &flight).await?;
        Ok((receipt, flight.held))
    }

    /// Waits until no other command of this account is choosing a number.
    async fn turn(&self) -> Result<Option<Turn>> {
        let Some(notes) = &self.options.notes else { return Ok(None) };
        let what = "waiting for another command that is sending for this account";
        let mut wait = self.options.patience.wait(self.options.printer, what);
        loop {
            if let Some(turn) = notes.turn()? {
                return Ok(Some(turn));
            }
            if !wait.pause().await {
                bail!("another command is sending for this account: wait for its end");
            }
        }
    }

    /// What an earlier command sent for the same order; says what became of others.
    async fn resumed(&self, order: &Order<'_>) -> Result<Option<Flight>> {
        let Some(notes) = &self.options.notes else { return Ok(None) };
        let (same, others): (Vec<_>, Vec<_>) =
            notes.left_behind()?.into_iter().partition(|held| order.is(&held.note));
        for held in others {
            self.report(&held).await?;
        }
        let Some(first) = same.first() else { return Ok(None) };
        let (nonce, since) = (first.note.nonce, first.note.since);
        let held: Vec<_> = same.into_iter().filter(|held| held.note.nonce == nonce).collect();
        let hashes = held.iter().map(|held| held.note.hash).collect();
        let mut flight = Flight { nonce, since, hashes, held, signed: None };
        let (what, hash) = (order.what, flight.newest());
        match self.fate(&flight).await? {
            Fate::Replaced(by) => {
                self.options.printer.say(format_args!(
                    "{hash} of an earlier command, to {what}, gave way to {by} and is never mined"
                ));
                flight.forget()?;
                return Ok(None);
            }
            Fate::Unknown => {
                self.options.printer.say(format_args!(
                    "{hash} of an earlier command, to {what}, was lost: sending it again"
                ));
                self.sign(order, &mut flight).await?;
                self.send(order, &mut flight).await?;
            }
            Fate::Pending { .. } if self.options.gas_price.is_some() => {
                self.sign(order, &mut flight).await?;
                self.send(order, &mut flight).await?;
            }
            Fate::Pending { .. } | Fate::Hidden | Fate::Mined(_) => {
                self.options.printer.say(format_args!(
                    "going on with {hash}, sent by an earlier command to {what}"
                ));
            }
        }
        Ok(Some(flight))
    }

    /// Says what became of an earlier command's transaction for something else.
    async fn report(&self, held: &Held) -> Result<()> {
        let Note { hash, nonce, since, purpose, .. } = &held.note;
        let fate = fate::of(&self.chain, self.address, *nonce, *since, &[*hash]).await?;
        let (end, is_over) = match fate {
            Fate::Mined(receipt) if receipt.status() => {
                (format!("is in block {}", receipt.block_number.unwrap_or_default()), true)
            }
            Fate::Mined(_) => ("failed".to_owned(), true),
            Fate::Replaced(by) => (format!("gave way to {by} and is never mined"), true),
            Fate::Hidden => ("is in a block, but the endpoint shows no receipt".to_owned(), false),
            Fate::Pending { .. } => ("is not mined yet".to_owned(), false),
            Fate::Unknown => ("is not known to the endpoint".to_owned(), false),
        };
        self.options.printer.say(format_args!("{hash} of an earlier command, to {purpose}, {end}"));
        if is_over { held.remove() } else { Ok(()) }
    }

    /// Signs an order with the account's next number, notes it and sends it.
    async fn launched(&self, order: &Order<'_>) -> Result<Flight> {
        let next = self.chain.provider().get_transaction_count(self.address).pending().await;
        let nonce = next.map_err(|error| self.chain.plain(error))?;
        let since = self.chain.head().await?;
        let (hashes, held) = (Vec::new(), Vec::new());
        let mut flight = Flight { nonce, since, hashes, held, signed: None };
        self.sign(order, &mut flight).await?;
        self.send(order, &mut flight).await?;
        Ok(flight)
    }

    /// Signs an order at today's fees, with the flight's number; it is on disk afterwards.
    async fn sign(&self, order: &Order<'_>, flight: &mut Flight) -> Result<()> {
        let signed = self.signed(order, flight.nonce).await?;
        if !flight.hashes.contains(&signed.hash) {
            if let Some(notes) = &self.options.notes {
                let Order { what, to, value, data } = order;
                flight.held.push(notes.write(Note {
                    hash: signed.hash,
                    nonce: flight.nonce,
                    purpose: (*what).to_owned(),
                    to: *to,
                    value: *value,
                    data: data.clone(),
                    since: flight.since,
                })?);
            }
            flight.hashes.push(signed.hash);
        }
        flight.signed = Some(signed);
        Ok(())
    }

    async fn signed(&self, order: &Order<'_>, nonce: u64) -> Result<Signed> {
        let Order { what, to, value, data } = order;
        let request = TransactionRequest::default()
            .with_from(self.address)
            .with_to(*to)
            .with_value(*value)
            .with_input(data.clone());
        let has = self.chain.ether_balance(self.address).await?;
        self.check_wallet(what, *value, has)?;
        let gas = self.chain.provider().estimate_gas(request.clone()).await;
        let gas = gas.map_err(|error| revert::explain(what, error, self.chain.url()))?;
        // What others do meanwhile may make it a little more costly.
        let gas = gas.saturating_add(gas / 8);
        let fees = Fees::choose(&self.chain, self.options.gas_price).await?;
        let most = fees.most();
        let needs = U256::from(gas).saturating_mul(U256::from(most)).saturating_add(*value);
        self.check_wallet(what, needs, has)?;
        let request = fees.on(request.with_gas_limit(gas));
        let request = request.with_nonce(nonce).with_chain_id(self.chain.chain_id().await?);
        let signed: TxEnvelope =
            request.build(&self.wallet).await.with_context(|| format!("cannot sign to {what}"))?;
        Ok(Signed { hash: *signed.tx_hash(), raw: signed.encoded_2718(), most })
    }

    fn check_wallet(&self, what: &str, needs: U256, has: U256) -> Result<(), Refused> {
        if needs <= has {
            return Ok(());
        }
        let ether = |wei: U256| quantity::decimal(Amount::new(wei.saturating_to()), ETHER_DECIMALS);
        let (needs, has, address) = (ether(needs), ether(has), self.address);
        let why = format_args!(
            "to {what} takes {needs} ether at most, gas included, and the wallet {address} has {has}"
        );
        Err(Refused::new("WalletTooSmall", why))
    }

    /// Sends what was signed. Without a clear answer, it counts as sent.
    ///
    /// - Errors: the endpoint refuses it, and does not know it either
    async fn send(&self, order: &Order<'_>, flight: &mut Flight) -> Result<()> {
        let Some(Signed { hash, raw, .. }) = &flight.signed else { return Ok(()) };
        let Err(error) = self.chain.provider().send_raw_transaction(raw).await else {
            return Ok(());
        };
        let why = match Answer::of(&error) {
            Answer::Known => return Ok(()),
            Answer::Doubt => {
                let fault = self.chain.plain(error);
                self.options.printer.say(format_args!("{fault:#}; looking for {hash}"));
                return Ok(());
            }
            Answer::Refused(why) => why,
        };
        let fate = fate::of(&self.chain, self.address, flight.nonce, flight.since, &[*hash]).await;
        if !matches!(fate, Ok(Fate::Unknown | Fate::Replaced(_))) {
            return Ok(());
        }
        let hash = *hash;
        for held in flight.held.iter().filter(|held| held.note.hash == hash) {
            held.remove()?;
        }
        bail!("cannot {}: {why}", order.what)
    }

    async fn fate(&self, flight: &Flight) -> Result<Fate> {
        fate::of(&self.chain, self.address, flight.nonce, flight.since, &flight.hashes).await
    }

    /// Waits until a transaction is in a block.
    ///
    /// - Errors: it never will be; or it is not within the time limit, with what it waits for
    async fn awaited(&self, order: &Order<'_>, flight: &Flight) -> Result<TransactionReceipt> {
        let hash = flight.newest();
        let what = format!("waiting for a block with {hash}");
        let mut wait = self.options.patience.wait(self.options.printer, &what);
        let mut lost = 0;
        loop {
            let fate = self.fate(flight).await;
            match fate {
                Ok(Fate::Mined(receipt)) => return Ok(*receipt),
                Ok(Fate::Replaced(by)) => {
                    flight.forget()?;
                    bail!(
                        "cannot {}: {hash} gave way to {by}, which has its number: it is never \
                         mined",
                        order.what
                    );
                }
                Ok(Fate::Unknown) => lost += 1,
                Ok(Fate::Hidden | Fate::Pending { .. }) => lost = 0,
                // It may be back in a moment.
                Err(_) => {}
            }
            if lost == LOST_AFTER {
                self.send_again(flight).await;
                lost = 0;
            }
            if !wait.pause().await {
                return Err(self.overdue(order, flight, fate).await);
            }
        }
    }

    /// Sends a lost transaction once more, the very same; what is said to that changes nothing.
    async fn send_again(&self, flight: &Flight) {
        let Some(Signed { hash, raw, .. }) = &flight.signed else { return };
        self.options.printer.say(format_args!("the endpoint does not know {hash}: sent once more"));
        drop(self.chain.provider().send_raw_transaction(raw).await);
    }

    /// Why a transaction is not mined within the time limit, and what to do.
    async fn overdue(
        &self,
        order: &Order<'_>,
        flight: &Flight,
        last: Result<Fate>,
    ) -> anyhow::Error {
        let why = match last {
            Err(error) => format!("{error:#}"),
            Ok(Fate::Unknown) => "the endpoint does not know it: it was dropped".to_owned(),
            Ok(Fate::Hidden) => "the endpoint shows no receipt of it".to_owned(),
            Ok(Fate::Pending { next }) if next < flight.nonce => {
                format!("it waits for number {next} of this account, and has {}", flight.nonce)
            }
            Ok(_) => self.priced_out(flight).await,
        };
        let (what, hash) = (order.what, flight.newest());
        let limit = quantity::duration(self.options.patience.limit.as_secs());
        anyhow!(
            "cannot {what} within {limit}: sent as {hash}, not mined yet ({why}); go on with the \
             same command, which pays once"
        )
    }

    async fn priced_out(&self, flight: &Flight) -> String {
        let base = self.chain.newest().await.ok().and_then(|block| block.base_fee_per_gas);
        match (&flight.signed, base) {
            (Some(Signed { most, .. }), Some(base)) if u128::from(base) > *most => {
                format!("blocks cost {base} wei a gas and it offers {most}: say --gas-price")
            }
            _ => "no block has taken it; a higher --gas-price may help".to_owned(),
        }
    }
}
