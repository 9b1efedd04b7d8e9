//! Several arrays of NumPy in one archive.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;

use super::{Array, npy};
use crate::{refused::ReadRefused, source::BYTES_MAX};

/// The arrays and their names.
///
/// - Errors: `Malformed`, `TooLarge`
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(String, Array)>, ReadRefused> {
    let malformed = |why: &dyn ToString| ReadRefused::Malformed {
        format: "an .npz archive",
        why: why.to_string(),
    };
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|why| malformed(&why))?;
    let (mut arrays, mut room) = (Vec::new(), BYTES_MAX);
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|why| malformed(&why))?;
        let name = file.name().map_err(|why| malformed(&why))?.into_owned();
        let Some(name) = name.strip_suffix(".npy") else { continue };
        let mut array = Vec::new();
        let most = u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut array).map_err(|why| malformed(&why))?;
        room = room.checked_sub(array.len()).ok_or(ReadRefused::TooLarge { limit: BYTES_MAX })?;
        arrays.push((name.to_owned(), npy::read(&array)?));
    }
    Ok(arrays)
}
