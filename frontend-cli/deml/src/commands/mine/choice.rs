//! A miner's choice of jobs: those that are named, or all within stated limits.

use anyhow::Result;
use client::{printer::Refused, session::Session};
use market::{Amount, Asset, JobId};
use wire::{JobView, Query};

use crate::commands::mine::Mine;

/// A miner's choice of jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// These jobs.
    Named(Vec<JobId>),
    /// All jobs within these limits.
    Matching(Limits),
}

/// Limits on a miner's bond and pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The job's asset.
    pub asset: Asset,
    /// Maximum bond.
    pub max_bond: Amount,
    /// Minimum pool.
    pub min_pool: Amount,
}

impl Limits {
    /// Whether a job is within the limits.
    #[must_use]
    pub fn allow(&self, job: &JobView) -> bool {
        let miners = job.terms.miners();
        job.terms.asset == self.asset
            && miners
                .is_some_and(|miners| miners.bond <= self.max_bond && miners.pool >= self.min_pool)
    }
}

impl Choice {
    /// The requested choice; jobs are identified by name from here on.
    ///
    /// - Errors: `NoSuchLimits` if limits are missing or in different assets
    pub async fn new(session: &Session, mine: &Mine) -> Result<Self> {
        let mut names = Vec::new();
        for job in &mine.job {
            let view = session.job(job).await?;
            session.printer.say(format_args!("job {} is {}", view.number, view.job));
            names.push(view.job);
        }
        if !names.is_empty() {
            return Ok(Self::Named(names));
        }
        let missing = || Refused::new("NoSuchLimits", "name jobs, or --max-bond and --min-pool");
        let (bond, max_bond) = session.money(mine.max_bond.ok_or_else(missing)?).await?;
        let (pool, min_pool) = session.money(mine.min_pool.ok_or_else(missing)?).await?;
        let asset = mine.asset.unwrap_or(bond.asset);
        if [bond.asset, pool.asset] != [asset; 2] {
            let why = "--max-bond, --min-pool and --asset are of different assets";
            return Err(Refused::new("NoSuchLimits", why).into());
        }
        Ok(Self::Matching(Limits { asset, max_bond, min_pool }))
    }

    /// The chosen jobs that have not ended, and those of `others` that have not.
    pub(super) async fn jobs(
        &self,
        session: &Session,
        others: impl Iterator<Item = JobId>,
    ) -> Result<Vec<JobView>> {
        let mut names: Vec<JobId> = others.collect();
        match self {
            Self::Named(chosen) => names.extend(chosen),
            Self::Matching(limits) => {
                let all: Vec<JobView> = session.all(Query::Jobs).await?;
                names.extend(all.iter().filter(|job| limits.allow(job)).map(|job| job.job));
            }
        }
        names.sort_unstable();
        names.dedup();
        let mut jobs = Vec::new();
        for name in names {
            match session.job(name).await {
                Ok(view) if view.stage.is_live() => jobs.push(view),
                // The market has dropped an ended job.
                Err(why) if !why.is::<Refused>() => return Err(why),
                Ok(_) | Err(_) => {}
            }
        }
        jobs.sort_by_key(|job| (job.windows.attestations_until, job.windows.close));
        Ok(jobs)
    }

    /// Whether the bond of a job is acceptable by its terms, which its name commits to.
    pub(super) fn allows(&self, job: &JobView) -> bool {
        match self {
            Self::Named(names) => names.contains(&job.job),
            Self::Matching(limits) => limits.allow(job),
        }
    }
}
