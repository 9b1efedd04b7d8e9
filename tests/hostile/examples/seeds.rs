//! `seeds FOLDER` writes the seeds of all fuzz targets into folders of their names, before fuzzing
//! begins; `seeds pack FOLDER` keeps the shortest of what is in such folders afterwards.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use hostile::{TARGETS, seeds};

/// What is kept for each target.
const KEPT_BYTES: usize = 45_000;

fn main() -> io::Result<()> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments.as_slice() {
        [folder] => unpack(folder),
        [word, folder] if word == Path::new("pack") => pack(folder),
        _ => Err(io::Error::other("usage: seeds FOLDER | seeds pack FOLDER")),
    }
}

fn unpack(folder: &Path) -> io::Result<()> {
    for (target, _) in TARGETS {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        let all = [seeds::of(target), seeds::kept(target)].concat();
        for (place, seed) in all.iter().enumerate() {
            fs::write(folder.join(format!("seed-{place:03}")), seed)?;
        }
    }
    Ok(())
}

fn pack(folder: &Path) -> io::Result<()> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    fs::create_dir_all(&kept)?;
    for (target, _) in TARGETS {
        let entries = fs::read_dir(folder.join(target))?;
        let inputs = entries.map(|entry| fs::read(entry?.path())).collect::<io::Result<_>>()?;
        fs::write(kept.join(format!("{target}.bin")), seeds::pack(inputs, KEPT_BYTES))?;
    }
    Ok(())
}
