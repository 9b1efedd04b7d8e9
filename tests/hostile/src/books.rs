//! Books kept beside the market's, from what the portals said and the vouchers that left.

use std::collections::BTreeMap;

use market::{Address, Amount, Asset, Market, U256};
use wire::{Notice, Output};

/// The longest output and report that the rollup server takes.
const MAX_OUTPUT_BYTES: usize = 2 << 20;
/// `transfer(address,uint256)`
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];

/// What came in and what left, of each asset.
#[derive(Default)]
pub(crate) struct Books {
    assets: BTreeMap<Asset, [Amount; 2]>,
}

impl Books {
    /// A portal's deposit that was credited.
    pub(crate) fn deposited(&mut self, asset: Asset, amount: Amount) {
        let [deposited, _] = self.assets.entry(asset).or_default();
        *deposited = deposited.checked_add(amount).expect("the ledger refuses what does not fit");
    }

    /// Outputs that left: each can be read back, and vouchers take money with them.
    pub(crate) fn left(&mut self, outputs: &[Output], registry: Address) {
        for output in outputs {
            let bytes = output.encode();
            assert!(bytes.len() <= MAX_OUTPUT_BYTES, "an output of {} bytes", bytes.len());
            assert_eq!(Output::decode(&bytes).as_ref(), Some(output), "an output reads back");
            match output {
                Output::Voucher { destination, value, payload } => {
                    self.voucher(*destination, *value, payload, registry);
                }
                Output::Notice { payload } => {
                    let notice = Notice::decode(payload).expect("a notice reads back");
                    assert_eq!(notice.encode(), *payload, "a notice has one encoding");
                }
                Output::DelegateCallVoucher { .. } => panic!("the market makes none of these"),
            }
        }
    }

    fn voucher(&mut self, to: Address, value: U256, payload: &[u8], registry: Address) {
        let (asset, amount) = match payload.split_first_chunk() {
            None => (Asset::Ether, value),
            Some((&TRANSFER, arguments)) => {
                (Asset::Erc20(to), U256::from_big_endian(&arguments[32..]))
            }
            Some(_) => {
                assert_eq!((to, value), (registry, U256::zero()), "a call of nothing else");
                return;
            }
        };
        let [_, paid] = self.assets.entry(asset).or_default();
        *paid = paid.checked_add(Amount(amount)).expect("no more leaves than came");
    }

    /// The market's ledger says the same, and what it holds is what accounts and jobs hold.
    pub(crate) fn check(&self, market: &Market) {
        let mut held: BTreeMap<Asset, [Amount; 2]> = BTreeMap::new();
        let sum = |sum: &mut Amount, amount| {
            *sum = sum.checked_add(amount).expect("totals fit 256 bits");
        };
        for (_, asset, amount) in market.ledger().accounts() {
            sum(&mut held.entry(asset).or_default()[0], amount);
        }
        for (_, job) in market.jobs_from(market::JobId(0)) {
            sum(&mut held.entry(job.terms.asset).or_default()[1], job.escrow);
        }
        for (_, job) in market.competitions_from(market::JobId(0)) {
            sum(&mut held.entry(job.terms.asset).or_default()[1], job.escrow);
        }
        for (asset, solvency) in market.ledger().solvency() {
            assert!(solvency.holds(), "{asset}: {solvency:?}");
            let [deposited, paid] = self.assets.get(&asset).copied().unwrap_or_default();
            assert_eq!([solvency.deposited, solvency.paid_out], [deposited, paid], "{asset}");
            let [free, escrowed] = held.remove(&asset).unwrap_or_default();
            assert_eq!([solvency.free, solvency.escrowed], [free, escrowed], "{asset}");
        }
        assert!(held.is_empty(), "money of assets that never came: {held:?}");
        let (stored, most) = (market.shelf().stored(), market.settings().max_stored_bytes);
        assert!(stored <= most, "{stored} bytes are stored, {most} allowed");
    }
}
