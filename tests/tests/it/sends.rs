//! Sending through bad endpoints: nothing is paid twice, and what is under way is said.

use deml_tests::{
    faulty::{Fault, Proxy},
    market::{Market, open_job, with},
};
use serde_json::{Value, json};

/// A whole ether in wei.
const ETHER: u128 = 1_000_000_000_000_000_000;

const RAW: &str = "eth_sendRawTransaction";
const RECEIPT: &str = "eth_getTransactionReceipt";

/// A market whose Ethereum is behind a proxy.
struct Behind {
    market: Market,
    ethereum: Proxy,
}

impl Behind {
    fn start() -> Self {
        let market = Market::with(&["--epoch-length", "1000"]);
        let ethereum = Proxy::start(market.devnet_file()["rpc_url"].as_str().unwrap()).unwrap();
        Self { market, ethereum }
    }

    /// Runs a command through the proxy, which must exit with this code.
    fn said(&self, command: &[&str], code: i32) -> String {
        let url = self.ethereum.url();
        self.market.said(&[&["--rpc-url", &url], command].concat(), code)
    }

    /// Deposits an ether; with little patience where it is to fail.
    fn deposit(&self, code: i32) -> String {
        let patience = if code == 0 { "2m" } else { "4s" };
        self.said(&["--account", "3", "--patience", patience, "deposit", "1ether"], code)
    }

    /// What the application holds, in wei.
    fn held(&self) -> u128 {
        let app = &self.market.devnet_file()["application"];
        number(&self.market.ethereum("eth_getBalance", json!([app, "latest"])))
    }

    /// The number of transactions of an account.
    fn count(&self, account: usize) -> u128 {
        let account = &self.market.ethereum("eth_accounts", json!([]))[account];
        number(&self.market.ethereum("eth_getTransactionCount", json!([account, "pending"])))
    }
}

