//! The participants of a season and their strategies.

use fastrand::Rng;
use market::Address;
use scenarios::Secret;

/// A strategy for a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    Sponsor,
    /// Never reveals the hold-out.
    SponsorSilent,
    /// Seals a hold-out that is incompatible with all models.
    SponsorMisfit,
    /// Demands a score that nobody can reach, to keep the award.
    SponsorImpossible,
    /// Submits a model made for the hold-out under another name, to keep the award.
    SponsorSock,
    /// Gives miners the shortest windows, of a single block each.
    SponsorShortWindows,
    Entrant,
    /// Sends another client's commitment and ciphertext.
    EntrantStolen,
    /// Sends a copy of another client's published model, with other bytes and another graph.
    EntrantCopying,
    /// Submits the same model under two names.
    EntrantDoubled,
    /// Submits the same model under ninety-nine names.
    EntrantNinetyNine,
    /// Looks at the others' models and does not reveal its own.
    EntrantSilent,
    /// Never delivers its bytes.
    EntrantUndelivered,
    /// Sends bytes that are not a model.
    EntrantMalformed,
    /// Commits first to a worthless model that takes one input per row.
    EntrantStalling,
    Miner,
    /// Attests a higher score.
    MinerLying,
    /// Holds all seats, and attests a higher score of its own model.
    MinersPlotting,
    /// Does not reveal its attestations.
    MinerSilent,
    /// Sends another miner's commitment as its own.
    MinerCopying,
    Outsider,
    /// Evaluates everything of others before anyone else, in the smallest steps.
    OutsiderNeedless,
    /// Deposits worthless tokens, and dust under many names.
    OutsiderFillingMemory,
    /// Opens the largest jobs that fit, and cancels them when the others are done.
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

    /// The honest counterpart of this strategy.
    pub(super) fn imitates(self) -> Self {
        let name = format!("{self:?}");
        let roles = [Self::Sponsor, Self::Entrant, Self::Miner, Self::Outsider];
        roles.into_iter().find(|role| name.starts_with(&format!("{role:?}"))).unwrap()
    }

    pub(super) fn is(self, role: Self) -> bool {
        self.imitates() == role
    }
}

/// Evaluators of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evaluators {
    Machine,
    Miners,
    Samples,
}

/// Parameters of a season that do not depend on the strategies.
#[derive(Clone, Debug)]
pub(super) struct Cast {
    pub(super) is_prize: bool,
    pub(super) is_sealed: bool,
    pub(super) evaluators: Evaluators,
    pub(super) vouches: bool,
    /// Right answers per class, of each entrant's model; the last entrant is the person under test.
    pub(super) qualities: [[u32; 2]; 4],
    /// The order in which entrants submit.
    pub(super) order: [usize; 4],
}

impl Cast {
    /// A random season in which this strategy can make a difference.
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

/// An account that submits.
#[derive(Clone)]
pub(super) struct Entrant {
    pub(super) account: Address,
    pub(super) model: Vec<u8>,
    pub(super) secret: Option<Secret>,
    /// Whether it belongs to the person under test.
    pub(super) is_own: bool,
}
