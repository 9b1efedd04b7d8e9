//! Attempts to get out of the box: each fails inside, and the same attempt works outside, which
//! shows that the test tests something.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::{
        fd::AsRawFd as _,
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sandbox::{Ending, Input, Limits, OutputRefused, Program, Ran, run};

const STAGE: &str = env!("CARGO_BIN_EXE_deml-box");
const PAGE: &str = include_str!("../../TRAINERS.md");

/// Where an attempt works outside.
#[derive(Clone, Copy, PartialEq)]
enum Outside {
    /// Everywhere.
    Works,
    /// For root, or where the kernel was built and set for it.
    May,
}
use Outside::{May, Works};

/// Attempts by name, in the order of the page.
const ATTEMPTS: &[(&str, Outside)] = &[
    ("tcp", Works),
    ("udp_dns", Works),
    ("ipv6", May),
    ("unix_socket", Works),
    ("abstract_socket", Works),
    ("netlink", Works),
    ("packet", May),
    ("vsock", May),
    ("inherited_socket", Works),
    ("io_uring", May),
    ("x32_call", May),
    ("other_signal", Works),
    ("trace", May),
    ("read_memory", Works),
    ("environment_of_others", Works),
    ("own_files", Works),
    ("environment", Works),
    ("read_file", Works),
    ("write_file", Works),
    ("shared_memory", Works),
    ("system_v_memory", Works),
    ("namespace", May),
    ("clone3", May),
    ("mount", May),
    ("memory_file", Works),
    ("keys", May),
    ("trace_points", May),
    ("programs_in_the_kernel", May),
    ("page_faults", May),
    ("typing", May),
    ("device", May),
    ("pipe_file", Works),
    ("sparse_file", May),
    ("many_files", Works),
    ("many_bytes", Works),
    ("many_processes", Works),
    ("much_memory", Works),
    ("memory_of_many", Works),
];

fn limits() -> Limits {
    Limits {
        memory_mib: 1_024,
        wall_seconds: 60,
        processes: 32,
        files_mib: 64,
        files: 512,
        ..Limits::default()
    }
}

/// The interpreter itself, not a script that finds it, and where its libraries are.
fn python() -> Vec<PathBuf> {
    let code = "import sys; print(sys.executable, sys.base_prefix, sep='\\n')";
    let said = Command::new("python3").args(["-I", "-c", code]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().lines().map(PathBuf::from).collect()
}

/// A program of Python in the box.
fn program(script: &Path, arguments: &[&str], folder: &Path) -> Program {
    let [executable, prefix] = &python()[..] else { panic!("no python3") };
    let mut system = ["/usr", "/lib", "/lib64", "/bin"].map(PathBuf::from).to_vec();
    if !prefix.starts_with("/usr") {
        system.push(prefix.clone());
    }
    let to = PathBuf::from("/in/script.py");
    let given = [&["-B", "/in/script.py"], arguments].concat();
    Program {
        executable: executable.clone(),
        arguments: given.iter().map(|text| (*text).to_owned()).collect(),
        environment: Vec::new(),
        inputs: vec![Input { from: script.to_owned(), to, executable: false }],
        system,
        output: "output".to_owned(),
        output_to: folder.join("taken"),
    }
}

fn in_box(script: &Path, arguments: &[&str], folder: &Path, limits: &Limits) -> Ran {
    run(&[STAGE], &program(script, arguments, folder), limits, &mut |_| {}).unwrap()
}

/// Runs a script of a few lines in the box.
fn short(lines: &str, limits: &Limits) -> (Ran, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.py");
    fs::write(&script, lines).unwrap();
    (in_box(&script, &["x"], folder.path(), limits), folder)
}

fn escapes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/escapes.py")
}

fn outside(name: &str, argument: &str) -> Output {
    let mut command = Command::new(&python()[0]);
    command.arg("-B").arg(escapes()).args([name, argument]);
    command.env("DEML_ESCAPE_SECRET", "secret").output().unwrap()
}

#[test]
#[expect(clippy::print_stdout, reason = "the table is what `cargo escape` is for")]
fn each_attempt_fails_inside_and_works_outside() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let _named = UnixListener::bind(place("socket")).unwrap();
    let hidden = format!("deml-escape-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&hidden).unwrap();
    let _abstract = UnixListener::bind_addr(&address).unwrap();
    // A socket that both runs inherit.
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let inherited = rustix::io::dup(&stream).unwrap();
    fs::write(place("secret"), "secret").unwrap();
    let mut escaped = Vec::new();
    println!("{:<24} {:<10} inside", "attempt", "outside");
    for (name, expected) in ATTEMPTS {
        let argument = match *name {
            "tcp" => port.clone(),
            "unix_socket" => place("socket"),
            "abstract_socket" => hidden.clone(),
            "inherited_socket" => inherited.as_raw_fd().to_string(),
            "read_file" | "write_file" => place("secret"),
            "other_signal" | "environment_of_others" => std::process::id().to_string(),
            _ => folder.path().to_str().unwrap().to_owned(),
        };
        let free = outside(name, &argument);
        let said = String::from_utf8_lossy(&free.stderr).trim().to_owned();
        let works = free.status.success();
        assert!(works || *expected == May, "{name} does not even work outside: {said}");
        let argument = if argument == place("").trim_end_matches('/') { "/out" } else { &argument };
        let ran = in_box(&escapes(), &[name, argument], folder.path(), &limits());
        let said = ran.said.trim().lines().last().unwrap_or_default().to_owned();
        println!("{name:<24} {:<10} {said}", if works { "works" } else { "not here" });
        let is_held = matches!(ran.ending, Ending::Exit(1) | Ending::Signal(_) | Ending::Memory);
        if !is_held {
            escaped.push((name, ran.ending, said));
        }
        assert!(ran.held.len() >= 6, "{:?}", ran.held);
        assert!(PAGE.contains(&format!("`{name}`")), "the page does not have {name}");
    }
    assert!(escaped.is_empty(), "{escaped:?}");
}

