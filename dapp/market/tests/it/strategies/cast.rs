//! Who plays, and how.

use fastrand::Rng;
use market::Address;
use scenarios::Secret;

/// A way to play a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    Sponsor,
    /// Never reveals the hold-out.
    SponsorSilent,
    /// Seals a hold-out that fits no model.
    SponsorMisfit,
    /// Asks for a score that nobody reaches, to keep the award.
    SponsorImpossible,
    /// Enters under another name with a model made for the hold-out, to keep the award.
    SponsorSock,
    /// Gives miners the shortest windows, and no block but the first of each.
    SponsorShortWindows,
    Entrant,
    /// Sends another's commitment and ciphertext.
    EntrantStolen,
    /// Sends a copy of a model that another has published, in other bytes and another graph.
    EntrantCopying,
    /// Under two names, with the same model.
    EntrantDoubled,
    /// Under ninety-nine names, with the same model.
    EntrantNinetyNine,
    /// Looks at the others' models and does not reveal.
    EntrantSilent,
    /// Never delivers its bytes.
    EntrantUndelivered,
    /// Sends bytes that are no model.
    EntrantMalformed,
    /// Commits first to a worthless model that takes an input for each row.
    EntrantStalling,
    Miner,
    /// Adds to a score.
    MinerLying,
    /// Holds all seats, and adds to the score of its own model.
    MinersPlotting,
    /// Does not reveal what it attested.
    MinerSilent,
    /// Sends another's commitment as its own.
    MinerCopying,
    Outsider,
    /// Evaluates everything of others before anyone else, in the smallest steps.
    OutsiderNeedless,
    /// Deposits made-up tokens, and dust under many names.
    OutsiderFillingMemory,
    /// Opens jobs as large as fit, and cancels them when others are done.
    OutsiderFillingStore,
}

impl Strategy {
    pub(super) const HOSTILE: [Self; 20] = [
        Self::SponsorSilent,
        Self::SponsorMisfit,
        Self::SponsorImpossible,
        Self::SponsorSock,
        Self::SponsorShortWindows,
        Self::EntrantStolen,
        Self::EntrantCopying,
        Self::EntrantDoubled,
        Self::EntrantNinetyNine,
        Self::EntrantSilent,
        Self::EntrantUndelivered,
        Self::EntrantMalformed,
        Self::EntrantStalling,
        Self::MinerLying,
        Self::MinersPlotting,
        Self::MinerSilent,
        Self::MinerCopying,
        Self::OutsiderNeedless,
        Self::OutsiderFillingMemory,
        Self::OutsiderFillingStore,
    ];

    /// The honest strategy it pretends to be.
    pub(super) fn imitates(self) -> Self {
        let name = format!("{self:?}");
        let roles = [Self::Sponsor, Self::Entrant, Self::Miner, Self::Outsider];
        roles.into_iter().find(|role| name.starts_with(&format!("{role:?}"))).unwrap()
    }

    pub(super) fn is(self, role: Self) -> bool {
        self.imitates() == role
    }
}

/// Who computes the scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evaluators {
    Machine,
    Miners,
    Samples,
}

/// What a season is played with, whatever the strategies.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub(super) is_prize: bool,
    pub(super) is_sealed: bool,
    pub(super) evaluators: Evaluators,
    pub(super) vouches: bool,
    /// Right answers to each class, of each entrant's model; the last is of whom it is about.
    pub(super) qualities: [[u32; 2]; 4],
    /// In which order they enter.
    pub(super) order: [usize; 4],
}

impl Cast {
    /// A season in which this strategy makes a difference.
    pub(super) fn new(rng: &mut Rng, strategy: Strategy) -> Self {
        let needs_seal = matches!(
            strategy,
            Strategy::SponsorSilent
                | Strategy::SponsorMisfit
                | Strategy::EntrantStolen
                | Strategy::EntrantSilent
        );
        let needs_miners =
            strategy.is(Strategy::Miner) || strategy == Strategy::SponsorShortWindows;
        let is_sealed = rng.bool() || needs_seal || needs_miners;
        let evaluators = [Evaluators::Machine, Evaluators::Miners, Evaluators::Samples];
        let from = usize::from(needs_miners);
        let evaluators = evaluators[rng.usize(from..3)];
        let mut order = [0, 1, 2, 3];
        rng.shuffle(&mut order);
        let quality = |_| [rng.u32(3..=19), rng.u32(3..=19)];
        Self {
            qualities: [(); 4].map(quality),
            is_prize: rng.bool(),
            is_sealed,
            evaluators: if is_sealed { evaluators } else { Evaluators::Machine },
            vouches: rng.u8(..4) == 0,
            order,
        }
    }
}

/// An account that enters.
#[derive(Clone)]
pub(super) struct Entrant {
    pub(super) account: Address,
    pub(super) model: Vec<u8>,
    pub(super) secret: Option<Secret>,
    /// Whether it is of the person that the season is about.
    pub(super) is_own: bool,
}
