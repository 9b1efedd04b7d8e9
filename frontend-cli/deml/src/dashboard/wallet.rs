//! For whoever looks at the page with a wallet: balances, transactions to sign, and what became of
//! them. The payloads are those of `--calldata`.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    providers::Provider as _,
    sol_types::{SolCall, SolEvent as _},
};
use anyhow::{Context, Result};
use client::{
    chain::bindings::{ERC20, ERC20Portal, EtherPortal, InputBox},
    convert::{to_ethereum, to_word},
    follow,
    printer::Refused,
    quantity::Money,
    session::Session,
};
use market::Asset;
use serde::Serialize;
use wire::RefusalView;

use crate::commands::{
    balance::{self, Holdings},
    claim,
    deposit::{self, check_wallet},
    sending::{Calldata, DepositCalldata},
    withdraw,
};

/// An account's holdings, with the words that `deml balance` prints.
#[derive(Serialize)]
pub(super) struct Account {
    #[serde(flatten)]
    holdings: Holdings,
    balances: Vec<Balance>,
    /// Each voucher in words, in their order.
    vouchers_in_words: Vec<String>,
}

/// A balance in words.
#[derive(Serialize)]
struct Balance {
    asset: Asset,
    symbol: String,
    wallet: String,
    free: String,
}

/// An account's balances and vouchers.
pub(super) async fn account(session: &Session, account: Address) -> Result<Account> {
    let holdings = balance::balance(session, account).await?;
    let balances = holdings.assets.iter().map(|held| Balance {
        asset: held.asset,
        symbol: held.currency.symbol.clone(),
        wallet: held.currency.show(held.wallet),
        free: held.currency.show(held.free),
    });
    Ok(Account {
        balances: balances.collect(),
        vouchers_in_words: holdings.vouchers.iter().map(ToString::to_string).collect(),
        holdings,
    })
}

/// A transaction for a wallet to sign.
#[derive(Debug, Serialize)]
pub(super) struct Transaction {
    /// What it does, in words.
    what: String,
    to: Address,
    /// Ether to send along, in wei.
    value: U256,
    data: Bytes,
}

impl Transaction {
    fn call<C: SolCall>(what: impl Into<String>, to: Address, value: U256, call: &C) -> Self {
        Self { what: what.into(), to, value, data: call.abi_encode().into() }
    }
}

/// Transactions that deposit an amount.
///
/// - Errors: `WalletTooSmall`
pub(super) async fn deposit(
    session: &Session,
    account: Address,
    money: Money,
) -> Result<Vec<Transaction>> {
    let (currency, amount) = session.money(money).await?;
    check_wallet(session, account, &currency, amount).await?;
    transactions(session, account, deposit::calldata(&currency, amount)).await
}

/// Transactions that withdraw an amount, or all.
///
/// - Errors: `NothingFree`
pub(super) async fn withdraw(
    session: &Session,
    account: Address,
    amount: &str,
) -> Result<Vec<Transaction>> {
    transactions(session, account, withdraw::calldata(session, account, amount).await?).await
}

/// The transaction that executes a voucher.
///
/// - Errors: `TooEarly`; the node's proof is wrong
pub(super) async fn claim(
    session: &Session,
    account: Address,
    voucher: u64,
) -> Result<Vec<Transaction>> {
    let executions = claim::executions(session, account, &[voucher]).await?;
    if executions.calldata.is_empty() {
        let why = format_args!("voucher {voucher} is not proven on Ethereum yet: wait");
        return Err(Refused::new("TooEarly", why).into());
    }
    let (to, value) = (executions.application, U256::ZERO);
    let what = format!("execute voucher {voucher}");
    let calls = executions.calldata.into_iter();
    Ok(calls.map(|data| Transaction { what: what.clone(), to, value, data }).collect())
}

/// A command's payloads as transactions: the deposit first, with an approval if its token needs it.
async fn transactions(
    session: &Session,
    account: Address,
    calldata: Calldata,
) -> Result<Vec<Transaction>> {
    let mut transactions = Vec::new();
    if let Some(deposit) = calldata.deposit {
        transactions.extend(paid(session, account, deposit).await?);
    }
    let (to, app_contract) = (session.chain.contracts().input_box, session.application());
    transactions.extend(calldata.payloads.into_iter().map(|payload| {
        let call = InputBox::addInputCall { appContract: app_contract, payload };
        Transaction::call("send the command", to, U256::ZERO, &call)
    }));
    Ok(transactions)
}

async fn paid(
    session: &Session,
    account: Address,
    deposit: DepositCalldata,
) -> Result<Vec<Transaction>> {
    let DepositCalldata { asset, amount, exec_layer_data } = deposit;
    let (application, contracts) = (session.application(), session.chain.contracts());
    let value = to_word(amount);
    let what = format!("deposit {}", session.currency(asset).await.show(amount));
    let Asset::Erc20(token) = asset else {
        let call = EtherPortal::depositEtherCall {
            appContract: application,
            execLayerData: exec_layer_data,
        };
        return Ok(vec![Transaction::call(what, contracts.ether_portal, value, &call)]);
    };
    let (token, portal) = (to_ethereum(token), contracts.erc20_portal);
    let allowance = ERC20::allowanceCall { owner: account, spender: portal };
    let mut transactions = Vec::new();
    if session.chain.call("read the token allowance", token, &allowance).await? < value {
        let call = ERC20::approveCall { spender: portal, value };
        transactions.push(Transaction::call("let the portal take it", token, U256::ZERO, &call));
    }
    let call = ERC20Portal::depositERC20TokensCall {
        token,
        appContract: application,
        value,
        execLayerData: exec_layer_data,
    };
    transactions.push(Transaction::call(what, portal, U256::ZERO, &call));
    Ok(transactions)
}

/// What became of a transaction.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum TransactionStatus {
    /// It is in no block yet.
    Pending,
    /// Ethereum refused it.
    Failed,
    /// It added an input, which the node has not processed yet.
    Sent {
        input: u64,
    },
    /// The market refused its command.
    Refused {
        why: RefusalView,
    },
    Done,
}

/// Looks up what became of a transaction.
pub(super) async fn outcome(session: &Session, hash: B256) -> Result<TransactionStatus> {
    let receipt = session.chain.provider().get_transaction_receipt(hash).await;
    let receipt = receipt.context("cannot ask Ethereum for the transaction")?;
    let Some(receipt) = receipt else { return Ok(TransactionStatus::Pending) };
    if !receipt.status() {
        return Ok(TransactionStatus::Failed);
    }
    let input_box = session.chain.contracts().input_box;
    let input = receipt.logs().iter().find_map(|log| {
        let event = InputBox::InputAdded::decode_log(&log.inner).ok()?;
        let is_ours = log.address() == input_box && event.appContract == session.application();
        is_ours.then(|| u64::try_from(event.index).ok())?
    });
    let Some(input) = input else { return Ok(TransactionStatus::Done) };
    if session.node.processed_inputs().await? <= input {
        return Ok(TransactionStatus::Sent { input });
    }
    let processed = follow::read(&session.node, input).await?;
    Ok(match processed.refusals.into_iter().next() {
        Some(Refused(why)) => TransactionStatus::Refused { why },
        None => TransactionStatus::Done,
    })
}
