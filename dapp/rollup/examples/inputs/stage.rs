//! An application that carries out inputs which are counted, and what they cost by its prices.

use std::{cell::Cell, rc::Rc};

use blobs::{BlobRef, Profile, blob_ref, split};
use eval::Evaluator;
use market::{
    Address, Amount, Command, Exam, Exhibit, JobId, Judge, Likeness, Prices, Quote, Tally, Unfit,
    Work,
};
use rollup::{Answer, App};
use serde_json::json;
use wire::{
    Genesis, MAX_CHUNK_BYTES, Notice, Output, Text as _, encode_command, encode_ether_deposit,
};

use crate::{Result, counted, say};

/// When everything begins.
pub(crate) const NOW: u64 = 1_700_000_000;
/// The chain, and the application on it.
pub(crate) const CHAIN: u64 = 31_337;
pub(crate) const APP: Address = Address([0xaa; 20]);

/// The application.
pub(crate) struct Stage {
    pub(crate) app: App<Priced>,
    pub(crate) now: u64,
    judged: Rc<Cell<Work>>,
}

impl Stage {
    pub(crate) fn new(genesis: Genesis) -> Self {
        let judged = Rc::new(Cell::new(Work(0)));
        let judge = Priced { judge: Evaluator::new(), rows: 0, judged: Rc::clone(&judged) };
        Self { app: App::new(genesis, [], judge), now: NOW, judged }
    }

    /// Has a command carried out that costs what it says beside every input's price, its way in and
    /// what the judge is asked.
    ///
    /// - Errors: it is refused
    pub(crate) fn play(
        &mut self,
        what: &str,
        price: Work,
        sender: Address,
        command: &Command,
    ) -> Result<Vec<Notice>> {
        let answer = self.send(what, price, sender, &encode_command(command))?;
        if let Some(report) = answer.reports.first() {
            return Err(format!("{what}: {}", String::from_utf8_lossy(report)).into());
        }
        Ok(notices(&answer))
    }

    /// Has a payload carried out, or refused, at this price.
    pub(crate) fn send(
        &mut self,
        what: &str,
        price: Work,
        sender: Address,
        payload: &[u8],
    ) -> Result<Answer> {
        let answer = self.carry_out(sender, payload)?;
        self.say(what, payload, &answer, price);
        Ok(answer)
    }

    /// Moves a competition on by one step, for which `price` has a price by what it says first and
    /// whether the judge was asked; nothing when there is none to take.
    pub(crate) fn step(
        &mut self,
        job: JobId,
        price: impl Fn(&str, bool) -> Work,
    ) -> Result<Option<Vec<Notice>>> {
        let command = encode_command(&Command::Evaluate { job, work: Work(0) });
        let answer = self.carry_out(account(9, 0), &command)?;
        if !answer.reports.is_empty() {
            self.say("a refused command", &command, &answer, Work(0));
            return Ok(None);
        }
        let notices = notices(&answer);
        let first = match notices.first() {
            Some(notice) => serde_json::to_value(notice)?["event"].as_str().map(ToOwned::to_owned),
            None => None,
        };
        let first = first.unwrap_or_default();
        let is_judged = self.judged.get() > Work(0);
        let what = match (is_judged, first.as_str()) {
            (true, "") => "a step of evaluation".to_owned(),
            (true, first) => format!("a step of evaluation: {first}"),
            (false, "") => "a step that says nothing".to_owned(),
            (false, first) => format!("a step: {first}"),
        };
        self.say(&what, &command, &answer, price(&first, is_judged));
        Ok(Some(notices))
    }

    fn carry_out(&mut self, sender: Address, payload: &[u8]) -> Result<Answer> {
        let request = json!({ "request_type": "advance_state", "data": {
            "metadata": {
                "chain_id": CHAIN,
                "app_contract": APP.write(),
                "msg_sender": sender.write(),
                "block_number": 1,
                "block_timestamp": self.now,
                "prev_randao": format!("0x{:064x}", 1),
                "input_index": 0,
            },
            "payload": format!("0x{}", hex::encode(payload)),
        }});
        let request = request.to_string();
        self.judged.set(Work(0));
        Ok(counted(|| self.app.answer(request.as_bytes()))?)
    }

    fn say(&self, what: &str, payload: &[u8], answer: &Answer, price: Work) {
        let prices = Prices::COUNTED;
        let input = Work(prices.input).plus(prices.chunk(length(payload), 0));
        let at_most = input.plus(price).plus(self.judged.get());
        say(what, payload.len(), answer.outputs.len(), at_most.0);
    }

