//! A market as the twin in a sponsor's browser needs it, and the fields of a draft as
//! `deml job open` explains them.

use alloy::{primitives::Address, providers::Provider as _};
use anyhow::{Context as _, Result};
use clap::{Args, Command};
use client::{
    chain::bindings::ERC20,
    convert::{to_amount, to_ethereum, to_market},
    jobs::JobRef,
    printer::Refused,
    session::Session,
};
use drafts::{AwardDraft, EvaluatorsDraft, OfferDraft, SealingDraft, TermsDraft};
use market::{Amount, Asset};
use serde::Serialize;
use twin::{
    sponsor::{Desk, Holding},
    transactions::{Contracts, Purse},
};
use wire::{JobList, JobView, Query, SlotView};

/// The market, and an account's part in it as a sponsor, of this job if it is open.
///
/// - Errors: Ethereum lacks the contracts that deposits go through
pub(super) async fn desk(
    session: &Session,
    account: Option<Address>,
    job: Option<&JobRef>,
) -> Result<Desk> {
    session.check_way(session.chain.contracts().ether_portal).await?;
    let gas_price = match session.chain.is_gas_free().await? {
        true => 0,
        false => {
            let price = session.chain.provider().get_gas_price().await;
            price.context("the Ethereum node does not say what gas costs")?
        }
    };
    let job = match job {
        None => None,
        Some(job) => opened(session, job).await?,
    };
    let slots: Vec<SlotView> = match &job {
        None => Vec::new(),
        Some(view) => {
            let job = view.job.into();
            session.all(|paging| Query::List(job, JobList::Blobs, paging)).await?
        }
    };
    let mut assets = vec![Asset::Ether];
    let token = session.token.map(|token| Asset::Erc20(to_market(token)));
    for asset in [token, job.as_ref().map(|view| view.terms.asset)].into_iter().flatten() {
        if !assets.contains(&asset) {
            assets.push(asset);
        }
    }
    let mut holdings = Vec::new();
    for asset in assets {
        holdings.push(holding(session, account, asset).await?);
    }
    Ok(Desk {
        chain_id: session.chain.chain_id().await?,
        application: to_market(session.application()),
        contracts: contracts(session),
        market: session.quote().await?,
        now: session.moment().await?,
        gas_price: u64::try_from(gas_price).unwrap_or(u64::MAX),
        sponsor: account.map(to_market),
        holdings,
        job,
        slots: slots.into_iter().filter(|one| one.submission.is_none()).collect(),
    })
}

/// The job, if the market has it.
async fn opened(session: &Session, job: &JobRef) -> Result<Option<JobView>> {
    match session.job(job).await {
        Ok(view) => Ok(Some(view)),
        Err(why) => match why.downcast_ref::<Refused>() {
            Some(Refused(refusal)) if refusal.refused == "NotFound" => Ok(None),
            _ => Err(why),
        },
    }
}

async fn holding(session: &Session, account: Option<Address>, asset: Asset) -> Result<Holding> {
    let Some(account) = account else {
        let currency = session.currency(asset).await;
        let purse = Purse { currency, free: Amount::ZERO, allowance: Amount::ZERO };
        return Ok(Holding { purse, wallet: Amount::ZERO });
    };
    let purse = purse(session, account, asset).await?;
    Ok(Holding { purse, wallet: session.wallet(account, asset).await? })
}

/// An account's means in an asset, besides its wallet's.
pub(super) async fn purse(session: &Session, account: Address, asset: Asset) -> Result<Purse> {
    let allowance = match asset {
        Asset::Ether => Amount::ZERO,
        Asset::Erc20(token) => {
            let spender = session.chain.contracts().erc20_portal;
            let call = ERC20::allowanceCall { owner: account, spender };
            let token = to_ethereum(token);
            to_amount(session.chain.call("read the token allowance", token, &call).await?)
        }
    };
    let currency = session.currency(asset).await;
    let free = session.free_balance(account, asset).await?;
    Ok(Purse { currency, free, allowance })
}

/// The contracts that take inputs.
pub(super) fn contracts(session: &Session) -> Contracts {
    let contracts = session.chain.contracts();
    Contracts {
        input_box: to_market(contracts.input_box),
        ether_portal: to_market(contracts.ether_portal),
        erc20_portal: to_market(contracts.erc20_portal),
    }
}

/// A section of a draft.
#[derive(Serialize)]
pub(super) struct Section {
    /// Its name in a file of terms; empty of what is in none.
    name: &'static str,
    /// What it is about.
    heading: Option<String>,
    fields: Vec<Field>,
}

/// A field of a draft, as the command's help explains it.
#[derive(Serialize)]
struct Field {
    /// Its name in a file of terms.
    name: String,
    help: String,
    /// What takes its place in the help: `FILE`, `SHARE`, `AMOUNT` and the like.
    value: String,
    /// What can be chosen, and what that means.
    choices: Vec<Choice>,
}

#[derive(Serialize)]
struct Choice {
    name: String,
    help: String,
}

/// The sections of a draft.
pub(super) fn sections() -> [Section; 5] {
    [
        section::<TermsDraft>("", &["title", "close", "places"]),
        section::<OfferDraft>("offer", &[]),
        section::<SealingDraft>("sealing", &[]),
        section::<EvaluatorsDraft>("evaluators", &[]),
        section::<AwardDraft>("award", &[]),
    ]
}

/// The fields of a section; if some are named, only those.
fn section<T: Args>(name: &'static str, only: &[&str]) -> Section {
    let command = T::augment_args(Command::new("open"));
    let arguments = command.get_arguments().filter(|argument| {
        let long = argument.get_long();
        long.is_some_and(|long| only.is_empty() || only.contains(&long))
    });
    let mut heading = None;
    let mut fields = Vec::new();
    for argument in arguments {
        heading = heading.or_else(|| argument.get_help_heading().map(str::to_owned));
        let choices = argument.get_possible_values().into_iter().map(|value| Choice {
            name: value.get_name().to_owned(),
            help: value.get_help().map(ToString::to_string).unwrap_or_default(),
        });
        let value = argument.get_value_names().and_then(<[_]>::first);
        fields.push(Field {
            name: argument.get_long().unwrap_or_default().to_owned(),
            help: argument.get_help().map(ToString::to_string).unwrap_or_default(),
            value: value.map(ToString::to_string).unwrap_or_default(),
            choices: choices.collect(),
        });
    }
    Section { name, heading, fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_a_draft_is_explained() {
        let sections = sections();
        let fields: Vec<&Field> = sections.iter().flat_map(|section| &section.fields).collect();
        assert!(fields.iter().all(|field| !field.help.is_empty()));
        let of = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
        assert_eq!(of("hold-out").value, "FILE");
        assert_eq!(of("reward").value, "AMOUNT");
        assert_eq!(of("unmet").choices.len(), 2);
        assert_eq!(of("sealed").value, "BOOL");
        assert!(of("metric").choices.iter().any(|choice| choice.name == "macro-f1"));
        assert_eq!(sections[0].fields.len(), 3);
        assert_eq!(sections[1].heading.as_deref(), Some("Offer: what an acceptable model is"));
    }
}
