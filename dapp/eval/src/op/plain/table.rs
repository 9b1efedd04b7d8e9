//! The operators by name, with the attributes each may have.

use super::{
    Prepare, attention, binary, cast, classical, contrib, convolution, generate, index, norm,
    order, pool, product, quantise, recurrent, reduce, reshape, resize, scatter, svm, trees, unary,
};

/// An operator and its attributes.
type Entry = (Prepare, &'static [&'static str]);

const REDUCED: &[&str] = &["axes", "keepdims", "noop_with_empty_axes"];
const WINDOW: &[&str] = &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"];
const POOL: &[&str] = &[
    "auto_pad",
    "ceil_mode",
    "count_include_pad",
    "dilations",
    "kernel_shape",
    "p",
    "pads",
    "storage_order",
    "strides",
];

/// The operator of this name in a domain; `None` if there is none.
pub(super) fn find(domain: &[u8], name: &[u8]) -> Option<Entry> {
    match domain {
        b"" => elementwise(name)
            .or_else(|| broadcasting(name))
            .or_else(|| layout(name))
            .or_else(|| reductions_and_products(name))
            .or_else(|| sequences(name))
            .or_else(|| normalizations(name))
            .or_else(|| quantization(name)),
        b"ai.onnx.ml" => classical(name),
        b"com.microsoft" => contributed(name),
        _ => None,
    }
}

/// Number of outputs that are computed of an operator.
pub(super) fn outputs(name: &[u8]) -> usize {
    match name {
        b"Split" => usize::MAX,
        b"DynamicQuantizeLinear" | b"LayerNormalization" | b"LSTM" => 3,
        b"GRU" | b"RNN" => 2,
        b"Dropout"
        | b"LinearClassifier"
        | b"MaxPool"
        | b"SVMClassifier"
        | b"TopK"
        | b"TreeEnsembleClassifier" => 2,
        _ => 1,
    }
}

/// Attention, and what goes through sequences step by step.
fn sequences(name: &[u8]) -> Option<Entry> {
    Some(match name {
        b"Attention" => (
            attention::attention,
            &[
                "is_causal",
                "kv_num_heads",
                "q_num_heads",
                "qk_matmul_output_mode",
                "scale",
                "softcap",
                "softmax_precision",
            ],
        ),
        b"GRU" => (recurrent::gru, RECURRENT),
        b"LSTM" => (recurrent::lstm, RECURRENT),
        b"RNN" => (recurrent::rnn, RECURRENT),
        _ => return None,
    })
}

fn normalizations(name: &[u8]) -> Option<Entry> {
    const MOMENTS: &[&str] = &["axis", "epsilon", "stash_type"];
    Some(match name {
        b"BatchNormalization" => {
            (norm::batch, &["epsilon", "momentum", "spatial", "training_mode"])
        }
        b"GroupNormalization" => (norm::group, &["epsilon", "num_groups", "stash_type"]),
        b"InstanceNormalization" => (norm::instance, &["epsilon"]),
        b"LayerNormalization" => (norm::layer, MOMENTS),
        b"LRN" => (norm::local_response, &["alpha", "beta", "bias", "size"]),
        b"RMSNormalization" => (norm::rms, MOMENTS),
        _ => return None,
    })
}

fn quantization(name: &[u8]) -> Option<Entry> {
    const QUANTISED: &[&str] = &["axis", "block_size", "output_dtype", "precision", "saturate"];
    Some(match name {
        b"DequantizeLinear" => (quantise::dequantize, QUANTISED),
        b"DynamicQuantizeLinear" => (quantise::dynamic, &[]),
        b"MatMulInteger" => (quantise::mat_mul_integer, &[]),
        b"QLinearConv" => (quantise::q_linear_conv, WINDOW),
        b"QLinearMatMul" => (quantise::q_linear_mat_mul, &[]),
        b"QuantizeLinear" => (quantise::quantize, QUANTISED),
        _ => return None,
    })
}

