//! The only mock of these tests: Cartesi's rollup server, which runs only inside a machine. It
//! speaks the same protocol over HTTP and accepts nothing that the real one would refuse.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use market::Judge;
use rollup::{App, Client, serve};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};
use wire::Notice;

/// The server's reaction to one `/finish`.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Returns this request.
    Ask(Value),
    /// Returns these bytes as a request.
    AskRaw(&'static str),
    /// Returns a status without a request.
    Status(StatusCode),
    /// Breaks the connection.
    Break,
}

/// The application's reaction to one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Turn {
    /// Paths and bodies in order of arrival.
    pub(crate) posts: Vec<(String, Value)>,
    /// The status of the `/finish` that ended it.
    pub(crate) status: String,
}

impl Turn {
    /// The reports, parsed as JSON.
    pub(crate) fn reports(&self) -> Vec<Value> {
        let reports = self.posts.iter().filter(|(path, _)| path == "/report");
        reports.map(|(_, body)| serde_json::from_slice(&payload(body)).unwrap()).collect()
    }

    /// The notices, in order.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let notices = self.posts.iter().filter(|(path, _)| path == "/notice");
        notices.map(|(_, body)| wire::decode_notice(&payload(body)).unwrap()).collect()
    }

    /// The paths, in order.
    pub(crate) fn paths(&self) -> Vec<&str> {
        self.posts.iter().map(|(path, _)| path.as_str()).collect()
    }
}

/// The payload of a post.
pub(crate) fn payload(body: &Value) -> Vec<u8> {
    hex::decode(body["payload"].as_str().unwrap().strip_prefix("0x").unwrap()).unwrap()
}

#[derive(Default)]
struct Script {
    steps: VecDeque<Step>,
    turns: Vec<Turn>,
    /// The turn being recorded.
    turn: Option<Turn>,
    first_status: Option<String>,
    /// Paths of outputs that are answered with an error.
    refused_paths: Vec<&'static str>,
}

/// Plays steps against an application; returns its turns, without `Status` and `Break` steps.
pub(crate) async fn play<J: Judge>(app: &mut App<J>, steps: Vec<Step>) -> Vec<Turn> {
    play_refusing(app, steps, &[]).await
}

/// Plays steps with a server that refuses posts to some paths.
pub(crate) async fn play_refusing<J: Judge>(
    app: &mut App<J>,
    steps: Vec<Step>,
    refused_paths: &[&'static str],
) -> Vec<Turn> {
    let stage = Stage::set(steps, refused_paths).await;
    let client = Client::new(&stage.url).unwrap();
    tokio::select! {
        never = serve(|request| app.answer(request), &client) => never,
        turns = stage.play() => turns,
    }
}

/// A listening server, and its script.
pub(crate) struct Stage {
    pub url: String,
    listener: TcpListener,
    script: Arc<Mutex<Script>>,
}

impl Stage {
    pub(crate) async fn set(steps: Vec<Step>, refused_paths: &[&'static str]) -> Self {
        let (steps, refused_paths) = (steps.into(), refused_paths.to_vec());
        let script = Script { steps, refused_paths, ..Script::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { url, listener, script: Arc::new(Mutex::new(script)) }
    }

    /// Answers until the script is over.
    pub(crate) async fn play(self) -> Vec<Turn> {
        let Self { listener, script, .. } = self;
        let done = Arc::new(Notify::new());
        tokio::select! {
            () = listen(listener, Arc::clone(&script), Arc::clone(&done)) => {}
            () = done.notified() => {}
        }
        let script = script.lock().unwrap();
        assert_eq!(script.first_status.as_deref(), Some("accept"), "the first finish must accept");
        script.turns.clone()
    }
}

async fn listen(listener: TcpListener, script: Arc<Mutex<Script>>, done: Arc<Notify>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (script, done) = (Arc::clone(&script), Arc::clone(&done));
        let service =
            service_fn(move |request| answer(request, Arc::clone(&script), Arc::clone(&done)));
        // An error of the service breaks the connection, as intended.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    script: Arc<Mutex<Script>>,
    done: Arc<Notify>,
) -> Result<Response<Full<Bytes>>, &'static str> {
    assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let mut script = script.lock().unwrap();
    let (status, body) = if path == "/finish" {
        let Some(step) = script.finish(&body) else {
            done.notify_one();
            return Ok(respond(StatusCode::ACCEPTED, String::new()));
        };
        match step {
            Step::Ask(request) => (StatusCode::OK, request.to_string()),
            Step::AskRaw(bytes) => (StatusCode::OK, bytes.to_owned()),
            Step::Status(status) => (status, "no request".to_owned()),
            Step::Break => return Err("broken on purpose"),
        }
    } else {
        script.emit(path, body)
    };
    Ok(respond(status, body))
}

fn respond(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response
}

impl Script {
    /// Ends the current turn and takes the next step.
    fn finish(&mut self, body: &Value) -> Option<Step> {
        let status = body["status"].as_str().unwrap().to_owned();
        assert!(["accept", "reject"].contains(&status.as_str()));
        self.first_status.get_or_insert_with(|| status.clone());
        self.turns.extend(self.turn.take().map(|turn| Turn { status, ..turn }));
        let step = self.steps.pop_front()?;
        self.turn = matches!(step, Step::Ask(_) | Step::AskRaw(_)).then(Turn::default);
        Some(step)
    }

    /// Accepts an output or a report; checks that it is in the form that the real server requires.
    fn emit(&mut self, path: String, body: Value) -> (StatusCode, String) {
        payload(&body);
        let digits = |name: &str| body[name].as_str().unwrap().strip_prefix("0x").unwrap().len();
        let status = match path.as_str() {
            "/voucher" => {
                assert_eq!((digits("destination"), digits("value")), (40, 64));
                StatusCode::CREATED
            }
            "/notice" => StatusCode::CREATED,
            "/report" => StatusCode::ACCEPTED,
            _ => panic!("{path} must never be called"),
        };
        if self.refused_paths.contains(&path.as_str()) {
            return (StatusCode::INTERNAL_SERVER_ERROR, "refused on purpose".to_owned());
        }
        let turn = self.turn.as_mut().expect("posts belong to a request");
        turn.posts.push((path, body));
        (status, json!({ "index": 0 }).to_string())
    }
}
