//! Tries a deposit of tokens before anything is sent: some contracts are not quite ERC-20s.

use alloy::network::TransactionBuilder as _;
use alloy::primitives::{Address, Bytes, U256, hex};
use alloy::providers::Provider as _;
use alloy::rpc::types::TransactionRequest;
use alloy::rpc::types::state::AccountOverride;
use alloy::sol_types::SolCall as _;
use alloy::transports::{RpcError, TransportErrorKind};
use anyhow::{Context, Result};
use serde::Deserialize;

use super::Sender;
use crate::chain::bindings::{DepositProbe, ERC20};
use crate::chain::revert;
use crate::convert;
use crate::printer::Refused;
use crate::quantity::decimal;

/// The contract that deposits in the account's place and measures what arrives.
const PROBE: &str = include_str!("../../../../../contracts/artifacts/DepositProbe.json");

#[derive(Deserialize)]
struct Artifact {
    bytecode: String,
}

impl Sender {
    /// Deposits in an `eth_call`, with the probe's code at this account, and compares the balances.
    ///
    /// - Errors: `TokenTakesFee`, `TokenNotStandard`; the contracts' reason; no endpoint can try
    pub(super) async fn try_deposit(
        &self,
        token: Address,
        application: Address,
        value: U256,
    ) -> Result<()> {
        let portal = self.chain.contracts().erc20_portal;
        let call = DepositProbe::probeCall { token, portal, app: application, value };
        let request =
            TransactionRequest::default().with_to(self.address).with_input(call.abi_encode());
        let code =
            AccountOverride { code: Some(self.probe().await?), ..AccountOverride::default() };
        let answer = self.chain.provider().call(request).account_override(self.address, code).await;
        let answer = answer.map_err(|error| self.not_tried(token, error))?;
        let found = DepositProbe::probeCall::abi_decode_returns(&answer)
            .context("the endpoint answers a trial deposit in an unexpected format")?;
        if (found.paid, found.received) == (value, value) {
            return Ok(());
        }
        let decimals = self.chain.call("read the decimals", token, &ERC20::decimalsCall {}).await;
        let decimals = decimals.unwrap_or(0);
        let [paid, received] =
            [found.paid, found.received].map(|units| decimal(convert::to_amount(units), decimals));
        let why = format_args!(
            "of {paid} tokens that leave the wallet {received} arrive: the token {token} takes a \
             fee from transfers, and a market cannot keep books in it; nothing was sent"
        );
        Err(Refused::new("TokenTakesFee", why).into())
    }

    /// The probe's code, as its creation would leave it on the chain.
    async fn probe(&self) -> Result<Bytes> {
        let Artifact { bytecode } = serde_json::from_str(PROBE)?;
        let code: Bytes = hex::decode(bytecode)?.into();
        let code = self.chain.provider().call(TransactionRequest::default().with_deploy_code(code));
        code.await.map_err(|error| self.chain.plain(error)).context("cannot try the deposit")
    }

    fn not_tried(&self, token: Address, error: RpcError<TransportErrorKind>) -> anyhow::Error {
        let Some(answer) = error.as_error_resp() else {
            return self.chain.plain(error).context("cannot try the deposit");
        };
        let has_reason = answer.as_revert_data().is_some_and(|data| !data.is_empty());
        let is_revert = answer.code == 3 || answer.message.to_lowercase().contains("revert");
        match (has_reason, is_revert) {
            (true, _) => revert::explain("deposit tokens", error, self.chain.url()),
            (false, true) => {
                let why = format_args!(
                    "the token {token} does not answer as an ERC-20: its transfers return nothing, \
                     and Cartesi's portal takes no such token; nothing was sent"
                );
                Refused::new("TokenNotStandard", why).into()
            }
            (false, false) => self.chain.plain(error).context(
                "cannot try the deposit, which takes eth_call with state overrides: give another \
                 --rpc-url",
            ),
        }
    }
}
