// SPDX-License-Identifier: Apache-2.0

//! Reading of ONNX files: networks that other tools trained.
//!
//! A file is untrusted. [`import`] bounds what it allocates before it decodes anything, resolves
//! every name, checks every shape, and refuses what it does not know by operator and node name.
//!
//! Supported are [`OPERATORS`] and, of the set `ai.onnx.ml`, [`ML_OPERATORS`], with one input whose
//! batch dimension is 1 or symbolic, and one output, or a classifier's class and scores.
//!
//! * Softmax, LogSoftmax, Sigmoid and ArgMax stand at the end: they do not change which class wins,
//!   so the network ends before them. A classifier ends likewise, with an output of which the class
//!   is the largest element, or the sign of a single one.
//! * Products and quotients need a constant operand; sums and differences do not.
//! * Integers that exporters compute shapes with (`Shape`, `Gather`, `Concat` and so on) are computed
//!   here, for a batch of 1.
//! * Networks that were quantised before they were exported are read as the real networks that they
//!   stand for: integers become the real numbers that they mean, `QuantizeLinear` becomes a clamp to
//!   the range of its integers, and rounding to their steps is left out, because this crate's own
//!   [quantisation](crate::quantise) rounds. The network's input is not clamped.

mod error;
mod graph;
mod import;
mod ops;
pub mod proto;
mod shape;
mod tensor;
mod wire;

pub use error::OnnxError;
pub use import::import;

/// Operators of the default set that [`import`] reads.
pub const OPERATORS: [&str; 42] = [
	"Add",
	"ArgMax",
	"AveragePool",
	"BatchNormalization",
	"Cast",
	"Clip",
	"Concat",
	"Constant",
	"ConstantOfShape",
	"Conv",
	"DequantizeLinear",
	"Div",
	"Dropout",
	"Flatten",
	"Gather",
	"Gemm",
	"GlobalAveragePool",
	"GlobalMaxPool",
	"Identity",
	"LeakyRelu",
	"LogSoftmax",
	"MatMul",
	"MaxPool",
	"Mul",
	"Neg",
	"Pad",
	"QLinearConv",
	"QLinearMatMul",
	"QuantizeLinear",
	"ReduceMean",
	"Relu",
	"Reshape",
	"Shape",
	"Sigmoid",
	"Slice",
	"Softmax",
	"Split",
	"Squeeze",
	"Sub",
	"Sum",
	"Transpose",
	"Unsqueeze",
];
/// Operators of the set `ai.onnx.ml` that [`import`] reads.
pub const ML_OPERATORS: [&str; 11] = [
	"ArrayFeatureExtractor",
	"LinearClassifier",
	"LinearRegressor",
	"Normalizer",
	"SVMClassifier",
	"SVMRegressor",
	"Scaler",
	"TreeEnsemble",
	"TreeEnsembleClassifier",
	"TreeEnsembleRegressor",
	"ZipMap",
];
/// Most bytes of a file.
pub const MAX_FILE_SIZE: usize = 64 << 20;
/// Most protobuf fields of a file, packed numbers counting as one: bounds the decoder's memory.
pub const MAX_FIELDS: usize = 200_000;
/// Most numbers in the attributes of all nodes together: ONNX does not pack them.
pub const MAX_NUMBERS: usize = 1 << 22;
/// Most nodes of a graph.
pub const MAX_GRAPH_NODES: usize = 10_000;
/// Versions of the default operator set whose definitions of [`OPERATORS`] this importer follows.
pub const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;
/// Versions of the operator set `ai.onnx.ml` whose definitions of [`ML_OPERATORS`] this importer
/// follows.
pub const ML_OPSETS: std::ops::RangeInclusive<i64> = 1..=5;

#[cfg(test)]
mod tests;
