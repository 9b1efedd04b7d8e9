//! A devnet that tells one lie consistently, a short job on it, and its audit.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use anyhow::Result;
use application::{Completion, InputStatus};
use auditor::{Audit, Report};
use client::{
    chain::{Advance, Output, dev_account},
    payment::Payment,
};
use devnet::{Conduct, Devnet, Ports};
use market::Share;
use wire::Notice;

use crate::{market::Market, program};

/// The payload, or the end of a deposit's, that marks the input that some lies concern.
const MARK: &[u8] = b"the input to lie about";

/// A lie, with the name that an audit gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The voucher of the first reward is duplicated.
    Added,
    /// The first output of a rewarded input is omitted.
    Dropped,
    /// The first two outputs of a rewarded input are swapped.
    Reordered,
    /// One bit of a rewarded input's first output is flipped.
    Flipped,
    /// Models get wrong scores, from the application itself.
    Score,
    /// The first reward goes to another account.
    Payout,
    /// The marked input has an output although it was rejected.
    RejectedKept,
    /// The first claim has a wrong root.
    WrongClaim,
    /// The first claim is omitted.
    MissingClaim,
    /// The marked input is treated as if it had never been sent.
    Withheld,
}

/// Plays a short job on a devnet that tells this lie, and audits it.
#[must_use]
pub fn audited(lie: Lie) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(play_and_audit(lie)).unwrap()
}

async fn play_and_audit(lie: Lie) -> Result<Report> {
    let home = tempfile::tempdir()?;
    let devnet = Devnet::start(config(home.path(), lie)).await?;
    let market = Arc::new(Market::beside_devnet(home));
    let session = market.session();
    beside(&market, |market| drop(market.play_on())).await?;
    let (sender, application) = (session.chain.sender(dev_account(1)?), session.application());
    match lie {
        Lie::RejectedKept => drop(sender.add_input(application, MARK.into()).await?),
        Lie::Withheld => {
            drop(sender.deposit_ether(application, U256::from(1), MARK.into()).await?);
        }
        _ => {}
    }
    devnet.advance_time(7_200).await?;
    beside(&market, |market| drop(market.ask(&["--account", "1", "job", "settle", "0"]))).await?;
    // Two epochs, so that every claim has either come or is overdue.
    for _ in 0..2 {
        devnet.end_epoch().await?;
        devnet.wait_settled(Duration::from_secs(60)).await?;
    }
    let audit = Audit::of(&session, devnet.info().genesis.clone());
    let report = Audit { suspect: Some(dapp(lie)), ..audit }.run().await?;
    devnet.shutdown().await?;
    Ok(report)
}

/// Runs commands while the devnet goes on.
async fn beside(market: &Arc<Market>, run: fn(&Market)) -> Result<()> {
    let market = market.clone();
    tokio::task::spawn_blocking(move || run(&market)).await?;
    Ok(())
}

fn dapp(lie: Lie) -> PathBuf {
    match lie {
        Lie::Score | Lie::RejectedKept => program("examples/hostile-dapp"),
        _ => program("deml-dapp"),
    }
}

fn config(home: &Path, lie: Lie) -> devnet::Config {
    let folder = home.join("deml/devnet");
    fs::create_dir_all(&folder).unwrap();
    let mut config = devnet::market::config(folder, dapp(lie)).unwrap();
    config.ports = Ports::ANY;
    if lie == Lie::RejectedKept {
        config.dapp_args = vec!["--reject".into(), String::from_utf8_lossy(MARK)[..].into()];
    }
    config.conduct = Arc::new(LyingNode { lie, told: AtomicBool::new(false) });
    config
}

/// The conduct of a node that tells a lie once.
struct LyingNode {
    lie: Lie,
    told: AtomicBool,
}

impl LyingNode {
    fn tell(&self) {
        self.told.store(true, Ordering::Relaxed);
    }

    fn is_told(&self) -> bool {
        self.told.load(Ordering::Relaxed)
    }
}

impl Conduct for LyingNode {
    fn passes_over(&self, input: &Advance) -> bool {
        self.lie == Lie::Withheld && input.payload.ends_with(MARK)
    }

    fn record(&self, completion: Completion) -> Completion {
        if self.is_told() {
            return completion;
        }
        let mut outputs = completion.outputs.clone();
        match (self.lie, reward(&outputs)) {
            (Lie::RejectedKept, _) if completion.status == InputStatus::Rejected => {
                outputs.push(Output::Notice { payload: MARK.into() }.encode());
            }
            (Lie::Added, Some(reward)) => outputs.push(outputs[reward].clone()),
            (Lie::Dropped, Some(_)) => drop(outputs.remove(0)),
            (Lie::Reordered, Some(_)) => outputs.swap(0, 1),
            (Lie::Flipped, Some(_)) => outputs[0] = flipped(&outputs[0]),
            (Lie::Payout, Some(reward)) => outputs[reward] = redirected(&outputs[reward]),
            _ => return completion,
        }
        self.tell();
        Completion { outputs, ..completion }
    }

    fn claim(&self, root: B256) -> Option<B256> {
        match self.lie {
            Lie::WrongClaim if !self.is_told() => {
                self.tell();
                Some(keccak256(root))
            }
            Lie::MissingClaim if !self.is_told() => {
                self.tell();
                None
            }
            _ => Some(root),
        }
    }
}

/// The index of the first reward: the voucher after the notice of its payment.
fn reward(outputs: &[Bytes]) -> Option<usize> {
    let is_reward = |output: &Bytes| match Output::decode(output) {
        Some(Output::Notice { payload }) => {
            matches!(wire::decode_notice(&payload), Some(Notice::Paid { share: Share::Reward, .. }))
        }
        _ => false,
    };
    let voucher = outputs.iter().position(is_reward)? + 1;
    let pays = |output| Output::decode(output).is_some_and(|output| Payment::of(&output).is_some());
    (pays(outputs.get(voucher)?) && voucher > 1).then_some(voucher)
}

fn flipped(output: &Bytes) -> Bytes {
    let mut bytes = output.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    bytes.into()
}

/// The same Ether payment, to another account.
fn redirected(output: &Bytes) -> Bytes {
    let Some(Output::Voucher { destination, value, payload }) = Output::decode(output) else {
        return output.clone();
    };
    let thief = U256::from_be_slice(destination.as_slice()).wrapping_add(U256::from(1));
    Output::Voucher { destination: Address::from_word(B256::from(thief)), value, payload }.encode()
}
