//! The commands in a script's notation.
//!
//! ```text
//! anne opens cup …                 the terms are in `terms`
//! anne supplies cup                publishes all expected blobs of the job
//! anne publishes base to cup       [as=Shown] the slot, if it is ambiguous; [from=] [to=] a
//!                                  part; [bytes=other]; [deflated]; [delta=N] of the base model
//! bob submits better to cup        sealed if the job is: the ciphertext is `bob's-better`;
//!                                  [of carol] hers, [sealing worse] other bytes, [plain] in the
//!                                  open all the same
//! bob enters cup with better       submits it and publishes all its bytes
//! bob shows better to cup          shows it; the bytes are published separately
//! mike enlists for cup
//! bob reveals better to cup        [key=1], [salt=1] and [as=other] change what is revealed
//! mike attests cup                 every page, or [page=0]
//! mike confirms cup                likewise: reveals the attestations.
//!                                  [lie=2:100] adds to the score of submission 2, [lie=base:1],
//!                                  [flip=2:3] flips the result of its row 3, [more] adds an
//!                                  attestation, [results] adds a byte to the results
//! zoe evaluates cup/2              or cup/base, cup/hold_out, cup/2/shown; [from=7] [work=9]
//!                                  [surcharge=5]
//! bob publishes-key 7
//! bob writes cup/2                 the next message; [sequence=3], [bytes=256] of its text
//! zoe settles cup | anne cancels cup | anne withdraws 5 ether
//! ```

use blobs::{Digest, Encoding, Opening};
use market::{
    Amount, Attestation, Ciphertext, Command, Job, JobId, MESSAGE_OVERHEAD, MESSAGE_STEP,
    SealedBlob, Slot, SubmittedModel, Target, U256, Work,
};
use miniz_oxide::deflate::compress_to_vec;
use scenarios::file;

use super::{Reason, Stage, address, amount, asset, number};
use crate::world::{attestations, attested, flip, seal};

const SALT: [u8; 32] = [7; 32];

impl Stage {
    /// The commands of an event, each sent in an input of its own.
    pub(super) fn commands(&mut self, who: &str, words: &[&str]) -> Result<Vec<Command>, Reason> {
        let [verb, rest @ ..] = words else { return Err(format!("{who} does nothing")) };
        let one = match (*verb, rest) {
            ("opens", [title, terms @ ..]) => self.open(who, title, terms)?,
            ("cancels", [job]) => Command::CancelJob { job: self.job(job) },
            ("supplies", [job]) => return self.supply(who, job),
            ("publishes", [blob, "to", job, options @ ..]) => {
                self.chunk(who, blob, job, options)?
            }
            ("submits", [model, "to", job, rest @ ..]) => self.submit(who, model, job, rest)?,
            ("enters", [job, "with", model, rest @ ..]) => {
                let submit = self.submit(who, model, job, rest)?;
                let Command::Submit { model: submitted, .. } = &submit else { unreachable!() };
                let digest = submitted.published().digest;
                let name = self.blobs.iter().find(|(_, (blob, _))| blob.digest == digest);
                let name = name.ok_or("nothing to publish")?.0.clone();
                let publish = self.chunk(who, &name, job, &["as=Submission"])?;
                return Ok(vec![submit, publish]);
            }
            ("shows", [model, "to", job]) => {
                Command::Show { job: self.job(job), model: self.blob(model)?.0 }
            }
            ("enlists", ["for", job]) => Command::Enlist { job: self.job(job) },
            ("reveals", [blob, "to", job, spoils @ ..]) => self.reveal(who, blob, job, spoils)?,
            ("attests" | "confirms", [job, says @ ..]) => {
                return self.attest(who, self.job(job), says, *verb == "confirms");
            }
            ("evaluates", [what, options @ ..]) => self.evaluate(what, options)?,
            ("publishes-key", [byte]) => Command::PublishMessageKey { key: [number(byte)?; 32] },
            ("writes", [about, options @ ..]) => self.write(who, about, options)?,
            ("settles", [job]) => Command::Settle { job: self.job(job) },
            ("withdraws", [units, of]) => {
                Command::Withdraw { asset: asset(of), amount: amount(units)? }
            }
            _ => return Err(format!("{words:?} says nothing to do")),
        };
        Ok(vec![one])
    }

    fn live(&self, job: JobId) -> Option<&Job> {
        self.world.as_ref()?.market.job(job)
    }

    /// Commits an account to a blob and seals content, which is the same if the account is honest;
    /// also names the ciphertext.
    pub(super) fn seal(
        &mut self,
        who: &str,
        blob: &str,
        content: &str,
        scope: [u8; 32],
    ) -> Result<SealedBlob, Reason> {
        let (plain, content) = (self.blob(blob)?.0, self.blob(content)?.1.clone());
        let (name, secret) =
            (format!("{who}'s-{blob}"), seal(scope, address(who), plain, &content));
        let sealed = secret.sealed;
        self.blobs.insert(name.clone(), (sealed.ciphertext, secret.ciphertext.clone()));
        self.secrets.insert(name, secret);
        Ok(sealed)
    }

