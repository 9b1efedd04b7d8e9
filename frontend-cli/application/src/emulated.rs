//! RISC-V programs, as in the machine, run on other processors through qemu.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The path of the RISC-V C library in distributions, for dynamically linked programs.
const LIBRARIES: &str = "/usr/riscv64-linux-gnu";

/// The machine number of RISC-V in an ELF file.
const EM_RISCV: u16 = 243;

/// The executable that runs `program` and its first arguments: itself, or an emulator.
///
/// - Errors: the program cannot be read, or its emulator is missing
pub fn launcher(program: &Path) -> Result<(PathBuf, Vec<OsString>)> {
    if cfg!(target_arch = "riscv64") || !is_for_riscv(program)? {
        return Ok((program.to_owned(), Vec::new()));
    }
    let names = ["qemu-riscv64-static", "qemu-riscv64"];
    let qemu = names.iter().find_map(|name| on_path(name));
    let qemu = qemu.with_context(|| {
        let program = program.display();
        format!("{program} is for RISC-V and needs qemu-riscv64: install the package qemu-user")
    })?;
    let mut args = Vec::new();
    if Path::new(LIBRARIES).is_dir() {
        args.extend(["-L".into(), LIBRARIES.into()]);
    }
    args.push(program.into());
    Ok((qemu, args))
}

/// Whether a file is an ELF program for 64-bit RISC-V.
fn is_for_riscv(program: &Path) -> Result<bool> {
    let context = || format!("cannot read {}", program.display());
    let mut head = Vec::new();
    File::open(program)
        .and_then(|file| file.take(20).read_to_end(&mut head))
        .with_context(context)?;
    // Magic, 64 bits, little-endian; then, at byte 18, the machine.
    let is_elf = head.starts_with(b"\x7fELF\x02\x01");
    Ok(is_elf && head.get(18..20) == Some(&EM_RISCV.to_le_bytes()))
}

/// The executable `name` in one of the folders of `PATH`.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_for_riscv_are_emulated() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        let mut head = *b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xf3\0";
        std::fs::write(&program, head).unwrap();
        assert!(is_for_riscv(&program).unwrap());
        for (at, byte) in [(0, 0), (4, 1), (18, 62), (19, 1)] {
            let before = std::mem::replace(&mut head[at], byte);
            std::fs::write(&program, head).unwrap();
            assert!(!is_for_riscv(&program).unwrap(), "byte {at}");
            head[at] = before;
        }
        std::fs::write(&program, "#!/bin/sh").unwrap();
        assert_eq!(launcher(&program).unwrap(), (program.clone(), Vec::new()));
        assert!(launcher(&folder.path().join("none")).is_err());
    }
}