fn contributed(name: &[u8]) -> Option<Entry> {
    Some(match name {
        b"DequantizeLinear" => (quantise::dequantize, &["axis"]),
        b"Gelu" => (unary::gelu, &[]),
        b"QGemm" => (contrib::gemm, &["alpha", "transA", "transB"]),
        b"QLinearAdd" => (contrib::add, &[]),
        b"QLinearAveragePool" => (
            contrib::average_pool,
            &[
                "auto_pad",
                "ceil_mode",
                "channels_last",
                "count_include_pad",
                "kernel_shape",
                "pads",
                "strides",
            ],
        ),
        b"QLinearConcat" => (contrib::concat, &["axis"]),
        b"QLinearGlobalAveragePool" => (contrib::global_average_pool, &["channels_last"]),
        b"QLinearLeakyRelu" => (contrib::leaky_relu, &["alpha"]),
        b"QLinearMul" => (contrib::mul, &[]),
        b"QLinearSigmoid" => (contrib::sigmoid, &[]),
        b"QLinearSoftmax" => (contrib::softmax, &["axis", "opset"]),
        b"QuantizeLinear" => (quantise::quantize, &["axis"]),
        _ => return None,
    })
}

fn classical(name: &[u8]) -> Option<Entry> {
    Some(match name {
        b"ArrayFeatureExtractor" => (classical::array_feature_extractor, &[]),
        b"Binarizer" => (classical::binarizer, &["threshold"]),
        b"FeatureVectorizer" => (classical::feature_vectorizer, &["inputdimensions"]),
        b"Imputer" => (
            classical::imputer,
            &[
                "imputed_value_floats",
                "imputed_value_int64s",
                "replaced_value_float",
                "replaced_value_int64",
            ],
        ),
        b"LabelEncoder" => (classical::label_encoder, LABELS),
        b"LinearClassifier" => (
            classical::linear_classifier,
            &[
                "classlabels_ints",
                "classlabels_strings",
                "coefficients",
                "intercepts",
                "multi_class",
                "post_transform",
            ],
        ),
        b"LinearRegressor" => (
            classical::linear_regressor,
            &["coefficients", "intercepts", "post_transform", "targets"],
        ),
        b"Normalizer" => (classical::normalizer, &["norm"]),
        b"OneHotEncoder" => (classical::one_hot_encoder, &["cats_int64s", "cats_strings", "zeros"]),
        b"Scaler" => (classical::scaler, &["offset", "scale"]),
        b"SVMClassifier" => (
            svm::classifier,
            &[
                "classlabels_ints",
                "classlabels_strings",
                "coefficients",
                "kernel_params",
                "kernel_type",
                "post_transform",
                "prob_a",
                "prob_b",
                "rho",
                "support_vectors",
                "vectors_per_class",
            ],
        ),
        b"SVMRegressor" => (
            svm::regressor,
            &[
                "coefficients",
                "kernel_params",
                "kernel_type",
                "n_supports",
                "one_class",
                "post_transform",
                "rho",
                "support_vectors",
            ],
        ),
        b"TreeEnsemble" => (trees::ensemble, TREES),
        b"TreeEnsembleClassifier" => (trees::classifier, TREES),
        b"TreeEnsembleRegressor" => (trees::regressor, TREES),
        b"ZipMap" => (classical::zip_map, &["classlabels_int64s", "classlabels_strings"]),
        _ => return None,
    })
}

const RECURRENT: &[&str] = &[
    "activations",
    "clip",
    "direction",
    "hidden_size",
    "input_forget",
    "layout",
    "linear_before_reset",
];

const RESIZED: &[&str] = &[
    "antialias",
    "axes",
    "coordinate_transformation_mode",
    "cubic_coeff_a",
    "exclude_outside",
    "extrapolation_value",
    "keep_aspect_ratio_policy",
    "mode",
    "nearest_mode",
];

const LABELS: &[&str] = &[
    "default_float",
    "default_int64",
    "default_string",
    "default_tensor",
    "keys_floats",
    "keys_int64s",
    "keys_strings",
    "keys_tensor",
    "values_floats",
    "values_int64s",
    "values_strings",
    "values_tensor",
];

const TREES: &[&str] = &[
    "aggregate_function",
    "base_values",
    "class_ids",
    "class_nodeids",
    "class_treeids",
    "class_weights",
    "class_weights_as_tensor",
    "classlabels_int64s",
    "classlabels_strings",
    "leaf_targetids",
    "leaf_weights",
    "membership_values",
    "n_targets",
    "nodes_falseleafs",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_splits",
    "nodes_treeids",
    "nodes_trueleafs",
    "nodes_truenodeids",
    "nodes_values",
    "nodes_values_as_tensor",
    "post_transform",
    "target_ids",
    "target_nodeids",
    "target_treeids",
    "target_weights",
    "target_weights_as_tensor",
    "tree_roots",
];

