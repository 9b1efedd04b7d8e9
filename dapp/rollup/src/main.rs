//! `deml-dapp`: reads its settings, then serves for ever.

use std::{
    io::{Write as _, stdout},
    process::ExitCode,
};

use eval::Evaluator;
use rollup::{App, Args, CatchingJudge, HELP, Invocation, run, say, trace};

/// Exits only before the loop: 0 when it was asked for something else, 2 when it cannot start.
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

/// Starts and serves; returns only when it cannot start.
fn serve(args: &Args) -> Result<(), String> {
    run(args, |genesis, drive| {
        let mut app = App::new(genesis, drive, CatchingJudge::<Evaluator>::default());
        if args.memory_mib.is_some() {
            app.expect_limited_memory();
        }
        move |request: &[u8]| app.answer(request)
    })
}
