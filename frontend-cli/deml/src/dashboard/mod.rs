//! The market's page: its files, and the questions that it may ask. Nothing here decides or sends:
//! answers are those of this program's commands, and transactions are handed to the wallet of
//! whoever looks at the page.
//!
//! The page reaches Ethereum and the node through these questions only, so that neither needs to
//! answer other origins, and no endpoint's address or key leaves this computer.

mod desk;
mod entry;
mod events;
mod history;
mod jobs;
mod messages;
mod page;
mod question;
mod site;
mod wallet;

use std::{net::SocketAddr, path::PathBuf, rc::Rc, sync::Arc};

use anyhow::{Context, Error, Result};
use application::Notify;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use client::{
    printer::{Printer, Refused, one_line},
    session::Session,
    words::Told,
};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc, oneshot},
    task::{LocalSet, spawn_local},
};
use wire::RefusalView;

pub use self::site::Relay;
use self::{
    page::Page,
    question::{Answer, Question},
    site::Site,
};

/// Questions that are answered at the same time; others wait.
const AT_ONCE: usize = 16;

/// No inline code or styles, and no requests but to this server, and to the relay of wallets if one
/// is configured; its WebAssembly runs.
fn policy(relay: Option<&Relay>) -> String {
    let relay = relay.map(|relay| format!(" {}", relay.url.origin().ascii_serialization()));
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
         worker-src 'self'; connect-src 'self'{}; img-src 'self' data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        relay.unwrap_or_default()
    )
}

/// A question, and where its answer goes.
type Asked = (Question, oneshot::Sender<Result<Answer>>);

/// Where the page is served unless another address is given.
pub const ADDRESS: &str = "127.0.0.1:8780";

/// A server that has its page and its address, and does not answer yet.
#[derive(Debug)]
pub struct Server {
    page: Page,
    listener: TcpListener,
    address: SocketAddr,
    genesis: Option<PathBuf>,
    is_of_machine: bool,
    relay: Option<Relay>,
}

/// What each request is answered from.
struct Shared {
    page: Page,
    asks: mpsc::Sender<Asked>,
    policy: HeaderValue,
    /// The port, if only this computer is to be answered.
    loopback_port: Option<u16>,
}

impl Server {
    /// Builds the page if it is not in the cache, and takes an address.
    ///
    /// - Errors: npm is missing or fails; the address is in use, or not of this computer
    pub async fn prepare(address: SocketAddr, printer: Printer) -> Result<Self> {
        let notify: Notify = Arc::new(move |line: &str| printer.say(line));
        let page = Page::ensure(&notify).await?;
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| {
            format!("cannot serve the page at {address}: choose another address")
        })?;
        let address = listener.local_addr().context("the page's server has no address")?;
        Ok(Self { page, listener, address, genesis: None, is_of_machine: true, relay: None })
    }

    /// The same for a market with this genesis, which a program runs instead of a machine, or not.
    #[must_use]
    pub fn with_genesis(self, genesis: Option<PathBuf>, is_of_machine: bool) -> Self {
        Self { genesis, is_of_machine, ..self }
    }

    /// The same, which also takes wallets through a relay.
    #[must_use]
    pub fn with_relay(self, relay: Option<Relay>) -> Self {
        Self { relay, ..self }
    }

    /// The page's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves the page of a market for ever.
    ///
    /// - Errors: the server fails
    pub async fn serve(self, session: Session) -> Result<()> {
        let (asks, asked) = mpsc::channel(AT_ONCE);
        let port = self.address.port();
        let loopback_port = self.address.ip().is_loopback().then_some(port);
        let policy = HeaderValue::try_from(policy(self.relay.as_ref()))
            .context("the relay's address is none")?;
        let site = Site {
            session,
            relay: self.relay,
            genesis: self.genesis,
            is_of_machine: self.is_of_machine,
            has_twin: self.page.has_twin(),
        };
        let shared = Arc::new(Shared { page: self.page, asks, policy, loopback_port });
        let router = Router::new().fallback(get(respond)).with_state(shared);
        // Sessions are used by one thread; the server hands it the questions.
        LocalSet::new()
            .run_until(async {
                tokio::select! {
                    served = axum::serve(self.listener, router) => served.context("cannot serve"),
                    () = answer_all(site, asked) => Ok(()),
                }
            })
            .await
    }
}