    fn submit(
        &mut self,
        who: &str,
        model: &str,
        job: &str,
        rest: &[&str],
    ) -> Result<Command, Reason> {
        let job = self.job(job);
        let is_sealed = self.live(job).is_some_and(|job| job.terms.sealing.is_sealed());
        let model = match rest {
            // Another account's commitment and ciphertext, sent by this account.
            ["of", other] => {
                let name = format!("{other}'s-{model}");
                SubmittedModel::Sealed(self.secrets.get(&name).ok_or("never sealed")?.sealed)
            }
            ["sealing", other] => SubmittedModel::Sealed(self.seal(who, model, other, job.0)?),
            ["plain"] => SubmittedModel::Open { model: self.blob(model)?.0, data: file(b"") },
            [] if is_sealed => SubmittedModel::Sealed(self.seal(who, model, model, job.0)?),
            _ => SubmittedModel::Open { model: self.blob(model)?.0, data: file(b"") },
        };
        Ok(Command::Submit { job, model })
    }

    fn supply(&self, who: &str, title: &str) -> Result<Vec<Command>, Reason> {
        let market = &self.world.as_ref().ok_or("no market")?.market;
        let states = market.blob_states(self.job(title));
        let waits = states.filter(|(key, state)| {
            key.submission.is_none() && matches!(state, market::BlobState::Expected { .. })
        });
        let terms = self.live(self.job(title)).ok_or("no job to supply")?.terms;
        let publish = |slot: Slot| {
            let digest = match slot {
                Slot::BaseModel => Some(terms.offer.base_model.digest),
                Slot::PublicSlice => terms.offer.board.map(|board| board.public_slice.digest),
                _ => Some(terms.sealing.published_hold_out().digest),
            };
            let named = self.blobs.iter().find(|(_, (blob, _))| Some(blob.digest) == digest);
            self.chunk(who, named.ok_or("no such blob")?.0, title, &[&format!("as={slot:?}")])
        };
        waits.map(|(key, _)| publish(key.slot)).collect()
    }

    /// A chunk with all bytes of a blob, unless the options say otherwise.
    fn chunk(
        &self,
        who: &str,
        name: &str,
        title: &str,
        options: &[&str],
    ) -> Result<Command, Reason> {
        let (blob, bytes) = self.blob(name)?;
        let (mut bytes, mut encoding) = (bytes, Encoding::Plain);
        let (mut from, mut to, mut kept) = (0_usize, None, 0_u8);
        let job = self.job(title);
        let mut slot = self.slot(who, job, blob.digest);
        for option in options {
            match option.split_once('=') {
                Some(("from", byte)) => from = number(byte)?,
                Some(("to", byte)) => to = Some(number(byte)?),
                Some(("bytes", other)) => bytes = &self.blob(other)?.1,
                Some(("as", name)) => {
                    let mut all = Slot::ALL.into_iter();
                    slot = all.find(|slot| format!("{slot:?}") == name).ok_or("no such slot")?;
                }
                Some(("delta", bytes)) => (encoding, kept) = (Encoding::Delta, number(bytes)?),
                None if *option == "deflated" => encoding = Encoding::Deflate,
                _ => return Err(format!("no option {option}")),
            }
        }
        let plain = bytes.get(from..to.unwrap_or(bytes.len())).ok_or("no such bytes")?;
        let data = match encoding {
            Encoding::Plain => plain.to_vec(),
            Encoding::Deflate => compress_to_vec(plain, 6),
            Encoding::Delta => crate::judge::delta(plain, kept),
        };
        Ok(Command::Publish { job, slot, offset: from as u64, encoding, data })
    }

    /// The slot for a blob.
    fn slot(&self, who: &str, job: JobId, digest: Digest) -> Slot {
        let Some(job) = self.live(job) else { return Slot::Submission };
        let offer = &job.terms.offer;
        let submission = job.submission_of(address(who)).and_then(|at| job.submissions.get(&at));
        let shown = submission.and_then(|submission| submission.board.model);
        match digest {
            digest if shown.is_some_and(|model| model.digest == digest) => Slot::Shown,
            digest if job.terms.sealing.published_hold_out().digest == digest => Slot::HoldOut,
            _ if job.sponsor != address(who) => Slot::Submission,
            digest if offer.base_model.digest == digest => Slot::BaseModel,
            _ => Slot::PublicSlice,
        }
    }

    fn reveal(&self, who: &str, blob: &str, job: &str, spoils: &[&str]) -> Result<Command, Reason> {
        let job = self.job(job);
        let owner = if let ["of", other] = spoils { other } else { who };
        let secret = self.secrets.get(&format!("{owner}'s-{blob}")).ok_or("not sealed")?;
        let Opening { mut key, mut salt, plain: mut plaintext } = secret.opening;
        for spoil in spoils {
            match spoil.split_once('=') {
                Some(("key", byte)) => key = [number(byte)?; 32],
                Some(("salt", byte)) => salt = [number(byte)?; 32],
                Some(("as", other)) => plaintext = self.blob(other)?.0,
                _ => {}
            }
        }
        Ok(Command::Reveal { job, key, salt, plaintext })
    }

