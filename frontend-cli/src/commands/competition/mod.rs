//! Competitions: opened, entered, shown on the board, revealed, doubted, settled.

pub mod board;
pub mod enter;
pub mod object;
pub mod open;
pub mod publish;
pub mod reveal;
pub mod settle;
pub mod show;

use anyhow::Result;
use market::JobId;

use super::funding::Funding;
use crate::{
    args::{self, Competition},
    competition_terms,
    config::Config,
    files,
    talk::Ending,
};

/// Does what was asked of a competition.
pub async fn run(config: &Config, competition: Competition) -> Result<Ending> {
    let session = config.session()?;
    match competition {
        Competition::Open(open) => {
            let draft = competition_terms::draft(&open)?;
            let (sender, vault) = config.signer(&session).await?;
            let plan = open::plan(&session, &draft).await?;
            let funding = Funding::new(open.from_balance);
            config.talk.answer(&open::open(&session, &sender, &vault, &plan, funding).await?)?;
        }
        Competition::Show(number) => {
            config.talk.answer(&show::show(&session, JobId(number.job)).await?)?;
        }
        Competition::Enter(enter) => {
            let model = files::read(&enter.model)?;
            let (sender, vault) = config.signer(&session).await?;
            let (job, funding) = (JobId(enter.job), Funding::new(enter.from_balance));
            let entered = enter::enter(&session, &sender, &vault, job, &model, funding).await?;
            config.talk.answer(&entered)?;
        }
        Competition::Publish(publish) => {
            let model = files::read(&publish.model)?;
            let (sender, _) = config.signer(&session).await?;
            let shown = publish::publish(&session, &sender, JobId(publish.job), &model).await?;
            config.talk.answer(&shown)?;
            return Ok(shown.ending());
        }
        Competition::Reveal(args::CompetitionReveal { job, wait }) => {
            let (sender, vault) = config.signer(&session).await?;
            let revealed = reveal::reveal(&session, &sender, &vault, JobId(job), wait).await?;
            config.talk.answer(&revealed)?;
        }
        Competition::Object(args::CompetitionObject { job, entry, from_balance }) => {
            let (sender, vault) = config.signer(&session).await?;
            let (of, funding) = ((JobId(job), entry), Funding::new(from_balance));
            let objected = object::object(&session, &sender, &vault, of, funding).await?;
            config.talk.answer(&objected)?;
        }
        Competition::Settle(number) => {
            let (sender, _) = config.signer(&session).await?;
            config.talk.answer(&settle::settle(&session, &sender, JobId(number.job)).await?)?;
        }
        Competition::Board(number) => {
            config.talk.answer(&board::board(&session, JobId(number.job)).await?)?;
        }
    }
    Ok(Ending::Done)
}
