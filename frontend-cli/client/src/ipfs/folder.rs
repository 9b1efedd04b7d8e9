//! The embedded store: a folder with one file per block, named by its CID.
//!
//! Files are written atomically and checked on each read; so corruption by a crash or a disk is
//! detected, and repaired by putting the same bytes again.

use std::{fs, io::ErrorKind, io::Write as _, path::Path};

use anyhow::{Context, Result, bail, ensure};
use blobs::{Cid, Profile, blocks};
use tempfile::NamedTempFile;

use super::{MAX_BLOCK_BYTES, tree::Tree};

pub(super) fn put(folder: &Path, bytes: &[u8], profile: Profile) -> Result<Cid> {
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut root = None;
    for (cid, block) in blocks(bytes, profile) {
        write(folder, cid, &block)
            .with_context(|| format!("cannot write a block to {}", folder.display()))?;
        root = Some(cid);
    }
    root.context("a file has at least one block")
}

fn write(folder: &Path, cid: Cid, block: &[u8]) -> Result<()> {
    let path = folder.join(cid.to_string());
    if fs::read(&path).is_ok_and(|stored| stored == block) {
        return Ok(());
    }
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(block)?;
    file.persist(path)?;
    Ok(())
}

pub(super) fn get(folder: &Path, root: Cid, max_bytes: u64) -> Result<Vec<u8>> {
    let mut tree = Tree::new(root, max_bytes);
    while let Some(cid) = tree.wanted() {
        let path = folder.join(cid.to_string());
        let block = read(&path)?;
        ensure!(Cid::of_block(cid.codec, &block) == cid, damaged(&path));
        tree.push(&block)?;
    }
    Ok(tree.into_bytes())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_BLOCK_BYTES => bail!(damaged(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("there is no block {}: put the file there, or name another store", path.display())
        }
        _ => fs::read(path).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn damaged(path: &Path) -> String {
    format!("{} is damaged: put the same file again, which mends it", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> (tempfile::TempDir, Vec<u8>, Cid) {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
        let cid = put(folder.path(), &bytes, Profile::Kubo).unwrap();
        (folder, bytes, cid)
    }

    #[test]
    fn a_file_comes_back_and_its_folder_holds_nothing_but_blocks() {
        let (folder, bytes, cid) = stored();
        assert_eq!(cid, blobs::cid_of(&bytes, Profile::Kubo));
        assert!(get(folder.path(), cid, bytes.len() as u64).unwrap() == bytes);
        for entry in fs::read_dir(folder.path()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.parse::<Cid>().is_ok(), "{name}");
        }
    }

    #[test]
    fn damage_is_found_and_mended_by_putting_the_file_again() {
        let (folder, bytes, cid) = stored();
        let paths: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        for path in paths {
            let block = fs::read(&path).unwrap();
            let mut changed = block.clone();
            changed[17] ^= 1;
            let long = vec![0; usize::try_from(MAX_BLOCK_BYTES).unwrap() + 1];
            for bad in [changed, block[..20].to_vec(), Vec::new(), long] {
                fs::write(&path, bad).unwrap();
                let fault = get(folder.path(), cid, u64::MAX).unwrap_err().to_string();
                assert_eq!(fault, damaged(&path));
                put(folder.path(), &bytes, Profile::Kubo).unwrap();
                assert!(get(folder.path(), cid, u64::MAX).unwrap() == bytes);
            }
        }
    }

    #[test]
    fn an_absent_block_and_a_long_file_are_said() {
        let (folder, bytes, cid) = stored();
        let limit = bytes.len() as u64 - 1;
        let fault = get(folder.path(), cid, limit).unwrap_err().to_string();
        assert_eq!(fault, format!("more than {limit} bytes"));
        let other = tempfile::tempdir().unwrap();
        let fault = get(other.path(), cid, u64::MAX).unwrap_err().to_string();
        assert!(fault.starts_with("there is no block"), "{fault}");
    }
}
