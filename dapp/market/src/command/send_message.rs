//! Send message: a job's sponsor writes to the client of a submission, or that client to the
//! sponsor. Any stage will do, and no money moves.

use crate::{
    effect::Event, input::Input, message::Ciphertext, refusal::Refusal, submission::Submission,
};

/// A message.
pub(crate) struct Message {
    pub(crate) submission: u32,
    pub(crate) sequence: u32,
    pub(crate) ciphertext: Ciphertext,
}

pub(crate) fn apply(input: &mut Input<'_>, message: Message) -> Result<(), Refusal> {
    let Message { submission, sequence, ciphertext } = message;
    let (id, from) = (input.id, input.sender());
    let job = input.named()?;
    let about = job.submissions.get(&submission);
    let about = about.ok_or(Refusal::UnknownSubmission { submission })?;
    let is_sponsor = from == job.sponsor;
    if !is_sponsor && from != about.client {
        return Err(Refusal::NotParty { submission });
    }
    let to = if is_sponsor { about.client } else { job.sponsor };
    ciphertext.check()?;
    let expected = about.next_message(is_sponsor);
    if sequence != expected {
        return Err(Refusal::StaleSequence { expected, found: sequence });
    }

    // Nothing below can fail.
    let bytes = u64::try_from(ciphertext.0.len()).unwrap_or(u64::MAX);
    input.state.meter.spend(input.state.settings.prices.payload_byte.times(bytes));
    input.submission_mut(submission).count_message(is_sponsor);
    input.emit(Event::MessageSent { job: id, submission, from, to, sequence, ciphertext });
    Ok(())
}

impl Submission {
    /// Number of the next message from the sponsor, or from the client.
    const fn next_message(&self, is_sponsor: bool) -> u32 {
        if is_sponsor { self.messages.from_sponsor } else { self.messages.from_client }
    }

    fn count_message(&mut self, is_sponsor: bool) {
        let sent = &mut self.messages;
        let sent = if is_sponsor { &mut sent.from_sponsor } else { &mut sent.from_client };
        *sent = sent.saturating_add(1);
    }
}