fn elementwise(name: &[u8]) -> Option<Entry> {
    Some(match name {
        b"Abs" => (unary::abs, &[]),
        b"Acos" => (unary::acos, &[]),
        b"Acosh" => (unary::acosh, &[]),
        b"Affine" => (unary::affine, &["alpha", "beta"]),
        b"Asin" => (unary::asin, &[]),
        b"Asinh" => (unary::asinh, &[]),
        b"Atan" => (unary::atan, &[]),
        b"Atanh" => (unary::atanh, &[]),
        b"BitwiseNot" => (unary::bitwise_not, &[]),
        b"Ceil" => (unary::ceil, &[]),
        b"Celu" => (unary::celu, &["alpha"]),
        b"Cos" => (unary::cos, &[]),
        b"Cosh" => (unary::cosh, &[]),
        b"Dropout" => (unary::dropout, &["ratio", "seed"]),
        b"Elu" => (unary::elu, &["alpha"]),
        b"Erf" => (unary::erf, &[]),
        b"Exp" => (unary::exp, &[]),
        b"Floor" => (unary::floor, &[]),
        b"Gelu" => (unary::gelu, &["approximate"]),
        b"HardSigmoid" => (unary::hard_sigmoid, &["alpha", "beta"]),
        b"HardSwish" => (unary::hard_swish, &[]),
        b"Identity" => (unary::identity, &[]),
        b"IsInf" => (unary::is_inf, &["detect_negative", "detect_positive"]),
        b"IsNaN" => (unary::is_nan, &[]),
        b"LeakyRelu" => (unary::leaky_relu, &["alpha"]),
        b"Log" => (unary::log, &[]),
        b"Mish" => (unary::mish, &[]),
        b"Neg" => (unary::neg, &[]),
        b"Not" => (unary::not, &[]),
        b"Reciprocal" => (unary::reciprocal, &[]),
        b"Relu" => (unary::relu, &[]),
        b"Round" => (unary::round, &[]),
        b"Selu" => (unary::selu, &["alpha", "gamma"]),
        b"Shrink" => (unary::shrink, &["bias", "lambd"]),
        b"Sigmoid" => (unary::sigmoid, &[]),
        b"Sign" => (unary::sign, &[]),
        b"Sin" => (unary::sin, &[]),
        b"Sinh" => (unary::sinh, &[]),
        b"Softplus" => (unary::softplus, &[]),
        b"Softsign" => (unary::softsign, &[]),
        b"Sqrt" => (unary::sqrt, &[]),
        b"Swish" => (unary::swish, &["alpha"]),
        b"Tan" => (unary::tan, &[]),
        b"Tanh" => (unary::tanh, &[]),
        b"ThresholdedRelu" => (unary::thresholded_relu, &["alpha"]),
        _ => return None,
    })
}

fn broadcasting(name: &[u8]) -> Option<Entry> {
    Some(match name {
        b"Add" => (binary::add, &[]),
        b"And" => (binary::and, &[]),
        b"BitCast" => (cast::bit_cast, &["to"]),
        b"BitShift" => (binary::bit_shift, &["direction"]),
        b"BitwiseAnd" => (binary::bitwise_and, &[]),
        b"BitwiseOr" => (binary::bitwise_or, &[]),
        b"BitwiseXor" => (binary::bitwise_xor, &[]),
        b"Cast" => (cast::cast, &["to", "saturate", "round_mode"]),
        b"CastLike" => (cast::cast_like, &["saturate", "round_mode"]),
        b"Clip" => (binary::clip, &["min", "max"]),
        b"Div" => (binary::div, &[]),
        b"Equal" => (binary::equal, &[]),
        b"Greater" => (binary::greater, &[]),
        b"GreaterOrEqual" => (binary::greater_or_equal, &[]),
        b"Less" => (binary::less, &[]),
        b"LessOrEqual" => (binary::less_or_equal, &[]),
        b"Max" => (binary::max, &[]),
        b"Mean" => (binary::mean, &[]),
        b"Min" => (binary::min, &[]),
        b"Mod" => (binary::modulo, &["fmod"]),
        b"Mul" => (binary::mul, &[]),
        b"Or" => (binary::or, &[]),
        b"Pow" => (binary::pow, &[]),
        b"PRelu" => (binary::prelu, &[]),
        b"Sub" => (binary::sub, &[]),
        b"Sum" => (binary::sum, &[]),
        b"Where" => (binary::choose, &[]),
        b"Xor" => (binary::xor, &[]),
        _ => return None,
    })
}

