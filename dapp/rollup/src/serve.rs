//! The loop: ask for a request, answer it, tell how it ended with the next question.

use hyper::{StatusCode, body::Bytes};
use serde_json::Value;

use crate::{
    answer::{Answer, Status, output_request, report_request},
    client::{Client, Pause},
    guard::say,
};

/// Serves requests for ever, with what `answer` makes of each.
pub async fn serve(mut answer: impl FnMut(&[u8]) -> Answer, client: &Client) -> ! {
    let mut status = Status::Accept;
    loop {
        let request = finish(client, status).await;
        status = emit(client, answer(&request)).await;
    }
}

/// Ends the last request and waits for the next one.
async fn finish(client: &Client, mut status: Status) -> Bytes {
    let mut pause = Pause::default();
    loop {
        match client.post("/finish", &status.body()).await {
            // Nothing yet. Servers that say so have waited themselves; the pause is for others.
            Ok(reply) if reply.status == StatusCode::ACCEPTED => {
                status = Status::Accept;
                pause = Pause::default();
            }
            Ok(reply) if reply.status.is_success() => return reply.body,
            // An input the server cannot decode: the last request has ended, the next is asked for.
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

/// Posts all an answer consists of, in order; returns how the request ends.
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

/// Posts one thing, once: what may have arrived must not be doubled. Returns whether it was taken.
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