    fn evaluate(&self, what: &str, options: &[&str]) -> Result<Command, Reason> {
        let parts: Vec<_> = what.split('/').collect();
        let job = self.job(parts[0]);
        let target = match parts[1..] {
            ["base"] => Target::Base,
            ["hold_out"] => Target::BaseOnHoldOut,
            [index] => Target::Submission(number(index)?),
            [index, "shown"] => Target::Shown(number(index)?),
            _ => return Err("evaluate what?".to_owned()),
        };
        let (mut from, mut work) = (self.step(job, target), Work(u64::MAX));
        let mut max_surcharge = Amount(U256::MAX);
        for option in options {
            match option.split_once('=') {
                Some(("from", step)) => from = number(step)?,
                Some(("work", limit)) => work = Work(number(limit)?),
                Some(("surcharge", most)) => max_surcharge = amount(most)?,
                _ => return Err(format!("no option {option}")),
            }
        }
        Ok(Command::Evaluate { job, target, from, work, max_surcharge })
    }

    fn write(&self, who: &str, about: &str, options: &[&str]) -> Result<Command, Reason> {
        let (job, submission) = about.split_once('/').ok_or("write about which submission?")?;
        let (job, submission) = (self.job(job), number(submission)?);
        let live = self.live(job);
        let counts = live.and_then(|job| Some(job.submissions.get(&submission)?.messages));
        let counts = counts.unwrap_or_default();
        let is_sponsor = live.is_some_and(|job| job.sponsor == address(who));
        let mut sequence = if is_sponsor { counts.from_sponsor } else { counts.from_client };
        let mut bytes = MESSAGE_STEP;
        for option in options {
            match option.split_once('=') {
                Some(("sequence", found)) => sequence = number(found)?,
                Some(("bytes", found)) => bytes = number(found)?,
                _ => return Err(format!("no option {option}")),
            }
        }
        let ciphertext = Ciphertext(vec![0x5a; MESSAGE_OVERHEAD + bytes]);
        Ok(Command::SendMessage { job, submission, sequence, ciphertext })
    }

    /// The step from which an evaluation continues.
    fn step(&self, job: JobId, target: Target) -> u32 {
        let Some(job) = self.live(job) else { return 0 };
        let submission = |index| job.submissions.get(&index);
        match target {
            Target::Base => job.base.step(),
            Target::BaseOnHoldOut => job.base_on_hold_out.step(),
            Target::Submission(index) => submission(index).map_or(0, |s| s.evaluated.step()),
            Target::Shown(index) => submission(index).map_or(0, |s| s.board.evaluated.step()),
        }
    }

    fn attest(
        &self,
        who: &str,
        id: JobId,
        says: &[&str],
        confirms: bool,
    ) -> Result<Vec<Command>, Reason> {
        let page =
            says.iter().find_map(|word| word.strip_prefix("page=")).map(number).transpose()?;
        let pages = self.live(id).map_or(1, Job::pages);
        let pages = page.map_or_else(|| (0..pages).collect(), |page: u32| vec![page]);
        let mut commands = Vec::new();
        for page in pages {
            let (mut attestations, mut results) = self.attestations(id, page, says)?;
            if says.contains(&"more") {
                attestations.push(Attestation::UNFIT);
            }
            if says.contains(&"results") {
                results.push(1);
            }
            let commitment = attested(id, address(who), page, &attestations, &SALT);
            commands.push(if confirms {
                Command::RevealAttestation { job: id, page, attestations, results, salt: SALT }
            } else {
                Command::Attest { job: id, page, commitment }
            });
        }
        Ok(commands)
    }

    /// The attestations of an honest miner for a page, changed by the options.
    fn attestations(
        &self,
        id: JobId,
        page: u32,
        says: &[&str],
    ) -> Result<(Vec<Attestation>, Vec<u8>), Reason> {
        let Some(job) = self.live(id) else { return Ok((Vec::new(), Vec::new())) };
        let value =
            |name: &'static str| says.iter().filter_map(move |word| word.strip_prefix(name));
        let told = value("lie=").chain(value("flip=")).map(|lie| lie.split_once(':'));
        let told: Option<Vec<_>> = told.collect();
        told.ok_or("lie=SUBMISSION:MORE, flip=SUBMISSION:ROW")?;
        let bytes_of = |digest: Digest| {
            let found = self.blobs.values().find(|(blob, _)| blob.digest == digest);
            found.map(|(_, bytes)| bytes.as_slice())
        };
        Ok(attestations(job, page, bytes_of, |model, attestation, results| {
            let name = model.map_or("base".to_owned(), |index| index.to_string()) + ":";
            for more in value("lie=").filter_map(|lie| lie.strip_prefix(&name)) {
                attestation.score.0 += more.parse::<u32>().unwrap();
            }
            for row in value("flip=").filter_map(|flip| flip.strip_prefix(&name)) {
                flip(job, row.parse().unwrap(), attestation, results);
            }
        }))
    }
}