#[test]
fn an_honest_program_reads_its_input_and_writes_its_output() {
    let lines = "import sys\nopen('/out/output', 'w').write(open('/in/script.py').read()[:6])\n\
                 print('{}')\nprint('done', file=sys.stderr)";
    let (ran, folder) = short(lines, &limits());
    assert_eq!((ran.ending, ran.output, ran.said.as_str()), (Ending::Exit(0), Ok(6), "done\n"));
    assert_eq!(fs::read(folder.path().join("taken")).unwrap(), b"import");
}

#[test]
fn only_a_plain_file_is_taken_out() {
    let at = "import os\nout = '/out/output'\n";
    for (lines, refused) in [
        ("", OutputRefused::Absent),
        ("os.symlink('/etc/passwd', out)", OutputRefused::NotAFile),
        ("os.symlink('/in/script.py', out)", OutputRefused::NotAFile),
        ("open(out, 'w'); os.link(out, out + '2')", OutputRefused::NotAFile),
        ("os.mkdir(out)", OutputRefused::NotAFile),
        ("open('/out/-rf', 'w').write('x')", OutputRefused::Absent),
    ] {
        let (ran, folder) = short(&format!("{at}{lines}"), &limits());
        assert_eq!(ran.ending, Ending::Exit(0), "{lines}: {}", ran.said);
        assert_eq!(ran.output, Err(refused), "{lines}");
        assert!(!folder.path().join("taken").exists(), "{lines}");
    }
}

#[test]
fn a_program_that_takes_too_much_is_ended() {
    let brief = Limits { wall_seconds: 1, ..limits() };
    let (ran, _) = short("import signal\nsignal.pause()", &brief);
    assert_eq!(ran.ending, Ending::Time);
    // Nor may it go on in silence.
    let (ran, _) = short("import os, signal\nos.close(1)\nos.close(2)\nsignal.pause()", &brief);
    assert_eq!(ran.ending, Ending::Time);
    let (ran, _) = short("while True: pass", &Limits { cpu_seconds: 1, ..limits() });
    assert!(matches!(ran.ending, Ending::Signal(9 | 24)), "{:?}", ran.ending);
    let quiet = Limits { said_bytes: 100_000, ..limits() };
    for lines in ["while True: print('x' * 1000)", "import sys\nwhile True: sys.stderr.write('x')"]
    {
        assert_eq!(short(lines, &quiet).0.ending, Ending::Said, "{lines}");
    }
    // A line that never ends.
    let (ran, _) = short("while True: print('x' * 1000, end='')", &quiet);
    assert_eq!(ran.ending, Ending::Said);
}

#[test]
fn nothing_outlives_the_program() {
    let mark = format!("deml-daemon-{}", std::process::id());
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.py");
    let lines = "import os, signal\nif os.fork() == 0:\n    os.setsid()\n    signal.pause()\n";
    fs::write(&script, lines).unwrap();
    let ran = in_box(&script, &[&mark], folder.path(), &limits());
    assert_eq!(ran.ending, Ending::Exit(0), "{}", ran.said);
    assert_eq!(processes(&mark), Vec::<u32>::new());
    // Outside there would be one.
    let mut command = Command::new(&python()[0]);
    assert!(command.arg(&script).arg(&mark).status().unwrap().success());
    let left = processes(&mark);
    assert_eq!(left.len(), 1);
    for process in left {
        let process = rustix::process::Pid::from_raw(process.cast_signed()).unwrap();
        rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    }
}

/// Processes of this computer whose arguments have this mark.
fn processes(mark: &str) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let process: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let arguments = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        arguments.split(|byte| *byte == 0).any(|part| part == mark.as_bytes()).then_some(process)
    });
    all.collect()
}

/// Worst of all is the silent pass.
#[test]
fn a_box_that_cannot_be_built_runs_nothing_and_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.py");
    fs::write(&script, "open('/out/output', 'w')").unwrap();
    let program = program(&script, &[], folder.path());
    // Within the box there is no other: its filter refuses what it is made of.
    let inner = format!(
        "import subprocess, sys\nr = subprocess.run(['{STAGE}', '/bin/true'], capture_output=True)\n\
         sys.stderr.write(r.stderr.decode())\nsys.exit(r.returncode)"
    );
    fs::write(&script, inner).unwrap();
    let system = [&program.system[..], &[PathBuf::from(STAGE)]].concat();
    let nested = Program { system, ..program };
    let ran = run(&[STAGE], &nested, &limits(), &mut |_| {}).unwrap();
    assert_eq!(ran.ending, Ending::Exit(2), "{}", ran.said);
    assert!(ran.said.contains("the box lacks user namespaces here"), "{}", ran.said);
    assert!(ran.said.contains("nothing was run") && ran.said.contains("sysctl"), "{}", ran.said);
}
