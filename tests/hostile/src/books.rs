//! Books kept beside the market's, from the portals' deposits and the vouchers.

use std::collections::BTreeMap;

use market::{Address, Amount, Asset, Market, U256};
use wire::Output;

/// The longest output and report that the rollup server accepts.
const MAX_OUTPUT_BYTES: usize = 2 << 20;
/// `transfer(address,uint256)`
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];

/// Deposits minus payments of each asset, modulo 2^256: any excess is returned at once.
#[derive(Default)]
pub(crate) struct Books {
    held: BTreeMap<Asset, U256>,
}

impl Books {
    /// Adds a portal's deposit.
    pub(crate) fn deposited(&mut self, asset: Asset, amount: Amount) {
        let held = self.held.entry(asset).or_default();
        *held = held.overflowing_add(amount.0).0;
    }

    /// Checks that outputs can be decoded, and subtracts the vouchers' payments.
    pub(crate) fn left(&mut self, outputs: &[Output], registry: Address) {
        for output in outputs {
            let bytes = output.encode();
            assert!(bytes.len() <= MAX_OUTPUT_BYTES, "an output of {} bytes", bytes.len());
            assert_eq!(Output::decode(&bytes).as_ref(), Some(output), "an output reads back");
            match output {
                Output::Voucher { .. } => {
                    if let Some((_, asset, amount)) = payment(output, registry) {
                        let held = self.held.entry(asset).or_default();
                        *held = held.overflowing_sub(amount.0).0;
                    }
                }
                Output::Notice { payload } => {
                    let notice = wire::decode_notice(payload).expect("a notice reads back");
                    assert_eq!(wire::encode_notice(&notice), *payload, "a notice has one encoding");
                }
                Output::DelegateCallVoucher { .. } => panic!("the market makes none of these"),
            }
        }
    }

    /// Checks that the market's ledger agrees, and that free money is the sum of the balances;
    /// nothing is in escrow if no job is live.
    pub(crate) fn check(&self, market: &Market) {
        let mut free: BTreeMap<Asset, Amount> = BTreeMap::new();
        for (_, asset, amount) in market.ledger().accounts() {
            let sum = free.entry(asset).or_default();
            *sum = sum.checked_add(amount).expect("totals fit 256 bits");
        }
        let mut held = self.held.clone();
        let is_idle = market.jobs_from(0).all(|(_, job)| !job.stage.is_live());
        for (asset, solvency) in market.ledger().solvency() {
            assert!(solvency.holds(), "{asset}: {solvency:?}");
            assert_eq!(solvency.free, free.remove(&asset).unwrap_or_default(), "{asset}");
            let total = solvency.free.checked_add(solvency.escrowed).map(|total| total.0);
            assert_eq!(total, Some(held.remove(&asset).unwrap_or_default()), "{asset}");
            assert!(!is_idle || solvency.escrowed == Amount::ZERO, "{asset}: {solvency:?}");
        }
        held.retain(|_, amount| !amount.is_zero());
        assert!(held.is_empty() && free.is_empty(), "not on the ledger: {held:?} {free:?}");
        let settings = market.settings();
        assert!(market.reserved_bytes() <= settings.max_stored_bytes, "the store is too full");
        // Besides the accounts, the operator and the sink.
        let balances = market.ledger().balance_count();
        let most = settings.max_balances as usize + 2 * settings.assets.len();
        assert!(balances <= most, "{balances} balances");
    }
}

/// The payment of a voucher; `None` if it is the registry's record.
pub(crate) fn payment(output: &Output, registry: Address) -> Option<(Address, Asset, Amount)> {
    let Output::Voucher { destination, value, payload } = output else { return None };
    match payload.split_first_chunk() {
        None => Some((*destination, Asset::Ether, Amount(*value))),
        Some((&TRANSFER, arguments)) => {
            let to = arguments[12..32].try_into().expect("twenty bytes");
            let amount = Amount(U256::from_big_endian(&arguments[32..]));
            Some((Address(to), Asset::Erc20(*destination), amount))
        }
        Some(_) => {
            assert_eq!((*destination, *value), (registry, U256::zero()), "a call of nothing else");
            None
        }
    }
}
