//! References to jobs by number, name or beginning of the name; and the check that a job as a
//! node shows it matches its name.

use std::{fmt, str::FromStr};

use anyhow::{Error, Result, bail, ensure};
use market::{Address, JobId};
use wire::{JobView, Text as _};

/// The fewest digits of an abbreviated name.
const PREFIX_DIGITS_MIN: usize = 8;

/// A reference to a job, as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobRef {
    /// By its number, which a market gives it for display.
    Number(u32),
    /// By its name.
    Name(JobId),
    /// By the beginning of its name: `0x` and hexadecimal digits in lower case.
    Prefix(String),
}

impl JobRef {
    /// Whether a job returned by a node is the one referred to.
    #[must_use]
    pub fn is(&self, view: &JobView) -> bool {
        match self {
            Self::Number(number) => view.number == *number,
            Self::Name(name) => view.job == *name,
            Self::Prefix(prefix) => view.job.to_string().starts_with(prefix),
        }
    }
}

impl From<u32> for JobRef {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<JobId> for JobRef {
    fn from(name: JobId) -> Self {
        Self::Name(name)
    }
}

impl From<&Self> for JobRef {
    fn from(job: &Self) -> Self {
        job.clone()
    }
}

impl fmt::Display for JobRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Name(name) => write!(out, "{name}"),
            Self::Prefix(prefix) => out.write_str(prefix),
        }
    }
}

impl FromStr for JobRef {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(name) = JobId::read(text) {
            return Ok(Self::Name(name));
        }
        let Some(digits) = text.strip_prefix("0x") else {
            let Ok(number) = text.parse() else {
                bail!("{text:?} is neither a job's number nor its name (0x…)");
            };
            return Ok(Self::Number(number));
        };
        let is_prefix = (PREFIX_DIGITS_MIN..64).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        ensure!(is_prefix, "{text:?} is not 0x and {PREFIX_DIGITS_MIN} to 64 hexadecimal digits");
        Ok(Self::Prefix(text.to_ascii_lowercase()))
    }
}

/// Checks that a job's name is the hash of the sponsor, salt and terms that a node returned:
/// whoever names the job then consents to exactly these.
///
/// - Errors: it is not: the node lies
pub fn check_name(chain_id: u64, app: Address, view: &JobView) -> Result<()> {
    let JobView { job, number, sponsor, salt, terms, .. } = view;
    let found = wire::job_name(chain_id, app, *sponsor, *salt, terms);
    ensure!(
        found == *job,
        "the node shows job {number} as {job}, but its terms are those of {found}: do not trust it"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_named_by_number_name_or_prefix() {
        let name = format!("0x{}", "ab".repeat(32));
        let cases = [
            ("7", Some(JobRef::Number(7))),
            (name.as_str(), Some(JobRef::Name(JobId([0xab; 32])))),
            ("0xABababab", Some(JobRef::Prefix("0xabababab".to_owned()))),
            ("0xababab", None),
            ("0xabababag", None),
            ("-1", None),
            ("abababab", None),
            ("", None),
        ];
        for (text, job) in cases {
            assert_eq!(text.parse().ok(), job, "{text:?}");
        }
    }
}
