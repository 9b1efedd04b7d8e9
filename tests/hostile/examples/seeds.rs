//! Writes the seeds of all fuzz targets into folders of their names: `seeds FOLDER`, before
//! fuzzing begins.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("usage: seeds FOLDER"))?;
    for (target, _) in hostile::TARGETS {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        for (place, seed) in hostile::seeds::of(target).iter().enumerate() {
            fs::write(folder.join(format!("seed-{place:03}")), seed)?;
        }
    }
    Ok(())
}
