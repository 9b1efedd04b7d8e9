//! A market with what is around it: blocks, inputs, sealed blobs, and an account of what everybody
//! paid in and got out.

use std::collections::BTreeMap;

use blobs::{Binding, BlobRef, Cid, Digest, Opening, Profile, blob_ref};
use market::{
    Address, Amount, Asset, AssetPrices, Command, Context, Effect, Judge, JobId, Market,
    Refusal, SealedBlob, Settings, Speed, Terms, Timestamp, U256, Windows, Work,
};

use crate::judge::WordJudge;

pub(crate) const APP: Address = Address([0xaa; 20]);
pub(crate) const CHAIN: u64 = 31_337;
pub(crate) const OPERATOR: Address = Address(*b"operator\0\0\0\0\0\0\0\0\0\0\0\0");
pub(crate) const SINK: Address = Address(*b"sink\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");

/// What an input brought about.
pub(crate) type Outcome = Result<Vec<Effect>, Refusal>;

/// A market and what is around it.
pub(crate) struct World {
    pub(crate) market: Market,
    /// Time of the next block.
    pub(crate) block_time: Timestamp,
    /// What the chain's validators draw for it.
    pub(crate) prev_randao: [u8; 32],
    /// How many inputs came.
    pub(crate) inputs: u64,
    /// With every how manieth input the whole market is compared when it was refused.
    pub(crate) thorough: u64,
    deposited: BTreeMap<(Address, Asset), U256>,
    paid: BTreeMap<(Address, Asset), U256>,
}

impl World {
    pub(crate) fn new(settings: Settings, drive: impl IntoIterator<Item = (Cid, Vec<u8>)>) -> Self {
        Self {
            market: Market::new(settings, drive),
            block_time: Timestamp(1_000),
            prev_randao: [1; 32],
            inputs: 0,
            thorough: 1,
            deposited: BTreeMap::new(),
            paid: BTreeMap::new(),
        }
    }

    fn context(&self, sender: Address, payload_bytes: usize) -> Context {
        Context {
            sender,
            block_time: self.block_time,
            chain_id: CHAIN,
            app: APP,
            block: self.block_time.0,
            prev_randao: self.prev_randao,
            input: self.inputs,
            payload_bytes: payload_bytes as u64,
        }
    }

    /// An input through a portal, perhaps with a command riding on it: the deposit stands whatever
    /// becomes of the command.
    pub(crate) fn deposit(
        &mut self,
        account: Address,
        (asset, amount): (Asset, Amount),
        command: Option<Command>,
    ) -> Outcome {
        let context = self.begin(account, command.as_ref());
        let mut effects = self.market.deposit(account, asset, amount);
        let sum = self.deposited.entry((account, asset)).or_default();
        *sum = sum.saturating_add(amount.0);
        if let Some(command) = command {
            match self.apply(&context, command, &mut WordJudge) {
                Ok(more) => effects.extend(more),
                Err(refusal) => {
                    self.end(effects);
                    return Err(refusal);
                }
            }
        }
        Ok(self.end(effects))
    }

    /// An input that carries a command.
    pub(crate) fn act(&mut self, sender: Address, command: Command) -> Outcome {
        self.act_before(sender, command, &mut WordJudge)
    }

    /// The same, with another judge.
    pub(crate) fn act_before(
        &mut self,
        sender: Address,
        command: Command,
        judge: &mut dyn Judge,
    ) -> Outcome {
        let context = self.begin(sender, Some(&command));
        match self.apply(&context, command, judge) {
            Ok(effects) => Ok(self.end(effects)),
            Err(refusal) => Err(self.refuse(refusal)),
        }
    }

    fn begin(&mut self, sender: Address, command: Option<&Command>) -> Context {
        let data = match command {
            Some(Command::Publish { data, .. }) => data.len(),
            _ => 0,
        };
        let context = self.context(sender, data);
        self.inputs += 1;
        self.market.begin(&context);
        context
    }