/// Serves the page if there is a server; otherwise waits for ever.
///
/// - Errors: as for [`Server::serve`]
pub async fn serve_if(server: Option<Server>, session: Session) -> Result<()> {
    match server {
        Some(server) => server.serve(session).await,
        None => std::future::pending().await,
    }
}

async fn answer_all(site: Site, mut asked: mpsc::Receiver<Asked>) {
    let (site, places) = (Rc::new(site), Arc::new(Semaphore::new(AT_ONCE)));
    while let Some((question, reply)) = asked.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let site = Rc::clone(&site);
        spawn_local(async move {
            // An error means that whoever asked is gone.
            let answer = question.answer(&site).await;
            drop(reply.send(answer.map_err(|error| without_urls(&site.session, error))));
            drop(place);
        });
    }
}

/// The same failure without the endpoints' URLs, which may have keys in them.
fn without_urls(session: &Session, error: Error) -> Error {
    if error.is::<Refused>() {
        return error;
    }
    let ethereum = session.chain.url().as_str();
    Error::msg(named(&format!("{error:#}"), ethereum))
}

/// A text with names in the place of URLs.
fn named(text: &str, ethereum: &str) -> String {
    let words = text.split(' ').map(|word| {
        let name = match word.contains("://") {
            true if word.contains(ethereum.trim_end_matches('/')) => "the Ethereum endpoint",
            true => "the node",
            false => return word.to_owned(),
        };
        let end = word.ends_with([':', ',', ';']).then(|| &word[word.len() - 1..]);
        format!("{name}{}", end.unwrap_or_default())
    });
    words.collect::<Vec<_>>().join(" ")
}

async fn respond(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if !is_for_us(&shared, request.headers()) {
        return (StatusCode::FORBIDDEN, "open the page at its own address").into_response();
    }
    let path = request.uri().path();
    let response = match path.strip_prefix("/api/") {
        Some(question) => match question.parse() {
            Ok(question) => json_response(ask(&shared, question).await),
            Err(error) => told(StatusCode::BAD_REQUEST, json!({ "error": format!("{error:#}") })),
        },
        None => file(&shared.page, path),
    };
    guarded(response, shared.policy.clone())
}

/// Whether a request names this server: on loopback, a stranger's name that was made to lead here
/// is not answered.
fn is_for_us(shared: &Shared, headers: &HeaderMap) -> bool {
    let Some(port) = shared.loopback_port else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"].iter().any(|name| host == format!("{name}:{port}"))
}

async fn ask(shared: &Shared, question: Question) -> Result<Answer> {
    let (reply, answer) = oneshot::channel();
    let asked = shared.asks.send((question, reply)).await;
    asked.ok().context("the server is ending")?;
    answer.await.context("the server is ending")?
}

