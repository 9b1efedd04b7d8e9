//! The types of competitions as ABI tokens.

use ethabi::Token;
use market::{
    Address, Attestation, CompetitionTerms, Outcome, Score, SealedBlob, Share, Tied, Timestamp,
    Unmet, Work,
};

use super::{Arguments, asset, blob, digest, metric, uint};
use crate::refused::InputRefused;

impl Arguments {
    /// A list, read item by item.
    fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, InputRefused>,
    ) -> Result<Vec<T>, InputRefused> {
        let items = self.next()?.into_array().ok_or(self.malformed)?;
        let count = items.len();
        let mut items = Self { tokens: items.into_iter(), malformed: self.malformed };
        (0..count).map(|_| read(&mut items)).collect()
    }

    pub(crate) fn addresses(&mut self) -> Result<Vec<Address>, InputRefused> {
        self.list(Self::address)
    }

    pub(crate) fn numbers(&mut self, field: &'static str) -> Result<Vec<u32>, InputRefused> {
        self.list(|items| items.uint(field))
    }

    pub(crate) fn attestation(&mut self) -> Result<Attestation, InputRefused> {
        let mut fields = self.fields()?;
        Ok(Attestation {
            score: fields.score("score")?,
            worst_class: fields.score("worstClass")?,
            results: fields.digest()?,
        })
    }

    pub(crate) fn attestations(&mut self) -> Result<Vec<Attestation>, InputRefused> {
        self.list(Self::attestation)
    }

    pub(crate) fn sealed(&mut self) -> Result<SealedBlob, InputRefused> {
        let mut fields = self.fields()?;
        Ok(SealedBlob { commitment: fields.digest()?, ciphertext: fields.blob()? })
    }

    pub(crate) fn outcome(&mut self) -> Result<Outcome, InputRefused> {
        self.choice("outcome", &Outcome::ALL)
    }

    pub(crate) fn share(&mut self) -> Result<Share, InputRefused> {
        self.choice("share", &Share::ALL)
    }

    fn choice<T: Copy>(&mut self, field: &'static str, all: &[T]) -> Result<T, InputRefused> {
        let code: u8 = self.uint(field)?;
        all.get(usize::from(code)).copied().ok_or(InputRefused::OutOfRange { field })
    }

    pub(crate) fn competition_terms(&mut self) -> Result<CompetitionTerms, InputRefused> {
        let mut fields = self.fields()?;
        Ok(CompetitionTerms {
            title: fields.title()?,
            asset: fields.asset()?,
            prize: fields.amount()?,
            miners_pool: fields.amount()?,
            buy_in: fields.amount()?,
            entrant_bond: fields.amount()?,
            miner_bond: fields.amount()?,
            miners: fields.uint("miners")?,
            close: Timestamp(fields.uint("close")?),
            reveal_seconds: fields.uint("revealSeconds")?,
            attest_seconds: fields.uint("attestSeconds")?,
            quota: fields.uint("quota")?,
            ladder_step: fields.score("ladderStep")?,
            metric: fields.metric()?,
            min_score: fields.score("minScore")?,
            min_gain: fields.score("minGain")?,
            min_worst_class: fields.score("minWorstClass")?,
            significance: fields.score("significance")?,
            tied: fields.choice("tied", &Tied::ALL)?,
            unmet: fields.choice("unmet", &Unmet::ALL)?,
            max_model_bytes: fields.uint("maxModelBytes")?,
            max_work: Work(fields.uint("maxWork")?),
            miners_only: fields.bool()?,
            sample_rows: fields.uint("sampleRows")?,
            base_model: fields.blob()?,
            public_slice: fields.blob()?,
            hold_out: fields.sealed()?,
        })
    }
}

/// The code of one of a list of choices.
pub(crate) fn code<T: PartialEq>(choice: &T, all: &[T]) -> Token {
    let place = all.iter().position(|one| one == choice);
    uint(place.unwrap_or_default())
}

pub(crate) fn sealed(model: &SealedBlob) -> Token {
    Token::Tuple(vec![digest(model.commitment), blob(model.ciphertext)])
}

pub(crate) fn attestation(attestation: &Attestation) -> Token {
    let Attestation { score: Score(score), worst_class, results } = *attestation;
    Token::Tuple(vec![uint(score), uint(worst_class.0), digest(results)])
}

pub(crate) fn competition_terms(terms: &CompetitionTerms) -> Token {
    Token::Tuple(vec![
        Token::FixedBytes(terms.title.to_vec()),
        asset(terms.asset),
        uint(terms.prize.0),
        uint(terms.miners_pool.0),
        uint(terms.buy_in.0),
        uint(terms.entrant_bond.0),
        uint(terms.miner_bond.0),
        uint(terms.miners),
        uint(terms.close.0),
        uint(terms.reveal_seconds),
        uint(terms.attest_seconds),
        uint(terms.quota),
        uint(terms.ladder_step.0),
        metric(terms.metric),
        uint(terms.min_score.0),
        uint(terms.min_gain.0),
        uint(terms.min_worst_class.0),
        uint(terms.significance.0),
        code(&terms.tied, &Tied::ALL),
        code(&terms.unmet, &Unmet::ALL),
        uint(terms.max_model_bytes),
        uint(terms.max_work.0),
        Token::Bool(terms.miners_only),
        uint(terms.sample_rows),
        blob(terms.base_model),
        blob(terms.public_slice),
        sealed(&terms.hold_out),
    ])
}
