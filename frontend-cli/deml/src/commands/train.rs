//! Training a model on this computer; the data never leave it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, Result};
use client::{files, session::Session, talk::Talk};
use eval::train::{Optimiser, Options};
use market::Metric;
use trainer::fit::Course;

use crate::args;

/// The course that arguments describe; a job's base model comes from the store.
pub async fn course(session: Option<&Session>, train: &args::Train) -> Result<Course> {
    let data = train.data.iter().map(|path| files::read(path)).collect::<Result<_>>()?;
    let (base, metric) = match (&train.base, &train.job) {
        (Some(base), _) => (files::read(base)?.bytes, None),
        (None, job) => {
            let session = session.context("a job is in a market: say --app ADDRESS")?;
            let job = job.as_ref().context("which model? say --base FILE or --job JOB")?;
            let offer = session.job(job).await?.terms.offer;
            let base = offer.base_model;
            (session.store.get(base.cid(), base.size).await?, Some(offer.metric))
        }
    };
    let metric = train.metric.map(Metric::from).or(metric).unwrap_or(Metric::Accuracy);
    let (optimiser, usual_rate) = match train.optimizer {
        args::Optimizer::Adam => (Optimiser::Adam, 0.001),
        args::Optimizer::Sgd => (Optimiser::Sgd { momentum: 0.9 }, 0.05),
    };
    let options = Options {
        optimiser,
        learning_rate: train.learning_rate.unwrap_or(usual_rate),
        epochs: train.epochs,
        batch_rows: train.batch,
        seed: train.seed,
        held_back_percent: train.validation,
        metric,
    };
    Ok(Course { base, data, label: train.label.clone(), options })
}

/// A flag that Ctrl-C sets; a second Ctrl-C ends the program as usual.
pub fn stop_on_interrupt(talk: Talk) -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            flag.store(true, Ordering::Relaxed);
            talk.say("ending after this epoch; the best model so far is kept");
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
    stop
}
