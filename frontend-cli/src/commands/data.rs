//! Datasets: packed from CSV, and blobs published to the market.

use std::{fmt, path::PathBuf};

use anyhow::{Result, bail, ensure};
use blobs::{BlobRef, Cid};
use eval::{
    Dataset, Labels,
    dataset::{LabelColumn, LabelKind},
};
use market::JobId;
use serde::Serialize;

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

/// Publishes a file that the market expects: a job's base model or hold-out, or a blob by its CID.
///
/// - Errors: the file is none of those; `NotExpected`
pub async fn publish(
    session: &Session,
    sender: &Sender,
    expected: &str,
    file: &File,
) -> Result<Delivered> {
    let blob = match expected.parse().map(JobId) {
        Ok(job) => of_job(session, job, file).await?,
        Err(_) => {
            let Ok(cid) = expected.parse::<Cid>() else {
                bail!("{expected:?} is neither a job's number nor a CID");
            };
            let found = file.blob.cid();
            ensure!(found == cid, "{} is {found}, not {cid}", file.path.display());
            file.blob
        }
    };
    delivery::deliver(session, sender, blob, &file.bytes).await
}

/// The blob of a job that a file is.
async fn of_job(session: &Session, job: JobId, file: &File) -> Result<BlobRef> {
    let terms = session.job(job).await?.terms;
    let blobs = [terms.base_model, terms.hold_out];
    let found = blobs.into_iter().find(|blob| blobs::blob_ref(&file.bytes, blob.profile) == *blob);
    let Some(blob) = found else {
        bail!(
            "{} is neither the base model nor the hold-out of job {job}: those are {} and {}",
            file.path.display(),
            terms.base_model.cid(),
            terms.hold_out.cid()
        );
    };
    Ok(blob)
}

impl fmt::Display for Delivered {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cid, size, had, chunks, spent, .. } = self;
        let chunks = count(*chunks as u64, "chunk");
        writeln!(out, "{cid}: {size} bytes, {had} were there, the rest in {chunks}")?;
        write!(out, "  {spent}")
    }
}
