//! The commands of competitions in the words of a script.
//!
//! ```text
//! anne announces cup hold_out=hidden prize=100 … seals `hidden`; the ciphertext: `anne's-hidden`
//! bob enters cup with better                      seals `better`; the ciphertext: `bob's-better`
//!                                                 [of carol] hers, [sealing worse] other bytes
//! bob shows better to cup                         to be published next
//! mike enlists for cup | mike enlists | mike retires
//! bob reveals better to cup                       [key=1] or [salt=1] spoil what is revealed
//! mike attests cup page 0 | mike unveils cup page 0
//!                                                 [lie=2:100] adds to what is said of entry 2,
//!                                                 [flip=3] says that row 3 is answered right,
//!                                                 [more] says one thing more, [results] shows more
//! mike objects to cup/2
//! ```

use blobs::{Binding, Digest, Opening, Profile, blob_ref, seal};
use market::{
    Address, Asset, Attestation, Command, Competition, CompetitionTerms, Context, Desk, Exam,
    Exhibit, JobId, Metric, Results, Score, SealedBlob, Tied, Timestamp, Unmet, Work,
};

use super::{Reason, Stage, address, amount, asset, number};
use crate::judge::WordJudge;

const APP: Address = Address([0xaa; 20]);
const CHAIN: u64 = 31_337;

impl Stage {
    pub(super) fn context(&self, sender: Address) -> Context {
        let prev_randao = [self.prev_randao; 32];
        let (now, block, input) = (self.now, self.now.0, 0);
        Context { sender, now, chain_id: CHAIN, app: APP, block, prev_randao, input }
    }

    /// The command, if it is one of competitions.
    pub(super) fn competition_command(
        &mut self,
        who: &str,
        words: &[&str],
    ) -> Result<Option<Command>, Reason> {
        Ok(Some(match words {
            ["announces", title, terms @ ..] => self.announce(who, title, terms)?,
            ["enters", job, "with", model, rest @ ..] => {
                let job = self.job(job)?;
                // Somebody else's commitment and ciphertext, sent by this account.
                let model = match rest {
                    ["of", other] => self.sealed(other, model)?,
                    ["sealing", other] => self.seal(who, model, other, job)?,
                    _ => self.seal(who, model, model, job)?,
                };
                Command::Enter { job, model }
            }
            ["shows", model, "to", job] => {
                Command::Show { job: self.job(job)?, model: self.blob(model)?.0 }
            }
            ["enlists", "for", job] => Command::Enlist { job: Some(self.job(job)?) },
            ["enlists"] => Command::Enlist { job: None },
            ["retires"] => Command::Retire,
            ["reveals", blob, "to", job, spoils @ ..] => self.reveal(who, blob, job, spoils)?,
            ["attests", job, "page", page, says @ ..] => {
                let (job, page) = (self.job(job)?, number(page)?);
                let attestations = self.attestations(job, page, says)?;
                let commitment = desk(job, who, page).commitment(&attestations, &[7; 32]);
                Command::Attest { job, page, commitment }
            }
            ["unveils", job, "page", page, says @ ..] => {
                let (job, page) = (self.job(job)?, number(page)?);
                let attestations = self.attestations(job, page, says)?;
                let mut results = self.rows.clone();
                if says.contains(&"results") {
                    results.push(1);
                }
                Command::Unveil { job, page, attestations, results, salt: [7; 32] }
            }
            ["objects", "to", entry] => {
                let (job, entry) = entry.split_once('/').ok_or("no entry")?;
                Command::Object { job: self.job(job)?, entry: number(entry)? }
            }
            _ => return Ok(None),
        }))
    }

