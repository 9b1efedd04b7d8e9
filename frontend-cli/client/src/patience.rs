//! How often to look for something that takes time, and for how long.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::printer::{Bar, Printer};

/// The pause between two looks once something takes longer than a moment.
const CALM: Duration = Duration::from_secs(1);

/// Interval and time limit of polling.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Pause between two polls; a second, if it is shorter, once the first second is over.
    pub pause: Duration,
    /// Time limit.
    pub limit: Duration,
}

impl Patience {
    /// Polls until there is a result; `None` at the time limit.
    ///
    /// Progress is shown once it takes longer than a moment.
    pub async fn until<T>(
        self,
        printer: &Printer,
        what: &str,
        mut look: impl AsyncFnMut() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let mut wait = self.wait(*printer, what);
        loop {
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            if !wait.pause().await {
                return Ok(None);
            }
        }
    }

    /// Begins to wait for something that is looked for elsewhere.
    #[must_use]
    pub fn wait(self, printer: Printer, what: &str) -> Wait {
        let (what, start) = (what.to_owned(), Instant::now());
        Wait { patience: self, printer, what, start, shown: None }
    }
}

/// A wait under way.
#[derive(Debug)]
pub struct Wait {
    patience: Patience,
    printer: Printer,
    what: String,
    start: Instant,
    shown: Option<Bar>,
}

impl Wait {
    /// Pauses until the next look; false if the time is over.
    ///
    /// Progress is shown once it takes longer than a moment.
    pub async fn pause(&mut self) -> bool {
        let Patience { pause, limit } = self.patience;
        let elapsed = self.start.elapsed();
        if elapsed >= limit {
            return false;
        }
        let is_long = elapsed >= CALM;
        if is_long && self.shown.is_none() {
            self.shown = Some(self.printer.spinner(&self.what));
        }
        let pause = if is_long { pause.max(CALM) } else { pause };
        tokio::time::sleep(pause.min(limit - elapsed)).await;
        true
    }
}
