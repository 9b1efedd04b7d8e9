//! The loop: fetches a request, answers it, and reports its status when fetching the next.

use hyper::{StatusCode, body::Bytes};
use serde_json::Value;

use crate::{
    answer::{Answer, Status, output_request, report_request},
    client::{Client, Pause},
    guard::say,
};

/// Serves requests forever, with the answers of `answer`.
pub async fn serve(mut answer: impl FnMut(&[u8]) -> Answer, client: &Client) -> ! {
    let mut status = Status::Accept;
    loop {
        let request = finish(client, status).await;
        status = emit(client, answer(&request)).await;
    }
}

/// Finishes the last request and waits for the next one.
async fn finish(client: &Client, mut status: Status) -> Bytes {
    let mut pause = Pause::default();
    loop {
        match client.post("/finish", &status.body()).await {
            // No request yet. Cartesi's server has already waited; the pause is for others.
            Ok(reply) if reply.status == StatusCode::ACCEPTED => {
                status = Status::Accept;
                pause = Pause::default();
            }
            Ok(reply) if reply.status.is_success() => return reply.body,
            // The server could not decode an input: the last request is finished; fetch the next.
            Ok(reply) if reply.status == StatusCode::BAD_REQUEST => {
                say("the rollup server passed over an input it cannot decode");
                status = Status::Accept;
            }
            Ok(reply) => say(&format!("the rollup server answers /finish with {}", reply.status)),
            Err(lost) => say(&format!("/finish: {lost}")),
        }
        pause.wait().await;
    }
}

/// Posts all parts of an answer, in order; returns the final status.
async fn emit(client: &Client, answer: Answer) -> Status {
    let Answer { outputs, reports, status, on_failure } = answer;
    for output in &outputs {
        let (path, body) = output_request(output);
        if !post(client, path, &body).await && on_failure == Status::Reject {
            return Status::Reject;
        }
    }
    for report in &reports {
        post(client, "/report", &report_request(report)).await;
    }
    status
}

/// Posts once: a post that may have been received is not repeated. Returns whether it succeeded.
async fn post(client: &Client, path: &str, body: &Value) -> bool {
    match client.post(path, body).await {
        Ok(reply) if reply.status.is_success() => true,
        Ok(reply) => {
            say(&format!("the rollup server answers {path} with {}", reply.status));
            false
        }
        Err(lost) => {
            say(&format!("{path}: {lost}"));
            false
        }
    }
}
