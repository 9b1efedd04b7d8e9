//! The file of a dataset, with the names of its classes.
//!
//! The names stand in the metadata of the safetensors container, as a JSON list under `classes`;
//! whoever only evaluates passes over them. Classes named 0, 1, 2, … have no names there.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};

use crate::{description::Understood, refused::ReadRefused};

/// Where the names of the classes stand.
const KEY: &str = "classes";

/// Room for the names of classes: the header may have 4,096 bytes, of which the rest takes few.
const NAMES_BYTES: usize = 3_500;

/// The file of a dataset; equal datasets with equal names give equal bytes.
///
/// - Errors: `ClassNames` if the names take too much room
pub fn pack(understood: &Understood) -> Result<Vec<u8>, ReadRefused> {
    let Understood { dataset, classes, .. } = understood;
    let is_plain = classes.iter().enumerate().all(|(class, name)| *name == class.to_string());
    if is_plain {
        return Ok(dataset.to_safetensors());
    }
    let malformed = |why: serde_json::Error| ReadRefused::Malformed {
        format: "a list of names",
        why: why.to_string(),
    };
    let list = serde_json::to_string(classes).map_err(malformed)?;
    // Inside of the header quotes are escaped once more.
    let bytes = serde_json::to_string(&list).map_err(malformed)?.len();
    if bytes > NAMES_BYTES {
        return Err(ReadRefused::ClassNames { bytes, limit: NAMES_BYTES });
    }
    let metadata = BTreeMap::from([(KEY.to_owned(), list)]);
    Ok(dataset.to_safetensors_with(&metadata))
}

/// The names of a packed dataset's classes, if it has any.
#[must_use]
pub fn class_names(bytes: &[u8]) -> Vec<String> {
    let Ok((_, header)) = SafeTensors::read_metadata(bytes) else { return Vec::new() };
    let list = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    list.and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default()
}

/// Whether a file has the layout of a packed dataset.
pub(crate) fn is_packed(bytes: &[u8]) -> bool {
    let Ok((_, header)) = SafeTensors::read_metadata(bytes) else { return false };
    let dtype = |name: &str| header.info(name).map(|info| info.dtype);
    let has = |key: &str| header.metadata().as_ref().is_some_and(|all| all.contains_key(key));
    let x = match dtype("x") {
        Some(Dtype::F32) => true,
        Some(Dtype::U8) => has("scale") && has("offset"),
        _ => false,
    };
    x && matches!(dtype("y"), Some(Dtype::U8 | Dtype::I64 | Dtype::F32))
}
