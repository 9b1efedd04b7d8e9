//! A configurable faulty proxy in front of a JSON-RPC server, to test clients.
//!
//! It sits between a client and anvil, or a client and the node's JSON-RPC or inspect. Calls
//! without a configured fault pass unchanged. It runs in threads of its own, so that tests with
//! and without a runtime can use it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// Changes a response, given the request and the whole response, both of one JSON-RPC call.
pub type Change = Arc<dyn Fn(&Value, &mut Value) + Send + Sync>;

/// A fault.
#[derive(Clone)]
pub enum Fault {
    /// Responds with status 500 and plain text.
    Refuse,
    /// Takes the request and never responds.
    Stall,
    /// Closes the connection in the middle of the response.
    Cut,
    /// Closes the connection without a response; the server never sees the request.
    Drop,
    /// Passes the request on, then responds with this fault instead of the server.
    After(Box<Self>),
    /// Waits, then passes the request on.
    Delay(Duration),
    /// Responds with this status, these header lines and this body.
    Status {
        /// For example `502 Bad Gateway`.
        status: String,
        /// Lines such as `Retry-After: 1`.
        headers: Vec<String>,
        /// The body.
        body: String,
    },
    /// Responds with this JSON-RPC result; the server never sees the request.
    Result(Value),
    /// Responds with this JSON-RPC error.
    Error {
        /// Its code.
        code: i64,
        /// Its message.
        message: String,
    },
    /// Responds endlessly.
    Flood,
    /// Responds with something that is not JSON.
    Garble,
    /// Refuses `eth_getLogs` over more than this many blocks, with the error of public endpoints.
    BlockRange(u64),
    /// Changes the response.
    Change(Change),
}

impl Fault {
    /// Replaces the result by a wrong one.
    #[must_use]
    pub fn change(change: impl Fn(&Value, &mut Value) + Send + Sync + 'static) -> Self {
        Self::Change(Arc::new(change))
    }

    /// The server takes the request, and the client sees this fault.
    #[must_use]
    pub fn after(fault: Self) -> Self {
        Self::After(Box::new(fault))
    }

    /// An HTTP error without headers of its own.
    #[must_use]
    pub fn status(status: &str) -> Self {
        Self::Status { status: status.to_owned(), headers: Vec::new(), body: String::new() }
    }

    /// A JSON-RPC error.
    #[must_use]
    pub fn error(code: i64, message: &str) -> Self {
        Self::Error { code, message: message.to_owned() }
    }

    /// Replaces all results by `null`: the server does not know of it.
    #[must_use]
    pub fn unknown() -> Self {
        Self::change(|_, answer| answer["result"] = Value::Null)
    }

    /// Replaces all strings by `true`.
    #[must_use]
    pub fn wrong_types() -> Self {
        fn spoil(value: &mut Value) {
            match value {
                Value::String(_) => *value = json!(true),
                Value::Array(items) => items.iter_mut().for_each(spoil),
                Value::Object(fields) => fields.values_mut().for_each(spoil),
                _ => {}
            }
        }
        Self::change(|_, answer| spoil(&mut answer["result"]))
    }
}

struct Rule {
    method: String,
    fault: Fault,
    times: u64,
}

#[derive(Default)]
struct Told {
    rules: Vec<Rule>,
    asked: Vec<String>,
    is_over: bool,
}

impl Told {
    /// Records the request, and returns the configured fault.
    fn fault(&mut self, methods: &[String]) -> Option<Fault> {
        self.asked.extend_from_slice(methods);
        let is_meant = |rule: &&mut Rule| {
            rule.times > 0 && methods.iter().any(|method| method.starts_with(&rule.method))
        };
        let rule = self.rules.iter_mut().find(is_meant)?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }
}

/// A running proxy; stops when dropped.
pub struct Proxy {
    address: SocketAddr,
    path: String,
    told: Arc<Mutex<Told>>,
}

impl Proxy {
    /// A proxy in front of `target`, an `http://HOST:PORT/PATH`, without faults yet.
    ///
    /// - Errors: `target` is not such a URL, or there is no free port
    pub fn start(target: &str) -> anyhow::Result<Self> {
        let rest = target.trim_start_matches("http://");
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, path) = (host.to_owned(), path.to_owned());
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let (address, told) = (listener.local_addr()?, Arc::<Mutex<Told>>::default());
        let shared = told.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if lock(&shared).is_over {
                    return;
                }
                let (host, told) = (host.clone(), shared.clone());
                // A client that disconnects early is no error here.
                thread::spawn(move || serve(client, &host, &told).ok());
            }
        });
        Ok(Self { address, path, told })
    }

    /// The URL for clients, instead of the target's.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.address, self.path)
    }

    /// Applies the fault to every call whose method (or, without JSON, path) begins with `method`.
    pub fn tell(&self, method: &str, fault: Fault) {
        self.tell_times(method, fault, u64::MAX);
    }

    /// As [`Proxy::tell`], for this many calls only.
    pub fn tell_times(&self, method: &str, fault: Fault, times: u64) {
        lock(&self.told).rules.push(Rule { method: method.to_owned(), fault, times });
    }

    /// Removes all faults.
    pub fn behave(&self) {
        lock(&self.told).rules.clear();
    }

    /// Number of requests that begin with `method`.
    #[must_use]
    pub fn asked(&self, method: &str) -> usize {
        lock(&self.told).asked.iter().filter(|asked| asked.starts_with(method)).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        lock(&self.told).is_over = true;
        // Wakes the listener, which then checks whether to stop.
        TcpStream::connect(self.address).ok();
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Message {
    first_line: String,
    body: Vec<u8>,
}

/// Reads a request with a length, or a response with one or up to the end of the connection.
fn read(stream: &TcpStream) -> io::Result<Message> {
    let mut reader = BufReader::new(stream);
    let mut first_line = String::new();
    reader.read_line(&mut first_line)?;
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let mut body = Vec::new();
    reader.take(length.unwrap_or(u64::MAX)).read_to_end(&mut body)?;
    Ok(Message { first_line, body })
}

fn forward(host: &str, request: &Message) -> io::Result<Message> {
    let path = request.first_line.split_whitespace().nth(1).unwrap_or("/");
    let mut server = TcpStream::connect(host)?;
    // HTTP/1.0, because its responses are not chunked.
    write!(
        server,
        "POST {path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        request.body.len()
    )?;
    server.write_all(&request.body)?;
    read(&server)
}

fn answer(client: &mut TcpStream, status: &str, length: usize, body: &[u8]) -> io::Result<()> {
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )?;
    client.write_all(body)
}

