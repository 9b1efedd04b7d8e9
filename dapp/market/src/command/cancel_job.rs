//! Cancel job: a sponsor takes back a job that nobody has submitted to.

use crate::{input::Input, payout, refusal::Refusal, stage::Stage, stages};

pub(crate) fn apply(input: &mut Input<'_>) -> Result<(), Refusal> {
    let sponsor = input.named()?.sponsor;
    if input.sender() != sponsor {
        return Err(Refusal::NotSponsor { sponsor });
    }
    let submissions = input.named_in(&[Stage::Announced, Stage::Open])?.submitted;
    if submissions > 0 {
        return Err(Refusal::HasSubmissions { submissions });
    }

    // Nothing below can fail.
    payout::cancel(input, None);
    stages::advance(input);
    Ok(())
}
