//! The trainer that a job names: an entry `deml.trainer` in the metadata of its base model, which
//! the job's terms fix by its CID. The market needs to know nothing of it, and any exporter can
//! write it.

use blobs::Cid;

/// The entry's key.
const KEY: &str = "deml.trainer";
/// The field of a model's metadata, and those of an entry's key and value.
const METADATA: u64 = 14;
const ENTRY_KEY: u64 = 1;
const ENTRY_VALUE: u64 = 2;

/// The CID that a model names, as text; `None` if it names none, or what is none.
#[must_use]
pub fn of(model: &[u8]) -> Option<String> {
    let entries = fields(model).filter(|(number, _)| *number == METADATA);
    let named = entries.filter_map(|(_, entry)| {
        let find = |wanted| fields(entry).find(|(number, _)| *number == wanted);
        let (_, key) = find(ENTRY_KEY)?;
        let (_, value) = find(ENTRY_VALUE)?;
        (key == KEY.as_bytes()).then(|| String::from_utf8_lossy(value).into_owned())
    });
    // The last one counts, as in any such file.
    named.last().filter(|text| text.parse::<Cid>().is_ok())
}

/// The model with this trainer named.
#[must_use]
pub fn with(model: &[u8], trainer: Cid) -> Vec<u8> {
    let entry =
        [part(ENTRY_KEY, KEY.as_bytes()), part(ENTRY_VALUE, trainer.to_string().as_bytes())];
    [model, &part(METADATA, &entry.concat())].concat()
}

/// A field of bytes.
fn part(number: u64, bytes: &[u8]) -> Vec<u8> {
    let mut part = Vec::new();
    for mut rest in [number << 3 | 2, bytes.len() as u64] {
        while rest > 127 {
            part.extend(u8::try_from(rest & 127 | 128));
            rest >>= 7;
        }
        part.extend(u8::try_from(rest));
    }
    part.extend_from_slice(bytes);
    part
}

/// The fields of bytes of a message, up to what is none.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let tag = varint(&mut rest)?;
            let length = match tag & 7 {
                0 => {
                    varint(&mut rest)?;
                    continue;
                }
                1 => 8,
                2 => usize::try_from(varint(&mut rest)?).ok()?,
                5 => 4,
                _ => return None,
            };
            let (bytes, left) = rest.split_at_checked(length)?;
            rest = left;
            if tag & 7 == 2 {
                return Some((tag >> 3, bytes));
            }
        }
    })
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, left) = rest.split_first()?;
        *rest = left;
        number |= u64::from(byte & 127) << shift;
        if byte & 128 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &[u8] = include_bytes!("../../trainer/templates/base.onnx");

    #[test]
    fn a_model_names_its_trainer_and_stays_the_same_model() {
        assert_eq!(of(MODEL), None);
        let cids = [b"one", b"two"].map(|text| blobs::cid_of(text, blobs::Profile::Kubo));
        let named = with(MODEL, cids[0]);
        assert_eq!(of(&named), Some(cids[0].to_string()));
        assert_eq!(of(&with(&named, cids[1])), Some(cids[1].to_string()));
        assert!(eval::Model::from_onnx(&named).is_ok());
        for cut in 0..named.len() {
            // Whatever the bytes, it ends.
            let _named: Option<String> = of(&named[..cut]);
        }
        assert_eq!(of(&[0xff; 64]), None);
        assert_eq!(of(b"\x72\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), None);
    }
}
