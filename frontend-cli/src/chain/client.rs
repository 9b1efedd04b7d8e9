//! Reading Ethereum through any JSON-RPC endpoint.

use std::time::Duration;

use alloy::eips::BlockNumberOrTag;
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, U256};
use alloy::providers::{DynProvider, Provider, ProviderBuilder};
use alloy::rpc::types::{Filter, Header, TransactionRequest};
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolEvent};
use anyhow::{Context, Result, bail};
use reqwest::Url;

use super::bindings::{Application, ERC20, InputBox, OutputValidityProof};
use super::{Contracts, Input, LogReader, Sender, revert};

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
        let provider = ProviderBuilder::new().connect_reqwest(http_client()?, url.clone());
        Ok(Self { provider: paced(provider.erased(), &url), url, contracts })
    }

    /// The same chain, with the right to send as the owner of `key`.
    pub fn sender(&self, key: PrivateKeySigner) -> Result<Sender> {
        let address = key.address();
        let provider = ProviderBuilder::new()
            .with_simple_nonce_management()
            .wallet(key)
            .connect_reqwest(http_client()?, self.url.clone());
        Ok(Sender::new(self.clone(), paced(provider.erased(), &self.url), address))
    }

    /// Where the shared contracts are.
    pub fn contracts(&self) -> Contracts {
        self.contracts
    }

    /// The endpoint that is asked.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The provider, for calls this type does not name.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The chain's id.
    pub async fn chain_id(&self) -> Result<u64> {
        self.provider.get_chain_id().await.with_context(|| self.unreachable())
    }

    /// Number of the newest block.
    pub async fn head(&self) -> Result<u64> {
        self.provider.get_block_number().await.with_context(|| self.unreachable())
    }

    /// Timestamp of the newest block, in seconds: the time applications go by.
    pub async fn block_time(&self) -> Result<u64> {
        Ok(self.newest().await?.timestamp)
    }

    /// Whether transactions cost nothing here; so it is on some local chains only.
    pub async fn is_gas_free(&self) -> Result<bool> {
        Ok(self.newest().await?.base_fee_per_gas == Some(0))
    }

    async fn newest(&self) -> Result<Header> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await;
        let block = block.with_context(|| self.unreachable())?;
        Ok(block.context("the Ethereum node has no newest block")?.header)
    }

    /// Ether of `account`, in wei.
    pub async fn ether_balance(&self, account: Address) -> Result<U256> {
        self.provider.get_balance(account).await.with_context(|| self.unreachable())
    }

    /// Units of the ERC-20 `token` that `account` holds.
    pub async fn erc20_balance(&self, token: Address, account: Address) -> Result<U256> {
        self.call("read the token balance", token, &ERC20::balanceOfCall { account }).await
    }

    /// Whether there is a contract at `address`.
    pub async fn has_code(&self, address: Address) -> Result<bool> {
        let code = self.provider.get_code_at(address).await.with_context(|| self.unreachable())?;
        Ok(!code.is_empty())
    }

    /// The inputs sent to `application` in the blocks `first..=last`, in order, each verified.
    pub async fn inputs(&self, application: Address, first: u64, last: u64) -> Result<Vec<Input>> {
        let filter = Filter::new()
            .address(self.contracts.input_box)
            .event_signature(InputBox::InputAdded::SIGNATURE_HASH)
            .topic1(application);
        let mut reader = LogReader::new(self.provider.clone(), filter, first);
        let mut inputs = Vec::new();
        while let Some(logs) = reader.next(last).await? {
            for log in logs {
                inputs.push(Input::from_log(&log, application)?);
            }
        }
        Ok(inputs)
    }

    /// Checks on L1 that `output` is proven by a claim that was accepted.
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

    /// Calls a view function of the contract at `to`; `what` completes "cannot …" in the error.
    pub async fn call<C: SolCall>(&self, what: &str, to: Address, call: &C) -> Result<C::Return> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let answer = self.provider.call(request).await;
        let answer = answer.map_err(|error| revert::explain(what, error))?;
        C::abi_decode_returns(&answer)
            .with_context(|| format!("cannot {what}: {to} does not answer as that contract"))
    }

    /// As [`Self::call`], in the state after `block`, which old blocks' endpoints may not have.
    pub async fn call_at<C: SolCall>(
        &self,
        what: &str,
        to: Address,
        call: &C,
        block: u64,
    ) -> Result<C::Return> {
        let request = TransactionRequest::default().with_to(to).with_input(call.abi_encode());
        let answer = self.provider.call(request).block(block.into()).await;
        let answer = answer.map_err(|error| revert::explain(what, error))?;
        C::abi_decode_returns(&answer)
            .with_context(|| format!("cannot {what}: {to} does not answer as that contract"))
    }

    /// The hash of a block, if the chain has it.
    pub async fn block_hash(&self, block: u64) -> Result<Option<B256>> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Number(block)).await;
        Ok(block.with_context(|| self.unreachable())?.map(|block| block.header.hash))
    }

    fn unreachable(&self) -> String {
        format!("no answer from the Ethereum node at {}: is it running?", self.url)
    }
}

/// How often receipts are asked for: a node on this computer answers at once, others are spared.
fn paced(provider: DynProvider, url: &Url) -> DynProvider {
    let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let interval = if is_local { Duration::from_millis(20) } else { Duration::from_secs(2) };
    provider.client().set_poll_interval(interval);
    provider
}

/// An HTTP client whose TLS uses ring; the process-wide choice is made by whoever comes first.
fn http_client() -> Result<reqwest::Client> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error only says that another thread was faster, with the same choice.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
    reqwest::Client::builder()
        .timeout(Duration::from_secs(60))
        .build()
        .context("cannot prepare the HTTP client")
}