/// An answer; refusals and failures are told in words.
fn json_response(answer: Result<Answer>) -> Response {
    match answer {
        Ok(Answer::Json(answer)) => told(StatusCode::OK, answer),
        // For the twin, which must have it as it is; nothing of it is shown.
        Ok(Answer::Bytes(bytes)) => {
            ([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
        }
        Err(error) => match error.downcast_ref::<Refused>() {
            Some(Refused(refusal)) => {
                let is_missing = refusal.refused == "NotFound";
                let status = if is_missing { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
                let Told { refused, sentence, .. } = Told::from(refusal);
                told(status, json!({ "refused": refused, "error": sentence }))
            }
            None => told(StatusCode::BAD_GATEWAY, json!({ "error": format!("{error:#}") })),
        },
    }
}

fn told(status: StatusCode, mut answer: Value) -> Response {
    put_in_words(&mut answer);
    make_plain(&mut answer);
    (status, axum::Json(answer)).into_response()
}

/// Adds to all refusals the words that the commands print.
fn put_in_words(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(put_in_words),
        Value::Object(fields) if fields.contains_key("refused") => {
            if let Ok(view) = RefusalView::deserialize(&Value::Object(fields.clone())) {
                let Told { heading, sentence, .. } = Told::from(&view);
                fields.insert("heading".to_owned(), heading.into());
                fields.insert("sentence".to_owned(), sentence.into());
            } else {
                fields.values_mut().for_each(put_in_words);
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(put_in_words),
        _ => {}
    }
}

/// Removes from all texts what could deceive their reader: strangers wrote some of them.
fn make_plain(value: &mut Value) {
    match value {
        Value::String(text) => *text = one_line(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(make_plain),
        Value::Object(fields) => fields.values_mut().for_each(make_plain),
        _ => {}
    }
}

fn file(page: &Page, path: &str) -> Response {
    match page.file(path) {
        Some(file) => {
            let caching =
                if path.starts_with("/assets/") { "max-age=31536000" } else { "no-cache" };
            let headers = [(header::CONTENT_TYPE, file.kind), (header::CACHE_CONTROL, caching)];
            (headers, file.bytes.clone()).into_response()
        }
        None => (StatusCode::NOT_FOUND, "there is no such page").into_response(),
    }
}

fn guarded(mut response: Response, policy: HeaderValue) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in
        [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::REFERRER_POLICY, "no-referrer")]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_url_of_an_endpoint_is_told() {
        let ethereum = "https://rpc.example/v2/secret/";
        for (said, told) in [
            (
                "no answer from https://node.example/rpc: is it running?",
                "no answer from the node: is it running?",
            ),
            (
                "https://rpc.example/v2/secret does not answer",
                "the Ethereum endpoint does not answer",
            ),
            ("error (https://rpc.example/v2/secret)", "error the Ethereum endpoint"),
            ("the block is not there", "the block is not there"),
        ] {
            assert_eq!(named(said, ethereum), told);
        }
    }

    #[test]
    fn refusals_are_told_in_the_words_of_the_commands() {
        let view = RefusalView {
            refused: "NotRevealed".to_owned(),
            message: "it was not revealed by 1700000000".to_owned(),
            values: [("until".to_owned(), "1700000000".to_owned())].into(),
        };
        let mut answer = json!({ "list": [{ "refusal": view, "refused": 3 }] });
        put_in_words(&mut answer);
        let said = &answer["list"][0]["refusal"];
        assert_eq!(said["heading"], "not revealed");
        assert_eq!(said["sentence"], "it was not revealed by 2023-11-14 22:13:20 UTC");
        assert_eq!(answer["list"][0].as_object().unwrap().len(), 2);
    }

    #[test]
    fn the_policy_lets_out_to_the_relay_alone_and_only_if_there_is_one() {
        let url = "wss://relay.example:8443/path?key=1".parse().unwrap();
        let relay = Relay { project_id: "0".to_owned(), url };
        for (relay, sources) in
            [(None, "'self'"), (Some(&relay), "'self' wss://relay.example:8443")]
        {
            let policy = policy(relay);
            assert!(policy.contains(&format!(" connect-src {sources};")), "{policy}");
            assert!(policy.starts_with("default-src 'none'; script-src 'self' "), "{policy}");
        }
    }

    #[test]
    fn what_strangers_wrote_deceives_nobody() {
        let mut answer = json!({ "title": "pay \u{202e}001\n", "list": ["a\u{200b}b", 1] });
        make_plain(&mut answer);
        assert_eq!(answer, json!({ "title": "pay 001", "list": ["ab", 1] }));
    }
}
