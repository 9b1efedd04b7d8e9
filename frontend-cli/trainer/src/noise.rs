//! Noise on a model's weights, so that they say less of what they were trained on.

use client::vault;

/// Numbers of a normal distribution around zero, from this computer's source of secrets.
pub(crate) fn normal(deviation: f64) -> impl FnMut() -> f64 {
    let mut bits = Vec::new();
    move || {
        let [one, other] = [uniform(&mut bits), uniform(&mut bits)];
        // Box and Muller's transform.
        let radius = (-2.0 * one.ln()).sqrt();
        deviation * radius * (std::f64::consts::TAU * other).cos()
    }
}

/// A number above zero and up to one.
fn uniform(bits: &mut Vec<u64>) -> f64 {
    if bits.is_empty() {
        let secret = vault::random();
        let (words, _) = secret.as_chunks::<8>();
        bits.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
    }
    let word = bits.pop().unwrap_or(0) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what an f64 has")]
    let number = (word + 1) as f64;
    number / 2_f64.powi(53)
}

/// What the noise bounds: `2 · (norm / deviation)²`, the ρ of zero-concentrated differential
/// privacy of the change as a whole, which two datasets move by at most twice the norm.
#[must_use]
pub(crate) fn concentration(norm: f64, deviation: f64) -> f64 {
    2.0 * (norm / deviation).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_mean_and_deviation_it_should() {
        let mut noise = normal(0.5);
        let all = (0..20_000).map(|_| noise()).collect::<Vec<_>>();
        let mean = all.iter().sum::<f64>() / 20_000.0;
        let square = all.iter().map(|number| number.powi(2)).sum::<f64>() / 20_000.0;
        // Six standard errors.
        assert!(mean.abs() < 0.022, "{mean}");
        assert!((square.sqrt() - 0.5).abs() < 0.015, "{square}");
        assert!(all.iter().any(|number| number.abs() > 1.0));
        let (one, two) = (concentration(1.0, 1.0), concentration(1.0, 2.0));
        assert_eq!((one.to_bits(), two.to_bits()), (2_f64.to_bits(), 0.5_f64.to_bits()));
    }
}
