//! Prototype.
#![allow(clippy::all, clippy::pedantic, unused, clippy::unwrap_used, clippy::print_stdout, missing_docs)]
use std::{ops::ControlFlow, fs, path::PathBuf};
use eval::{probes::Probes, train::{train, Options, Optimiser, Epoch, disguise, Disguise}, *};
use market::*;
fn read(p: &str) -> Vec<u8> { fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(p)).unwrap() }
fn ds(p: &str) -> Dataset { Dataset::from_safetensors(&read(&format!("{p}.safetensors"))).unwrap() }
const BASES: [(&str, &[&str], &str); 7] = [
    ("digits/torch-base", &["digits/client-a", "digits/client-b"], "digits/holdout"),
    ("digits/keras-base", &["digits/client-a", "digits/client-b"], "digits/holdout"),
    ("digits/sklearn-base", &["digits/client-a", "digits/client-b"], "digits/holdout"),
    ("health/torch-base", &["health/client-b"], "health/holdout"),
    ("health/sklearn-base", &["health/client-b"], "health/holdout"),
    ("diabetes/sklearn-base", &["diabetes/client-b"], "diabetes/holdout"),
    ("images/cnn", &["images/holdout"], "images/holdout"),
];
fn half(all: &Dataset, first: usize) -> Dataset {
    fn ch<T: Copy>(l: &[T], f: usize, e: usize) -> Vec<T> { l.chunks(e).skip(f).step_by(2).flatten().copied().collect() }
    let e = all.row().elements();
    let f = match all.stored() { Features::Bytes { bytes, scale, offset } => Features::Bytes { bytes: ch(bytes, first, e), scale: *scale, offset: *offset }, Features::Real(n) => Features::Real(ch(n, first, e)) };
    let l = match all.labels() { Labels::Classes(c) => Labels::Classes(ch(c, first, 1)), Labels::Targets(t) => Labels::Targets(ch(t, first, 1)) };
    Dataset::new(all.row(), f, l).unwrap()
}
fn further(file: &[u8], rows: &Dataset, seed: u64, rate: f32, epochs: u32) -> Vec<u8> {
    let reg = matches!(rows.labels(), Labels::Targets(_));
    let o = Options { optimiser: Optimiser::Adam, learning_rate: rate, epochs, batch_rows: 32, seed, held_back_percent: 10, metric: if reg { Metric::MeanSquaredError } else { Metric::Accuracy } };
    train(file, rows, &o, &mut |_: Epoch| ControlFlow::Continue(())).unwrap().onnx
}

#[path = "../tests/it/onnx.rs"]
mod onnx;
const SEG: usize = 128; const BITS: u32 = 8;
struct R(u64);
impl R { fn u(&mut self) -> f64 { self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15); let mut m = self.0; m = (m ^ (m >> 30)).wrapping_mul(0xbf58476d1ce4e5b9); m = (m ^ (m >> 27)).wrapping_mul(0x94d049bb133111eb); m ^= m >> 31; (m >> 11) as f64 / (1u64 << 53) as f64 }
 fn g(&mut self) -> f64 { (0..12).map(|_| self.u()).sum::<f64>() - 6.0 } }
