//! Trainings on engines, run for real: workers and clients are killed in the middle, and nothing is
//! lost. What an engine needs and this computer lacks is named in a line, and its test not run.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use sandbox::Limits;
use serde_json::Value;
use trainer::engine::{Kubernetes, Pod};

use crate::cli::{Person, ended, fixture};

const CLUSTER: &str = include_str!("../../src/demo/models/cluster.py");
const MINE: &str = "mine.onnx";

impl Person {
    /// `deml train` on the digits, in this person's folder.
    fn trains(&self, more: &[&str]) -> Command {
        let (base, data) =
            (fixture("digits/torch-base.onnx"), fixture("digits/client-a.safetensors"));
        let train = ["train", "--base", &base, "--data", &data, "--out", MINE];
        self.here(&[&train[..], &["--learning-rate", "0.01", "--json"], more].concat())
    }

    fn here(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.current_dir(self.path("."));
        command
    }

    /// Nothing is left of trainings and of the data that workers saw.
    fn has_nothing_under_way(&self) {
        for folder in ["deml/trainings", "deml/tasks", "shared"] {
            let left = fs::read_dir(self.path(folder)).into_iter().flatten().flatten();
            assert_eq!(left.map(|entry| entry.path()).collect::<Vec<_>>(), Vec::<PathBuf>::new());
        }
        let (status, _) = ended(self.here(&["train", "status"]), 0);
        assert_eq!(status, "no training is under way\n");
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Starts a command, and ends it as soon as it says these words.
fn killed_at(mut command: Command, words: &str) {
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    let is_said = lines.map_while(Result::ok).any(|line| {
        said.push(line.clone());
        line.contains(words)
    });
    assert!(is_said, "{said:?}");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn kill(process: u32) {
    let process = Pid::from_raw(process.cast_signed()).unwrap();
    kill_process(process, Signal::KILL).unwrap();
}

/// The process that worked last on the only task, once it has done some epochs.
fn worker(person: &Person, tasks: &str, epochs: usize) -> u32 {
    for _ in 0..1_200 {
        let training = fs::read_dir(person.path(tasks)).into_iter().flatten().flatten().next();
        let said = training.map(|folder| folder.path().join("0/said.jsonl"));
        let said = said.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let lines = said.lines().filter(|line| line.contains("epochs")).collect::<Vec<_>>();
        if lines.len() >= epochs {
            let by = json(lines[lines.len() - 1])["by"].as_str().unwrap().to_owned();
            return by.rsplit('-').next().unwrap().parse().unwrap();
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("no worker has done {epochs} epochs");
}

fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim().to_owned()
}

#[test]
fn a_training_on_an_engine_survives_the_kill_of_its_client_and_of_its_worker() {
    let person = Person::new();
    let how = ["--on", "local", "--epochs", "120"];
    killed_at(person.trains(&how), "is on local as");
    let killed = worker(&person, "deml/tasks", 3);
    let (status, _) = ended(person.here(&["train", "status"]), 0);
    assert!(status.contains("on local") && status.contains("running"), "{status}");
    kill(killed);
    let (printed, said) = ended(person.here(&["train", "follow", "--json"]), 0);
    assert!(said.contains("its worker is lost; it is handed over again"), "{said}");
    let (answer, begins) = (json(&printed), said.matches("it: begins on").count());
    assert_eq!((answer["file"].as_str().unwrap().ends_with(MINE), begins), (true, 2));
    assert!(answer["validation"].as_u64() > answer["base"].as_u64(), "{answer}");
    assert!(eval::Model::from_onnx(&fs::read(person.path(MINE)).unwrap()).is_ok());
    // The second worker went on where the first one was.
    let epochs = said.matches("/120").count();
    assert!((117..=121).contains(&epochs), "{epochs} epochs were done");
    person.has_nothing_under_way();
}

#[test]
fn a_training_that_is_cancelled_ends_and_leaves_no_data() {
    let person = Person::new();
    killed_at(person.trains(&["--on", "local", "--epochs", "100000"]), "is on local as");
    let process = worker(&person, "deml/tasks", 1);
    let (printed, _) = ended(person.here(&["train", "cancel"]), 0);
    assert!(printed.contains("is ended, and its data are removed"), "{printed}");
    let state = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    assert!(state.is_empty() || state.contains(") Z "), "{state}");
    person.has_nothing_under_way();
    let (_, said) = ended(person.here(&["train", "follow"]), 1);
    assert!(said.contains("no training"), "{said}");
}

#[test]
fn of_several_seeds_the_best_on_rows_held_back_is_kept() {
    let person = Person::new();
    let (printed, _) = ended(person.trains(&["--seeds", "3", "--epochs", "2"]), 0);
    let answer = json(&printed);
    let seeds = answer["seeds"].as_array().unwrap();
    let scores = seeds.iter().map(|seed| seed["validation"].as_u64().unwrap());
    assert_eq!(seeds.iter().map(|seed| &seed["seed"]).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(scores.max(), answer["validation"].as_u64());
    assert!(answer.get("warning").is_none(), "no stranger trained: {answer}");
    person.has_nothing_under_way();
}

#[test]
fn data_travel_to_no_worker_that_is_not_named() {
    let person = Person::new();
    for engine in ["hq", "slurm"] {
        let (_, said) = ended(person.trains(&["--on", engine]), 1);
        assert!(said.contains("no workers") && said.contains("--workers"), "{said}");
    }
    let (_, said) = ended(person.trains(&["--on", "k8s", "--workers", "a"]), 1);
    assert!(said.contains("no pod") && said.contains("--k8s-image"), "{said}");
    let (_, said) = ended(person.trains(&["--on", "local", "--workers", "elsewhere"]), 1);
    assert!(said.contains("is not among --workers: nothing of the data was read"), "{said}");
    assert!(!person.path(MINE).exists());
    person.has_nothing_under_way();
}

/// A process that ends when this does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// An interpreter that has these packages, in an environment that is made once.
#[expect(clippy::print_stderr, reason = "a test that is not run says so")]
fn python_with(package: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(package.replace("==", "-"));
    let python = folder.join("bin/python");
    if !python.exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package];
        let installed = made.and_then(|_| Command::new(&python).args(install).status());
        if !installed.is_ok_and(|status| status.success()) {
            fs::remove_dir_all(&folder).ok();
            eprintln!("not run: it needs `pip install {package}`");
            return None;
        }
    }
    Some(python)
}

fn hyperqueue(python: &Path, arguments: &[&Path]) -> Running {
    fs::create_dir_all(arguments[1]).unwrap();
    let mut command = Command::new(python);
    command.args(["-c", CLUSTER]).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "up"), "HyperQueue does not start");
    Running(child)
}

#[test]
fn hyperqueue_goes_on_with_another_worker_when_one_is_killed() {
    let Some(python) = python_with("hyperqueue==0.27.0") else { return };
    let person = Person::new();
    let (server, shared) = (person.path("server"), person.path("shared"));
    let _server = hyperqueue(&python, &["server".as_ref(), &server]);
    let mut workers = ["one", "two"]
        .map(|name| hyperqueue(&python, &["worker".as_ref(), &person.path(name), &server]));
    let (python, server) = (python.to_str().unwrap(), server.to_str().unwrap());
    let host = host();
    let place = ["--on", "hq", "--hq-python", python, "--hq-server", server, "--workers", &host];
    let place = [&place[..], &["--shared", shared.to_str().unwrap()]].concat();
    killed_at(person.trains(&[&place[..], &["--epochs", "120"]].concat()), "is on hq as");
    let lost = worker(&person, "shared", 3);
    let status = fs::read_to_string(format!("/proc/{lost}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim();
    let parent: u32 = parent.parse().unwrap();
    let killed = workers.iter_mut().find(|worker| worker.0.id() == parent).unwrap();
    killed.0.kill().unwrap();
    killed.0.wait().unwrap();
    let (printed, said) = ended(person.here(&["train", "follow", "--json"]), 0);
    assert_eq!(said.matches("it: begins on").count(), 2, "{said}");
    assert!(json(&printed)["validation"].as_u64() > json(&printed)["base"].as_u64(), "{printed}");
    person.has_nothing_under_way();

    // A stranger's trainer is in the box there too.
    let trainer = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/demo/models/trainer");
    let (base, data) = (fixture("digits/torch-base.onnx"), fixture("digits/client-a.safetensors"));
    let train = ["train", "--base", &base, "--data", &data, "--out", MINE, "--json"];
    let how = ["--learning-rate", "0.003", "--epochs", "6", "--trainer", trainer.to_str().unwrap()];
    let (printed, _) = ended(person.here(&[&train[..], &place, &how].concat()), 0);
    assert_eq!(json(&printed)["held"].as_array().unwrap().len(), 7, "{printed}");
    person.has_nothing_under_way();
}

/// Slurm of one controller and two nodes, all on this computer.
struct Slurm {
    settings: PathBuf,
    _controller: Running,
    nodes: Vec<(String, Running)>,
    munge: u32,
}

impl Drop for Slurm {
    fn drop(&mut self) {
        kill(self.munge);
    }
}

/// Settings of a controller and two nodes, on ports that were free just now.
fn settings_in(folder: &Path) -> String {
    let ports: Vec<_> =
        (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let port = |number: usize| ports[number].local_addr().unwrap().port();
    let (host, home) = (host(), folder.to_str().unwrap());
    format!(
        "ClusterName=deml\nSlurmctldHost={host}(127.0.0.1)\nSlurmUser=root\nSlurmdUser=root\n\
         SlurmctldPort={}\nAuthType=auth/munge\nAuthInfo=socket={home}/munge/socket,cred_expire=5\n\
         StateSaveLocation={home}/state\nSlurmdSpoolDir={home}/spool/%n\n\
         SlurmctldPidFile={home}/controller.pid\nSlurmdPidFile={home}/%n.pid\n\
         SlurmctldLogFile={home}/controller.log\nSlurmdLogFile={home}/%n.log\n\
         ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nSelectType=select/cons_tres\n\
         SelectTypeParameters=CR_Core\nReturnToService=2\nSlurmdTimeout=5\nJobRequeue=1\n\
         MpiDefault=none\n\
         NodeName=one NodeHostname={host} NodeAddr=127.0.0.1 Port={} CPUs=1\n\
         NodeName=two NodeHostname={host} NodeAddr=127.0.0.1 Port={} CPUs=1\n\
         PartitionName=all Nodes=one,two Default=YES MaxTime=INFINITE State=UP\n",
        port(0),
        port(1),
        port(2)
    )
}

#[expect(clippy::print_stderr, reason = "a test that is not run says so")]
fn slurm(folder: &Path) -> Option<Slurm> {
    let is_there = |program: &str| {
        ["/usr/sbin", "/usr/bin"].iter().any(|place| Path::new(place).join(program).exists())
    };
    let needs = ["slurmctld", "slurmd", "sbatch", "munged"];
    if !needs.into_iter().all(is_there) || !rustix::process::geteuid().is_root() {
        eprintln!("not run: it needs root and `apt-get install slurm-wlm munge`");
        return None;
    }
    for name in ["state", "spool", "munge"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let key = fs::File::create(at("munge/key")).unwrap();
    let secret = (0..128).map(|_| fastrand::u8(..)).collect::<Vec<_>>();
    (&key).write_all(&secret).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode;
    fs::set_permissions(at("munge/key"), mode(0o400)).unwrap();
    fs::set_permissions(at("munge"), mode(0o700)).unwrap();
    let files = ["key-file", "socket", "pid-file", "log-file", "seed-file"];
    let files =
        files.map(|file| format!("--{file}={}", at("munge/") + file.split('-').next().unwrap()));
    assert!(Command::new("munged").arg("--force").args(files).status().unwrap().success());
    let munge = fs::read_to_string(at("munge/pid")).unwrap().trim().parse().unwrap();
    let settings = folder.join("slurm.conf");
    fs::write(&settings, settings_in(folder)).unwrap();
    let start = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).env("SLURM_CONF", &settings).stdin(Stdio::null());
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    };
    let controller = start("slurmctld", &["-c", "-D"]);
    let nodes = ["one", "two"].map(|name| {
        fs::create_dir(folder.join("spool").join(name)).unwrap();
        (name.to_owned(), start("slurmd", &["-D", "-N", name]))
    });
    let slurm = Slurm { settings, _controller: controller, nodes: nodes.into(), munge };
    for _ in 0..300 {
        let mut asked = Command::new("sinfo");
        asked.args(["-h", "-N", "-o", "%t"]).env("SLURM_CONF", &slurm.settings);
        let states = asked.output().unwrap().stdout;
        if String::from_utf8(states).unwrap().matches("idle").count() == 2 {
            return Some(slurm);
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!(
        "Slurm does not start: {}",
        fs::read_to_string(at("controller.log")).unwrap_or_default()
    );
}

#[test]
fn slurm_begins_anew_on_another_node_when_one_is_lost() {
    let person = Person::new();
    let folder = tempfile::tempdir().unwrap();
    let Some(mut slurm) = slurm(folder.path()) else { return };
    let settings = slurm.settings.clone();
    let on_slurm = |mut command: Command| {
        command.env("SLURM_CONF", &settings);
        command
    };
    let shared = person.path("shared").to_str().unwrap().to_owned();
    let place = ["--on", "slurm", "--shared", &shared, "--epochs", "120", "--workers"];
    let (_, said) = ended(on_slurm(person.trains(&[&place[..], &["three"]].concat())), 1);
    assert!(said.contains("Slurm has no node three; it has one, two"), "{said}");
    person.has_nothing_under_way();

    let named = person.trains(&[&place[..], &["one,two"]].concat());
    killed_at(on_slurm(named), "is on slurm as");
    let worker = worker(&person, "shared", 3);
    // The node is lost with all that runs on it.
    let said = ended(on_slurm(person.here(&["train", "status"])), 0).0;
    assert!(said.contains("running"), "{said}");
    let mut asked = Command::new("squeue");
    asked.args(["-h", "-o", "%N"]).env("SLURM_CONF", &settings);
    let node = String::from_utf8(asked.output().unwrap().stdout).unwrap().trim().to_owned();
    slurm.nodes.retain(|(name, _)| *name != node);
    assert_eq!(slurm.nodes.len(), 1, "{node} has ended");
    let mut process = worker;
    while process > 1 {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let field = |name: &str| {
            status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim()
        };
        let (name, parent) = (field("Name:").to_owned(), field("PPid:").parse().unwrap_or(1));
        kill(process);
        process = if name == "slurmstepd" { 1 } else { parent };
    }
    let (printed, said) = ended(on_slurm(person.here(&["train", "follow", "--json"])), 0);
    assert_eq!(said.matches("it: begins on").count(), 2, "{said}");
    let answer = json(&printed);
    assert_ne!(answer["seeds"][0]["worker"], Value::from(node), "{answer}");
    assert!(answer["validation"].as_u64() > answer["base"].as_u64(), "{answer}");
    person.has_nothing_under_way();
}

#[test]
fn kubernetes_documents_are_those_of_its_schema() {
    let Some(python) = python_with("kubernetes-validate==1.37.0") else { return };
    let pod = Pod {
        image: "registry.example/deml:1".to_owned(),
        claim: "trainings".to_owned(),
        namespace: "hospital".to_owned(),
    };
    let command = ["/usr/bin/deml", "train-worker"].map(str::to_owned).to_vec();
    let engine = Kubernetes { pod, workers: vec!["node7".to_owned()], command };
    let (task, limits) = (Path::new("/mnt/trainings/deml-1f2e3d4c/0"), Limits::default());
    let documents = engine.documents(task, "deml-1f2e3d4c-0", &limits, (1_000, 1_000)).unwrap();
    let validated = |document: &Value| {
        let script = "import json, sys, kubernetes_validate as k\n\
                      k.validate(json.load(sys.stdin), sys.argv[1], strict=True)";
        let mut check = Command::new(&python);
        check.args(["-c", script, "1.37"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut check = check.spawn().unwrap();
        check.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
        let output = check.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    for document in &documents {
        let (is_valid, said) = validated(document);
        assert!(is_valid, "{said}");
    }
    // The schema tells a typing error.
    let mut wrong = documents[1].clone();
    wrong["spec"]["template"]["spec"]["restartPolicies"] = "Never".into();
    assert!(!validated(&wrong).0);
    let pod = &documents[1]["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(pod["containers"][0]["securityContext"]["capabilities"]["drop"][0], "ALL");
    assert_eq!(documents[0]["spec"]["policyTypes"], serde_json::json!(["Ingress", "Egress"]));
    let root = engine.documents(task, "deml-1f2e3d4c-0", &limits, (0, 0)).unwrap_err();
    assert!(root.to_string().contains("another user than root"), "{root}");
}
