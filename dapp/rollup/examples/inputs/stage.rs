//! An application whose inputs are counted, with the cost of each according to the market's meter.

use eval::Evaluator;
use market::{Address, Amount, Command, Job, JobId, Slot, Speed, Target, Windows, Work};
use rollup::{Answer, App};
use scenarios::{APP, CHAIN, NOW, account, evaluate, publish_all, step};
use serde_json::json;
use wire::{Genesis, Notice, Output, encode_command, encode_ether_deposit};

use crate::{Result, counted, say};

/// Length of each window: longer than a machine of this speed needs for all inputs.
pub(crate) const SECONDS: u32 = 4_000_000_000;
/// Instructions per second, so few that the clock's lag shows the cost of an input.
const SPEED: u64 = 100;
/// Ample Ether for anything, in wei.
const RICH: u128 = 1 << 100;

/// The application.
pub(crate) struct Stage {
    app: App<Evaluator>,
    now: u64,
    /// Time of the last block, and the lag after it.
    last: (u64, u64),
}

impl Stage {
    pub(crate) fn new(input_work: Option<u64>) -> Self {
        let mut genesis = Genesis::default();
        let settings = &mut genesis.settings;
        let seconds = u64::from(SECONDS);
        settings.input_work = input_work.map_or(settings.input_work, Work);
        settings.speed = Speed { float: SPEED, integer: SPEED, mining: u64::MAX >> 1 };
        settings.surcharge_lag_seconds = u64::MAX;
        settings.max_window_seconds = 1 << 50;
        settings.windows = Windows {
            delivery_seconds: seconds,
            reveal_seconds: seconds,
            attest_seconds: seconds,
            evaluation_seconds: seconds,
        };
        Self { app: App::new(genesis, [], Evaluator::new()), now: NOW, last: (NOW, 0) }
    }

    pub(crate) fn job(&self, job: JobId) -> Result<&Job> {
        self.app.market().job(job).ok_or_else(|| "no such job".into())
    }

    /// Waits until the machine has caught up and a window is over.
    pub(crate) fn wait(&mut self) {
        self.now += self.app.market().lag_seconds() + u64::from(SECONDS);
    }

    /// Sends a payload, which may be refused.
    pub(crate) fn send(&mut self, what: &str, sender: Address, payload: &[u8]) -> Result<Answer> {
        let (answer, at_most) = self.carry_out(sender, payload)?;
        say(what, payload.len(), answer.outputs.len(), at_most);
        Ok(answer)
    }

    /// Sends a command.
    ///
    /// - Errors: it is refused
    pub(crate) fn play(
        &mut self,
        what: &str,
        sender: Address,
        command: &Command,
    ) -> Result<Vec<Notice>> {
        let answer = self.send(what, sender, &encode_command(command))?;
        accepted(what, &answer)
    }

    /// Sends a deposit of Ether with a command.
    ///
    /// - Errors: the command is refused
    pub(crate) fn ride(&mut self, what: &str, sender: Address, command: &Command) -> Result<()> {
        let deposit = encode_ether_deposit(sender, Amount::new(RICH), &encode_command(command));
        let portal = Genesis::default().ether_portal;
        let answer = self.send(&format!("a deposit with {what}"), portal, &deposit)?;
        accepted(what, &answer).map(drop)
    }

    /// Sends a blob in chunks.
    pub(crate) fn publish(
        &mut self,
        what: &str,
        sender: Address,
        job: JobId,
        slot: Slot,
        bytes: &[u8],
    ) -> Result<()> {
        let chunks = publish_all(job, slot, bytes);
        let count = chunks.len();
        for (index, command) in chunks.enumerate() {
            let which = if index + 1 == count { "the last chunk" } else { "a chunk" };
            self.play(&format!("{what}, {which}"), sender, &command)?;
        }
        Ok(())
    }

    /// Continues an evaluation until there is nothing left to do; returns the notices.
    pub(crate) fn evaluate(&mut self, job: JobId, target: Target) -> Result<Vec<Notice>> {
        self.repeat("evaluating", |stage| {
            let from = step(stage.job(job)?, target);
            Ok(evaluate(job, target, from, Amount::ZERO))
        })
    }

    /// Settles a job as far as time allows; returns the notices.
    pub(crate) fn settle(&mut self, job: JobId) -> Result<Vec<Notice>> {
        self.repeat("settling", |_| Ok(Command::Settle { job }))
    }

    /// Sends a command until it is refused; names each input after its first notice.
    fn repeat(
        &mut self,
        what: &str,
        command: impl Fn(&Self) -> Result<Command>,
    ) -> Result<Vec<Notice>> {
        let mut said = Vec::new();
        loop {
            let payload = encode_command(&command(self)?);
            let (answer, at_most) = self.carry_out(account(9, 0), &payload)?;
            let is_refused = !answer.reports.is_empty();
            let notices = notices(&answer);
            let is_told = |event: &String| !["WorkPaid", "Returned"].contains(&event.as_str());
            let name = match notices.iter().map(event).find(is_told) {
                _ if is_refused => "a refused command".to_owned(),
                Some(event) => format!("{what}: {event}"),
                None => what.to_owned(),
            };
            say(&name, payload.len(), answer.outputs.len(), at_most);
            if is_refused {
                return Ok(said);
            }
            said.extend(notices);
        }
    }

    /// The answer to an input, and its cost by the meter, rounded up.
    fn carry_out(&mut self, sender: Address, payload: &[u8]) -> Result<(Answer, u64)> {
        let request = json!({ "request_type": "advance_state", "data": {
            "metadata": {
                "chain_id": CHAIN,
                "app_contract": APP,
                "msg_sender": sender,
                "block_number": 1,
                "block_timestamp": self.now,
                "prev_randao": format!("0x{:064x}", 1),
                "input_index": 0,
            },
            "payload": format!("0x{}", hex::encode(payload)),
        }});
        let request = request.to_string();
        let answer = counted(|| self.app.answer(request.as_bytes()))?;
        let (last, lag) = self.last;
        let before = lag.saturating_sub(self.now - last);
        self.last = (self.now, self.app.market().lag_seconds());
        Ok((answer, (self.last.1 - before + 1) * SPEED))
    }
}

fn accepted(what: &str, answer: &Answer) -> Result<Vec<Notice>> {
    match answer.reports.first() {
        Some(report) => Err(format!("{what}: {}", String::from_utf8_lossy(report)).into()),
        None => Ok(notices(answer)),
    }
}

fn notices(answer: &Answer) -> Vec<Notice> {
    let notices = answer.outputs.iter().filter_map(|output| match output {
        Output::Notice { payload } => wire::decode_notice(payload),
        Output::Voucher { .. } | Output::DelegateCallVoucher { .. } => None,
    });
    notices.collect()
}

/// Name of the event in a notice.
pub(crate) fn event(notice: &Notice) -> String {
    let json = serde_json::to_value(notice).unwrap_or_default();
    json["event"].as_str().unwrap_or_default().to_owned()
}
