//! Kubernetes: a Job for each task, handed to `kubectl`.
//!
//! The folder of trainings is a persistent volume claim, which this computer has mounted too. Pods
//! forbid what the box is made of, so that a stranger's trainer is kept in by the pod itself: no
//! user, no capability, no token, a root that is read-only, the runtime's seccomp filter, and a
//! network policy that allows nothing, which only some clusters' networks enforce.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use client::printer::{Refused, one_line};
use sandbox::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Engine, State, output};
use crate::task::{
    TASK, Task, Work,
    worker::{IN_POD, NODE},
};

const MISSING: &str = "install kubectl, and point it at your cluster";

/// What a pod is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pod {
    /// An image with `deml`, and with the trainer's interpreter if it needs one.
    pub image: String,
    /// The persistent volume claim that is the folder of trainings.
    pub claim: String,
    /// The namespace.
    pub namespace: String,
}

/// Kubernetes, and where it may run.
#[derive(Debug)]
pub struct Kubernetes {
    /// What a pod is made of.
    pub pod: Pod,
    /// Nodes that may read the data.
    pub workers: Vec<String>,
    /// The program in the image, and its first arguments.
    pub command: Vec<String>,
}

impl Kubernetes {
    /// The documents that a task is: its network policy, and its Job.
    ///
    /// - Errors: the user is root, as whom no pod runs
    pub fn documents(
        &self,
        task: &Path,
        name: &str,
        limits: &Limits,
        (user, group): (u32, u32),
    ) -> Result<[Value; 2]> {
        let why =
            "a pod runs without root, and its files are this user's: be another user than root";
        ensure!(user != 0, Refused::new("NoRoot", why));
        let training = task.parent().context("the task lies in no training")?;
        let within = training.file_name().context("the training has no name")?.to_string_lossy();
        let labels = json!({ "app.kubernetes.io/name": "deml", "deml/task": name });
        let metadata = json!({
            "name": name, "namespace": self.pod.namespace, "labels": labels,
        });
        let policy = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata,
            "spec": {
                "podSelector": { "matchLabels": { "deml/task": name } },
                "policyTypes": ["Ingress", "Egress"],
            },
        });
        let nodes = json!({ "nodeSelectorTerms": [{ "matchExpressions": [{
            "key": "kubernetes.io/hostname", "operator": "In", "values": self.workers,
        }] }] });
        let pod = json!({
            "restartPolicy": "Never",
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "affinity": { "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": nodes,
            } },
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": user, "runAsGroup": group.max(1),
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [self.container(task, training, &within, limits)],
            "volumes": [
                { "name": "trainings",
                  "persistentVolumeClaim": { "claimName": self.pod.claim } },
                { "name": "temporary",
                  "emptyDir": { "sizeLimit": format!("{}Mi", limits.files_mib.max(64) * 2) } },
            ],
        });
        let job = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
            "spec": {
                "backoffLimit": 3,
                "activeDeadlineSeconds": limits.wall_seconds,
                "ttlSecondsAfterFinished": 600,
                "template": { "metadata": { "labels": labels }, "spec": pod },
            },
        });
        Ok([policy, job])
    }

    fn container(&self, task: &Path, training: &Path, within: &str, limits: &Limits) -> Value {
        let mut command = self.command.clone();
        command.push(task.display().to_string());
        let input = training.join("in");
        let resources = json!({ "cpu": "1", "memory": format!("{}Mi", limits.memory_mib) });
        json!({
            "name": "worker",
            "image": self.pod.image,
            "command": command,
            "env": [
                { "name": IN_POD, "value": "1" },
                { "name": NODE, "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } },
            ],
            "resources": { "requests": resources, "limits": resources },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            },
            "volumeMounts": [
                { "name": "trainings", "mountPath": training, "subPath": within },
                { "name": "trainings", "mountPath": input, "subPath": format!("{within}/in"),
                  "readOnly": true },
                { "name": "temporary", "mountPath": "/tmp" },
            ],
        })
    }

    fn kubectl(&self) -> Command {
        let mut command = Command::new("kubectl");
        command.args(["--request-timeout=20s", "--namespace", &self.pod.namespace]);
        command
    }
}

impl Engine for Kubernetes {
    fn submit(&self, task: &Path, name: &str) -> Result<String> {
        let told: Task = serde_json::from_slice(&std::fs::read(task.join(TASK))?)?;
        let limits = match told.work {
            Work::Trainer { limits, .. } => limits,
            Work::Own => Limits::default(),
        };
        let user = rustix::process::geteuid().as_raw();
        let group = rustix::process::getegid().as_raw();
        let documents = self.documents(task, name, &limits, (user, group))?;
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": documents });
        let mut command = self.kubectl();
        command.args(["apply", "--filename", "-"]).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("cannot run kubectl: {MISSING}"))?;
        let written =
            child.stdin.take().context("no input")?.write_all(list.to_string().as_bytes());
        let done = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "kubectl takes no job: {}", one_line(said.trim()));
        written?;
        Ok(name.to_owned())
    }

    fn follow(&self, job: &str) -> Result<State> {
        let mut command = self.kubectl();
        command.args(["get", "job", job, "--ignore-not-found", "--output", "json"]);
        let said = output(&mut command, MISSING)?;
        if said.is_empty() {
            return Ok(State::Ended);
        }
        let status: Value = serde_json::from_str(&said).context("kubectl answers no JSON")?;
        Ok(state_of(&status["status"]))
    }

    fn cancel(&self, job: &str) -> Result<()> {
        let mut command = self.kubectl();
        command.args(["delete", "job,networkpolicy", job, "--ignore-not-found", "--wait=false"]);
        output(&mut command, MISSING).map(drop)
    }
}

/// How far a Job is, by its status.
fn state_of(status: &Value) -> State {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let is_over = |condition: &Value| {
        let kind = condition["type"].as_str().unwrap_or_default();
        matches!(kind, "Complete" | "Failed") && condition["status"] == "True"
    };
    if conditions.into_iter().any(is_over) {
        return State::Ended;
    }
    if status["active"].as_u64().unwrap_or(0) > 0 { State::Running } else { State::Waiting }
}

/// The path of the folder of trainings, as an absolute one.
pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("{} is no path", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_over_when_it_says_so() {
        for (status, state) in [
            (json!({}), State::Waiting),
            (json!({ "active": 1 }), State::Running),
            (json!({ "failed": 1, "active": 1 }), State::Running),
            (json!({ "conditions": [{ "type": "Failed", "status": "True" }] }), State::Ended),
            (json!({ "conditions": [{ "type": "Complete", "status": "True" }] }), State::Ended),
        ] {
            assert_eq!(state_of(&status), state, "{status}");
        }
    }
}
