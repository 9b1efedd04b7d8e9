//! The page's files: built with npm from sources that this program carries, then read into memory.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use application::{Notify, beside_this_program};
use axum::body::Bytes;
use devnet::npm::Package;

/// Declares the page's sources by their paths in its folder.
macro_rules! sources {
    ($($path:literal,)*) => {
        &[$(($path, include_str!(concat!("../../../dashboard/", $path))),)*]
    };
}

const SOURCES: Package = Package {
    name: "page",
    what: "the page",
    notice: "building the page with npm, once ...",
    files: sources![
        "package.json",
        "package-lock.json",
        ".npmrc",
        "tsconfig.json",
        "vite.config.js",
        "index.html",
        "src/account.ts",
        "src/api.ts",
        "src/chart.ts",
        "src/dom.ts",
        "src/events.ts",
        "src/explorer.ts",
        "src/figures.ts",
        "src/format.ts",
        "src/job.ts",
        "src/jobs.ts",
        "src/kept.ts",
        "src/main.ts",
        "src/messages.ts",
        "src/model.ts",
        "src/open.css",
        "src/opening.ts",
        "src/pairing.ts",
        "src/draft.ts",
        "src/sponsor.ts",
        "src/secrets.ts",
        "src/reminder.ts",
        "src/style.css",
        "src/transactions.ts",
        "src/twin-worker.ts",
        "src/twin.ts",
        "src/verify.ts",
        "src/wallet.ts",
        "src/walletconnect.ts",
    ],
    built: Some("dist"),
};

/// Where the market's code for browsers is served, if it was built.
const TWIN: &str = "/twin.wasm";

/// The page, ready to be served.
#[derive(Debug)]
pub(super) struct Page {
    files: BTreeMap<String, File>,
}

/// A file of the page.
#[derive(Debug)]
pub(super) struct File {
    /// Its media type.
    pub(super) kind: &'static str,
    pub(super) bytes: Bytes,
}

impl Page {
    /// Reads the built page from the cache, after building it if it is not there.
    ///
    /// - Errors: npm is missing or fails
    pub(super) async fn ensure(notify: &Notify) -> Result<Self> {
        let folder = SOURCES.ensure(notify).await?;
        let mut page = Self { files: BTreeMap::new() };
        page.read(&folder, "/")
            .with_context(|| format!("cannot read the page in {}", folder.display()))?;
        if let Ok(twin) = beside_this_program("twin.wasm") {
            let bytes = std::fs::read(&twin);
            let bytes = bytes.with_context(|| format!("cannot read {}", twin.display()))?.into();
            page.files.insert(TWIN.to_owned(), File { kind: media_type(TWIN), bytes });
        }
        Ok(page)
    }

    fn read(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.read(&entry.path(), &format!("{path}/"))?;
            } else {
                let bytes = std::fs::read(entry.path())?.into();
                self.files.insert(path.clone(), File { kind: media_type(&path), bytes });
            }
        }
        Ok(())
    }

    /// Whether the market's code is there for browsers.
    pub(super) fn has_twin(&self) -> bool {
        self.files.contains_key(TWIN)
    }

    /// The file at a path, as a browser asks for it.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.get(if path == "/" { "/index.html" } else { path })
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, end)| end) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}
