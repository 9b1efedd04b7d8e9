//! Guards of bit-exactness: no kernel that is chosen by the processor, no function of the C
//! library in exact computations, and the conformance cases on other processors.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use deml_tests::program;
use serde_json::Value;

/// Crates of the dapp that detect processor features at run time, with the reason why no bit of
/// an answer changes.
const PROCESSOR_DEPENDENT: [(&str, &str); 15] = [
    ("aho-corasick", "searches bytes"),
    ("chacha20", "integers: opens sealed blobs"),
    ("cpufeatures", "says what there is, to others of this list"),
    ("fearless_simd", "our kernels: the same operations, several outputs at once"),
    ("getrandom", "integers: random numbers, which the dapp does not draw"),
    ("half", "converts numbers of 16 bits exactly; ours have 32"),
    ("httparse", "searches bytes"),
    ("keccak", "integers"),
    ("libm", "a root, a rounding or a fused multiply-add, each exact in either way"),
    ("matrixmultiply", "only with the feature `std`, which is off"),
    ("memchr", "searches bytes"),
    ("poly1305", "integers"),
    ("portable-atomic", "integers"),
    ("ppv-lite86", "integers: random numbers, which the dapp does not draw"),
    ("sha2", "integers"),
];

/// Functions of the C mathematics library that the dapp links, as the tensor library can call
/// them: `exp`, `log` and `tanh`. Our operators use others.
const LINKED: [&str; 5] = ["exp", "expf", "log", "logf", "tanh"];

/// Its inexact functions, whose bits differ between libraries; also with the suffix `f` for
/// f32.
const INEXACT: [&str; 31] = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "cos", "cosh", "erf",
    "erfc", "exp", "exp10", "exp2", "expm1", "hypot", "j0", "j1", "lgamma", "log", "log10",
    "log1p", "log2", "pow", "sin", "sincos", "sinh", "tan", "tanh", "tgamma",
];

#[test]
fn no_feature_picks_kernels_by_processor() {
    let tree = cargo(&["tree", "--workspace", "--edges", "normal,features", "--prefix", "none"]);
    assert!(tree.contains("burn-ndarray v0.22.1"), "burn-ndarray is not in the tree");
    for feature in ["std", "simd", "multi-threads", "rayon", "threading"] {
        for package in ["burn-ndarray", "matrixmultiply", "ndarray"] {
            let banned = format!("{package} feature \"{feature}\"");
            assert!(!tree.contains(&banned), "{banned} is on");
        }
    }
    // With `std`, they use the C library instead of `libm`.
    for package in ["burn-std", "num-complex", "num-traits"] {
        let banned = format!("{package} feature \"std\"");
        assert!(!tree.contains(&banned), "{banned} is on");
    }
    for package in ["gemm", "blas-src", "openblas-src", "rayon"] {
        let found = tree.lines().find(|line| line.starts_with(&format!("{package} ")));
        assert_eq!(found, None, "kernels of another kind");
    }
}

#[test]
fn crates_that_look_at_the_processor_are_known() {
    let tree = cargo(&["tree", "--package", "rollup", "--edges", "normal", "--prefix", "none"]);
    let name = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let of_dapp = tree.lines().map(name).collect::<BTreeSet<_>>();
    assert!(of_dapp.len() > 50, "{of_dapp:?}");
    let metadata = cargo(&["metadata", "--format-version", "1", "--filter-platform", &host()]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let known = BTreeMap::from(PROCESSOR_DEPENDENT);
    let mut scanned = 0;
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if of_dapp.contains(&format!("{name} v{}", package["version"].as_str().unwrap())) {
            let main = package["targets"][0]["src_path"].as_str().unwrap();
            let looks = looks_at_the_processor(Path::new(main).parent().unwrap());
            assert!(!looks || known.contains_key(name), "{name} looks at the processor: why?");
            scanned += 1;
        }
    }
    assert_eq!(scanned, of_dapp.len());
}

#[test]
fn the_dapp_links_no_more_of_c_mathematics() {
    let dapp = program("deml-dapp");
    let symbols = output(Command::new("nm").args(["-D", "--undefined-only"]).arg(dapp));
    let imported = symbols.lines().filter_map(|line| line.split_whitespace().last());
    let imported = imported.map(|symbol| symbol.split('@').next().unwrap_or_default());
    let inexact = |symbol: &&str| {
        INEXACT.contains(symbol)
            || symbol.strip_suffix('f').is_some_and(|name| INEXACT.contains(&name))
    };
    let more = imported.filter(inexact).filter(|symbol| !LINKED.contains(symbol));
    let more = more.collect::<Vec<_>>();
    assert!(more.is_empty(), "{more:?}: burn's, or ours by mistake?");
}

/// On a processor of 2003, and one with AVX2 and fused multiply-add.
#[test]
#[cfg(target_arch = "x86_64")]
fn bits_are_the_same_on_other_processors() {
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dapp/eval/tests/bits.txt");
    let expected = fs::read_to_string(expected).unwrap();
    let qemu = ["qemu-x86_64-static", "qemu-x86_64"].into_iter().find(|qemu| {
        let version = Command::new(qemu).arg("-version").stdout(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    });
    let qemu = qemu.expect("qemu-x86_64 is missing: apt-get install qemu-user-static");
    let bits = program("examples/bits");
    let runs = ["qemu64", "Haswell"].map(|processor| {
        let mut run = Command::new(qemu);
        run.args(["-cpu", processor]).arg(&bits).stdout(Stdio::piped()).stderr(Stdio::null());
        (processor, run.spawn().unwrap())
    });
    for (processor, run) in runs {
        let output = run.wait_with_output().unwrap();
        assert!(output.status.success(), "{processor}: {}", output.status);
        assert!(String::from_utf8(output.stdout).unwrap() == expected, "{processor} differs");
    }
}

/// Whether a source file in this folder detects processor features.
fn looks_at_the_processor(folder: &Path) -> bool {
    let signs = ["_feature_detected!", "cpufeatures::new!", "__cpuid"];
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return looks_at_the_processor(&path);
        }
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        is_source && {
            let text = fs::read_to_string(&path).unwrap_or_default();
            signs.iter().any(|sign| text.contains(sign))
        }
    })
}

/// This computer's target.
fn host() -> String {
    let version = output(Command::new("rustc").arg("-vV"));
    version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn cargo(arguments: &[&str]) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    output(Command::new(env!("CARGO")).args(arguments).arg("--locked").current_dir(root))
}

/// The output of a command, which must succeed.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|fault| panic!("{command:?}: {fault}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