fn layout(name: &[u8]) -> Option<Entry> {
    Some(match name {
        b"Concat" => (index::concat, &["axis"]),
        b"ConstantOfShape" => (generate::constant_of_shape, &["value"]),
        b"DepthToSpace" => (index::depth_to_space, &["blocksize", "mode"]),
        b"Expand" => (index::expand, &[]),
        b"EyeLike" => (generate::eye_like, &["dtype", "k"]),
        b"Flatten" => (reshape::flatten, &["axis"]),
        b"Gather" => (index::gather, &["axis"]),
        b"GatherElements" => (index::gather_elements, &["axis"]),
        b"GatherND" => (index::gather_nd, &["batch_dims"]),
        b"NonZero" => (reduce::non_zero, &[]),
        b"OneHot" => (generate::one_hot, &["axis"]),
        b"Pad" => (index::pad, &["mode", "pads", "paddings", "value"]),
        b"Range" => (generate::range, &[]),
        b"Reshape" => (reshape::reshape, &["allowzero", "shape"]),
        b"Resize" => (resize::resize, RESIZED),
        b"ReverseSequence" => (index::reverse_sequence, &["batch_axis", "time_axis"]),
        b"Scatter" | b"ScatterElements" => (scatter::elements, &["axis", "reduction"]),
        b"ScatterND" => (scatter::nd, &["reduction"]),
        b"Shape" => (reshape::shape, &["start", "end"]),
        b"Size" => (reshape::size, &[]),
        b"Slice" => (index::slice, &["starts", "ends", "axes"]),
        b"SpaceToDepth" => (index::space_to_depth, &["blocksize"]),
        b"Split" => (index::split, &["axis", "split", "num_outputs"]),
        b"Squeeze" => (reshape::squeeze, &["axes"]),
        b"Tile" => (index::tile, &[]),
        b"Transpose" => (index::transpose, &["perm"]),
        b"Trilu" => (index::trilu, &["upper"]),
        b"Unsqueeze" => (reshape::unsqueeze, &["axes"]),
        b"Upsample" => (resize::resize, &["mode"]),
        _ => return None,
    })
}

fn reductions_and_products(name: &[u8]) -> Option<Entry> {
    const EXTREME: &[&str] = &["axis", "keepdims", "select_last_index"];
    Some(match name {
        b"ArgMax" => (order::arg_max, EXTREME),
        b"ArgMin" => (order::arg_min, EXTREME),
        b"AveragePool" => (pool::average_pool, POOL),
        b"Conv" => (convolution::conv, WINDOW),
        b"ConvInteger" => (convolution::conv_integer, WINDOW),
        b"ConvTranspose" => (
            convolution::conv_transpose,
            &[
                "auto_pad",
                "dilations",
                "group",
                "kernel_shape",
                "output_padding",
                "output_shape",
                "pads",
                "strides",
            ],
        ),
        b"CumProd" => (order::cum_prod, &["exclusive", "reverse"]),
        b"CumSum" => (order::cum_sum, &["exclusive", "reverse"]),
        b"Einsum" => (product::einsum, &["equation"]),
        b"Gemm" => (product::gemm, &["alpha", "beta", "transA", "transB"]),
        b"GlobalAveragePool" => (reduce::global_average, &[]),
        b"GlobalLpPool" => (reduce::global_lp, &["p"]),
        b"GlobalMaxPool" => (reduce::global_max, &[]),
        b"Hardmax" => (order::hardmax, &["axis"]),
        b"LogSoftmax" => (reduce::log_softmax, &["axis"]),
        b"LpNormalization" => (reduce::lp_normalization, &["axis", "p"]),
        b"LpPool" => (pool::lp_pool, POOL),
        b"MatMul" => (product::mat_mul, &[]),
        b"MaxPool" => (pool::max_pool, POOL),
        b"MeanVarianceNormalization" => (reduce::mean_variance_normalization, &["axes"]),
        b"ReduceL1" => (reduce::l1, REDUCED),
        b"ReduceL2" => (reduce::l2, REDUCED),
        b"ReduceLogSum" => (reduce::log_sum, REDUCED),
        b"ReduceLogSumExp" => (reduce::log_sum_exp, REDUCED),
        b"ReduceMax" => (reduce::max, REDUCED),
        b"ReduceMean" => (reduce::mean, REDUCED),
        b"ReduceMin" => (reduce::min, REDUCED),
        b"ReduceProd" => (reduce::prod, REDUCED),
        b"ReduceSum" => (reduce::sum, REDUCED),
        b"ReduceSumSquare" => (reduce::sum_square, REDUCED),
        b"Softmax" => (reduce::softmax, &["axis"]),
        b"TopK" => (order::top_k, &["axis", "k", "largest", "sorted"]),
        _ => return None,
    })
}
