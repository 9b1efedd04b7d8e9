//! `deml-dapp`: reads its settings, then serves forever.

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
};

use eval::Evaluator;
use rollup::{App, Args, CatchingJudge, HELP, Invocation, run, say, trace};

/// Returns only without entering the loop: 0 if something else was requested, 2 if it cannot start.
fn main() -> ExitCode {
    let printed = match Invocation::parse(std::env::args_os().skip(1)) {
        Ok(Invocation::Help) => stdout().write_all(HELP.as_bytes()).map_err(|e| e.to_string()),
        Ok(Invocation::Version) => {
            writeln!(stdout(), "deml-dapp {}", env!("CARGO_PKG_VERSION")).map_err(|e| e.to_string())
        }
        Ok(Invocation::Trace(files)) => {
            trace(&files, |model, _, _| model.to_vec(), &mut stdout().lock())
        }
        Ok(Invocation::Run(args)) => serve(&args),
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

/// Starts and serves; returns only if it cannot start.
fn serve(args: &Args) -> Result<(), String> {
    run(args, |genesis, drive| {
        let mut app = App::new(genesis, drive, CatchingJudge::<Evaluator>::default());
        if args.memory_mib.is_some() {
            app.expect_limited_memory();
        }
        move |request: &[u8]| app.answer(request)
    })
}
