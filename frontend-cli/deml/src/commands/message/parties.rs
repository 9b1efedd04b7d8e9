//! Who may write to whom: a job's sponsor and the clients of its submissions, to each other.

use std::collections::BTreeMap;

use client::inbox::Letter;
use market::Address;
use wire::SubmissionView;

/// A job's sponsor, and the clients of its submissions.
#[derive(Debug)]
pub(crate) struct Parties {
    sponsor: Address,
    clients: BTreeMap<u32, Address>,
}

impl Parties {
    pub(crate) fn new(sponsor: Address, submissions: &[SubmissionView]) -> Self {
        let clients = submissions.iter().map(|one| (one.submission, one.client)).collect();
        Self { sponsor, clients }
    }

    /// To whom the market lets a letter's sender write; `None` if to nobody.
    pub(crate) fn recipient(&self, letter: &Letter) -> Option<Address> {
        let client = *self.clients.get(&letter.submission)?;
        match letter.from {
            from if from == self.sponsor => Some(client),
            from if from == client => Some(self.sponsor),
            _ => None,
        }
    }
}
