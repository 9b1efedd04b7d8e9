//! Both serialised forms of the market's values: readable JSON, and compact checkpoints.

use std::fmt::Debug;

use market::{Amount, Asset, Command, Market, Target, U256};
use scenarios::TOKEN;
use serde::{Serialize, de::DeserializeOwned};
use wire::Genesis;

use crate::{
    answers,
    sample::{all_terms, commands},
};

/// Checks that a value survives both forms; returns the length of the compact one in bytes.
fn both<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> usize {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
    let bytes = postcard::to_allocvec(value).unwrap();
    assert_eq!(&postcard::from_bytes::<T>(&bytes).unwrap(), value, "{text}");
    bytes.len()
}

#[test]
fn values_read_back_from_both_forms() {
    for terms in all_terms() {
        let compact = both(&terms);
        assert!(compact < 600, "{compact} bytes");
    }
    for command in commands() {
        if let Command::Submit { model, .. } = command {
            both(&model);
        }
    }
    for target in [Target::Base, Target::BaseOnHoldOut, Target::Submission(3), Target::Shown(4)] {
        assert!(both(&target) <= 2);
    }
    assert_eq!(both(&Asset::Ether), 1);
    assert_eq!(both(&Asset::Erc20(TOKEN)), 21);
    assert_eq!(both(&Amount::ZERO), 4);
    assert_eq!(both(&Amount(U256::MAX)), 40);
    both(&Genesis::default().settings);
}

#[test]
fn a_market_with_jobs_reads_back_from_its_compact_form() {
    let (market, _) = answers::market();
    let bytes = postcard::to_allocvec(&market).unwrap();
    assert_eq!(postcard::from_bytes::<Market>(&bytes).unwrap(), market);
}
