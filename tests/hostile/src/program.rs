//! The program itself, as in a machine: with a memory limit, and a rollup server at the other
//! end.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use market::{Address, U256};
use rollup::Advance;
use serde_json::{Value, json};
use wire::{Output, Text as _};

/// A program that is driven over HTTP, as by the rollup server.
pub(crate) struct Program {
    child: Child,
    listener: TcpListener,
    /// The pending `/finish` request that waits for an answer.
    finish: Option<TcpStream>,
}

impl Program {
    /// Starts the application of this build with the deployed genesis and this memory limit.
    ///
    /// - Panics: if it was not built; `cargo ci` and `cargo soak` build it first
    pub(crate) fn start(memory_mib: u32) -> Self {
        let genesis = checkout("dapp/rollup/genesis.json");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut child = Command::new(built("deml-dapp"))
            .args(["--memory", &memory_mib.to_string(), "--genesis"])
            .arg(genesis)
            .env("ROLLUP_HTTP_SERVER_URL", format!("http://{address}"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        // It prints nothing; the pipe closes when it ends, which wakes the waiting thread.
        let mut output = child.stdout.take().expect("it is piped");
        thread::spawn(move || {
            output.read_to_end(&mut Vec::new()).ok();
            TcpStream::connect(address).ok();
        });
        let mut program = Self { child, listener, finish: None };
        let (posts, _) = program.posts();
        assert!(posts.is_empty(), "it asks first");
        program
    }

    /// Outputs and reports of an input, which must be accepted.
    pub(crate) fn advance(&mut self, advance: &Advance) -> (Vec<Output>, Vec<Vec<u8>>) {
        let context = advance.context;
        let request = json!({ "request_type": "advance_state", "data": {
            "metadata": {
                "chain_id": context.chain_id,
                "app_contract": context.app,
                "msg_sender": context.sender,
                "block_number": context.block,
                "block_timestamp": context.block_time.0,
                "prev_randao": format!("0x{}", hex::encode(context.prev_randao)),
                "input_index": context.input,
            },
            "payload": hexadecimal(&advance.payload),
        }});
        self.exchange(&request)
    }

    pub(crate) fn inspect(&mut self, question: &[u8]) -> Vec<Vec<u8>> {
        let data = json!({ "payload": hexadecimal(question) });
        self.exchange(&json!({ "request_type": "inspect_state", "data": data })).1
    }

    /// Memory in KiB, by its name in Linux; zero on other systems.
    pub(crate) fn memory_kib(&self, name: &str) -> u64 {
        memory_kib(&self.child.id().to_string(), name)
    }

    fn exchange(&mut self, request: &Value) -> (Vec<Output>, Vec<Vec<u8>>) {
        let finish = self.finish.take().expect("it has asked");
        respond(finish, "200 OK", &request.to_string());
        let (posts, status) = self.posts();
        assert_eq!(status, "accept");
        let (mut outputs, mut reports) = (Vec::new(), Vec::new());
        for (path, body) in posts {
            let payload = bytes(&body["payload"]);
            match path.as_str() {
                "/report" => reports.push(payload),
                "/notice" => outputs.push(Output::Notice { payload }),
                "/voucher" => {
                    let to = body["destination"].as_str().and_then(Address::read);
                    let destination = to.expect("an address");
                    let value = U256::from_big_endian(&bytes(&body["value"]));
                    outputs.push(Output::Voucher { destination, value, payload });
                }
                _ => panic!("{path} must never be called"),
            }
        }
        (outputs, reports)
    }

    /// Its requests until the next `/finish`, and the status of the last one.
    fn posts(&mut self) -> (Vec<(String, Value)>, String) {
        let mut posts = Vec::new();
        loop {
            let (stream, _) = self.listener.accept().expect("a connection");
            let (path, body) = receive(&stream).expect("the program has ended");
            if path == "/finish" {
                self.finish = Some(stream);
                return (posts, body["status"].as_str().unwrap_or_default().to_owned());
            }
            posts.push((path, body));
            respond(stream, "201 Created", r#"{"index":0}"#);
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The path and body of a request; `None` if the connection closes before.
fn receive(stream: &TcpStream) -> Option<(String, Value)> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().ok()?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, serde_json::from_slice(&body).ok()?))
}

fn respond(mut stream: TcpStream, status: &str, body: &str) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\ncontent-type: application/json\r\n\
         connection: close\r\n\r\n"
    );
    let sent = stream.write_all(format!("{head}{body}").as_bytes());
    sent.expect("the program has ended");
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn bytes(text: &Value) -> Vec<u8> {
    let digits = text.as_str().and_then(|text| text.strip_prefix("0x"));
    hex::decode(digits.expect("hexadecimal")).expect("hexadecimal")
}

/// A program of this workspace, from the folder that this one runs in or one above.
fn built(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let found = own.ancestors().map(|folder| folder.join(name)).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{name} is not built: run `cargo build --release` first"))
}

/// A file of the checkout.
pub(crate) fn checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The memory limit of a deployment.
pub(crate) fn deployed_memory_mib() -> u32 {
    let text = fs::read_to_string(checkout("cartesi.toml")).expect("a checkout");
    let (_, rest) = text.split_once("--memory ").expect("the entrypoint limits the memory");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().expect("a number of MiB")
}

/// Memory of a process in KiB, as Linux reports it; zero on other systems.
pub(crate) fn memory_kib(process: &str, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
