//! A file, a folder or standard input, and which format it is in.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;

use crate::refused::ReadRefused;

/// The most bytes of a file, and of what it inflates to.
pub(crate) const BYTES_MAX: usize = 1 << 30;

/// Rows to read: a file's bytes, or a folder of images.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path; `-` for standard input.
    pub path: PathBuf,
    /// Its bytes, inflated if they were deflated; `None` for a folder.
    bytes: Option<Vec<u8>>,
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Lines of text.
    Text,
    /// Apache Parquet.
    Parquet,
    /// One array of NumPy.
    Npy,
    /// Several arrays of NumPy.
    Npz,
    /// Tensors of Hugging Face's container.
    Safetensors,
    /// A folder for each class.
    Images,
}

impl Source {
    /// Opens a file, a folder, or standard input if the path is `-`; inflates gzip.
    ///
    /// - Errors: `Io`, `TooLarge`
    pub fn open(path: &Path) -> Result<Self, ReadRefused> {
        let failed = |cause| ReadRefused::Io { path: path.to_owned(), cause };
        if path.as_os_str() == "-" {
            return Self::from_bytes(path, bounded(io::stdin().lock()).map_err(failed)?);
        }
        if path.is_dir() {
            return Ok(Self { path: path.to_owned(), bytes: None });
        }
        let file = File::open(path).map_err(failed)?;
        Self::from_bytes(path, bounded(file).map_err(failed)?)
    }

    /// The source of a file that was read already.
    ///
    /// - Errors: `TooLarge`; `Malformed` if it is gzip that does not inflate
    pub fn from_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, ReadRefused> {
        let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
            bounded(MultiGzDecoder::new(bytes.as_slice())).map_err(|cause| {
                ReadRefused::Malformed { format: "gzip", why: cause.to_string() }
            })?
        } else {
            bytes
        };
        if bytes.len() > BYTES_MAX {
            return Err(ReadRefused::TooLarge { limit: BYTES_MAX });
        }
        Ok(Self { path: path.to_owned(), bytes: Some(bytes) })
    }

    /// Its bytes, inflated; none of a folder.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default()
    }

    /// Whether it is a file of tensors, such as a packed dataset.
    #[must_use]
    pub fn is_safetensors(&self) -> bool {
        self.bytes.as_deref().is_some_and(is_safetensors)
    }

    /// The format, by how the bytes begin.
    ///
    /// - Errors: `Format` if it is a known one that is not read
    pub(crate) fn format(&self) -> Result<Format, ReadRefused> {
        let Some(bytes) = &self.bytes else { return Ok(Format::Images) };
        let begins = |magic: &[u8]| bytes.starts_with(magic);
        let ends = |ending: &str| {
            self.path.extension().is_some_and(|known| known.eq_ignore_ascii_case(ending))
        };
        if begins(b"PAR1") {
            return Ok(Format::Parquet);
        }
        if begins(b"\x93NUMPY") {
            return Ok(Format::Npy);
        }
        if begins(b"PK\x03\x04") && (ends("npz") || holds(bytes, b".npy")) {
            return Ok(Format::Npz);
        }
        if is_safetensors(bytes) || ends("safetensors") {
            return Ok(Format::Safetensors);
        }
        match unread(bytes) {
            Some((found, advice)) => Err(ReadRefused::Format { found, advice }),
            None => Ok(Format::Text),
        }
    }
}

/// All bytes of a stream, but not many more than allowed.
fn bounded(stream: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    stream.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Formats that are known and not read: what they are, and what to do.
fn unread(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let known: [(&[u8], _, _); 10] = [
        (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "unpack it, or save it as CSV"),
        (b"\xd0\xcf\x11\xe0", "an Excel workbook", "save it as CSV"),
        (b"ARROW1", "an Arrow or Feather file", "save it as Parquet"),
        (b"\x89HDF", "an HDF5 file", "save its arrays with numpy.savez"),
        (b"SQLite format 3", "a SQLite database", "export the table as CSV"),
        (b"\x89PNG", "one image", "give the folder that has a folder of images for each class"),
        (
            b"\xff\xd8\xff",
            "one image",
            "give the folder that has a folder of images for each class",
        ),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it, or compress it with gzip"),
        (b"BZh", "a bzip2 archive", "unpack it, or compress it with gzip"),
        (b"\xfd7zXZ", "an xz archive", "unpack it, or compress it with gzip"),
    ];
    let found = known.into_iter().find(|(magic, ..)| bytes.starts_with(magic));
    // A pickle begins with its protocol, and ends with a full stop.
    let is_pickle = matches!(bytes, [0x80, 2..=5, .., b'.']);
    let pickle =
        is_pickle.then_some(("a Python pickle", "save its arrays with numpy.savez, or as CSV"));
    found.map(|(_, found, advice)| (found, advice)).or(pickle)
}

/// Whether a header of JSON follows its length.
fn is_safetensors(bytes: &[u8]) -> bool {
    let length = bytes.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
    let fits = length.and_then(|length| usize::try_from(length).ok());
    fits.is_some_and(|length| length < bytes.len()) && bytes.get(8) == Some(&b'{')
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
