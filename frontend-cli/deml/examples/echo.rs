//! A tiny rollup application for the devnet's own tests, speaking the real rollup HTTP API.
//!
//! Every input is counted and echoed as a notice and a report; deposits are paid back with a
//! voucher. Some payloads misbehave on purpose: `reject`, `die`, `exception`, `pid` (which is
//! non-deterministic). A rejected input is counted too, so that only the devnet can revert it.

use alloy::primitives::{Address, Bytes, U256, hex};
use alloy::sol_types::SolCall;
use anyhow::{Context, Result, bail, ensure};
use client::chain::bindings::ERC20;
use serde_json::{Value, json};

struct Echo {
    client: reqwest::Client,
    server: String,
    ether_portal: Address,
    erc20_portal: Address,
    inputs: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // No TLS is used, but the client requires a provider.
    rustls::crypto::ring::default_provider().install_default().ok();
    let genesis = std::env::args().skip_while(|arg| arg != "--genesis").nth(1);
    let genesis = std::fs::read(genesis.context("no --genesis FILE")?)?;
    let genesis: Value = serde_json::from_slice(&genesis)?;
    let portal =
        |name: &str| genesis[name].as_str().context("no portal")?.parse().context(name.to_owned());
    let mut echo = Echo {
        client: reqwest::Client::new(),
        server: std::env::var("ROLLUP_HTTP_SERVER_URL")?,
        ether_portal: portal("ether_portal")?,
        erc20_portal: portal("erc20_portal")?,
        inputs: 0,
    };
    let mut status = "accept";
    loop {
        let answer = echo.post("finish", json!({ "status": status })).await?;
        status = "accept";
        if answer.status() == 202 {
            continue;
        }
        let request: Value = answer.json().await?;
        let payload = bytes(&request["data"]["payload"])?;
        match request["request_type"].as_str() {
            Some("inspect_state") => echo.inspect(&payload).await?,
            _ => {
                let sender = request["data"]["metadata"]["msg_sender"].as_str();
                let sender: Address = sender.context("no sender")?.parse()?;
                status = echo.advance(sender, payload).await?;
            }
        }
    }
}

impl Echo {
    async fn advance(&mut self, sender: Address, payload: Bytes) -> Result<&'static str> {
        self.inputs += 1;
        if sender == self.ether_portal {
            self.pay_back_ether(&payload).await?;
        } else if sender == self.erc20_portal {
            self.pay_back_tokens(&payload).await?;
        }
        let note = match payload.as_ref() {
            b"die" => bail!("told to die"),
            b"exception" => {
                self.post("exception", json!({ "payload": hex::encode_prefixed("told to fail") }))
                    .await?;
                return Ok("accept");
            }
            b"pid" => format!("process {}", std::process::id()),
            _ => format!("input {} from {sender}", self.inputs),
        };
        let note = json!({ "payload": hex::encode_prefixed(note) });
        ensure!(self.post("notice", note.clone()).await?.status() == 201, "the notice was refused");
        ensure!(self.post("report", note).await?.status() == 202, "the report was refused");
        Ok(if payload.as_ref() == b"reject" { "reject" } else { "accept" })
    }

    /// Reports the number of inputs seen, and the query.
    async fn inspect(&self, question: &[u8]) -> Result<()> {
        if question == b"die" {
            bail!("told to die");
        }
        let answer = json!({ "inputs": self.inputs, "asked": String::from_utf8_lossy(question) });
        let answer = hex::encode_prefixed(answer.to_string());
        self.post("report", json!({ "payload": answer })).await?;
        let misplaced = self.post("notice", json!({ "payload": "0x" })).await?;
        ensure!(misplaced.status() == 400, "an inspect request emitted a notice");
        Ok(())
    }

    /// `sender20 value32 data` becomes a voucher of that value.
    async fn pay_back_ether(&self, payload: &[u8]) -> Result<()> {
        let sender = Address::from_slice(&payload[..20]);
        let value = U256::from_be_slice(&payload[20..52]);
        self.voucher(sender, value, Bytes::new()).await
    }

    /// `token20 sender20 value32 data` becomes a voucher that transfers the tokens.
    async fn pay_back_tokens(&self, payload: &[u8]) -> Result<()> {
        let token = Address::from_slice(&payload[..20]);
        let to = Address::from_slice(&payload[20..40]);
        let value = U256::from_be_slice(&payload[40..72]);
        let transfer = ERC20::transferCall { to, value }.abi_encode();
        self.voucher(token, U256::ZERO, transfer.into()).await
    }

    async fn voucher(&self, destination: Address, value: U256, payload: Bytes) -> Result<()> {
        let value = hex::encode_prefixed(value.to_be_bytes::<32>());
        let body = json!({ "destination": destination, "value": value, "payload": payload });
        ensure!(self.post("voucher", body).await?.status() == 201, "the voucher was refused");
        Ok(())
    }

    async fn post(&self, path: &str, body: Value) -> Result<reqwest::Response> {
        Ok(self.client.post(format!("{}/{path}", self.server)).json(&body).send().await?)
    }
}

fn bytes(value: &Value) -> Result<Bytes> {
    Ok(value.as_str().context("no bytes")?.parse()?)
}