    /// A deposit of Ether with a command.
    pub(crate) fn deposit(
        &mut self,
        what: &str,
        sender: Address,
        amount: u128,
        command: Option<&Command>,
    ) -> Result<()> {
        let command = command.map(encode_command).unwrap_or_default();
        let deposit = encode_ether_deposit(sender, Amount::new(amount), &command);
        let portal = Genesis::default().ether_portal;
        let answer = self.send(what, Work(0), portal, &deposit)?;
        match answer.reports.first() {
            Some(report) => Err(format!("{what}: {}", String::from_utf8_lossy(report)).into()),
            None => Ok(()),
        }
    }

    /// Sends a blob in chunks; with the last may begin what costs `then`.
    pub(crate) fn publish(
        &mut self,
        what: &str,
        sender: Address,
        bytes: &[u8],
        then: Work,
    ) -> Result<()> {
        let chunks = split(bytes, MAX_CHUNK_BYTES);
        for (place, chunk) in chunks.iter().enumerate() {
            let next = chunks.get(place + 1);
            let end = next.map_or(length(bytes), |next| next.offset);
            // What is sent is priced with the payload.
            let price = Prices::COUNTED.chunk(0, end - chunk.offset);
            let (what, price) = match next {
                Some(_) => (format!("{what}, a chunk"), price),
                None => (format!("{what}, the last chunk"), price.plus(then)),
            };
            let command = Command::Publish {
                digest: named(bytes).digest,
                offset: chunk.offset,
                encoding: chunk.encoding,
                data: chunk.data.clone(),
            };
            self.play(&what, price, sender, &command)?;
        }
        Ok(())
    }
}

fn notices(answer: &Answer) -> Vec<Notice> {
    let notices = answer.outputs.iter().filter_map(|output| match output {
        Output::Notice { payload } => Notice::decode(payload),
        Output::Voucher { .. } | Output::DelegateCallVoucher { .. } => None,
    });
    notices.collect()
}

/// A blob's reference.
pub(crate) fn named(bytes: &[u8]) -> BlobRef {
    blob_ref(bytes, Profile::Kubo)
}

/// One of many accounts of a role.
pub(crate) fn account(role: u8, place: usize) -> Address {
    let mut address = [role; 20];
    address[..8].copy_from_slice(&(place as u64).to_be_bytes());
    Address(address)
}

pub(crate) fn length(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

/// The real judge, with what it is asked priced as the market prices it: what reading takes at
/// most, what answering took, and when all is answered the verdict, the results, and the bonds of
/// miners.
pub(crate) struct Priced {
    judge: Evaluator,
    /// Rows of the exam that was begun last.
    rows: u32,
    judged: Rc<Cell<Work>>,
}

impl Priced {
    fn add(&self, work: Work) {
        self.judged.set(self.judged.get().plus(work));
    }
}

impl Judge for Priced {
    fn reading(&self, exam: &Exam<'_>) -> Work {
        let reading = self.judge.reading(exam);
        self.add(reading);
        reading
    }

    fn quote(&mut self, exam: &Exam<'_>) -> std::result::Result<Quote, Unfit> {
        let quote = self.judge.quote(exam)?;
        self.rows = quote.rows;
        Ok(quote)
    }

    fn answer(
        &mut self,
        exam: &Exam<'_>,
        tally: &mut Tally,
        budget: Work,
    ) -> std::result::Result<Work, Unfit> {
        let work = self.judge.answer(exam, tally, budget)?;
        self.add(work);
        if tally.rows() == self.rows {
            self.add(Prices::COUNTED.verdict(length(exam.model.bytes)));
            if tally.results().is_some() {
                self.add(Prices::COUNTED.results(exam.metric.is_loss(), self.rows));
                self.add(Prices::COUNTED.blaming());
            }
        }
        Ok(work)
    }

    fn comparing(&self, lengths: [usize; 3]) -> Work {
        self.judge.comparing(lengths)
    }

    fn alike(
        &mut self,
        base: Exhibit<'_>,
        first: Exhibit<'_>,
        second: Exhibit<'_>,
    ) -> std::result::Result<Likeness, Unfit> {
        let lengths = [base, first, second].map(|exhibit| exhibit.bytes.len());
        self.add(self.comparing(lengths).plus(Work(Prices::COUNTED.ending)));
        self.judge.alike(base, first, second)
    }
}
