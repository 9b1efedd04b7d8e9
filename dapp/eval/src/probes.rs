//! Prototype.
use market::Metric;
use sha2::{Digest as _, Sha256};

use crate::{Dataset, Labels, Model, marking};

/// A segment between two rows.
pub struct Probes {
    /// Rows.
    pub ends: Vec<[usize; 2]>,
}

impl Probes {
    /// Draws.
    pub fn draw(dataset: &Dataset, seed: [u8; 32], count: usize) -> Self {
        let rows = dataset.rows() as u64;
        let differ = |a: usize, b: usize| match dataset.labels() {
            Labels::Classes(c) => c[a] != c[b],
            Labels::Targets(t) => t[a] != t[b],
        };
        let ends = (0..count as u64).map(|place| {
            let mut hash = Sha256::new();
            hash.update(seed);
            hash.update(place.to_be_bytes());
            let hash: [u8; 32] = hash.finalize().into();
            let n = |i: usize| ((u64::from(u32::from_be_bytes(hash[4*i..4*i+4].try_into().unwrap())) * rows) >> 32) as usize;
            let a = n(0);
            let b = (1..8).map(n).find(|b| differ(a, *b)).unwrap_or(n(7));
            [a, b]
        });
        Self { ends: ends.collect() }
    }

    fn rows(&self, dataset: &Dataset, at: &[f32]) -> Vec<f32> {
        let mut rows = Vec::new();
        for ([a, b], t) in self.ends.iter().zip(at) {
            let (a, b) = (dataset.features(*a..*a + 1), dataset.features(*b..*b + 1));
            rows.extend(a.iter().zip(&b).map(|(a, b)| a + (b - a) * t));
        }
        rows
    }

    /// Answers at.
    pub fn answers(&self, model: &Model, dataset: &Dataset, at: &[f32]) -> Vec<f32> {
        let rows = self.rows(dataset, at);
        let width = model.row().elements();
        rows.chunks(width * model.batch_rows()).flat_map(|c| model.answer(c.to_vec()).unwrap()).collect()
    }

    /// Where each leaves.
    pub fn leaves(&self, model: &Model, dataset: &Dataset, _metric: Metric, bits: u32) -> Vec<u32> {
        let mut low = vec![0_u32; self.ends.len()];
        let unit = 1.0 / (1_u32 << bits) as f32;
        for bit in (0..bits).rev() {
            let at: Vec<f32> = low.iter().map(|l| (l + (1 << bit)) as f32 * unit).collect();
            let answers = self.answers(model, dataset, &at);
            for ((answer, low), [a, b]) in answers.chunks(model.answers()).zip(&mut low).zip(&self.ends) {
                let stays = match dataset.labels() {
                    Labels::Classes(c) => marking::predicted(answer) == u16::from(c[*a]),
                    Labels::Targets(t) => (answer[0] - t[*a]).abs() <= (answer[0] - t[*b]).abs(),
                };
                if stays { *low += 1 << bit; }
            }
        }
        low
    }
}
