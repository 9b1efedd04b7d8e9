//! An auditor's checkpoints after a kill, or when corrupt, foreign or of reorganised blocks.

use std::{fs, path::PathBuf, process::Stdio, thread, time::Duration};

use deml_tests::market::Market;
use serde_json::{Value, json};

/// Runs an audit; returns its report and its messages.
fn audit(market: &Market, options: &[&str]) -> (Value, String) {
    let output = market.deml(&[&["--json", "audit"], options].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stdout));
    (serde_json::from_slice(&output.stdout).unwrap(), said)
}

/// The totals since genesis.
fn counts(report: &Value) -> Vec<&Value> {
    ["inputs", "outputs", "scores", "payouts"].map(|name| &report[name]).to_vec()
}

fn database(market: &Market) -> PathBuf {
    let folder = market.home().join("deml/audit");
    fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

#[test]
fn an_audit_goes_on_where_the_last_one_ended() {
    let market = Market::start();
    market.play();
    let (first, _) = audit(&market, &[]);
    assert_eq!(first["resumed"], Value::Null);
    market.submit("3", "2");
    let (second, _) = audit(&market, &[]);
    assert_eq!(second["resumed"], first["block"]);
    let (whole, _) = audit(&market, &["--no-checkpoint"]);
    assert_eq!(whole["resumed"], Value::Null);
    assert_eq!(counts(&second), counts(&whole));
    assert!(second["inputs"].as_u64() > first["inputs"].as_u64());

    // An audit from Ethereum alone has checkpoints of its own.
    let (alone, _) = audit(&market, &["--no-node"]);
    assert_eq!((&alone["resumed"], &alone["notes"]), (&Value::Null, &second["notes"]));
    let (again, _) = audit(&market, &["--no-node"]);
    assert_eq!(again["resumed"], alone["block"]);
    // A page needs the whole history.
    let (paged, _) = audit(&market, &["--html", "audit.html"]);
    assert_eq!(paged["resumed"], Value::Null);
    let page = fs::read_to_string(market.home().join("audit.html")).unwrap();
    for part in ["All holds", "offers 2 rewards of 0.5 ether", "accepted", "a voucher pays"] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }
}

#[test]
fn an_audit_killed_at_any_moment_can_be_run_again() {
    let market = Market::start();
    market.play();
    let (whole, _) = audit(&market, &["--no-checkpoint"]);
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..25 {
        let mut command = market.command(&["--json", "audit"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(random.u64(..120)));
        child.kill().unwrap();
        child.wait().unwrap();
        // A kill never leaves a corrupt file.
        if random.u8(..5) == 0 {
            let (report, said) = audit(&market, &[]);
            assert_eq!(counts(&report), counts(&whole));
            assert!(!said.contains("damaged"), "{said}");
        }
    }
}

#[test]
fn what_cannot_be_believed_is_made_anew() {
    let market = Market::start();
    market.play();
    let (whole, _) = audit(&market, &[]);
    let path = database(&market);
    let honest = fs::read(&path).unwrap();

    let mut changed = honest.clone();
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..2_000 {
        let index = random.usize(..changed.len());
        changed[index] ^= 1 << random.u8(..8);
    }
    let halves = honest[..honest.len() / 2].to_vec();
    for damaged in [b"no database".to_vec(), Vec::new(), halves, changed] {
        fs::write(&path, &damaged).unwrap();
        let (report, said) = audit(&market, &[]);
        assert_eq!((report["resumed"].clone(), counts(&report)), (Value::Null, counts(&whole)));
        assert!(!said.contains("panicked"), "{said}");
        let (again, _) = audit(&market, &[]);
        assert_eq!(again["resumed"], report["block"]);
    }

    // A checkpoint of another application, under this one's name.
    let other = Market::with(&["--epoch-length", "7"]);
    other.play();
    audit(&other, &[]);
    fs::copy(database(&other), &path).unwrap();
    // Mines so far that the other's block exists on this chain, too; the claim may take its time.
    market.mine(50);
    let (report, said) = audit(&market, &["--claim-patience", "1000"]);
    assert_eq!((report["resumed"].clone(), counts(&report)), (Value::Null, counts(&whole)));
    assert!(said.contains("another application"), "{said}");
}

#[test]
fn blocks_that_were_replaced_are_read_anew() {
    let market = Market::with(&["--epoch-length", "1000"]);
    market.play();
    let (first, _) = audit(&market, &[]);
    market.mine(3);
    audit(&market, &[]);
    market.ethereum("anvil_reorg", json!([2, []]));
    let (report, said) = audit(&market, &[]);
    assert!(said.contains("replaced block"), "{said}");
    assert_eq!(report["resumed"], first["block"]);
    assert_eq!(counts(&report), counts(&first));
}