fn number(hex: &Value) -> u128 {
    u128::from_str_radix(hex.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[test]
fn a_lost_answer_is_looked_up_and_paid_once() {
    let behind = Behind::start();
    let faults = [
        Fault::Cut,
        Fault::after(Fault::Drop),
        Fault::after(Fault::status("502 Bad Gateway")),
        Fault::after(Fault::Garble),
        Fault::after(Fault::error(-32_005, "request rate limited")),
        Fault::after(Fault::error(-32_000, "already known")),
        Fault::after(Fault::error(-32_003, "nonce too low")),
    ];
    for (at, fault) in faults.into_iter().enumerate() {
        behind.ethereum.tell_times(RAW, fault, 1);
        behind.ethereum.tell_times(RECEIPT, Fault::unknown(), 3);
        behind.deposit(0);
        behind.ethereum.behave();
        assert_eq!(behind.held(), (at as u128 + 1) * ETHER);
    }
}

#[test]
fn a_send_without_a_receipt_goes_on_with_the_same_command() {
    let behind = Behind::start();
    behind.ethereum.tell(RECEIPT, Fault::unknown());
    for _ in 0..2 {
        let said = behind.deposit(2);
        assert!(said.contains("sent as 0x") && said.contains("the same command"), "{said}");
        assert_eq!(behind.held(), ETHER);
    }
    behind.ethereum.behave();
    let said = behind.deposit(0);
    assert!(said.contains("going on with 0x"), "{said}");
    assert_eq!(behind.held(), ETHER);
    // Its end was seen: the next one is another.
    behind.deposit(0);
    assert_eq!(behind.held(), 2 * ETHER);
}

#[test]
fn a_dropped_send_is_said_and_sent_once_more() {
    let behind = Behind::start();
    let taken = Fault::Result(json!(format!("0x{}", "11".repeat(32))));
    behind.ethereum.tell_times(RAW, taken.clone(), 1);
    let said = behind.deposit(0);
    assert!(said.contains("sent once more"), "{said}");
    assert_eq!(behind.held(), ETHER);

    behind.ethereum.tell(RAW, taken);
    let said = behind.deposit(2);
    assert!(said.contains("it was dropped"), "{said}");
    assert_eq!((behind.held(), behind.count(3)), (ETHER, 1));
    behind.ethereum.behave();
    let said = behind.deposit(0);
    assert!(said.contains("was lost: sending it again"), "{said}");
    assert_eq!((behind.held(), behind.count(3)), (2 * ETHER, 2));
}

#[test]
fn a_replaced_send_is_said_and_never_awaited() {
    let behind = Behind::start();
    behind.ethereum.tell(RAW, Fault::Drop);
    behind.deposit(2);
    behind.ethereum.behave();
    // Any other wallet of the account takes the number.
    let nobody = json!(format!("0x{}", "22".repeat(20)));
    let other = behind.market.transact(3, &nobody, 7, "0x");
    let said = behind.deposit(0);
    let other = other["transactionHash"].as_str().unwrap();
    assert!(said.contains(&format!("gave way to {other}")), "{said}");
    assert_eq!((behind.held(), behind.count(3)), (ETHER, 2));
}

#[test]
fn another_command_says_what_became_of_an_earlier_send() {
    let behind = Behind::start();
    behind.ethereum.tell(RECEIPT, Fault::unknown());
    behind.deposit(2);
    behind.ethereum.behave();
    let said = behind.said(&["--account", "3", "deposit", "2ether"], 0);
    assert!(said.contains("of an earlier command, to deposit Ether, is in block"), "{said}");
    assert_eq!(behind.held(), 3 * ETHER);
}

#[test]
fn a_job_is_opened_once_though_its_answer_is_lost() {
    let behind = Behind::start();
    let opening = open_job("1");
    let open =
        |patience| with(&["--account", "1", "--patience", patience, "job", "open"], &opening);
    behind.ethereum.tell(RECEIPT, Fault::unknown());
    let said = behind.said(&open("4s"), 2);
    assert!(said.contains("sent as 0x"), "{said}");
    let held = behind.held();
    behind.ethereum.behave();
    behind.said(&open("2m"), 0);
    assert_eq!(behind.held(), held);
    assert_eq!(behind.market.ask(&["job", "list"])["items"].as_array().unwrap().len(), 1);
}

#[test]
fn gas_is_priced_on_chains_of_each_age() {
    let behind = Behind::start();
    let missing = Fault::error(-32_601, "the method does not exist");
    behind.ethereum.tell("eth_feeHistory", missing.clone());
    behind.deposit(0);
    behind.ethereum.tell(
        "eth_getBlockByNumber",
        Fault::change(|_, answer| {
            if let Some(block) = answer["result"].as_object_mut() {
                block.remove("baseFeePerGas");
            }
        }),
    );
    behind.deposit(0);
    behind.ethereum.tell("eth_gasPrice", missing);
    let said = behind.deposit(2);
    assert!(said.contains("say --gas-price"), "{said}");
    behind.said(&["--account", "3", "--gas-price", "30gwei", "deposit", "1ether"], 0);
    assert_eq!(behind.held(), 3 * ETHER);
    let newest = number(&behind.market.ethereum("eth_blockNumber", json!([])));
    let is_priced = |block: u128| {
        let block = json!([format!("{block:#x}"), true]);
        let block = behind.market.ethereum("eth_getBlockByNumber", block);
        let sent = block["transactions"].as_array().unwrap();
        sent.iter().any(|sent| number(&sent["gasPrice"]) == 30_000_000_000)
    };
    assert!((0..=newest).rev().any(is_priced));
}

#[test]
fn what_an_endpoint_refuses_is_one_sentence_and_nothing_is_left_behind() {
    let behind = Behind::start();
    for (words, says) in [
        ("replacement transaction underpriced", "a tenth above"),
        ("max fee per gas less than block base fee", "a higher --gas-price"),
        ("nonce too low", "run the command again"),
        ("insufficient funds for gas * price + value", "too little Ether"),
    ] {
        behind.ethereum.tell_times(RAW, Fault::error(-32_000, words), 1);
        let said = behind.deposit(2);
        let error = said.lines().last().unwrap();
        assert!(error.contains(says), "{words}: {said}");
    }
    assert_eq!(behind.held(), 0);
    let said = behind.deposit(0);
    assert!(!said.contains("earlier command"), "{said}");
    let said = behind.said(&["--account", "7", "deposit", "10000ether"], 1);
    assert!(said.contains("wallet too small") && said.contains("gas included"), "{said}");
    assert_eq!(behind.held(), ETHER);
}

#[test]
fn value_is_sent_only_where_the_contracts_are() {
    let behind = Behind::start();
    let is_sent = |behind: &Behind| behind.ethereum.asked(RAW) > 0;
    behind.ethereum.tell("eth_getCode", Fault::change(|_, answer| answer["result"] = json!("0x")));
    let said = behind.deposit(2);
    assert!(said.contains("there is no contract at"), "{said}");
    behind.ethereum.behave();

    let node = Proxy::start(behind.market.devnet_file()["node_url"].as_str().unwrap()).unwrap();
    node.tell(
        "cartesi_getChainId",
        Fault::change(|_, answer| answer["result"]["data"] = json!("0x1")),
    );
    let said = behind.said(&["--node-url", &node.url(), "--account", "3", "deposit", "1ether"], 1);
    assert!(said.contains("wrong chain") && said.contains("chain 31337"), "{said}");
    assert!(!is_sent(&behind));
    assert_eq!(behind.held(), 0);
}

#[test]
fn deadlines_count_from_now_and_are_checked_before_the_deposit() {
    let behind = Behind::start();
    // The newest block of a quiet chain is old.
    behind.ethereum.tell(
        "eth_getBlockByNumber",
        Fault::change(|_, answer| {
            if answer["result"].is_object() {
                let time = number(&answer["result"]["timestamp"]);
                answer["result"]["timestamp"] = json!(format!("{:#x}", time - 3_600));
            }
        }),
    );
    let opening = open_job("1");
    let rpc = behind.ethereum.url();
    let plan = |close: &str| {
        let urls = ["--rpc-url", &rpc, "--account", "1", "job", "open", "--dry-run"];
        let mut arguments = with(&urls, &opening);
        let at = arguments.iter().position(|argument| *argument == "--close").unwrap();
        arguments[at + 1] = close;
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        arguments
    };
    let run = |close: &str| {
        let arguments = plan(close);
        behind.market.ask(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let refused = |close: &str| {
        let arguments = plan(close);
        behind.market.said(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), 1)
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let close = run("10m")["terms"]["close"].as_u64().unwrap();
    assert!(close >= now + 600, "{close} is earlier than ten minutes after {now}");
    let close = run("1week")["terms"]["close"].as_u64().unwrap();
    assert!(close >= now + 7 * 86_400);
    let said = refused("2020-01-01");
    assert!(said.contains("close too soon") && said.contains("2020-01-01 00:00:00 UTC"), "{said}");
    let said = refused("2500-01-01T12:00");
    assert!(said.contains("close too far") && said.contains("2500-01-01 12:00:00 UTC"), "{said}");
    let said = refused("5s");
    assert!(said.contains("close too soon"), "{said}");
    assert_eq!(behind.ethereum.asked(RAW), 0);
}

#[test]
fn a_job_opens_though_the_chain_s_clock_is_behind() {
    let market = Market::start();
    // Rent is paid until a stated date: the earlier the market's clock, the more is to be paid.
    let block = market.ethereum("eth_getBlockByNumber", json!(["latest", false]));
    let at = number(&block["timestamp"]);
    let host = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    while host().as_secs() < u64::try_from(at).unwrap() + 4 {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    market.ethereum("evm_setTime", json!([at + 1]));
    let opened = market.ask(&with(&["--account", "1", "job", "open"], &open_job("2")));
    let block = market.ethereum("eth_getBlockByNumber", json!(["latest", false]));
    assert!(number(&block["timestamp"]) + 2 < host().as_secs().into(), "the chain caught up");
    assert_eq!(opened["number"], 0);
}

alloy::sol! {
    function mint(address account, uint256 amount) external;
    function approve(address spender, uint256 value) external returns (bool);
}

/// Deploys a token of ours, whose ten whole units belong to account 3.
fn token(behind: &Behind, artifact: &str) -> Value {
    use alloy::{primitives::U256, sol_types::SolCall as _};
    let artifact: Value = serde_json::from_str(artifact).unwrap();
    let market = &behind.market;
    let code = artifact["bytecode"].as_str().unwrap();
    let deployed = market.transact(3, &Value::Null, 0, code);
    // The market takes no other token than its own, which becomes one of the kind.
    let code = market.ethereum("eth_getCode", json!([deployed["contractAddress"], "latest"]));
    let token = market.devnet_file()["extra"]["TestToken"].clone();
    market.ethereum("anvil_setCode", json!([token, code]));
    let account = market.ethereum("eth_accounts", json!([]))[3].as_str().unwrap().parse().unwrap();
    let mint = mintCall { account, amount: U256::from(10 * ETHER) }.abi_encode();
    market.transact(3, &token, 0, &alloy::primitives::hex::encode_prefixed(mint));
    let portal = &market.devnet_file()["contracts"]["erc20_portal"];
    let spender = portal.as_str().unwrap().parse().unwrap();
    let approve = approveCall { spender, value: U256::from(3) }.abi_encode();
    market.transact(3, &token, 0, &alloy::primitives::hex::encode_prefixed(approve));
    token
}

#[test]
fn a_token_that_wants_its_allowance_zero_first_is_deposited() {
    let behind = Behind::start();
    let token = token(&behind, include_str!("../../../contracts/artifacts/ZeroFirstToken.json"));
    let token = token.as_str().unwrap();
    let sent = behind.count(3);
    behind.said(&["--account", "3", "--token", token, "deposit", "5token"], 0);
    // Taken back, approved, deposited.
    assert_eq!(behind.count(3), sent + 3);
}

#[test]
fn a_token_that_takes_a_fee_is_refused_before_anything_is_sent() {
    let behind = Behind::start();
    let token = token(&behind, include_str!("../../../contracts/artifacts/FeeToken.json"));
    let sent = behind.count(3);
    let deposit = ["--account", "3", "--token", token.as_str().unwrap(), "deposit", "5token"];
    let said = behind.said(&deposit, 1);
    assert!(
        said.contains("token takes fee")
            && said.contains("of 5 tokens")
            && said.contains("4.95 arrive"),
        "{said}"
    );
    assert_eq!(behind.count(3), sent);
}

#[test]
fn a_token_that_returns_nothing_is_refused_before_anything_is_sent() {
    let behind = Behind::start();
    let token = token(&behind, include_str!("../../../contracts/artifacts/SilentToken.json"));
    let sent = behind.count(3);
    let deposit = ["--account", "3", "--token", token.as_str().unwrap(), "deposit", "5token"];
    let said = behind.said(&deposit, 1);
    assert!(said.contains("token not standard"), "{said}");
    assert_eq!(behind.count(3), sent);
}