fn mlp(sizes: &[usize], seed: u64, act: &str) -> Vec<u8> {
    let mut r = R(seed); let mut parts = vec![]; let mut x = "x".to_string();
    for (i, w) in sizes.windows(2).enumerate() {
        let s = (2.0 / w[0] as f64).sqrt();
        let ws: Vec<f32> = (0..w[0]*w[1]).map(|_| (r.g() * s) as f32).collect();
        let bs: Vec<f32> = (0..w[1]).map(|_| (r.g() * 0.1) as f32).collect();
        let (wn, bn) = (format!("w{i}"), format!("b{i}"));
        parts.push(onnx::weights(&wn, &[w[0] as i64, w[1] as i64], &ws)); parts.push(onnx::weights(&bn, &[w[1] as i64], &bs));
        let last = i + 2 == sizes.len();
        let h = if last { "y".into() } else { format!("h{i}") };
        parts.push(onnx::node("Gemm", &[&x, &wn, &bn], &h, &[]));
        if !last { let a = format!("a{i}"); parts.push(onnx::node(act, &[&h], &a, &[])); x = a; }
    }
    parts.push(onnx::ports(&[-1, sizes[0] as i64]));
    onnx::model(&parts)
}
fn blobs(rows: usize, dims: usize, classes: usize, spread: f64, seed: u64, centers: u64) -> Dataset {
    let mut c = R(centers); let cs: Vec<Vec<f64>> = (0..classes).map(|_| (0..dims).map(|_| c.g()).collect()).collect();
    let mut r = R(seed); let mut x = vec![]; let mut y = vec![];
    for i in 0..rows { let k = i % classes; y.push(k as u8); for d in 0..dims { x.push((cs[k][d] + spread * r.g()) as f32); } }
    Dataset::new(Shape::new(&[dims]).unwrap(), Features::Real(x), Labels::Classes(y)).unwrap()
}
fn only(all: &Dataset, classes: u8) -> Dataset {
    let e = all.row().elements();
    let Labels::Classes(c) = all.labels() else { panic!() };
    let keep: Vec<usize> = (0..c.len()).filter(|i| c[*i] < classes).collect();
    let Features::Bytes { bytes, scale, offset } = all.stored() else { panic!() };
    let b = keep.iter().flat_map(|i| bytes[i*e..(i+1)*e].to_vec()).collect();
    Dataset::new(all.row(), Features::Bytes { bytes: b, scale: *scale, offset: *offset }, Labels::Classes(keep.iter().map(|i| c[*i]).collect())).unwrap()
}
fn w(base: &[u8], a: &[u8], b: &[u8]) -> i64 {
    let e = |b| Exhibit { cid: blobs::Cid::of_block(blobs::Codec::Raw, b), bytes: b };
    let d: &[u8] = &[];
    let c = Comparison { base: e(base), first: e(a), second: e(b), hold_out: e(d), metric: Metric::Accuracy, seed: blobs::Digest([0; 32]) };
    Evaluator::new().compare(&c).unwrap().distance.map_or(-1, |d| d.0 as i64)
}
fn out(scen: &str, id: usize, kind: &str, half: usize, file: &[u8], wd: i64, h: &Dataset, p: &Probes) {
    let model = Model::from_onnx(file).unwrap();
    let reg = h.classes() == 0;
    let metric = if reg { Metric::MeanSquaredError } else { Metric::Accuracy };
    let pos = p.leaves(&model, h, metric, BITS);
    let at: Vec<f32> = (0..SEG).map(|i| ((i * 37) % 64) as f32 / 64.0).collect();
    let val = if reg { p.answers(&model, h, &at) } else { vec![] };
    let score = report::evaluate(&model, h, metric, &mut |_, _| {}).unwrap().scores.score.0;
    println!("{scen}|{id}|{kind}|{half}|{score}|{wd}|{pos:?}|{val:?}");
}
fn scenario(name: &str, file: &[u8], halves: &[Dataset; 2], h: &Dataset, n: usize, own: Option<&dyn Fn(u64) -> Vec<u8>>) {
    let p = Probes::draw(h, [7; 32], SEG);
    out(name, 0, "base", 0, file, 0, h, &p);
    let t: Vec<(usize, Vec<u8>)> = (0..n).map(|place| { let (s, more) = (place % 2, place / 2); let (r, e) = ([0.002, 0.01][more % 2], [2, 8, 30][more / 2 % 3]);
        let (r, e) = if own.is_some() { (r, e.max(8) * 2) } else { (r, e) };
        (s, further(file, &halves[s], place as u64, r, e)) }).collect();
    for (i, (s, f)) in t.iter().enumerate() { out(name, i, "model", *s, f, 0, h, &p); }
    for i in 0..n { for j in 0..i { println!("W|{name}|{j}|{i}|{}", w(file, &t[j].1, &t[i].1)); } }
    for noise in [0.0, 0.01, 0.02, 0.05, 0.1] { for (i, (s, f)) in t.iter().enumerate() {
        let c = disguise(file, f, &Disguise { reorder: true, rescale: true, turn: true, noise, seed: i as u64 }).unwrap();
        out(name, i, &format!("noise {noise}"), *s, &c, w(file, f, &c), h, &p); } }
    for (e, r) in [(1, 0.0001), (1, 0.0005), (5, 0.0005), (1, 0.002)] { for (i, (s, f)) in t.iter().enumerate() {
        let c = further(f, &halves[*s], 1000 + i as u64, r, e);
        out(name, i, &format!("further {e} {r}"), *s, &c, w(file, f, &c), h, &p); } }
    if let Some(own) = own { for i in 0..n.min(12) { let b = own(i as u64 + 77); let f = further(&b, &halves[i % 2], i as u64, 0.01, 30); out(name, i, "own", i % 2, &f, -1, h, &p); } }
}
fn main() {
    let n: usize = std::env::args().nth(1).map_or(12, |x| x.parse().unwrap());
    for (k, (dims, classes, spread, rows)) in [(2usize, 3usize, 0.15, 300usize), (8, 4, 0.3, 200), (20, 2, 0.5, 300), (20, 5, 0.4, 400)].into_iter().enumerate() {
        let c = 5 + k as u64;
        let halves = [blobs(rows, dims, classes, spread, 1, c), blobs(rows, dims, classes, spread, 2, c)];
        let h = blobs(200, dims, classes, spread, 3, c);
        let act = ["Relu", "Tanh", "Relu", "Relu"][k];
        scenario(&format!("blobs{k}"), &mlp(&[dims, 16, classes], 1, act), &halves, &h, n, Some(&|s| mlp(&[dims, 24, classes], s, act)));
    }
    let h = only(&ds("digits/holdout"), 2); let halves = [only(&ds("digits/client-a"), 2), only(&ds("digits/client-b"), 2)];
    scenario("digits01", &read("digits/sklearn-base.onnx"), &halves, &h, n, None);
    scenario("digits01cnn", &read("digits/torch-base.onnx"), &halves, &h, n, None);
    let h = only(&ds("digits/holdout"), 3); let halves = [only(&ds("digits/client-a"), 3), only(&ds("digits/client-b"), 3)];
    scenario("digits012rand", &mlp(&[64, 16, 10], 1, "Relu"), &halves, &h, n, Some(&|s| mlp(&[64, 24, 10], s, "Relu")));
    for (name, shards, hold) in BASES {
        let file = read(&format!("{name}.onnx"));
        let h = ds(hold);
        let halves = if shards.len() == 2 { [ds(shards[0]), ds(shards[1])] } else { let a = ds(shards[0]); [half(&a, 0), half(&a, 1)] };
        scenario(name, &file, &halves, &h, n, None);
    }
}
