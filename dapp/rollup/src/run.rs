//! From arguments to a running application.

use std::{fmt::Display, fs, path::Path};

use blobs::Cid;
use wire::Genesis;

use crate::{
    answer::Answer,
    args::Args,
    client::Client,
    drive::read_drive,
    guard::{limit_memory, speak_of_panics},
    serve::serve,
};

const DEFAULT_SERVER: &str = "http://127.0.0.1:5004";

/// The blobs of a drive.
pub type Drive = Vec<(Cid, Vec<u8>)>;

/// Starts the application that `begin` creates from genesis and drive, and serves forever; returns
/// only if it cannot start.
///
/// - Errors: an error message of one line
pub fn run<A: FnMut(&[u8]) -> Answer>(
    args: &Args,
    begin: impl FnOnce(Genesis, Drive) -> A,
) -> Result<(), String> {
    let named = |path: &Path, error: &dyn Display| format!("{}: {error}", path.display());
    if let Some(mib) = args.memory_mib {
        limit_memory(u64::from(mib) << 20).map_err(|error| format!("--memory: {error}"))?;
    }
    let path = &args.genesis;
    let text = fs::read_to_string(path).map_err(|error| named(path, &error))?;
    let genesis = Genesis::parse(&text).map_err(|error| named(path, &error))?;
    let drive = match &args.blobs {
        Some(folder) => read_drive(folder, genesis.settings.max_blob_bytes)
            .map_err(|error| named(folder, &error))?,
        None => Vec::new(),
    };
    let url = std::env::var("ROLLUP_HTTP_SERVER_URL").unwrap_or_else(|_| DEFAULT_SERVER.to_owned());
    let client = Client::new(&url).map_err(|error| format!("ROLLUP_HTTP_SERVER_URL: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
    speak_of_panics();
    runtime.block_on(serve(begin(genesis, drive), &client))
}
