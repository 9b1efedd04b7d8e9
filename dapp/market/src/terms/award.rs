//! The award: who is paid, and when.

use blobs::{choice, names};

use crate::{
    refusal::Refusal,
    units::{Amount, Score},
};

/// The most rewards of a job: each model is compared with all accepted before it.
pub const MAX_REWARDS: u32 = 256;

choice! {
    /// Who is paid, and when.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Award {
        /// A reward for each accepted model, in the order of commitments.
        Rewards {
            /// Paid for each accepted model.
            reward: Amount,
            /// How many models may be paid.
            count: u32,
        },
        /// A prize for the best model: the earliest commitment that the exact test cannot tell from
        /// it.
        Prize {
            /// For the winner.
            prize: Amount,
            /// Models are told apart when the exact test's probability is at most this.
            significance: Score,
            /// Who takes the prize when no model is accepted.
            unmet: Unmet,
        },
    }
}

names! {
    /// Who takes the prize when models were revealed and none is accepted.
    Unmet: "\"return\" or \"share\"" {
        /// The sponsor has it back.
        Return = "return",
        /// All who revealed, in equal parts: the sponsor vouches that its terms can be met.
        Share = "share",
    }
}

impl Award {
    /// All of it.
    ///
    /// - Errors: `AwardOverflow`
    pub fn total(&self) -> Result<Amount, Refusal> {
        match self {
            Self::Rewards { reward, count } => {
                reward.checked_times((*count).into()).ok_or(Refusal::AwardOverflow {})
            }
            Self::Prize { prize, .. } => Ok(*prize),
        }
    }

    pub(super) fn check(&self, places: u32) -> Result<(), Refusal> {
        if self.total()? == Amount::ZERO {
            return Err(Refusal::AwardZero {});
        }
        match *self {
            Self::Rewards { count, .. } if count > MAX_REWARDS => {
                Err(Refusal::RewardsOutOfRange { found: count, largest: MAX_REWARDS })
            }
            Self::Rewards { count, .. } if count > places => {
                Err(Refusal::TooFewPlaces { places, rewards: count })
            }
            Self::Prize { significance, .. } if significance > Score::MAX => {
                Err(Refusal::ScoreOutOfRange { found: significance, largest: Score::MAX })
            }
            Self::Prize { significance: Score(0), .. } => Err(Refusal::SignificanceZero {}),
            Self::Rewards { .. } | Self::Prize { .. } => Ok(()),
        }
    }
}
