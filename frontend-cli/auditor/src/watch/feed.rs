//! Ethereum's record of an application, read for its money and its claims.

use alloy::{
    primitives::{Address, U256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use anyhow::{Context, Result};
use client::{
    chain::{
        CLAIM_ACCEPTED, Chain, ClaimEvent, Input, Output,
        bindings::{Application, Foreclosable, InputBox},
    },
    convert::{context, to_ethereum, to_word},
    payment::Payment,
};
use market::Asset;
use wire::Genesis;

use super::{
    alert::{Alarm, Alert},
    cursor::Mark,
};
use crate::Target;

type Changed = Application::OutputsMerkleRootValidatorChanged;

/// Reads one application's events for a watch.
pub(super) struct Feed<'a> {
    pub(super) chain: &'a Chain,
    pub(super) target: &'a Target,
    /// The genesis, which defines the accepted assets.
    pub(super) genesis: &'a Genesis,
}

/// Contents of an application's own events.
struct Own {
    /// The validators with the first block from which their claims count.
    validators: Vec<(u64, Address)>,
    /// Executed payments.
    paid: Vec<Payment>,
}

impl Feed<'_> {
    /// Reads on from `mark` to the end of block `last`.
    ///
    /// - Errors: the endpoint does not answer, or its answer is impossible
    pub(super) async fn read(&self, mark: &Mark, last: u64) -> Result<(Mark, Vec<Alert>)> {
        let (mut mark, mut alerts) = (mark.clone(), Vec::new());
        let first = mark.block + 1;
        // A claim counts only if its sender was the validator, so validators are read first;
        // payments follow deposits, so they are subtracted last.
        let Own { validators, paid } = self.own_events(&mut mark, first, last, &mut alerts).await?;
        self.others_events(&mut mark, first, last, &validators).await?;
        for payment in paid {
            let owed = mark.owed.entry(payment.asset.to_string()).or_default();
            *owed = owed.saturating_sub(to_word(payment.amount));
        }
        mark.block = last;
        let hash = self.chain.block_hash(last).await?;
        mark.hash = hash.with_context(|| format!("the Ethereum node lacks its block {last}"))?;
        Ok((mark, alerts))
    }

    /// The application's own events.
    async fn own_events(
        &self,
        mark: &mut Mark,
        first: u64,
        last: u64,
        alerts: &mut Vec<Alert>,
    ) -> Result<Own> {
        let signatures = vec![
            Changed::SIGNATURE_HASH,
            Application::OutputExecuted::SIGNATURE_HASH,
            Foreclosable::Foreclosure::SIGNATURE_HASH,
        ];
        let filter = Filter::new().address(self.target.application).event_signature(signatures);
        let mut reader = self.chain.logs(filter, first);
        let mut own = Own { validators: vec![(0, mark.validator)], paid: Vec::new() };
        while let Some(logs) = reader.next(last).await? {
            for log in logs {
                let block = log.block_number.context("an event outside of any block")?;
                if let Ok(changed) = Changed::decode_log(&log.inner) {
                    let new = changed.newOutputsMerkleRootValidator;
                    alerts.push(self.changed(mark.validator, new, block, &log));
                    mark.validator = new;
                    own.validators.push((block, new));
                } else if Foreclosable::Foreclosure::decode_log(&log.inner).is_ok() {
                    let of = (self.target.chain_id, self.target.application);
                    let words = format!(
                        "the application's guardian has foreclosed it in block {block}: no claim \
                         is accepted any more"
                    );
                    let alert = Alert::new(Alarm::Foreclosed, of, block, words);
                    alerts.push(Alert { transaction: log.transaction_hash, ..alert });
                } else if let Ok(executed) = Application::OutputExecuted::decode_log(&log.inner) {
                    let output = Output::decode(&executed.output);
                    own.paid.extend(output.as_ref().and_then(Payment::of));
                }
            }
        }
        Ok(own)
    }

    fn changed(&self, old: Address, new: Address, block: u64, log: &Log) -> Alert {
        let words = format!("{new} accepts the application's claims from block {block} on");
        let of = (self.target.chain_id, self.target.application);
        Alert {
            expected: Some(old.to_string()),
            found: Some(new.to_string()),
            transaction: log.transaction_hash,
            ..Alert::new(Alarm::ValidatorChanged, of, block, words)
        }
    }

    /// Inputs and claims.
    async fn others_events(
        &self,
        mark: &mut Mark,
        first: u64,
        last: u64,
        validators: &[(u64, Address)],
    ) -> Result<()> {
        let mut sources = vec![self.chain.contracts().input_box];
        sources.extend(validators.iter().map(|(_, validator)| *validator));
        let mut signatures = CLAIM_ACCEPTED.to_vec();
        signatures.push(InputBox::InputAdded::SIGNATURE_HASH);
        let filter = Filter::new()
            .address(sources)
            .event_signature(signatures)
            .topic1(self.target.application);
        let mut reader = self.chain.logs(filter, first);
        while let Some(logs) = reader.next(last).await? {
            for log in logs {
                let block = log.block_number.context("an event outside of any block")?;
                let before = validators.partition_point(|(from, _)| *from <= block);
                let validator = validators.get(before - 1).map(|(_, validator)| *validator);
                if log.address() == self.chain.contracts().input_box {
                    self.input(mark, &Input::from_log(&log, self.target.application)?);
                } else if Some(log.address()) == validator {
                    let Some(claim) = ClaimEvent::read(&log)? else { continue };
                    mark.awaited.remove(&claim.last_block);
                    mark.is_claimed = true;
                }
            }
        }
        Ok(())
    }

    fn input(&self, mark: &mut Mark, input: &Input) {
        let advance = &input.advance;
        let read = wire::Input::read(self.genesis, context(advance), &advance.payload);
        if let Some(credit) = read.ok().and_then(|read| read.credit)
            && self.genesis.settings.assets.contains_key(&credit.asset)
        {
            let owed = mark.owed.entry(credit.asset.to_string()).or_default();
            *owed = owed.saturating_add(to_word(credit.amount));
        }
        mark.awaited.insert(self.target.epoch_end(advance.block_number), advance.index);
    }

    /// Compares the contract's holdings after the mark's block with the market's liabilities.
    ///
    /// A shortage is reported once, and again only after it was covered.
    pub(super) async fn check_solvency(&self, mark: &mut Mark) -> Result<Vec<Alert>> {
        let mut alerts = Vec::new();
        // The balances of other tokens mean nothing.
        for &asset in self.genesis.settings.assets.keys() {
            let (name, application) = (asset.to_string(), self.target.application);
            let owed = mark.owed.get(&name).copied().unwrap_or(U256::ZERO);
            let held = match asset {
                Asset::Ether => self.chain.ether_balance_at(application, mark.block).await?,
                Asset::Erc20(token) => {
                    let token = to_ethereum(token);
                    self.chain.erc20_balance_at(token, application, mark.block).await?
                }
            };
            if held >= owed {
                mark.insolvent.remove(&name);
            } else if mark.insolvent.insert(name.clone()) {
                let of = (self.target.chain_id, application);
                let words = format!("the application holds less of {name} than its market owes");
                alerts.push(Alert {
                    kind: Some(name),
                    expected: Some(owed.to_string()),
                    found: Some(held.to_string()),
                    ..Alert::new(Alarm::Insolvent, of, mark.block, words)
                });
            }
        }
        Ok(alerts)
    }
}
