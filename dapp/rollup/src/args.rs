//! The program's arguments.

use std::{ffi::OsString, path::PathBuf};

/// What `--help` prints.
pub const HELP: &str = "\
The DeML application, as it runs in a Cartesi Machine.

Usage: deml-dapp [--genesis FILE] [--blobs DIR] [--memory MIB]

  --genesis FILE  what the deployment fixes [default: /opt/deml/genesis.json]
  --blobs DIR     a drive: each of its files is a blob that need not be published
  --memory MIB    address space it may take; when little is left, what needs more is refused
  --help          prints this
  --version       prints the version

ROLLUP_HTTP_SERVER_URL names the rollup server [default: http://127.0.0.1:5004].
";

/// Where things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// The genesis file.
    pub genesis: PathBuf,
    /// The folder of blobs.
    pub blobs: Option<PathBuf>,
    /// The most address space it may take, in MiB.
    pub memory_mib: Option<u32>,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Run the application.
    Run(Args),
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
}

impl Invocation {
    /// Reads the arguments after the program's name.
    ///
    /// - Errors: what is wrong, in one line
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut genesis = PathBuf::from("/opt/deml/genesis.json");
        let (mut blobs, mut memory_mib) = (None, None);
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value = || {
                let missing = || format!("{} needs a value; see --help", arg.display());
                args.next().map(PathBuf::from).ok_or_else(missing)
            };
            match arg.to_str() {
                Some("--genesis") => genesis = value()?,
                Some("--blobs") => blobs = Some(value()?),
                Some("--memory") => {
                    let text = value()?;
                    let number = text.to_str().and_then(|text| text.parse().ok());
                    let refused = || format!("--memory {} is no number of MiB", text.display());
                    memory_mib = Some(number.ok_or_else(refused)?);
                }
                Some("--help" | "-h") => return Ok(Self::Help),
                Some("--version" | "-V") => return Ok(Self::Version),
                _ => return Err(format!("unknown argument {}; see --help", arg.display())),
            }
        }
        Ok(Self::Run(Args { genesis, blobs, memory_mib }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Invocation, String> {
        Invocation::parse(args.iter().map(OsString::from))
    }

    #[test]
    fn arguments_are_as_the_help_says() {
        let run = |genesis, blobs: Option<&str>, memory_mib| {
            Ok(Invocation::Run(Args {
                genesis: PathBuf::from(genesis),
                blobs: blobs.map(PathBuf::from),
                memory_mib,
            }))
        };
        for (args, expected) in [
            (&[][..], run("/opt/deml/genesis.json", None, None)),
            (&["--genesis", "g.json", "--blobs", "d"], run("g.json", Some("d"), None)),
            (&["--genesis", "g.json", "--memory", "96"], run("g.json", None, Some(96))),
            (&["--memory", "all"], Err("--memory all is no number of MiB".to_owned())),
            (&["--help", "--nonsense"], Ok(Invocation::Help)),
            (&["--version"], Ok(Invocation::Version)),
            (&["--genesis"], Err("--genesis needs a value; see --help".to_owned())),
            (&["--nonsense"], Err("unknown argument --nonsense; see --help".to_owned())),
            (&["file"], Err("unknown argument file; see --help".to_owned())),
        ] {
            assert_eq!(parse(args), expected, "{args:?}");
        }
    }
}