fn serve(mut client: TcpStream, host: &str, told: &Mutex<Told>) -> io::Result<()> {
    let request = read(&client)?;
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let mut fault = lock(told).fault(&methods(&asked, &request));
    if let Some(Fault::After(then)) = fault {
        forward(host, &request)?;
        fault = Some(*then);
    }
    if let Some(fault) = &fault
        && respond(&mut client, fault, &asked)?
    {
        return Ok(());
    }
    let mut answered = forward(host, &request)?;
    let whole = answered.body.len();
    if let Some(Fault::Change(change)) = &fault {
        answered.body = changed(&asked, &answered.body, change);
        let status = status(&answered);
        return answer(&mut client, &status, answered.body.len(), &answered.body);
    }
    if matches!(fault, Some(Fault::Cut)) {
        answered.body.truncate(whole / 2);
    }
    answer(&mut client, &status(&answered), whole, &answered.body)
}

/// Responds in the server's place; false if the server itself is to be asked.
fn respond(client: &mut TcpStream, fault: &Fault, asked: &Value) -> io::Result<bool> {
    let refuse = |client: &mut TcpStream, code: i64, message: &str| {
        let error = json!({ "code": code, "message": message });
        let refusal = json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error }).to_string();
        answer(client, "200 OK", refusal.len(), refusal.as_bytes())
    };
    match fault {
        Fault::Refuse => {
            let words = b"something broke in here";
            answer(client, "500 Internal Server Error", words.len(), words)?;
        }
        // Returns once the client has timed out.
        Fault::Stall => drop(client.read_to_end(&mut Vec::new())?),
        Fault::Flood => flood(client)?,
        Fault::Garble => {
            let words = b"<html>an answer of another kind</html>";
            answer(client, "200 OK", words.len(), words)?;
        }
        Fault::Drop => {}
        Fault::Status { status, headers, body } => {
            let lines: String = headers.iter().map(|line| format!("\r\n{line}")).collect();
            answer(client, &format!("{status}{lines}"), body.len(), body.as_bytes())?;
        }
        Fault::Result(result) => {
            let reply = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
            let reply = reply.to_string();
            answer(client, "200 OK", reply.len(), reply.as_bytes())?;
        }
        Fault::Error { code, message } => refuse(client, *code, message)?,
        Fault::BlockRange(most) if blocks(asked) > *most => {
            refuse(client, -32005, &format!("query exceeds the maximum of {most} blocks"))?;
        }
        Fault::Delay(pause) => {
            thread::sleep(*pause);
            return Ok(false);
        }
        Fault::Cut | Fault::BlockRange(_) | Fault::Change(_) | Fault::After(_) => return Ok(false),
    }
    Ok(true)
}

fn status(answered: &Message) -> String {
    let line = answered.first_line.split_once(' ').map_or("200 OK", |(_, status)| status);
    line.trim().to_owned()
}

fn calls(asked: &Value) -> &[Value] {
    asked.as_array().map_or(std::slice::from_ref(asked), Vec::as_slice)
}

fn methods(asked: &Value, request: &Message) -> Vec<String> {
    let path = request.first_line.split_whitespace().nth(1).unwrap_or_default();
    let method = |call: &Value| call["method"].as_str().unwrap_or(path).to_owned();
    calls(asked).iter().map(method).collect()
}

/// The largest block range of any call for logs.
fn blocks(asked: &Value) -> u64 {
    let number = |value: &Value| {
        let digits = value.as_str().unwrap_or_default().trim_start_matches("0x");
        u64::from_str_radix(digits, 16).unwrap_or(u64::MAX)
    };
    let logs = calls(asked).iter().filter(|call| call["method"] == "eth_getLogs");
    let length = |call: &Value| {
        let filter = &call["params"][0];
        number(&filter["toBlock"]).saturating_sub(number(&filter["fromBlock"])).saturating_add(1)
    };
    logs.map(length).max().unwrap_or(0)
}

fn changed(asked: &Value, body: &[u8], change: &Change) -> Vec<u8> {
    let mut answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match answer.as_array_mut() {
        Some(answers) => {
            for answer in answers {
                let its = calls(asked).iter().find(|call| call["id"] == answer["id"]);
                change(its.unwrap_or(asked), answer);
            }
        }
        None => change(asked, &mut answer),
    }
    answer.to_string().into_bytes()
}

fn flood(client: &mut TcpStream) -> io::Result<()> {
    client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[\"")?;
    loop {
        client.write_all(&[b'0'; 64 * 1_024])?;
    }
}
