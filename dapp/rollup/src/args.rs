//! The program's arguments.

use std::{ffi::OsString, path::PathBuf};

use market::{Measure, Metric, Output};
use wire::Text as _;

/// Output of `--help`.
pub const HELP: &str = "\
The DeML application, as it runs in a Cartesi Machine.

Usage: deml-dapp [--genesis FILE] [--blobs DIR] [--memory MIB]
       deml-dapp --trace MODEL HOLD_OUT METRIC THRESHOLD OUTPUT [ROW]

  --genesis FILE  what the deployment fixes [default: /opt/deml/genesis.json]
  --blobs DIR     a drive: each of its files is a blob that need not be published
  --memory MIB    address space it may take; when little is left, what needs more is refused
  --trace         evaluates a model and prints, a JSON object a line, what each of its nodes makes
                  of each row as a digest, or of one ROW as bits; last its scores, by METRIC
                  and by the threshold's
  --help          prints this
  --version       prints the version

ROLLUP_HTTP_SERVER_URL names the rollup server [default: http://127.0.0.1:5004].
";

/// Paths and limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    /// The genesis file.
    pub genesis: PathBuf,
    /// The folder of the drive's blobs.
    pub blobs: Option<PathBuf>,
    /// Largest address space, in MiB.
    pub memory_mib: Option<u32>,
}

/// Arguments of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceArgs {
    /// The ONNX file.
    pub model: PathBuf,
    /// The safetensors file.
    pub hold_out: PathBuf,
    /// How answers become the scores.
    pub measure: Measure,
    /// Row whose bits are printed; `None` for the digests of all rows.
    pub row: Option<usize>,
}

/// The requested action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Run the application.
    Run(Args),
    /// Trace an evaluation.
    Trace(TraceArgs),
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
}

impl Invocation {
    /// Parses the arguments after the program's name.
    ///
    /// - Errors: an error message of one line
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
                Some("--trace") => return TraceArgs::parse(args).map(Self::Trace),
                Some("--help" | "-h") => return Ok(Self::Help),
                Some("--version" | "-V") => return Ok(Self::Version),
                _ => return Err(format!("unknown argument {}; see --help", arg.display())),
            }
        }
        Ok(Self::Run(Args { genesis, blobs, memory_mib }))
    }
}

impl TraceArgs {
    fn parse(args: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let refused =
            || "--trace needs MODEL HOLD_OUT METRIC THRESHOLD OUTPUT and perhaps a ROW".to_owned();
        let args: Vec<OsString> = args.collect();
        let (named, row) = args.split_at_checked(5).ok_or_else(refused)?;
        let metric = |named: &OsString| named.to_str().and_then(Metric::read);
        let [metric, threshold_metric] = [&named[2], &named[3]].map(metric);
        let metric = metric.ok_or_else(refused)?;
        let threshold_metric = threshold_metric.ok_or_else(refused)?;
        let output = named[4].to_str().and_then(Output::read).ok_or_else(refused)?;
        let row = match row {
            [] => None,
            [row] => Some(row.to_str().and_then(|row| row.parse().ok()).ok_or_else(refused)?),
            _ => return Err(refused()),
        };
        let [model, hold_out] = [&named[0], &named[1]].map(PathBuf::from);
        Ok(Self { model, hold_out, measure: Measure { metric, threshold_metric, output }, row })
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
            (
                &["--trace", "m.onnx", "h.safetensors", "accuracy", "auroc", "from_graph", "7"],
                Ok(Invocation::Trace(TraceArgs {
                    model: "m.onnx".into(),
                    hold_out: "h.safetensors".into(),
                    measure: Measure { threshold_metric: Metric::Auroc, ..Metric::Accuracy.into() },
                    row: Some(7),
                })),
            ),
            (
                &["--trace", "m.onnx", "h.safetensors"],
                Err("--trace needs MODEL HOLD_OUT METRIC THRESHOLD OUTPUT and perhaps a ROW"
                    .to_owned()),
            ),
            (&["file"], Err("unknown argument file; see --help".to_owned())),
        ] {
            assert_eq!(parse(args), expected, "{args:?}");
        }
    }
}
