//! A competition for miners only, in which every miner says something else of all rows, and the
//! machine looks at as many as it may; none of them unveils the second page.

use market::{Attestation, Command, CompetitionTerms, Metric, Results, Score, Work};
use wire::Genesis;

use crate::{
    Files, Result,
    competition::{JOB, SEATS, SECONDS, SPONSOR, attest, move_on, require, reveal, sealed, terms},
    stage::{Stage, account, length, named},
};

pub(crate) fn play(files: &Files) -> Result<()> {
    let (base, hold_out) = (files.read("line.onnx")?, files.read("line.safetensors")?);
    let slice = files.read("slice.safetensors")?;
    let (sealed_rows, ciphertext, opening) = sealed(SPONSOR, &hold_out);
    let terms = CompetitionTerms {
        miners_only: true,
        sample_rows: 10_000,
        ..terms([&base, &slice], sealed_rows)
    };
    let mut stage = Stage::new(Genesis::default());
    let open = Command::OpenCompetition { job: JOB, terms: Box::new(terms) };
    stage.deposit("a deposit that opens a competition", SPONSOR, 10_000, Some(&open))?;
    stage.publish("a base model", SPONSOR, &base, Work(0))?;
    stage.publish("a public slice", SPONSOR, &slice, Work(0))?;
    stage.publish("a sealed hold-out", SPONSOR, &ciphertext, Work(0))?;
    for place in 0..usize::from(SEATS) {
        let enlist = Command::Enlist { job: Some(JOB) };
        stage.deposit("a deposit that enlists", account(3, place), 10, Some(&enlist))?;
    }
    let (entrant, model) = (account(2, 0), [&base[..], b"another"].concat());
    let (sealed_model, entered, model) = sealed(entrant, &model);
    let enter = Command::Enter { job: JOB, model: sealed_model };
    stage.deposit("a deposit that enters", entrant, 20, Some(&enter))?;
    stage.publish("a small sealed model", entrant, &entered, Work(0))?;
    stage.now += u64::from(SECONDS);
    move_on(&mut stage)?;
    reveal(&mut stage, "the key of a small model", entrant, model, length(&entered))?;
    let what = "the key of a hold-out for miners only";
    reveal(&mut stage, what, SPONSOR, opening, length(&ciphertext))?;
    stage.now += u64::from(SECONDS);
    let rows = crate::ROWS_OF_LINE;
    let mut said = Vec::new();
    for seat in 0..usize::from(SEATS) {
        let mut bytes = vec![0xf0; rows.div_ceil(8) as usize];
        bytes[seat] = 0xff;
        let results = Results::from_bytes(Metric::Accuracy, rows, &bytes).ok_or("no results")?;
        let score = results.score(Metric::Accuracy).ok_or("no score")?;
        let worst_class = Score(0);
        said.push((Attestation { score, worst_class, results: named(&bytes).digest }, bytes));
    }
    let bytes: Vec<_> = said.iter().map(|(_, bytes)| bytes.clone()).collect();
    attest(&mut stage, |seat| said[seat].0, &bytes)?;
    stage.now += u64::from(SECONDS);
    require(&move_on(&mut stage)?, &["Forfeited", "Decided", "Paid", "JobSettled"])
}
