//! Who plays, and how.

use fastrand::Rng;

/// A way to play a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strategy {
    SponsorHonest,
    /// Gives the prize away when no model is accepted.
    SponsorVouching,
    /// Never reveals the hold-out.
    SponsorSilent,
    /// Seals a hold-out that fits no model.
    SponsorMisfit,
    /// Asks for a score that nobody reaches, to keep the prize.
    SponsorImpossible,
    /// Asks for it, and vouches that it can be reached, so that more enter.
    SponsorVouchingImpossible,
    /// Enters under another name with a model made for the hold-out, to keep the prize.
    SponsorSock,
    EntrantHonest,
    /// Sends another's commitment and ciphertext.
    EntrantStolen,
    /// Seals a noised copy of a model that another has shown.
    EntrantNoised,
    /// Looks at the others' models and does not reveal a worse one.
    EntrantSilent,
    /// Enters bytes that are no model.
    EntrantMalformed,
    /// Under two names, with the same model noised.
    EntrantDoubled,
    MinerHonest,
    /// Adds to a score.
    MinerLying,
    /// Says the same lie as others of its kind.
    MinerPlotting,
    /// Does not unveil.
    MinerSilent,
    /// Sends another's commitment as its own.
    MinerCopying,
    /// For all competitions.
    StandingHonest,
    /// Adds to a score.
    StandingLying,
    /// Does not unveil.
    StandingSilent,
    OutsiderHonest,
    /// Doubts what is right.
    OutsiderDoubting,
}

impl Strategy {
    /// The honest strategy it pretends to be.
    pub(crate) fn imitates(self) -> Self {
        match self {
            Self::SponsorHonest
            | Self::SponsorSilent
            | Self::SponsorMisfit
            | Self::SponsorImpossible
            | Self::SponsorSock => Self::SponsorHonest,
            Self::SponsorVouching | Self::SponsorVouchingImpossible => Self::SponsorVouching,
            Self::EntrantHonest
            | Self::EntrantStolen
            | Self::EntrantNoised
            | Self::EntrantSilent
            | Self::EntrantMalformed
            | Self::EntrantDoubled => Self::EntrantHonest,
            Self::MinerHonest
            | Self::MinerLying
            | Self::MinerPlotting
            | Self::MinerSilent
            | Self::MinerCopying => Self::MinerHonest,
            Self::StandingHonest | Self::StandingLying | Self::StandingSilent => {
                Self::StandingHonest
            }
            Self::OutsiderHonest | Self::OutsiderDoubting => Self::OutsiderHonest,
        }
    }

    /// Whether it is to get a model for its money.
    pub(crate) fn is_sponsor(self) -> bool {
        matches!(self.imitates(), Self::SponsorHonest | Self::SponsorVouching)
    }

    pub(super) fn sponsor(rng: &mut Rng) -> Self {
        match rng.u8(..10) {
            0 => Self::SponsorSilent,
            1 => Self::SponsorMisfit,
            2 => Self::SponsorImpossible,
            3 => Self::SponsorSock,
            4 => Self::SponsorVouchingImpossible,
            5 | 6 => Self::SponsorVouching,
            _ => Self::SponsorHonest,
        }
    }

    pub(super) fn entrant(rng: &mut Rng) -> Self {
        match rng.u8(..12) {
            0 => Self::EntrantStolen,
            1 => Self::EntrantNoised,
            2 => Self::EntrantSilent,
            3 => Self::EntrantMalformed,
            4 => Self::EntrantDoubled,
            _ => Self::EntrantHonest,
        }
    }

    pub(super) fn miner(rng: &mut Rng) -> Self {
        match rng.u8(..12) {
            0 => Self::MinerLying,
            1 | 2 => Self::MinerPlotting,
            3 => Self::MinerSilent,
            4 => Self::MinerCopying,
            _ => Self::MinerHonest,
        }
    }

    /// Of miners for all competitions, by their place.
    pub(super) fn standing(place: usize) -> Self {
        match place {
            0 => Self::StandingLying,
            1 => Self::StandingSilent,
            _ => Self::StandingHonest,
        }
    }

    pub(super) fn outsider(rng: &mut Rng) -> Self {
        if rng.bool() { Self::OutsiderHonest } else { Self::OutsiderDoubting }
    }
}