    /// A refused command changes nothing.
    fn apply(&mut self, context: &Context, command: Command, judge: &mut dyn Judge) -> Outcome {
        let before = self.inputs.is_multiple_of(self.thorough).then(|| self.market.clone());
        let said = before.is_some().then(|| format!("{command:?}"));
        let outcome = self.market.apply(context, command, judge);
        if let (Err(refusal), Some(mut before)) = (&outcome, before) {
            // What the refusal cost is on the meter, which each input begins anew.
            let mut after = self.market.clone();
            before.begin(context);
            after.begin(context);
            assert!(before == after, "{refusal} changed something: {said:?}");
        }
        outcome
    }

    fn end(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        let more = self.market.finish(effects.len());
        effects.extend(more);
        for effect in &effects {
            if let Effect::Pay { to, asset, amount } = effect {
                let sum = self.paid.entry((*to, *asset)).or_default();
                *sum = sum.saturating_add(amount.0);
            }
        }
        self.check();
        effects
    }

    fn refuse(&mut self, refusal: Refusal) -> Refusal {
        let left = self.market.finish(0);
        assert!(left.is_empty(), "{refusal} leaves something behind: {left:?}");
        self.check();
        refusal
    }

    /// Money is conserved.
    fn check(&self) {
        let solvent = self.market.ledger().solvency().all(|(_, sides)| sides.holds());
        assert!(solvent, "after input {}: {:?}", self.inputs, self.solvency());
    }

    fn solvency(&self) -> Vec<(Asset, market::Solvency)> {
        self.market.ledger().solvency().collect()
    }

    /// What an account has, free and paid out, beyond what it deposited.
    pub(crate) fn earned(&self, account: Address, asset: Asset) -> i128 {
        let of = |sums: &BTreeMap<(Address, Asset), U256>| {
            let sum = sums.get(&(account, asset)).copied().unwrap_or_default();
            i128::try_from(sum.as_u128()).unwrap()
        };
        let free = self.market.ledger().free(account, asset).0.as_u128();
        i128::try_from(free).unwrap() + of(&self.paid) - of(&self.deposited)
    }
}

/// Settings under which nothing costs anything but what is asked for.
pub(crate) fn settings() -> Settings {
    Settings {
        assets: [(Asset::Ether, AssetPrices::default())].into(),
        operator: OPERATOR,
        sink: SINK,
        operator_ppm: 200_000,
        max_blob_bytes: 1_000_000,
        max_stored_bytes: 4_000_000,
        max_balances: 1_000_000,
        input_work: Work(1_000_000),
        prices: market::Prices::default(),
        speed: Speed { float: 1_000_000_000, integer: 1_000_000_000, mining: 1_000_000_000 },
        max_window_seconds: 10_000,
        windows: Windows {
            delivery_seconds: 50,
            reveal_seconds: 50,
            attest_seconds: 50,
            evaluation_seconds: 500,
        },
        surcharge_lag_seconds: 300,
    }
}

/// A name like those that `wire` derives: nobody else's, and of no other terms.
pub(crate) fn job_name(sponsor: Address, salt: [u8; 32], terms: &Terms) -> JobId {
    JobId(Digest::of(format!("{sponsor}{salt:?}{terms:?}").as_bytes()).0)
}

pub(crate) fn named(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

/// A sealed blob and what it takes to open it.
#[derive(Clone)]
pub(crate) struct Secret {
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) sealed: SealedBlob,
    pub(crate) opening: Opening,
}

/// Seals `content` under a commitment to `plain`; an honest account's are the same.
pub(crate) fn seal(scope: [u8; 32], sender: Address, plain: BlobRef, content: &[u8]) -> Secret {
    let own = |part: &[u8]| Digest::of(&[part, &sender.0, &scope, &plain.digest.0].concat()).0;
    let opening = Opening { key: own(b"key"), salt: own(b"salt"), plain };
    let binding = Binding { chain_id: CHAIN, app: APP.0, scope, sender: sender.0 };
    let commitment = opening.commitment(&binding);
    let ciphertext = blobs::seal(&opening.key, commitment, content);
    let sealed = SealedBlob { commitment, ciphertext: named(&ciphertext) };
    Secret { ciphertext, sealed, opening }
}
