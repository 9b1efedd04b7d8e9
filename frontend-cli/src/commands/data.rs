//! Datasets: packed from CSV, and blobs published to the market.

use std::{fmt, path::PathBuf};

use anyhow::{Result, bail};
use blobs::{BlobRef, Cid};
use eval::{
    Dataset, Labels,
    dataset::{LabelColumn, LabelKind},
};
use market::{JobId, Slot, SlotKey};
use serde::Serialize;

use super::job_view;
use crate::{
    args,
    chain::Sender,
    delivery::Delivered,
    files::{self, File},
    jobs::JobRef,
    native,
    quantity::count,
    rows,
    seals::{self, Scope},
    session::Session,
    vault::Vault,
};

/// A dataset that was written.
#[derive(Clone, Debug, Serialize)]
pub struct Packed {
    /// Where it is.
    pub file: PathBuf,
    /// Its CID.
    pub cid: Cid,
    /// Its bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: usize,
    /// Features of a row.
    pub features: usize,
    /// Rows of each class; empty when the labels are numbers.
    pub classes: Vec<usize>,
}

impl fmt::Display for Packed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, cid, bytes, rows, features, classes } = self;
        writeln!(out, "{}: {rows} rows of {features} features, {bytes} bytes", file.display())?;
        if !classes.is_empty() {
            let counts: Vec<String> = classes.iter().map(usize::to_string).collect();
            writeln!(out, "  rows of each class: {}", counts.join(", "))?;
        }
        write!(out, "  {cid}")
    }
}

/// Packs a CSV file into a dataset.
///
/// - Errors: `UnfitDataset`, with line and column; `NotBytes`
pub fn pack(pack: &args::DataPack) -> Result<Packed> {
    let csv = files::read(&pack.csv)?;
    let label = label_column(pack.label.as_deref());
    let kind = if pack.regression { LabelKind::Targets } else { LabelKind::Classes };
    let mut dataset = native::dataset(&csv, label, kind)?;
    if pack.u8 {
        dataset = rows::as_bytes(&dataset, pack.scale)?;
    }
    let bytes = dataset.to_safetensors();
    files::write(&pack.out, &bytes)?;
    let blob = native::blob_of(&bytes);
    Ok(Packed {
        file: pack.out.clone(),
        cid: blob.cid(),
        bytes: blob.size,
        rows: dataset.rows(),
        features: dataset.row().elements(),
        classes: class_counts(&dataset),
    })
}

/// The column that a flag names.
#[must_use]
pub fn label_column(name: Option<&str>) -> LabelColumn<'_> {
    name.map_or(LabelColumn::Last, LabelColumn::Named)
}

fn class_counts(dataset: &Dataset) -> Vec<usize> {
    let Labels::Classes(labels) = dataset.labels() else { return Vec::new() };
    let count = |class: u16| labels.iter().filter(|label| u16::from(**label) == class).count();
    (0..dataset.classes()).map(count).collect()
}

/// A file that was sealed.
#[derive(Clone, Debug, Serialize)]
pub struct Sealed {
    /// The ciphertext's file.
    pub file: PathBuf,
    /// What to commit to.
    pub commitment: blobs::Digest,
    /// The ciphertext.
    pub ciphertext: Cid,
    /// Its bytes.
    pub bytes: u64,
    /// The plain blob.
    pub plain: Cid,
}

impl fmt::Display for Sealed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, commitment, ciphertext, bytes, plain } = self;
        writeln!(out, "{}: {bytes} bytes, sealed; the key is kept here", file.display())?;
        writeln!(out, "  commitment  {commitment}")?;
        writeln!(out, "  ciphertext  {ciphertext}")?;
        write!(out, "  plain       {plain}")
    }
}

/// Seals a file, and writes the ciphertext.
pub async fn seal(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    scope: Scope,
    file: &File,
    out: PathBuf,
) -> Result<Sealed> {
    let seal = seals::seal(session, sender, vault, scope, file).await?;
    let (sealed, bytes) = seal.sealed(&file.bytes);
    files::write(&out, &bytes)?;
    let BlobRef { size, .. } = sealed.ciphertext;
    Ok(Sealed {
        file: out,
        commitment: sealed.commitment,
        ciphertext: sealed.ciphertext.cid(),
        bytes: size,
        plain: file.blob.cid(),
    })
}

/// What is published: where, which blob, and its bytes.
#[derive(Clone, Debug)]
pub struct Publication {
    /// The job.
    pub job: JobId,
    /// Which of its blobs.
    pub key: SlotKey,
    /// The blob as it is published.
    pub blob: BlobRef,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// The blob of a job that a file is, or that was sealed from it on this computer.
///
/// - Errors: the job expects no such file from this account
pub async fn publication(
    session: &Session,
    account: market::Address,
    vault: &Vault,
    job: &JobRef,
    file: File,
) -> Result<Publication> {
    let view = session.job(job).await?;
    let mut expected = Vec::new();
    let own = |slot| SlotKey { slot, submission: None };
    if view.sponsor == account {
        expected.push((own(Slot::BaseModel), view.terms.offer.base_model));
        let board = view.terms.offer.board.iter();
        expected.extend(board.map(|board| (own(Slot::PublicSlice), board.public_slice)));
        expected.push((own(Slot::HoldOut), view.terms.sealing.published_hold_out()));
    }
    for one in job_view::submissions(session, view.job).await? {
        if one.client == account {
            let submission = Some(one.submission);
            let key = |slot| SlotKey { slot, submission };
            expected.push((key(Slot::Submission), one.submitted.published()));
            expected.extend(one.showing.map(|shown| (key(Slot::Shown), shown)));
        }
    }
    let (job, mut bytes) = (view.job, file.bytes);
    let is = |bytes: &[u8], blob: BlobRef| blobs::blob_ref(bytes, blob.profile) == blob;
    if let Some(&(key, blob)) = expected.iter().find(|(_, blob)| is(&bytes, *blob)) {
        return Ok(Publication { job, key, blob, bytes });
    }
    // Of what is sealed, people have the plain file; whoever sealed it here can do so again.
    for seal in seals::list(vault)? {
        if seal.opening().plain != file.blob {
            continue;
        }
        let sealed = seal.sealed(&bytes);
        let found = expected.iter().find(|(_, blob)| *blob == sealed.0.ciphertext);
        if let Some(&(key, blob)) = found {
            bytes = sealed.1;
            return Ok(Publication { job, key, blob, bytes });
        }
    }
    let cids: Vec<String> = expected.iter().map(|(_, blob)| blob.cid().to_string()).collect();
    let (path, cids, number) = (file.path.display(), cids.join(", "), view.number);
    bail!("{path} is none of the blobs that job {number} expects from {account}: {cids}");
}

impl fmt::Display for Delivered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cid, size, had, chunks, spent, .. } = self;
        let chunks = count(*chunks as u64, "chunk");
        writeln!(out, "{cid}: {size} bytes, {had} were there, the rest in {chunks}")?;
        write!(out, "  {spent}")
    }
}
