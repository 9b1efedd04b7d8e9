//! The client's Python interpreter, and what of this computer it needs in the box.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

/// What says where the interpreter and its libraries are.
const WHERE: &str = "import json, sys; print(json.dumps([sys.executable, sys.prefix, \
                     sys.base_prefix, *sys.path]))";
/// Where programs and libraries of the system are.
const SYSTEM: [&str; 4] = ["/usr", "/lib", "/lib64", "/bin"];

/// An interpreter.
#[derive(Clone, Debug)]
pub struct Interpreter {
    /// The program.
    pub program: PathBuf,
    /// Folders it reads.
    pub system: Vec<PathBuf>,
}

impl Interpreter {
    /// Asks an interpreter of this computer where it is.
    ///
    /// - Errors: there is none of this name
    pub fn find(name: &Path) -> Result<Self> {
        let none = || {
            let name = name.display();
            format!("{name} cannot be run: say --python PATH, the interpreter of an environment")
        };
        let asked = Command::new(name).args(["-I", "-c", WHERE]).output().with_context(none)?;
        ensure!(asked.status.success(), none());
        let paths: Vec<PathBuf> = serde_json::from_slice(&asked.stdout).with_context(none)?;
        let (program, folders) = paths.split_first().with_context(none)?;
        let mut system = SYSTEM.map(PathBuf::from).to_vec();
        // The prefixes come first, and most of the rest lies within them.
        for folder in folders {
            let is_seen = system.iter().any(|seen| folder.starts_with(seen));
            if folder.is_absolute() && folder.exists() && !is_seen {
                system.push(folder.clone());
            }
        }
        Ok(Self { program: program.clone(), system })
    }
}
