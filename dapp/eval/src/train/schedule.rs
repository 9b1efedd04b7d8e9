//! Schedules: how the step size changes while training goes on.

use serde::{Deserialize, Serialize};

/// How the step size changes from step to step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// It stays.
    #[default]
    Constant,
    /// It is multiplied by a factor each time some epochs are over.
    Step {
        /// Epochs between two changes.
        epochs: u32,
        /// The factor.
        factor: f32,
    },
    /// It falls to zero along half a cosine.
    ///
    /// - Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts",
    ///   equation 5, without restarts
    Cosine,
}

/// Where in a training a step is; all counted from zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    /// The step.
    pub(super) step: u64,
    /// Steps of an epoch.
    pub(super) per_epoch: u64,
    /// Epochs in all.
    pub(super) epochs: u32,
    /// Epochs in which the step size rises.
    pub(super) warm_up: u32,
}

impl Schedule {
    /// The factor of the step size: it rises linearly during the warm-up, and is at its greatest
    /// in the first step after it.
    pub(super) fn factor(self, position: Position) -> f32 {
        let Position { step, per_epoch, epochs, warm_up } = position;
        let warm_up = u64::from(warm_up) * per_epoch;
        if step < warm_up {
            return share(step + 1, warm_up);
        }
        match self {
            Self::Constant => 1.0,
            Self::Step { epochs, factor } => {
                let changes = step / per_epoch.max(1) / u64::from(epochs.max(1));
                factor.powi(i32::try_from(changes).unwrap_or(i32::MAX))
            }
            Self::Cosine => {
                let all = u64::from(epochs) * per_epoch;
                let turn = share(step - warm_up, all.saturating_sub(warm_up));
                f32::midpoint(1.0, libm::cosf(std::f32::consts::PI * turn))
            }
        }
    }
}

fn share(part: u64, all: u64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a step size needs no more than 24 bits")]
    let share = part as f32 / all.max(1) as f32;
    share.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_sizes_follow_their_schedules() {
        let step = Schedule::Step { epochs: 2, factor: 0.5 };
        for (schedule, warm_up, expected) in [
            (Schedule::Constant, 0, [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
            (Schedule::Constant, 2, [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0]),
            (step, 0, [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5]),
            (Schedule::Cosine, 2, [0.25, 0.5, 0.75, 1.0, 1.0, 0.853_553, 0.5, 0.146_447]),
        ] {
            for (index, expected) in (0_u64..).zip(expected) {
                let position = Position { step: index, per_epoch: 2, epochs: 4, warm_up };
                let found = schedule.factor(position);
                assert!((found - expected).abs() < 1e-5, "{schedule:?} {index}: {found}");
            }
        }
    }
}
