//! The official TypeScript clients, as npm has them, against a running devnet.

use std::{path::Path, process::Command};

use deml_tests::market::Market;

/// The versions of the folder's lock file, installed once.
fn run(program: &str, arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cartesi");
    let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {said}", arguments.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_official_clients_deposit_list_and_execute() {
    run("npm", &["ci", "--prefer-offline"]);
    let market = Market::with(&["--contracts", "3.0.0-alpha"]);
    let devnet = market.devnet_file();
    let of = |name: &str| devnet[name].as_str().unwrap().to_owned();
    let arguments = [of("rpc_url"), of("node_url"), of("application")];
    let arguments = arguments.each_ref().map(String::as_str);
    let said = run("node", &[&["cartesi.mjs"], &arguments[..]].concat());
    assert_eq!(said, "played\n");
}
