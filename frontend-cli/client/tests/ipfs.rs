//! Gateways as they are: each file comes, or it is said what to do. A small server answers as they
//! do; that the real forms are read is tested against other implementations elsewhere.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    io::{self, BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use blobs::{Cid, Profile, blocks, cid_of};
use client::ipfs::Store;

/// A gateway that answers each request by its path; the number of the request comes with it.
fn gateway(
    answer: impl Fn(&str, usize, &mut TcpStream) -> io::Result<()> + Send + Sync + 'static,
) -> Store {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let store = format!("gateway:http://{}", listener.local_addr().unwrap());
    let (answer, count) = (Arc::new(answer), AtomicUsize::new(0));
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let (answer, number) = (answer.clone(), count.fetch_add(1, Ordering::SeqCst));
            thread::spawn(move || {
                let path = path(&client)?;
                answer(&path, number, &mut client)
            });
        }
    });
    store.parse().unwrap()
}

/// The path of a request, once its head is read.
fn path(client: &TcpStream) -> io::Result<String> {
    let mut lines = BufReader::new(client).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    Ok(first.split_whitespace().nth(1).unwrap_or_default().to_owned())
}

fn respond(client: &mut TcpStream, status: &str, kind: &str, body: &[u8]) -> io::Result<()> {
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    )?;
    client.write_all(body)
}

fn section(bytes: &[u8]) -> Vec<u8> {
    let mut section = Vec::new();
    let mut left = bytes.len();
    while left >= 0x80 {
        section.push(left.to_le_bytes()[0] | 0x80);
        left >>= 7;
    }
    section.push(left.to_le_bytes()[0]);
    section.extend_from_slice(bytes);
    section
}

/// All blocks of a file as a CAR; those of dag-pb with CIDs of version 0.
fn car(file: &[u8]) -> Vec<u8> {
    let mut car = section(b"\xa2\x65roots\x80\x67version\x01");
    for (cid, block) in blocks(file, Profile::Kubo) {
        let cid = cid.to_bytes();
        let cid = if cid[1] == 0x70 { &cid[2..] } else { &cid[..] };
        car.extend(section(&[cid, &*block].concat()));
    }
    car
}

fn small() -> (Vec<u8>, Cid) {
    let file = b"a small model".to_vec();
    (file.clone(), cid_of(&file, Profile::Kubo))
}

async fn fault(store: Store, patience: u64) -> String {
    let store = store.within(Duration::from_secs(patience));
    let fault = store.get(small().1, 1_000).await.unwrap_err();
    let fault = format!("{fault:#}");
    assert!(fault.starts_with("cannot get bafk") && fault.len() < 500, "{fault}");
    fault
}

#[tokio::test]
async fn a_gateway_that_has_only_cars_is_enough() {
    let large: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    for file in [small().0, large] {
        let served = car(&file);
        let store = gateway(move |path, _, client| match path.contains("format=car") {
            true => respond(client, "200 OK", "application/vnd.ipld.car; version=1", &served),
            false => respond(client, "406 Not Acceptable", "text/plain", b"only CARs here"),
        });
        let cid = cid_of(&file, Profile::Kubo);
        assert!(store.get(cid, file.len() as u64).await.unwrap() == file);
    }
}

#[tokio::test]
async fn a_gateway_of_web_pages_is_told_from_one_of_blocks() {
    let page = |_: &str, _, client: &mut TcpStream| {
        respond(client, "200 OK", "text/html; charset=utf-8", b"<html>Welcome</html>")
    };
    let said = fault(gateway(page), 10).await;
    assert!(
        said.contains("a page for people, not with blocks: give a trustless gateway"),
        "{said}"
    );
}

#[tokio::test]
async fn a_gateway_that_finds_nothing_in_time_says_so() {
    let lost = |_: &str, _, client: &mut TcpStream| {
        respond(client, "504 Gateway Timeout", "text/plain", b"no providers")
    };
    let said = fault(gateway(lost), 10).await;
    assert!(said.contains("did not find it among its peers in time (504"), "{said}");
}

#[tokio::test]
async fn a_gateway_that_is_busy_is_asked_again() {
    let (file, cid) = small();
    let served = file.clone();
    // More often than other faults are borne.
    let store = gateway(move |_, number, client| match number {
        0..6 => client.write_all(
            b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\
              Connection: close\r\n\r\n",
        ),
        6 => respond(client, "504 Gateway Timeout", "text/plain", b"searching"),
        _ => respond(client, "200 OK", "application/vnd.ipld.raw", &served),
    });
    assert_eq!(store.get(cid, 1_000).await.unwrap(), file);
}

#[tokio::test]
async fn an_endless_answer_is_given_up() {
    let endless = |_: &str, _, client: &mut TcpStream| {
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.ipld.raw\r\n\r\n")?;
        loop {
            client.write_all(&[0; 65_536])?;
        }
    };
    let said = fault(gateway(endless), 60).await;
    assert!(said.contains("more than 2097152 bytes"), "{said}");
}

#[tokio::test]
async fn a_silent_gateway_and_one_of_drops_end_by_the_patience() {
    let silent = |_: &str, _, client: &mut TcpStream| {
        // Until the other side has given up.
        io::copy(client, &mut io::sink()).map(drop)
    };
    let drops = |_: &str, _, client: &mut TcpStream| {
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.ipld.raw\r\n\r\n")?;
        client.set_read_timeout(Some(Duration::from_millis(200)))?;
        let mut nothing = [0];
        loop {
            client.write_all(b"x")?;
            // Waits for a moment, or until the other side has given up.
            if io::Read::read(client, &mut nothing).is_ok_and(|read| read == 0) {
                return Ok(());
            }
        }
    };
    for store in [gateway(silent), gateway(drops)] {
        let said = fault(store, 1).await;
        assert!(said.contains("it is not done after 1 s: say --patience"), "{said}");
    }
}
