//! Write access to Ethereum with one account's key: inputs, deposits, executions.

use alloy::consensus::Transaction as _;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::sol_types::{SolCall, SolEvent};
use anyhow::{Context, Result, bail, ensure};

use super::bindings::{
    Application, ERC20, ERC20Portal, EtherPortal, InputBox, OutputValidityProof,
};
use super::{Chain, MAX_PAYLOAD_BYTES, revert};

/// A mined transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
}

/// One account that sends transactions, one at a time.
#[derive(Clone, Debug)]
pub struct Sender {
    chain: Chain,
    provider: DynProvider,
    address: Address,
}

impl Sender {
    pub(super) fn new(chain: Chain, provider: DynProvider, address: Address) -> Self {
        Self { chain, provider, address }
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
        let call = EtherPortal::depositEtherCall { appContract: application, execLayerData: data };
        let to = self.chain.contracts().ether_portal;
        self.transact("deposit Ether", to, wei, &call).await
    }

    /// Deposits `value` units of `token` for `application`, approving the portal if needed.
    pub async fn deposit_erc20(
        &self,
        token: Address,
        application: Address,
        value: U256,
        data: Bytes,
    ) -> Result<Sent> {
        let portal = self.chain.contracts().erc20_portal;
        let approval = self.approve(token, portal, value).await?;
        let call = ERC20Portal::depositERC20TokensCall {
            token,
            appContract: application,
            value,
            execLayerData: data,
        };
        let mut sent = self.transact("deposit tokens", portal, U256::ZERO, &call).await?;
        if let Some(approval) = approval {
            sent.gas_used += approval.gas_used;
            sent.fee_wei += approval.fee_wei;
        }
        Ok(sent)
    }

    /// Approves `spender` for exactly `value` of `token`, unless its allowance suffices.
    pub async fn approve(
        &self,
        token: Address,
        spender: Address,
        value: U256,
    ) -> Result<Option<Sent>> {
        let allowance = ERC20::allowanceCall { owner: self.address, spender };
        if self.chain.call("read the token allowance", token, &allowance).await? >= value {
            return Ok(None);
        }
        let call = ERC20::approveCall { spender, value };
        self.transact("approve the portal", token, U256::ZERO, &call).await.map(Some)
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
        let mut request = TransactionRequest::default()
            .with_from(self.address)
            .with_to(to)
            .with_value(value)
            .with_input(data);
        if self.chain.is_gas_free().await? {
            request = request.with_max_fee_per_gas(0).with_max_priority_fee_per_gas(0);
        }
        let pending = self.provider.send_transaction(request).await;
        let pending = pending.map_err(|error| revert::explain(what, error, self.chain.url()))?;
        let transaction = *pending.tx_hash();
        let receipt = pending.get_receipt().await.with_context(|| {
            format!("cannot {what}: transaction {transaction} was sent but is in no block yet")
        })?;
        if !receipt.status() {
            return Err(self.failed(what, &receipt).await);
        }
        sent(&receipt)
    }

    /// Repeats a failed transaction as a call, to learn the reason.
    async fn failed(&self, what: &str, receipt: &TransactionReceipt) -> anyhow::Error {
        let hash = receipt.transaction_hash;
        let plain = anyhow::anyhow!("cannot {what}: transaction {hash} failed");
        let (Ok(Some(transaction)), Some(block)) =
            (self.provider.get_transaction_by_hash(hash).await, receipt.block_number)
        else {
            return plain;
        };
        let again = TransactionRequest::default()
            .with_from(self.address)
            .with_to(receipt.to.unwrap_or_default())
            .with_value(transaction.value())
            .with_input(transaction.input().clone());
        match self.provider.call(again).block(block.into()).await {
            Err(error) => revert::explain(what, error, self.chain.url()),
            Ok(_) => plain,
        }
    }
}

fn sent(receipt: &TransactionReceipt) -> Result<Sent> {
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
    })
}
