//! Write access to Ethereum with one account's key: inputs, deposits, executions.

mod answer;
mod dispatch;
mod fate;
mod fees;
mod notes;
mod tokens;

use std::sync::Arc;

use alloy::consensus::Transaction as _;
use alloy::network::{EthereumWallet, TransactionBuilder};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::Provider;
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent};
use anyhow::{Result, bail, ensure};

use self::dispatch::Order;
use self::notes::Held;
pub use self::notes::{Note, Notes};
use super::bindings::{
    Application, ERC20, ERC20Portal, EtherPortal, InputBox, OutputValidityProof,
};
use super::{Chain, Contracts, MAX_PAYLOAD_BYTES, revert};
use crate::patience::Patience;
use crate::printer::Printer;

/// How an account's transactions are sent.
#[derive(Clone, Debug)]
pub struct SendOptions {
    /// How long to wait for a block.
    pub patience: Patience,
    /// Shows the waiting.
    pub printer: Printer,
    /// Where transactions are noted before they are sent, so that a later command can go on.
    pub notes: Option<Notes>,
    /// The price of a unit of gas in wei; `None`: what the chain asks for.
    pub gas_price: Option<u128>,
}

/// A mined transaction.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its hash.
    pub transaction: B256,
    /// The block it is in.
    pub block: u64,
    /// Gas it used, including that of a preceding approval.
    pub gas_used: u64,
    /// The transaction fee, in wei.
    pub fee_wei: u128,
    /// The number of the input it added, if it added one.
    pub input: Option<u64>,
    held: Arc<Vec<Held>>,
}

impl Sent {
    /// Removes its notes: the command has seen what it came to, and would send another next time.
    pub fn finish(&self) -> Result<()> {
        self.held.iter().try_for_each(Held::remove)
    }
}

/// One account that sends transactions, one at a time.
#[derive(Clone, Debug)]
pub struct Sender {
    chain: Chain,
    wallet: EthereumWallet,
    address: Address,
    options: SendOptions,
}

impl Sender {
    pub(super) fn new(chain: Chain, key: PrivateKeySigner, patience: Patience) -> Self {
        let printer = Printer { json: false, quiet: true };
        let options = SendOptions { patience, printer, notes: None, gas_price: None };
        Self { chain, address: key.address(), wallet: key.into(), options }
    }

    /// The same account, sending in this way.
    #[must_use]
    pub fn with(self, options: SendOptions) -> Self {
        Self { options, ..self }
    }

    /// Waits for the block of an earlier command's transaction, as if it were sent again.
    ///
    /// - Errors: as for [`Sender::transact`]
    pub async fn go_on(&self, note: &Note) -> Result<Sent> {
        let Note { purpose, to, value, data, .. } = note;
        self.transact_raw(purpose, *to, *value, data.clone()).await
    }

    /// Transactions of earlier commands whose end none has seen, in the order of their numbers.
    ///
    /// - Errors: a note on disk is damaged
    pub fn unfinished(&self) -> Result<Vec<Note>> {
        let Some(notes) = &self.options.notes else { return Ok(Vec::new()) };
        Ok(notes.left_behind()?.into_iter().map(|held| held.note.clone()).collect())
    }

    /// The account that sends and pays.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The chain it sends to.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Sends `payload` to `application` as an input.
    ///
    /// - Errors: `payload` above [`MAX_PAYLOAD_BYTES`]; the contract's reason, in words
    pub async fn add_input(&self, application: Address, payload: Bytes) -> Result<Sent> {
        ensure!(
            payload.len() <= MAX_PAYLOAD_BYTES,
            "cannot send the input: it has {} bytes and at most {MAX_PAYLOAD_BYTES} fit: split it",
            payload.len()
        );
        let call = InputBox::addInputCall { appContract: application, payload };
        let to = self.chain.contracts().input_box;
        self.transact("send the input", to, U256::ZERO, &call).await
    }

    /// Deposits `wei` for `application`, with `data` as the execution-layer data.
    pub async fn deposit_ether(
        &self,
        application: Address,
        wei: U256,
        data: Bytes,
    ) -> Result<Sent> {
        let to = self.chain.contracts().ether_portal;
        self.transact_raw("deposit Ether", to, wei, ether_deposit(application, data)).await
    }

    /// Deposits `value` units of `token` for `application`, approving the portal if needed.
    ///
    /// - Errors: `TokenTakesFee`, `TokenNotStandard`, before anything is sent
    pub async fn deposit_erc20(
        &self,
        token: Address,
        application: Address,
        value: U256,
        data: Bytes,
    ) -> Result<Sent> {
        let portal = self.chain.contracts().erc20_portal;
        let mut approvals = Vec::new();
        if !self.has_deposited(Some(token), application, value, &data)? {
            self.try_deposit(token, application, value).await?;
            approvals = self.approve(token, portal, value).await?;
        }
        let call = token_deposit(token, application, value, data);
        let mut sent = self.transact_raw("deposit tokens", portal, U256::ZERO, call).await?;
        for approval in approvals {
            sent.gas_used += approval.gas_used;
            sent.fee_wei += approval.fee_wei;
        }
        Ok(sent)
    }