    /// Commits an account to a blob for a job, and seals one, the same if it is honest; its
    /// ciphertext gets a name, too.
    fn seal(
        &mut self,
        who: &str,
        blob: &str,
        sealed: &str,
        job: JobId,
    ) -> Result<SealedBlob, Reason> {
        let (plain, bytes) = (self.blob(blob)?.0, self.blob(sealed)?.1.clone());
        let name = format!("{who}'s-{blob}");
        let [key, salt] =
            ["key", "salt"].map(|part| Digest::of(format!("{part}{name}").as_bytes()).0);
        let opening = Opening { key, salt, plain };
        let binding = Binding { chain_id: CHAIN, app: APP.0, job: job.0, sender: address(who).0 };
        let commitment = opening.commitment(&binding);
        let sealed = seal(&key, commitment, &bytes);
        let ciphertext = blob_ref(&sealed, Profile::Kubo);
        self.openings.insert(name.clone(), opening);
        self.commitments.insert(name.clone(), commitment);
        self.blobs.insert(name, (ciphertext, sealed));
        Ok(SealedBlob { commitment, ciphertext })
    }

    /// What an account has sealed before.
    fn sealed(&self, who: &str, blob: &str) -> Result<SealedBlob, Reason> {
        let name = format!("{who}'s-{blob}");
        let commitment = *self.commitments.get(&name).ok_or("never sealed")?;
        Ok(SealedBlob { commitment, ciphertext: self.blob(&name)?.0 })
    }

