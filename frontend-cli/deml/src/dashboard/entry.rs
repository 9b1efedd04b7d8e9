//! A job as the twin in the browser needs it: read from the node, decided there.

use std::str::FromStr;

use alloy::primitives::Address;
use anyhow::{Context as _, Error, Result, bail};
use client::{
    chain::bindings::ERC20,
    convert::{to_amount, to_ethereum, to_market},
    delivery::{self, Delivery},
    jobs::JobRef,
    printer::Refused,
    session::Session,
};
use market::{Amount, Asset, Slot, SlotKey};
use twin::entry::{Client, Contracts, Entry};
use wire::{JobView, QuoteView, SubmissionView};

use crate::commands::job::evaluate;

/// A file of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobFile {
    /// Its base model.
    Base,
    /// The dataset that models can be evaluated on now.
    Dataset,
}

impl FromStr for JobFile {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "base" => Self::Base,
            "dataset" => Self::Dataset,
            _ => bail!("a job has the files base and dataset"),
        })
    }
}

/// A job, and an account's part in it.
///
/// - Errors: `NotFound`; its name is not the hash of its terms
pub(super) async fn entry(
    session: &Session,
    job: &JobRef,
    account: Option<Address>,
) -> Result<Entry> {
    let job = session.job(job).await?;
    let QuoteView { settings, now, .. } = session.quote().await?;
    let currency = session.currency(job.terms.asset).await;
    let contracts = session.chain.contracts();
    let client = match account {
        Some(account) => Some(client(session, &job, account).await?),
        None => None,
    };
    Ok(Entry {
        chain_id: session.chain.chain_id().await?,
        application: to_market(session.application()),
        contracts: Contracts {
            input_box: to_market(contracts.input_box),
            ether_portal: to_market(contracts.ether_portal),
            erc20_portal: to_market(contracts.erc20_portal),
        },
        decides: match job.hold_out {
            Some(hold_out) => Some((hold_out, true)),
            None => {
                job.terms.opening_dataset().map(|slice| (slice, !job.terms.sealing.is_sealed()))
            }
        },
        settings,
        now,
        currency: (currency.decimals, currency.symbol),
        client,
        job,
    })
}

async fn client(session: &Session, job: &JobView, account: Address) -> Result<Client> {
    let asset = job.terms.asset;
    let submission = evaluate::submission_of(session, job.job, to_market(account)).await?;
    let received = match &submission {
        None => 0,
        Some(SubmissionView { submission, submitted, .. }) => {
            let key = SlotKey::of(Slot::Submission, *submission);
            match delivery::holding(session, job.job, key).await? {
                Delivery::Whole => submitted.published().size,
                Delivery::Part { received } => received,
                Delivery::Nothing => 0,
            }
        }
    };
    let allowance = match asset {
        Asset::Ether => Amount::ZERO,
        Asset::Erc20(token) => {
            let spender = session.chain.contracts().erc20_portal;
            let call = ERC20::allowanceCall { owner: account, spender };
            let token = to_ethereum(token);
            to_amount(session.chain.call("read the token allowance", token, &call).await?)
        }
    };
    let free = session.free_balance(account, asset).await?;
    Ok(Client { account: to_market(account), free, allowance, submission, received })
}

/// A file of a job, from the store.
///
/// - Errors: `NothingPublic`; the store does not have it
pub(super) async fn file(session: &Session, job: &JobRef, file: JobFile) -> Result<Vec<u8>> {
    let job = session.job(job).await?;
    let (blob, what) = match file {
        JobFile::Base => (Some(job.terms.offer.base_model), "base model"),
        JobFile::Dataset => (job.hold_out.or_else(|| job.terms.opening_dataset()), "dataset"),
    };
    let blob = blob.ok_or_else(|| {
        let why = "its hold-out is sealed, and it has no public slice";
        Refused::new("NothingPublic", why)
    })?;
    session.store.get(blob.cid(), blob.size).await.with_context(|| {
        format!("the {what} of job {} is in no store: say with --ipfs where it is", job.number)
    })
}
