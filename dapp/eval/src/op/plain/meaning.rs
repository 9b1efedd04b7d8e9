//! What an operator makes of numbers that are probabilities, logarithms of them, or labels.

use market::Output;

use super::{Settings, trees};

/// What the result of an operator means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Nothing that is known.
    Other,
    /// What the first input means.
    Kept,
    /// What the first input means, if each number is bounded.
    Bounded,
    /// This.
    Is(Output),
    /// Probabilities of a row that sum to one.
    Shares,
    /// Flags, zero or one.
    Flags,
    /// The index of a class.
    Class,
    /// A class for each index or number.
    Lookup,
    /// Numbers that are not negative.
    Positive,
    Sum,
    Difference,
    Product,
    Quotient,
    Exponential,
    Logarithm,
    /// The logarithm of the sum of the exponentials of the first input.
    LogSum,
    /// The sum of the numbers of each row.
    RowSum,
    /// The first input divided by the sum of each row's absolute numbers.
    Normalised,
    /// Some of the columns of the first input.
    Columns,
    /// A mean of numbers of the first input.
    Mean,
    Reciprocal,
    /// The greatest of the inputs.
    Greatest,
    /// The inputs beside each other.
    Joined,
    /// One of the inputs after the first.
    Chosen,
}

impl Meaning {
    /// What the result of this operator means.
    pub(super) fn of(domain: &[u8], name: &[u8], settings: &Settings) -> Self {
        if domain == b"ai.onnx.ml" {
            return Self::learned(name, settings);
        }
        match name {
            b"Cast" | b"CastLike" | b"DequantizeLinear" | b"Dropout" | b"Flatten" | b"Identity"
            | b"QuantizeLinear" | b"Reshape" | b"Squeeze" | b"Transpose" | b"Unsqueeze"
                if settings.output == 0 =>
            {
                Self::Kept
            }
            b"Clip" => Self::Bounded,
            b"Abs" | b"ReduceL1" | b"ReduceL2" | b"ReduceSumSquare" | b"Sqrt" => Self::Positive,
            b"Add" | b"Sum" => Self::Sum,
            b"Sub" => Self::Difference,
            b"Mul" => Self::Product,
            b"Div" => Self::Quotient,
            b"Exp" => Self::Exponential,
            b"Log" => Self::Logarithm,
            b"ReduceLogSumExp" => Self::LogSum,
            b"ReduceSum" => Self::RowSum,
            b"Concat" => Self::Joined,
            b"Where" => Self::Chosen,
            b"ArgMax" | b"ArgMin" => Self::Class,
            b"Gather" => Self::Lookup,
            b"Slice" | b"Split" => Self::Columns,
            b"ReduceMean" => Self::Mean,
            b"Reciprocal" => Self::Reciprocal,
            b"Max" => Self::Greatest,
            b"And" | b"Equal" | b"Greater" | b"GreaterOrEqual" | b"Less" | b"LessOrEqual"
            | b"Not" | b"Or" | b"Xor" => Self::Flags,
            b"QLinearSigmoid" => Self::Is(Output::Probabilities),
            b"QLinearSoftmax" => Self::Shares,
            b"LpNormalization" if settings.integer("p") == Ok(Some(1)) => Self::Normalised,
            _ => Self::Other,
        }
    }

    fn learned(name: &[u8], settings: &Settings) -> Self {
        let finish = settings.text("post_transform").ok().flatten();
        let has_weights = |name: &str| settings.has(name);
        match name {
            b"ZipMap" => Self::Kept,
            b"ArrayFeatureExtractor" => Self::Lookup,
            b"LabelEncoder" => Self::Class,
            b"LinearClassifier" | b"SVMClassifier" | b"TreeEnsembleClassifier"
                if settings.output == 0 =>
            {
                Self::Is(Output::Labels)
            }
            b"SVMClassifier" if has_weights("prob_a") && matches!(finish, None | Some("NONE")) => {
                Self::Shares
            }
            b"SVMClassifier" if has_weights("prob_a") => Self::Other,
            b"TreeEnsembleClassifier"
                if matches!(finish, None | Some("NONE")) && trees::are_shares(settings) =>
            {
                Self::Shares
            }
            b"LinearClassifier"
            | b"LinearRegressor"
            | b"SVMClassifier"
            | b"TreeEnsembleClassifier"
            | b"TreeEnsembleRegressor" => match finish {
                Some("SOFTMAX" | "SOFTMAX_ZERO") => Self::Shares,
                Some("LOGISTIC") => Self::Is(Output::Probabilities),
                _ => Self::Other,
            },
            b"Normalizer" if settings.choice("norm", &["MAX", "L1", "L2"]) == Ok(1) => {
                Self::Normalised
            }
            _ => Self::Other,
        }
    }
}
