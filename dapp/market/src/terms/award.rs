//! The award: recipients and time of payment.

use blobs::{choice, names};

use crate::{
    refusal::Refusal,
    units::{Amount, Score},
};

/// Maximum number of rewards of a job: each model is compared with all accepted before it.
pub const MAX_REWARDS: u32 = 256;

choice! {
    /// Recipients and time of payment.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Award {
        /// A reward for each accepted model, in the order of commitments.
        Rewards {
            /// Paid for each accepted model.
            reward: Amount,
            /// Maximum number of models that are paid.
            count: u32,
        },
        /// A prize for the best model: the earliest commitment that the exact test cannot separate
        /// from it.
        Prize {
            /// Amount for the winner.
            prize: Amount,
            /// Models are separated if the exact test's probability is at most this.
            significance: Score,
            /// Recipient of the prize if no model is accepted.
            unmet: Unmet,
        },
    }
}

names! {
    /// Recipient of the prize if models were revealed and none is accepted.
    Unmet: "\"return\" or \"share\"" {
        /// The sponsor.
        Return = "return",
        /// All who revealed, in equal parts: the sponsor vouches that its terms can be met.
        Share = "share",
    }
}

impl Award {
    /// The total of the award.
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
