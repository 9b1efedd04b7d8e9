//! Datasets: packed from CSV, and blobs published to the market.

use std::{fmt, path::PathBuf};

use anyhow::{Result, bail, ensure};
use blobs::{BlobRef, Cid};
use eval::{
    Dataset, Labels,
    dataset::{LabelColumn, LabelKind},
};
use market::{JobId, SealedBlob};
use serde::Serialize;
use wire::AnyJobView;

use super::competition::enter::entry_of;
use crate::{
    args,
    chain::Sender,
    convert::as_text,
    delivery::{self, Delivered},
    files::{self, File},
    native,
    quantity::count,
    rows, seals,
    session::Session,
    vault::Vault,
};

/// A dataset that was written.
#[derive(Clone, Debug, Serialize)]
pub struct Packed {
    /// Where it is.
    pub file: PathBuf,
    /// Its CID.
    #[serde(serialize_with = "as_text")]
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
    #[serde(serialize_with = "as_text")]
    pub commitment: blobs::Digest,
    /// The ciphertext.
    #[serde(serialize_with = "as_text")]
    pub ciphertext: Cid,
    /// Its bytes.
    pub bytes: u64,
    /// The plain blob.
    #[serde(serialize_with = "as_text")]
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

/// Seals a file for a competition, and writes the ciphertext.
pub async fn seal(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    job: JobId,
    file: &File,
    out: PathBuf,
) -> Result<Sealed> {
    let seal = seals::seal(session, sender, vault, job, file).await?;
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

/// Publishes a file that the market expects: one of a job's, sealed where it is to be, or a blob by
/// its CID.
///
/// - Errors: the file is none of those; `NotExpected`
pub async fn publish(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    expected: &str,
    file: File,
) -> Result<Delivered> {
    let (blob, bytes) = match expected.parse().map(JobId) {
        Ok(job) => of_job(session, sender, vault, job, file).await?,
        Err(_) => {
            let Ok(cid) = expected.parse::<Cid>() else {
                bail!("{expected:?} is neither a job's number nor a CID");
            };
            let found = file.blob.cid();
            ensure!(found == cid, "{} is {found}, not {cid}", file.path.display());
            (file.blob, file.bytes)
        }
    };
    delivery::deliver(session, sender, blob, &bytes).await
}

/// The blob of a job that a file is, or that is sealed from it, with its bytes.
async fn of_job(
    session: &Session,
    sender: &Sender,
    vault: &Vault,
    job: JobId,
    file: File,
) -> Result<(BlobRef, Vec<u8>)> {
    let (blobs, sealed, kinds) = match session.any_job(job).await? {
        AnyJobView::Bounty(view) => {
            let blobs = vec![view.terms.base_model, view.terms.hold_out];
            (blobs, Vec::new(), "the base model nor the hold-out")
        }
        AnyJobView::Competition(view) => {
            let terms = view.terms;
            let entry = entry_of(session, sender, job).await?.map(|entry| entry.sealed);
            let sealed: Vec<SealedBlob> = [terms.hold_out].into_iter().chain(entry).collect();
            let blobs = [terms.base_model, terms.public_slice].into_iter();
            let blobs = blobs.chain(sealed.iter().map(|sealed| sealed.ciphertext)).collect();
            (blobs, sealed, "the base model, the slice, the hold-out nor your entry")
        }
    };
    let is_file = |blob: &BlobRef| blobs::blob_ref(&file.bytes, blob.profile) == *blob;
    if let Some(blob) = blobs.iter().copied().find(is_file) {
        return Ok((blob, file.bytes));
    }
    // Of what is sealed, people have the plain file; whoever sealed it here can do so again.
    for seal in seals::list(vault)? {
        let is_meant =
            |sealed: &SealedBlob| sealed.commitment.0 == seal.commitment.0 && seal.job == job.0;
        if sealed.iter().any(is_meant) && seal.opening()?.plain == file.blob {
            let (sealed, bytes) = seal.sealed(&file.bytes);
            return Ok((sealed.ciphertext, bytes));
        }
    }
    let cids: Vec<String> = blobs.iter().map(|blob| blob.cid().to_string()).collect();
    let (path, cids) = (file.path.display(), cids.join(", "));
    bail!("{path} is neither {kinds} of job {job}: those are {cids}");
}

impl fmt::Display for Delivered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cid, size, had, chunks, spent, .. } = self;
        let chunks = count(*chunks as u64, "chunk");
        writeln!(out, "{cid}: {size} bytes, {had} were there, the rest in {chunks}")?;
        write!(out, "  {spent}")
    }
}
