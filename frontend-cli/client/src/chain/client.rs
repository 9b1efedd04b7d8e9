//! Read access to Ethereum through any JSON-RPC endpoint.

use std::time::Duration;

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, Header, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent};
use alloy::transports::{RpcError, TransportErrorKind};
use anyhow::{Context, Result, bail};
use reqwest::Url;

use super::bindings::{Application, ERC20, InputBox, OutputValidityProof};
use super::{ClaimEvent, ClaimKind, Contracts, Input, LogReader, Sender, revert, transport};
use crate::http::{Http, PATIENCE};
use crate::patience::Patience;

/// How long a transaction may wait for a block, if nobody says.
const BLOCK_WAIT: Duration = Duration::from_secs(300);

/// Pause between two looks for a transaction's block, and on this computer.
const PAUSE: Duration = Duration::from_secs(2);
const LOCAL_PAUSE: Duration = Duration::from_millis(20);

/// Read access to one Ethereum chain and the rollups contracts on it.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    url: Url,
    contracts: Contracts,
}

impl Chain {
    /// Prepares access through the RPC endpoint `url`; nothing is sent yet.
    ///
    /// - Errors: `url` is not an http or https URL
    pub fn connect(url: &str, contracts: Contracts) -> Result<Self> {
        let url: Url = url.parse().with_context(|| format!("{url} is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            bail!("{url} is not an http or https URL: give the RPC endpoint of an Ethereum node");
        }
        Ok(Self::over(Http::new(PATIENCE)?, url, contracts))
    }

    /// The same, with this timeout.
    ///
    /// - Errors: no HTTP client can be built
    pub fn within(self, patience: Duration) -> Result<Self> {
        Ok(Self::over(Http::new(patience)?, self.url, self.contracts))
    }

    pub(super) fn with_contracts(self, contracts: Contracts) -> Self {
        Self { contracts, ..self }
    }

    fn over(http: Http, url: Url, contracts: Contracts) -> Self {
        let client = transport::client(http, &url);
        let provider = ProviderBuilder::new().connect_client(client).erased();
        Self { provider, url, contracts }
    }

    /// The same chain, with write access for the owner of `key`.
    #[must_use]
    pub fn sender(&self, key: PrivateKeySigner) -> Sender {
        let pause = if transport::is_local(&self.url) { LOCAL_PAUSE } else { PAUSE };
        Sender::new(self.clone(), key, Patience { pause, limit: BLOCK_WAIT })
    }

    /// Addresses of the shared contracts.
    pub fn contracts(&self) -> Contracts {
        self.contracts
    }

    /// URL of the endpoint.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The provider, for calls that this type does not wrap.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The chain's id.
    pub async fn chain_id(&self) -> Result<u64> {
        self.provider.get_chain_id().await.map_err(|error| self.plain(error))
    }

    /// Number of the newest block.
    pub async fn head(&self) -> Result<u64> {
        self.provider.get_block_number().await.map_err(|error| self.plain(error))
    }

    /// Timestamp of the newest block, in seconds: the time that applications see.
    pub async fn block_time(&self) -> Result<u64> {
        Ok(self.newest().await?.timestamp)
    }

    /// The recent average block time, in milliseconds.
    pub async fn block_pace(&self) -> Result<u64> {
        let newest = self.newest().await?;
        let span = newest.number.min(100);
        let earlier = self.header((newest.number - span).into()).await?;
        let earlier = earlier.map_or(newest.timestamp, |block| block.timestamp);
        let milliseconds = newest.timestamp.saturating_sub(earlier).saturating_mul(1_000);
        Ok(milliseconds / span.max(1))
    }

    /// Whether transactions are free of charge, as on some local chains.
    pub async fn is_gas_free(&self) -> Result<bool> {
        Ok(self.newest().await?.base_fee_per_gas == Some(0))
    }

    pub(super) async fn newest(&self) -> Result<Header> {
        self.header(BlockNumberOrTag::Latest)
            .await?
            .context("the Ethereum node has no newest block")
    }

    async fn header(&self, block: BlockNumberOrTag) -> Result<Option<Header>> {
        let block = self.provider.get_block_by_number(block).await;
        Ok(block.map_err(|error| self.plain(error))?.map(|block| block.header))
    }

    /// The number of transactions that `account` has in blocks: the newest, or up to this one.
    pub(super) async fn transaction_count(
        &self,
        account: Address,
        block: Option<u64>,
    ) -> Result<u64> {
        let count = self.provider.get_transaction_count(account);
        let count = match block {
            Some(block) => count.number(block).await,
            None => count.await,
        };
        count.map_err(|error| self.plain(error))
    }

    /// Ether of `account`, in wei.
    pub async fn ether_balance(&self, account: Address) -> Result<U256> {
        self.provider.get_balance(account).await.map_err(|error| self.plain(error))
    }

    /// Ether that `account` had after `block`, in wei.
    pub async fn ether_balance_at(&self, account: Address, block: u64) -> Result<U256> {
        let balance = self.provider.get_balance(account).number(block).await;
        balance.map_err(|error| self.plain(error))
    }

    /// Units of the ERC-20 `token` that `account` had after `block`.
    pub async fn erc20_balance_at(
        &self,
        token: Address,
        account: Address,
        block: u64,
    ) -> Result<U256> {
        let call = ERC20::balanceOfCall { account };
        self.call_at("read the token balance", token, &call, block).await
    }

    /// Units of the ERC-20 `token` that `account` holds.
    pub async fn erc20_balance(&self, token: Address, account: Address) -> Result<U256> {
        self.call("read the token balance", token, &ERC20::balanceOfCall { account }).await
    }

    /// Whether there is a contract at `address`.
    pub async fn has_code(&self, address: Address) -> Result<bool> {
        let code = self.provider.get_code_at(address).await;
        Ok(!code.map_err(|error| self.plain(error))?.is_empty())
    }

    /// Reads the logs that `filter` selects, from block `first` on.
    #[must_use]
    pub fn logs(&self, filter: Filter, first: u64) -> LogReader {
        LogReader::new(self.provider.clone(), self.url.clone(), filter, first)
    }

    /// Reads the logs of inputs sent to `application`, from block `first` on.
    #[must_use]
    pub fn input_logs(&self, application: Address, first: u64) -> LogReader {
        let filter = Filter::new()
            .address(self.contracts.input_box)
            .event_signature(InputBox::InputAdded::SIGNATURE_HASH)
            .topic1(application);
        self.logs(filter, first)
    }

    /// The inputs sent to `application` in the blocks `first..=last`, in order, each verified.
    pub async fn inputs(&self, application: Address, first: u64, last: u64) -> Result<Vec<Input>> {
        let mut reader = self.input_logs(application, first);
        let mut inputs = Vec::new();
        while let Some(logs) = reader.next(last).await? {
            for log in logs {
                inputs.push(Input::from_log(&log, application)?);
            }
        }
        Ok(inputs)
    }

    /// Checks on L1 that an accepted claim proves `output`.
    ///
    /// - Errors: the contract's reason, in words
    pub async fn validate_output(
        &self,
        application: Address,
        output: &[u8],
        index: u64,
        siblings: Vec<B256>,
    ) -> Result<()> {
        let call = Application::validateOutputCall {
            output: output.to_vec().into(),
            proof: OutputValidityProof { outputIndex: index, outputHashesSiblings: siblings },
        };
        self.call("validate the output", application, &call).await.map(|_| ())
    }

    /// The claims of `application` accepted in a transaction: last block and root.
    pub async fn claims_in(
        &self,
        transaction: B256,
        application: Address,
    ) -> Result<Vec<(u64, B256)>> {
        let receipt = self.provider.get_transaction_receipt(transaction).await;
        let receipt = receipt.map_err(|error| self.plain(error))?;
        let logs = receipt.iter().flat_map(|receipt| receipt.logs());
        let claims = logs.filter_map(|log| {
            let claim = ClaimEvent::read(log).ok()??;
            let is_ours = claim.kind == ClaimKind::Accepted && claim.application == application;
            is_ours.then_some((claim.last_block, claim.outputs_root))
        });
        Ok(claims.collect())
    }

    /// Calls a view function of the contract at `to`; `what` completes "cannot …" in the error.
    pub async fn call<C: SolCall>(&self, what: &str, to: Address, call: &C) -> Result<C::Return> {
        self.call_in(what, to, call, BlockId::latest()).await
    }

    pub(super) fn plain(&self, error: RpcError<TransportErrorKind>) -> anyhow::Error {
        transport::plain(error, &self.url)
    }

    /// As [`Self::call`], in the state after `block`, which needs an archive node if it is old.
    pub async fn call_at<C: SolCall>(
        &self,
        what: &str,
        to: Address,
        call: &C,
        block: u64,
    ) -> Result<C::Return> {
        self.call_in(what, to, call, block.into()).await
    }

    async fn call_in<C: SolCall>(
        &self,
        what: &str,
        to: Address,
        call: &C,
        block: BlockId,
    ) -> Result<C::Return> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let answer = self.provider.call(request).block(block).await;
        let answer = answer.map_err(|error| revert::explain(what, error, &self.url))?;
        C::abi_decode_returns(&answer)
            .with_context(|| format!("cannot {what}: {to} does not answer as that contract"))
    }

    /// The hash of a block, if the chain has it.
    pub async fn block_hash(&self, block: u64) -> Result<Option<B256>> {
        Ok(self.header(block.into()).await?.map(|header| header.hash))
    }
}
