//! All submissions ever made, which stay on record.

use std::collections::BTreeMap;

use crate::{
    job::Submission,
    units::{JobId, SubmissionId},
};

/// Submissions by job and index; a job's lie in a row, as there can be very many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "snapshot", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Submissions {
    by_job: BTreeMap<JobId, Vec<Submission>>,
}

impl Submissions {
    pub(crate) fn get(&self, id: SubmissionId) -> Option<&Submission> {
        self.by_job.get(&id.job)?.get(usize::try_from(id.index).ok()?)
    }

    pub(crate) fn get_mut(&mut self, id: SubmissionId) -> Option<&mut Submission> {
        self.by_job.get_mut(&id.job)?.get_mut(usize::try_from(id.index).ok()?)
    }

    /// Adds the job's next submission; its index is the number of those before.
    pub(crate) fn push(&mut self, job: JobId, submission: Submission) {
        self.by_job.entry(job).or_default().push(submission);
    }

    /// Gives back the room for more submissions of a job that has ended.
    pub(crate) fn close(&mut self, job: JobId) {
        if let Some(row) = self.by_job.get_mut(&job) {
            row.shrink_to_fit();
        }
    }

    /// A job's submissions from this one on.
    pub(crate) fn starting_at(
        &self,
        first: SubmissionId,
    ) -> impl Iterator<Item = (SubmissionId, &Submission)> {
        let row = self.by_job.get(&first.job).map(Vec::as_slice).unwrap_or_default();
        let skipped = usize::try_from(first.index).unwrap_or(usize::MAX);
        let row = row.get(skipped..).unwrap_or_default();
        let ids = (first.index..=u32::MAX).map(move |index| SubmissionId { job: first.job, index });
        ids.zip(row)
    }
}