    fn reveal(
        &mut self,
        who: &str,
        blob: &str,
        job: &str,
        spoils: &[&str],
    ) -> Result<Command, Reason> {
        let job = self.job(job)?;
        let mut owner = who;
        if let ["of", other] = spoils {
            owner = other;
        }
        let name = format!("{owner}'s-{blob}");
        let Opening { mut key, mut salt, plain } = *self.openings.get(&name).ok_or("not sealed")?;
        let mut plaintext = plain;
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

    /// What an honest miner finds of a page, changed as it is told to.
    fn attestations(
        &mut self,
        job: JobId,
        page: u32,
        says: &[&str],
    ) -> Result<Vec<Attestation>, Reason> {
        let settings = self.settings.clone();
        let market = self.market.as_ref().ok_or("no market")?;
        let competition = market.competition(job).ok_or("no competition")?;
        let (mut all, mut rows) = (Vec::new(), Vec::new());
        for model in competition.page(page) {
            let (mut attestation, results) =
                self.examine(&settings, competition, model.model.digest)?;
            let Some(mut results) = results else {
                all.push(attestation);
                continue;
            };
            for lie in says.iter().filter_map(|word| word.strip_prefix("lie=")) {
                let (entry, more) = lie.split_once(':').ok_or("lie=ENTRY:MORE")?;
                if model.entry == Some(number(entry)?) {
                    attestation.score.0 += number::<u32>(more)?;
                }
            }
            for flip in says.iter().filter_map(|word| word.strip_prefix("flip=")) {
                // In a competition for miners only: says of this row that it is answered right.
                let row: usize = number(flip)?;
                let mut bytes = results.to_bytes();
                bytes[row / 8] |= 1 << (row % 8);
                let metric = competition.terms.metric;
                results = Results::from_bytes(metric, results.rows(), &bytes).ok_or("no row")?;
                attestation.results = results.digest();
                attestation.score = results.score(metric).ok_or("no score")?;
            }
            if competition.terms.miners_only {
                rows = results.to_bytes();
            }
            all.push(attestation);
        }
        if says.contains(&"more") {
            all.push(Attestation::UNFIT);
        }
        self.rows = rows;
        Ok(all)
    }

    fn examine(
        &self,
        settings: &market::Settings,
        competition: &Competition,
        model: Digest,
    ) -> Result<(Attestation, Option<Results>), Reason> {
        let named = |digest: Digest| self.blobs.values().find(|(blob, _)| blob.digest == digest);
        let hold_out = competition.hold_out.ok_or("the hold-out is sealed")?.digest;
        let [(model, bytes), (hold_out, rows)] =
            [named(model).ok_or("no such model")?, named(hold_out).ok_or("no such hold-out")?];
        let exam = Exam {
            model: Exhibit { cid: model.cid(), bytes },
            hold_out: Exhibit { cid: hold_out.cid(), bytes: rows },
            metric: competition.terms.metric,
            rows: None,
        };
        let max_work = competition.terms.max_work;
        Ok(Attestation::examine(settings, &exam, max_work, &mut WordJudge))
    }

    fn announce(&mut self, who: &str, title: &str, stated: &[&str]) -> Result<Command, Reason> {
        let next = self.market()?.job_count();
        let value = |name: &str| {
            let mut values = stated.iter().rev().filter_map(|term| term.split_once('='));
            values.find(|(found, _)| *found == name).map(|(_, value)| value)
        };
        let job = JobId(value("number").map_or(Ok(next), number)?);
        let hidden = value("hold_out").unwrap_or("hidden");
        let hold_out = self.seal(who, hidden, hidden, job)?;
        let mut terms = self.usual_competition(title, hold_out)?;
        for term in stated {
            let (name, value) = term.split_once('=').ok_or_else(|| format!("{term}: no value"))?;
            self.set_term(&mut terms, name, value)?;
        }
        Ok(Command::OpenCompetition { job, terms: Box::new(terms) })
    }

    fn usual_competition(
        &self,
        name: &str,
        hold_out: SealedBlob,
    ) -> Result<CompetitionTerms, Reason> {
        let mut title = [0; 32];
        title.iter_mut().zip(name.bytes()).for_each(|(byte, letter)| *byte = letter);
        Ok(CompetitionTerms {
            title,
            asset: Asset::Ether,
            prize: amount("100")?,
            miners_pool: amount("20")?,
            buy_in: amount("10")?,
            entrant_bond: amount("5")?,
            miner_bond: amount("8")?,
            miners: 0,
            close: Timestamp(2_000),
            reveal_seconds: 100,
            attest_seconds: 100,
            quota: 2,
            ladder_step: Score(50_000),
            metric: Metric::Accuracy,
            min_score: Score(0),
            min_gain: Score(1),
            min_worst_class: Score(0),
            significance: Score(50_000),
            tied: Tied::Equal,
            unmet: Unmet::Return,
            max_model_bytes: 1_000,
            max_work: Work(1_000_000_000),
            miners_only: false,
            sample_rows: 0,
            base_model: self.blob("base")?.0,
            public_slice: self.blob("slice")?.0,
            hold_out,
        })
    }

    fn set_term(
        &self,
        terms: &mut CompetitionTerms,
        name: &str,
        value: &str,
    ) -> Result<(), Reason> {
        match name {
            "number" | "hold_out" => {}
            "asset" => terms.asset = asset(value),
            "prize" => terms.prize = amount(value)?,
            "pool" => terms.miners_pool = amount(value)?,
            "buy_in" => terms.buy_in = amount(value)?,
            "entrant_bond" => terms.entrant_bond = amount(value)?,
            "miner_bond" => terms.miner_bond = amount(value)?,
            "miners" => terms.miners = number(value)?,
            "close" => terms.close = Timestamp(number(value)?),
            "reveal_seconds" => terms.reveal_seconds = number(value)?,
            "attest_seconds" => terms.attest_seconds = number(value)?,
            "quota" => terms.quota = number(value)?,
            "ladder_step" => terms.ladder_step = Score(number(value)?),
            "metric" => terms.metric = super::terms::metric(value)?,
            "min_score" => terms.min_score = Score(number(value)?),
            "min_gain" => terms.min_gain = Score(number(value)?),
            "min_worst_class" => terms.min_worst_class = Score(number(value)?),
            "significance" => terms.significance = Score(number(value)?),
            "tied" if value == "earliest" => terms.tied = Tied::Earliest,
            "unmet" if value == "share" => terms.unmet = Unmet::Share,
            "max_model_bytes" => terms.max_model_bytes = number(value)?,
            "max_work" => terms.max_work = Work(number(value)?),
            "miners_only" => terms.miners_only = value == "yes",
            "sample_rows" => terms.sample_rows = number(value)?,
            "base" => terms.base_model = self.blob(value)?.0,
            "slice" => terms.public_slice = self.blob(value)?.0,
            "ciphertext" => terms.hold_out.ciphertext = self.blob(value)?.0,
            _ => return Err(format!("no term {name}")),
        }
        Ok(())
    }
}

fn desk(job: JobId, who: &str, page: u32) -> Desk {
    Desk { chain_id: CHAIN, app: APP, job, miner: address(who), page }
}
