//! Every dependency has a licence that permits redistribution of the project.

use std::process::Command;

use serde_json::Value;

/// Licences that require attribution only; of MPL-2.0, whose files stay open, nothing is
/// modified here.
const ALLOWED: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
];

/// Whether an SPDX expression (older ones write `/` for `OR`) permits an allowed choice.
fn is_allowed(expression: &str) -> bool {
    let plain = expression.replace('/', " OR ");
    // Parentheses only surround alternatives, which are joined to the rest by AND.
    plain.split(" AND ").all(|part| {
        let part = part.trim_matches(|c: char| c == '(' || c == ')' || c == ' ');
        part.split(" OR ").any(|licence| ALLOWED.contains(&licence.trim()))
    })
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", host])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let unfit = packages.iter().filter(|package| {
        let licence = package["license"].as_str();
        !licence.is_some_and(is_allowed)
    });
    let unfit: Vec<_> =
        unfit.map(|package| format!("{}: {}", package["name"], package["license"])).collect();
    assert!(unfit.is_empty(), "look at these: {unfit:?}");
}

#[test]
fn an_expression_is_allowed_if_each_part_leaves_a_choice() {
    for allowed in ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(MIT OR GPL-3.0) AND Unicode-3.0"] {
        assert!(is_allowed(allowed), "{allowed}");
    }
    for unfit in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Zlib) AND LGPL-2.1", ""] {
        assert!(!is_allowed(unfit), "{unfit}");
    }
}
