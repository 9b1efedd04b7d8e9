//! The columns that a Parquet file declares.

use super::thrift::Value;
use crate::table::Values;

/// A column without parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Its name.
    pub(super) name: String,
    /// How its values are stored.
    pub(super) physical: Physical,
    /// What they mean.
    pub(super) logical: Logical,
    /// Whether values may be missing.
    pub(super) is_optional: bool,
}

/// How values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Physical {
    /// One bit.
    Boolean,
    /// Four bytes, signed.
    Int32,
    /// Eight bytes, signed.
    Int64,
    /// Twelve bytes, a time.
    Int96,
    /// Four bytes.
    Float,
    /// Eight bytes.
    Double,
    /// Four bytes of length, and as many bytes.
    ByteArray,
    /// So many bytes.
    Fixed(usize),
}

/// What stored values mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Logical {
    /// Numbers, or text if they are bytes.
    Plain,
    /// Whole numbers without a sign.
    Unsigned,
    /// Whole numbers with so many decimals.
    Decimal(u32),
    /// Points in time, which are no features.
    Time,
    /// Floats of two bytes.
    Half,
}

/// The columns of a schema.
///
/// - Errors: a column has parts, or is of an unknown type
pub(super) fn leaves(schema: Vec<Value<'_>>) -> Result<Vec<Leaf>, String> {
    let (root, leaves) = schema.split_first().ok_or("it has no schema")?;
    if root.field(5).size() != Some(leaves.len()) {
        let parent = leaves.iter().find(|leaf| leaf.field(5).size().is_some_and(|count| count > 0));
        let name = parent.and_then(|parent| parent.field(4).text()).unwrap_or_default();
        return Err(format!("column `{name}` is nested: make a flat column of each of its parts"));
    }
    leaves.iter().map(leaf).collect()
}

fn leaf(element: &Value<'_>) -> Result<Leaf, String> {
    let name = element.field(4).text().ok_or("a column has no name")?;
    let repetition = element.field(3).size();
    if repetition == Some(2) {
        return Err(format!("column `{name}` holds lists: make a column of each item"));
    }
    let physical = match element.field(1).size() {
        Some(0) => Physical::Boolean,
        Some(1) => Physical::Int32,
        Some(2) => Physical::Int64,
        Some(3) => Physical::Int96,
        Some(4) => Physical::Float,
        Some(5) => Physical::Double,
        Some(6) => Physical::ByteArray,
        Some(7) => Physical::Fixed(element.field(2).size().unwrap_or(0)),
        _ => return Err(format!("column `{name}` is of an unknown type")),
    };
    let decimals = element.field(7).size().and_then(|scale| u32::try_from(scale).ok()).unwrap_or(0);
    let kinds = element.field(10);
    let has = |kind| kinds.field(kind) != Value::Absent;
    let logical = match element.field(6).size() {
        Some(5) => Logical::Decimal(decimals),
        Some(6..=10) => Logical::Time,
        Some(11..=14) => Logical::Unsigned,
        _ if has(5) => Logical::Decimal(decimals),
        _ if physical == Physical::Int96 || [6, 7, 8].into_iter().any(has) => Logical::Time,
        _ if has(15) => Logical::Half,
        _ => Logical::Plain,
    };
    Ok(Leaf { name, physical, logical, is_optional: repetition == Some(1) })
}

impl Leaf {
    /// An empty column of these values.
    pub(super) const fn values(&self) -> Values {
        match (self.physical, self.logical) {
            (_, Logical::Time) | (Physical::Boolean | Physical::ByteArray, _) => {
                Values::Text(Vec::new())
            }
            (Physical::Fixed(_), Logical::Plain | Logical::Unsigned) => Values::Text(Vec::new()),
            _ => Values::Numbers(Vec::new()),
        }
    }
}