    /// Whether an earlier command sent this deposit, of Ether or of `token`, and did not see its
    /// end: the same deposit goes on with it.
    pub fn has_deposited(
        &self,
        token: Option<Address>,
        application: Address,
        value: U256,
        data: &Bytes,
    ) -> Result<bool> {
        let Contracts { ether_portal, erc20_portal, .. } = self.chain.contracts();
        let data = data.clone();
        let sought = match token {
            None => (ether_portal, value, ether_deposit(application, data)),
            Some(token) => {
                (erc20_portal, U256::ZERO, token_deposit(token, application, value, data))
            }
        };
        let mut notes = self.unfinished()?.into_iter();
        Ok(notes.any(|note| (note.to, note.value, note.data) == sought))
    }

    /// Approves `spender` for exactly `value` of `token`, unless its allowance suffices.
    ///
    /// An allowance that is too small is taken back first: some tokens change none but zero.
    async fn approve(&self, token: Address, spender: Address, value: U256) -> Result<Vec<Sent>> {
        let allowance = ERC20::allowanceCall { owner: self.address, spender };
        let allowance = self.chain.call("read the token allowance", token, &allowance).await?;
        if allowance >= value {
            return Ok(Vec::new());
        }
        let steps = [(!allowance.is_zero()).then_some(U256::ZERO), Some(value)];
        let mut all = Vec::new();
        for value in steps.into_iter().flatten() {
            let call = ERC20::approveCall { spender, value };
            let sent = self.transact("approve the portal", token, U256::ZERO, &call).await?;
            sent.finish()?;
            all.push(sent);
        }
        Ok(all)
    }

    /// Executes a voucher of `application`, given its proof.
    ///
    /// - Shapes: 63 siblings, from the leaf up
    /// - Errors: its claim is not accepted yet, it was already executed, or funds are lacking
    pub async fn execute_output(
        &self,
        application: Address,
        output: &[u8],
        index: u64,
        siblings: Vec<B256>,
    ) -> Result<Sent> {
        let call = Application::executeOutputCall {
            output: output.to_vec().into(),
            proof: OutputValidityProof { outputIndex: index, outputHashesSiblings: siblings },
        };
        self.transact("execute the voucher", application, U256::ZERO, &call).await
    }

    /// Calls the contract at `to` and waits until the transaction is mined.
    ///
    /// `what` completes "cannot …" in the error.
    pub async fn transact<C: SolCall>(
        &self,
        what: &str,
        to: Address,
        value: U256,
        call: &C,
    ) -> Result<Sent> {
        self.transact_raw(what, to, value, call.abi_encode().into()).await
    }

    /// As [`Sender::transact`], with calldata already encoded.
    pub async fn transact_raw(
        &self,
        what: &str,
        to: Address,
        value: U256,
        data: Bytes,
    ) -> Result<Sent> {
        let (receipt, held) = self.dispatch(&Order { what, to, value, data }).await?;
        let held = Arc::new(held);
        if !receipt.status() {
            held.iter().try_for_each(Held::remove)?;
            return Err(self.failed(what, &receipt).await);
        }
        sent(&receipt, held)
    }

    /// Repeats a failed transaction as a call, to learn the reason.
    async fn failed(&self, what: &str, receipt: &TransactionReceipt) -> anyhow::Error {
        let hash = receipt.transaction_hash;
        let plain = anyhow::anyhow!("cannot {what}: transaction {hash} failed");
        let (Ok(Some(transaction)), Some(block)) =
            (self.chain.provider().get_transaction_by_hash(hash).await, receipt.block_number)
        else {
            return plain;
        };
        let again = TransactionRequest::default()
            .with_from(self.address)
            .with_to(receipt.to.unwrap_or_default())
            .with_value(transaction.value())
            .with_input(transaction.input().clone());
        match self.chain.provider().call(again).block(block.into()).await {
            Err(error) => revert::explain(what, error, self.chain.url()),
            Ok(_) => plain,
        }
    }
}

fn ether_deposit(application: Address, data: Bytes) -> Bytes {
    let call = EtherPortal::depositEtherCall { appContract: application, execLayerData: data };
    call.abi_encode().into()
}

fn token_deposit(token: Address, application: Address, value: U256, data: Bytes) -> Bytes {
    let call = ERC20Portal::depositERC20TokensCall {
        token,
        appContract: application,
        value,
        execLayerData: data,
    };
    call.abi_encode().into()
}

fn sent(receipt: &TransactionReceipt, held: Arc<Vec<Held>>) -> Result<Sent> {
    let Some(block) = receipt.block_number else {
        bail!("transaction {} has a receipt but no block", receipt.transaction_hash);
    };
    let input = receipt.logs().iter().find_map(|log| {
        let event = InputBox::InputAdded::decode_log(&log.inner).ok()?;
        u64::try_from(event.index).ok()
    });
    Ok(Sent {
        transaction: receipt.transaction_hash,
        block,
        gas_used: receipt.gas_used,
        fee_wei: u128::from(receipt.gas_used) * receipt.effective_gas_price,
        input,
        held,
    })
}
