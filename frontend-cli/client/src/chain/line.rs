//! Which line of the rollups contracts is on a chain, and what only the later one has.

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, Bytes};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use alloy::transports::{RpcError, TransportErrorKind};
use anyhow::{Context, Result, ensure};

use super::bindings::{Foreclosable, Versioned};
use super::{Chain, Line, transport};

impl Chain {
    /// Timestamp of block `number`, in seconds.
    ///
    /// - Errors: the endpoint lacks it
    pub async fn time_of(&self, number: u64) -> Result<u64> {
        let block = self.provider().get_block_by_number(number.into()).await;
        let block = block.map_err(|error| plain(self, error))?;
        let block = block.with_context(|| format!("the Ethereum node lacks block {number}"))?;
        Ok(block.header.timestamp)
    }

    /// The code of the contract at `address`; empty if there is none.
    pub async fn code(&self, address: Address) -> Result<Bytes> {
        let code = self.provider().get_code_at(address).await;
        code.map_err(|error| plain(self, error))
    }

    /// The line of the rollups contract at `address`, by its `version()`, which 2.2.0 lacks.
    ///
    /// - Errors: there is no contract, or one of a line not known here
    pub async fn line_of(&self, address: Address) -> Result<Line> {
        let chain = self.chain_id().await?;
        ensure!(
            self.has_code(address).await?,
            "there is no contract at {address} on chain {chain}: is this the market's chain?"
        );
        let request = TransactionRequest::default()
            .with_to(address)
            .with_input(Versioned::versionCall {}.abi_encode());
        let answer = match self.provider().call(request).await {
            Ok(answer) => answer,
            Err(RpcError::ErrorResp(_)) => return Ok(Line::V2_2_0),
            Err(error) => return Err(plain(self, error)),
        };
        let Ok(version) = Versioned::versionCall::abi_decode_returns(&answer) else {
            return Ok(Line::V2_2_0);
        };
        let Versioned::versionReturn { major, minor, patch, prerelease, .. } = version;
        Line::of_version(major).with_context(|| {
            format!(
                "the contract {address} is of Cartesi Rollups {major}.{minor}.{patch}-{prerelease}, \
                 and only 2.2.0 and 3.0.0-alpha are known here"
            )
        })
    }

    /// The same chain, with the contracts of the line that `application` is of.
    ///
    /// - Errors: there is no such application, or it is of a line not known here
    pub async fn of_application(self, application: Address) -> Result<Self> {
        let contracts = self.line_of(application).await?.contracts();
        Ok(self.with_contracts(contracts))
    }

    /// Whether `application` was given up by its guardian; applications of 2.2.0 cannot be.
    pub async fn is_foreclosed(&self, application: Address) -> Result<bool> {
        let request = TransactionRequest::default()
            .with_to(application)
            .with_input(Foreclosable::isForeclosedCall {}.abi_encode());
        match self.provider().call(request).await {
            Ok(answer) => {
                Ok(Foreclosable::isForeclosedCall::abi_decode_returns(&answer).unwrap_or(false))
            }
            Err(RpcError::ErrorResp(_)) => Ok(false),
            Err(error) => Err(plain(self, error)),
        }
    }
}

fn plain(chain: &Chain, error: RpcError<TransportErrorKind>) -> anyhow::Error {
    transport::plain(error, chain.url())
}
