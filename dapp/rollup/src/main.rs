//! `deml-dapp`: reads its settings, then serves for ever.

use std::{
    fmt::Display,
    fs,
    io::{Write as _, stdout},
    process::ExitCode,
};

use eval::Evaluator;
use rollup::{
    App, Args, CatchingJudge, Client, HELP, Invocation, limit_memory, read_drive, say, serve,
    speak_of_panics,
};
use wire::Genesis;

const DEFAULT_SERVER: &str = "http://127.0.0.1:5004";

/// Exits only before the loop: 0 when it was asked for help, 2 when it cannot start.
fn main() -> ExitCode {
    let printed = match Invocation::parse(std::env::args_os().skip(1)) {
        Ok(Invocation::Help) => stdout().write_all(HELP.as_bytes()).map_err(|e| e.to_string()),
        Ok(Invocation::Version) => {
            writeln!(stdout(), "deml-dapp {}", env!("CARGO_PKG_VERSION")).map_err(|e| e.to_string())
        }
        Ok(Invocation::Run(args)) => run(&args),
        Err(message) => Err(message),
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&message);
            ExitCode::from(2)
        }
    }
}

/// Starts and serves; returns only when it cannot start.
fn run(args: &Args) -> Result<(), String> {
    let named =
        |path: &std::path::Path, error: &dyn Display| format!("{}: {error}", path.display());
    if let Some(mib) = args.memory_mib {
        limit_memory(u64::from(mib) << 20).map_err(|error| format!("--memory: {error}"))?;
    }
    let path = &args.genesis;
    let text = fs::read_to_string(path).map_err(|error| named(path, &error))?;
    let genesis = Genesis::parse(&text).map_err(|error| named(path, &error))?;
    let drive = match &args.blobs {
        Some(folder) => {
            read_drive(folder, genesis.max_blob_bytes).map_err(|error| named(folder, &error))?
        }
        None => Vec::new(),
    };
    let url = std::env::var("ROLLUP_HTTP_SERVER_URL").unwrap_or_else(|_| DEFAULT_SERVER.to_owned());
    let client = Client::new(&url).map_err(|error| format!("ROLLUP_HTTP_SERVER_URL: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    speak_of_panics();
    let mut app = App::new(genesis, drive, CatchingJudge::<Evaluator>::default());
    if args.memory_mib.is_some() {
        app.expect_limited_memory();
    }
    runtime.block_on(serve(&mut app, &client))
}
