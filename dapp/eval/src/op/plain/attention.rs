//! `Attention`: values weighted by how well their keys match the queries.

use kernels::math::double as math;

use super::{
    Facts, Operands, Prepared, Settings, bad_sizes,
    binary::{broadcast, spread},
    operand,
    reduce::softmax_of,
    unary::FUNCTION,
    unsigned,
};
use crate::{element::Element, op::attributes::bad_value, refusal::NodeRefused, tensor::Data};

/// Queries, keys or values as [batch, heads, length, size], or as [batch, length, heads · size].
#[derive(Clone, Copy)]
struct Heads {
    batch: usize,
    heads: usize,
    length: usize,
    size: usize,
    /// Whether the heads are parts of the last dimension.
    joined: bool,
}

impl Heads {
    fn new(sizes: &[usize], heads: Option<i64>) -> Result<Self, NodeRefused> {
        match (sizes, heads) {
            (&[batch, heads, length, size], _) => {
                Ok(Self { batch, heads, length, size, joined: false })
            }
            (&[batch, length, all], Some(heads)) => {
                let heads = unsigned(heads)?;
                if heads == 0 || !all.is_multiple_of(heads) {
                    return Err(bad_sizes(sizes));
                }
                Ok(Self { batch, heads, length, size: all / heads, joined: true })
            }
            _ => Err(bad_sizes(sizes)),
        }
    }

    /// Where the vector of a batch, head and position begins.
    const fn at(&self, batch: usize, head: usize, position: usize) -> usize {
        if self.joined {
            ((batch * self.length + position) * self.heads + head) * self.size
        } else {
            ((batch * self.heads + head) * self.length + position) * self.size
        }
    }
}

pub(super) fn attention(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    given.expect(3, 7)?;
    // Keys and values of the past, and lengths of padded ones, come with generating text.
    if (4..7).any(|input| given.has(input)) || settings.integer_or("qk_matmul_output_mode", 0)? != 0
    {
        return Err(NodeRefused::InputCount(given.count()));
    }
    let (q_heads, kv_heads) = (settings.integer("q_num_heads")?, settings.integer("kv_num_heads")?);
    let queries = Heads::new(given.sizes(0)?, q_heads)?;
    let keys = Heads::new(given.sizes(1)?, kv_heads)?;
    let values = Heads::new(given.sizes(2)?, kv_heads)?;
    let fits = keys.batch == queries.batch
        && values.batch == queries.batch
        && keys.heads > 0
        && queries.heads.is_multiple_of(keys.heads)
        && values.heads == keys.heads
        && keys.size == queries.size
        && values.length == keys.length
        && queries.size > 0;
    if !fits {
        return Err(NodeRefused::Shapes(given.sizes(0)?.into(), given.sizes(1)?.into()));
    }
    let scores = [queries.batch, queries.heads, queries.length, keys.length];
    let mask = given.has(3).then(|| given.sizes(3)).transpose()?;
    if mask.is_some_and(|mask| broadcast(&[&scores, mask]).as_deref() != Some(&scores)) {
        return Err(bad_sizes(given.sizes(3)?));
    }
    if given.has(3) && !given.element(3)?.is_real() && given.element(3)? != Element::Bool {
        return Err(NodeRefused::ElementType(3));
    }
    let causal = settings.flag("is_causal", false)?;
    let cap = settings.float_or("softcap", 0.0)?;
    #[expect(clippy::cast_precision_loss, reason = "sizes are below 2⁵³")]
    let scale = settings.float("scale")?.unwrap_or(1.0 / math::sqrt(queries.size as f64));
    if cap < 0.0 {
        return Err(bad_value("softcap"));
    }
    let output = if queries.joined {
        vec![queries.batch, queries.length, queries.heads * values.size]
    } else {
        vec![queries.batch, queries.heads, queries.length, values.size]
    };
    let pairs = scores.iter().fold(1_usize, |all, size| all.saturating_mul(*size));
    let steps = pairs.saturating_mul(queries.size + values.size + 2 * FUNCTION);
    let weighted = Weighted { queries, keys, values, scale, cap, causal };
    Prepared::new(given.real(0)?, output, steps, move |operands| weighted.run(operands))
}

/// The computation, its sizes checked.
struct Weighted {
    queries: Heads,
    keys: Heads,
    values: Heads,
    scale: f64,
    /// Scores are bent to stay below it, if it is not zero.
    cap: f64,
    /// Whether a query sees only the keys up to its own position.
    causal: bool,
}

impl Weighted {
    fn run(&self, operands: Operands<'_>) -> Data {
        let Self { queries, keys, values, scale, cap, causal } = *self;
        let scores = [queries.batch, queries.heads, queries.length, keys.length];
        let [q, k, v] = [0, 1, 2].map(|input| operand(operands, input).reals());
        let mask = operands.get(3).and_then(Option::as_deref);
        let mask = mask.map(|mask| match spread(mask, &scores) {
            Data::Real(numbers) => numbers,
            Data::Whole(flags) => {
                flags.iter().map(|flag| if *flag == 0 { f64::NEG_INFINITY } else { 0.0 }).collect()
            }
        });
        let to = Heads { size: values.size, ..queries };
        let mut result = vec![0.0; q.len() / queries.size * values.size];
        let share = queries.heads / keys.heads;
        for index in 0..queries.batch * queries.heads * queries.length {
            let (row, position) = (index / queries.length, index % queries.length);
            let (batch, head) = (row / queries.heads, row % queries.heads);
            let query = &q[queries.at(batch, head, position)..][..queries.size];
            let score = |other: usize| {
                let key = &k[keys.at(batch, head / share, other)..][..keys.size];
                let product = query.iter().zip(key).fold(0.0, |sum, (x, y)| sum + x * y) * scale;
                let bias = mask.as_ref().map_or(0.0, |mask| mask[index * keys.length + other]);
                let capped = if cap > 0.0 { cap * math::tanh(product / cap) } else { product };
                if causal && other > position { f64::NEG_INFINITY } else { capped + bias }
            };
            let shares = softmax_of(&(0..keys.length).map(score).collect::<Vec<_>>());
            let slot = &mut result[to.at(batch, head, position)..][..values.size];
            for (other, share_of) in shares.into_iter().enumerate() {
                let value = &v[values.at(batch, head / share, other)..][..values.size];
                slot.iter_mut().zip(value).for_each(|(slot, value)| *slot += share_of * value);
            }
        }
        Data::Real(result)
    }
}
