//! Messages between a sponsor and its clients, as users write and read them: there and back, with
//! new keys in between, and past everyone who has no part in the job.

use alloy::primitives::{Address, Bytes};
use client::convert::to_market;
use deml_tests::market::Market;
use serde_json::Value;

const SPONSOR: &str = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
const CLIENT: &str = "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc";

fn publish<'a>(account: &'a str, options: &[&'a str]) -> Vec<&'a str> {
    [&["--account", account, "message", "publish"], options].concat()
}

fn send<'a>(account: &'a str, to: &'a str, text: &'a str) -> [&'a str; 8] {
    ["--account", account, "message", "send", "0", "--to", to, text]
}

/// What an account reads.
fn read(market: &Market, account: &str, options: &[&str]) -> Value {
    market.ask(&[&["--account", account, "message", "read"], options].concat())
}

/// Sends a payload as any wallet would, and waits for the market.
fn send_input(market: &Market, account: usize, payload: &str) {
    let devnet = market.devnet_file();
    let app: Address = devnet["application"].as_str().unwrap().parse().unwrap();
    let payload: Bytes = payload.parse().unwrap();
    let call = Bytes::from(wire::encode_add_input(to_market(app), &payload)).to_string();
    market.transact(account, &devnet["contracts"]["input_box"], 0, &call);
}

/// The texts among it.
fn texts(messages: &Value) -> Vec<&str> {
    let messages = messages["messages"].as_array().unwrap();
    messages.iter().map(|message| message["text"].as_str().unwrap_or("none")).collect()
}

#[test]
fn messages_go_there_and_back_and_nowhere_else() {
    let market = Market::start();
    market.play();
    // A recipient without a key says what is missing.
    let said = market.said(&send("2", "sponsor", "hello"), 1);
    assert!(said.contains("deml message publish"), "{said}");
    market.ask(&publish("1", &[]));
    let said = market.said(&send("2", "sponsor", "Are the data of one hospital?"), 0);
    assert!(said.contains("nobody can answer"), "{said}");
    let first = market.ask(&publish("2", &[]));
    assert_eq!(market.ask(&publish("2", &[]))["spent"], Value::Null, "it is published once");

    let asked = read(&market, "1", &[]);
    assert_eq!(texts(&asked), ["Are the data of one hospital?"]);
    assert_eq!(asked["messages"][0]["from"], CLIENT);
    assert_eq!(asked["messages"][0]["is_new"], true);
    assert_eq!(read(&market, "1", &["0"])["messages"][0]["is_new"], false);

    // The answer is padded: a word and a sentence look alike.
    let answer = market.ask(&send("1", CLIENT, "yes"));
    assert_eq!(answer["padded_bytes"], 256);
    // A new key; what came before stays readable.
    let second = market.ask(&publish("2", &["--rotate"]));
    assert_ne!(first["key"], second["key"]);
    market.ask(&send("1", CLIENT, "and of one year\u{202e}\u{1b}[2J\nFAKE 0x…"));
    let answers = read(&market, "2", &[]);
    let sentence = "and of one year\u{202e}\u{1b}[2J\nFAKE 0x…";
    assert_eq!(texts(&answers), ["Are the data of one hospital?", "yes", sentence]);
    // On a terminal it moves nothing, and looks like no other message.
    let shown = market.deml(&["--account", "2", "message", "read"]).stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("\n    and of one year\n    FAKE 0x…"), "{shown}");

    // Forgotten keys open nothing any more.
    let third = market.ask(&publish("2", &["--rotate", "--forget"]));
    assert_eq!(third["forgotten"], 2);
    market.ask(&send("1", CLIENT, "still there?"));
    let left = read(&market, "2", &[]);
    assert_eq!(texts(&left), ["Are the data of one hospital?", "still there?"]);
    assert_eq!(left["unreadable"], 2);

    block(&market);
    strangers(&market);
    // Nothing of this depends on what was kept.
    market.mine(200);
    for _ in 0..2 {
        let all = read(&market, "2", &[]);
        assert_eq!(texts(&all), ["Are the data of one hospital?", "still there?", "again"]);
    }
    assert!(market.deml(&["audit"]).status.success());
}

/// A blocked account is not shown, and nobody else notices.
fn block(market: &Market) {
    market.ask(&["--account", "2", "message", "block", SPONSOR]);
    let blocked = read(market, "2", &[]);
    assert_eq!((texts(&blocked).len(), &blocked["hidden"]), (1, &1.into()));
    let all = read(market, "2", &["--all"]);
    assert_eq!(all["messages"][1]["hidden_as"], "blocked");
    market.ask(&["--account", "2", "message", "unblock", SPONSOR]);
    assert_eq!(texts(&read(market, "2", &[])).len(), 2);
}

/// Who has no part in the job writes to nobody; what was sent to others opens for nobody else.
fn strangers(market: &Market) {
    market.ask(&publish("3", &[]));
    for (account, to, text) in
        [("3", "sponsor", "buy now"), ("3", CLIENT, "buy now"), ("1", SPONSOR, "to myself")]
    {
        let said = market.said(&send(account, to, text), 1);
        assert!(said.contains("not party"), "{said}");
    }
    assert_eq!(read(market, "3", &["--all"])["messages"].as_array().unwrap().len(), 0);
    // A client's own payload, sent by another: the market refuses it, and nobody can open it.
    let again = [&send("2", "sponsor", "again")[..], &["--calldata"]].concat();
    let payload = market.ask(&again)["payloads"][0].as_str().unwrap().to_owned();
    send_input(market, 3, &payload);
    let read = read(market, "1", &["--all"]);
    assert!(!texts(&read).contains(&"again"), "{read}");
    // Sent by the client itself, it is read.
    send_input(market, 2, &payload);
    assert!(texts(&self::read(market, "1", &[])).contains(&"again"));
    // Sent twice, it is one number too late for the market, and one message to its reader.
    send_input(market, 2, &payload);
    let all = self::read(market, "1", &[]);
    assert_eq!(texts(&all).iter().filter(|text| **text == "again").count(), 1);
    let too_long = "x".repeat(4_096);
    let said = market.said(&send("2", "sponsor", &too_long), 2);
    assert!(said.contains("4095 fit"), "{said}");
}
