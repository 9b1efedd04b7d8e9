//! Attacks with a name. Those on graphs and shapes are in `dapp/eval/tests/it/hostile.rs`, a full
//! memory and planted panics with the application in `dapp/rollup`.

use blobs::{Encoding, Profile, Upload, blob_ref};
use eval::{Dataset, DatasetRefused, Model};
use hostile::{advance, dataset, onnx};

/// A protobuf field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    prost::encoding::encode_varint(bytes.len() as u64, &mut field);
    [field, bytes.to_vec()].concat()
}

/// A safetensors file with this header and some bytes of data.
fn container(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn deep_nesting() {
    // Graphs in attributes of nodes of graphs: the first one within another is refused.
    let mut graph = field(1, b"");
    for _ in 0..10_000 {
        graph = field(1, &field(5, &field(6, &graph)));
    }
    onnx(&[vec![0x42, 2, 0x10, 17], field(7, &graph)].concat());
    // JSON within JSON: of a dataset, and of a request.
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    dataset(&container(&format!(r#"{{"__metadata__":{}}}"#, nested(2_000)), 0));
    for depth in [100, 127, 128, 30_000] {
        let body = format!(r#"{{"request_type":"inspect_state","data":{}}}"#, nested(depth));
        let length = u16::try_from(body.len()).unwrap().to_le_bytes();
        advance(&[&[0, 31, 0, 0], &length[..], body.as_bytes()].concat());
    }
}

#[test]
fn sizes_whose_product_overflows() {
    for sizes in ["4294967296,4294967296", "18446744073709551615,2", "1,2305843009213693952"] {
        let header = format!(
            r#"{{"x":{{"dtype":"F32","shape":[{sizes}],"data_offsets":[0,8]}},"y":{{"dtype":"U8","shape":[1],"data_offsets":[8,9]}}}}"#
        );
        let file = container(&header, 9);
        dataset(&file);
        assert_eq!(Dataset::from_safetensors(&file), Err(DatasetRefused::Malformed), "{sizes}");
    }
}

#[test]
fn tensors_that_alias() {
    for (x, y) in [("0,8", "0,8"), ("0,8", "4,12"), ("4,12", "0,8"), ("8,0", "8,16")] {
        let header = format!(
            r#"{{"x":{{"dtype":"F32","shape":[2],"data_offsets":[{x}]}},"y":{{"dtype":"F32","shape":[2],"data_offsets":[{y}]}}}}"#
        );
        let file = container(&header, 16);
        dataset(&file);
        assert_eq!(Dataset::from_safetensors(&file), Err(DatasetRefused::Malformed), "{x} {y}");
    }
    // One value in every place of many nodes, and overwritten by none.
    let node = |input: &str, output: &str| {
        let ends = [field(1, input.as_bytes()), field(1, input.as_bytes())].concat();
        field(1, &[ends, field(2, output.as_bytes()), field(4, b"Add")].concat())
    };
    let mut graph = node("x", "v0");
    for number in 0..50 {
        graph.extend(node(&format!("v{number}"), &format!("v{}", number + 1)));
    }
    graph.extend(node("v50", "y"));
    let size = |size: u8| field(1, &[8, size]);
    let port = |name: &str, sizes: &[u8]| {
        let kind = field(1, &[vec![8, 1], field(2, sizes)].concat());
        [field(1, name.as_bytes()), field(2, &kind)].concat()
    };
    let sizes = [field(1, &field(2, b"n")), size(2)].concat();
    graph.extend([field(11, &port("x", &sizes)), field(12, &port("y", &sizes))].concat());
    let file = [vec![0x42, 2, 0x10, 17], field(7, &graph)].concat();
    assert!(Model::from_onnx(&file).is_ok());
    onnx(&file);
}

#[test]
fn a_million_tiny_chunks() {
    let bytes = (0..1_000_000_u32).map(|n| n.to_le_bytes()[1]).collect::<Vec<_>>();
    let mut upload = Upload::new(blob_ref(&bytes, Profile::Kubo));
    for (offset, byte) in bytes.chunks(1).enumerate() {
        let piece = upload.check(offset as u64, Encoding::Plain, byte).unwrap();
        let whole = upload.post(piece);
        assert_eq!(whole.is_some(), offset + 1 == bytes.len());
    }
}
