//! Each value is encoded under the right name: arguments as named by the compiled interface are
//! compared with the values in JSON.

use ethabi::Token;
use serde_json::Value;

const SOURCES: &[&str] = &[
    include_str!("../../../../contracts/src/IDeml.sol"),
    include_str!("../../../../contracts/src/Metric.sol"),
    include_str!("../../../../contracts/src/Outcome.sol"),
    include_str!("../../../../contracts/src/Terms.sol"),
];

/// The entry of a function or event in the artifact.
fn entry(kind: &str, name: &str) -> Value {
    let artifact = include_str!("../../../../contracts/artifacts/IDeml.json");
    let artifact: Value = serde_json::from_str(artifact).unwrap();
    let entries = artifact["abi"].as_array().unwrap();
    let is_wanted = |entry: &&Value| entry["type"] == kind && entry["name"] == name;
    entries.iter().find(is_wanted).unwrap().clone()
}

/// Checks the ABI encoding of all arguments of a function or event against values by name.
pub(crate) fn check(kind: &str, name: &str, encoded: &[u8], values: &Value) {
    let entry = entry(kind, name);
    let inputs = entry["inputs"].as_array().unwrap();
    let params: Vec<ethabi::Param> = serde_json::from_value(entry["inputs"].clone()).unwrap();
    let types: Vec<_> = params.into_iter().map(|param| param.kind).collect();
    let tokens = ethabi::decode(&types, encoded).unwrap();
    for (input, token) in inputs.iter().zip(&tokens) {
        argument(input, token, values);
    }
}

fn argument(input: &Value, token: &Token, values: &Value) {
    let name = snake(input["name"].as_str().unwrap());
    let found = match name.as_str() {
        "published" => find(values, "ciphertext").or_else(|| find(values, "model")),
        "amount" => ["amount", "reward", "prize"].iter().find_map(|name| find(values, name)),
        // In JSON the chosen variant has these fields inline.
        "miners" if matches!(token, Token::Tuple(_)) => Some(values),
        _ => find(values, &name),
    };
    let value = found.unwrap_or(&Value::Null);
    match token {
        Token::Tuple(fields) => {
            let inputs = input["components"].as_array().unwrap();
            inputs.iter().zip(fields).for_each(|(input, token)| argument(input, token, value));
        }
        Token::Array(items) => {
            let values = value.as_array().unwrap();
            assert_eq!(values.len(), items.len(), "{name}");
            for (token, value) in items.iter().zip(values) {
                let mut item = input.clone();
                let array = input["type"].as_str().unwrap();
                item["type"] = array.trim_end_matches("[]").into();
                let object = serde_json::json!({ name.clone(): value });
                argument(&item, token, &object);
            }
        }
        // Flags of a choice have no name in JSON.
        Token::Bool(flag) => assert!(found.is_none() || value == flag, "{name} is {value}"),
        _ => assert!(is_same(input, token, value), "{name}: {token} is {value}"),
    }
}

fn is_same(input: &Value, token: &Token, value: &Value) -> bool {
    if let Some(name) = input["internalType"].as_str().and_then(|name| name.strip_prefix("enum "))
        && let Token::Uint(code) = token
    {
        let text = value.get("kind").unwrap_or(value);
        return text.is_null() && code.is_zero() || text == &cases(name)[code.as_usize()];
    }
    match token {
        Token::Uint(number) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            number.to_string() == text || (value.is_null() && number.is_zero())
        }
        Token::Address(account) if account.is_zero() => value == "ether",
        Token::FixedBytes(bytes) if input["name"] == "title" => {
            let text = value.as_str().unwrap().as_bytes();
            bytes.starts_with(text) && bytes[text.len()..].iter().all(|byte| *byte == 0)
        }
        Token::FixedBytes(bytes) if value.is_null() => bytes.iter().all(|byte| *byte == 0),
        Token::String(text) => value == text,
        Token::Address(account) => *value == format!("{account:?}"),
        Token::FixedBytes(bytes) | Token::Bytes(bytes) => {
            *value == format!("0x{}", hex::encode(bytes))
        }
        _ => false,
    }
}

/// The value with this name, the one nearest to the top.
fn find<'a>(values: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = values.as_object()?;
    fields.get(name).or_else(|| fields.values().find_map(|value| find(value, name)))
}

/// The variants of an enum in the Solidity source, in the order of their codes, as named in JSON.
fn cases(name: &str) -> Vec<String> {
    let start = format!("enum {name} {{");
    let body = SOURCES.iter().find_map(|source| source.split_once(&start)).unwrap().1;
    let body = body.split_once('}').unwrap().0;
    let code = body.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = code.map(|line| line.trim().trim_end_matches(','));
    names.filter(|name| !name.is_empty()).map(snake).collect()
}

/// Converts camel case to snake case.
fn snake(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
