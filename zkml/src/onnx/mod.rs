// SPDX-License-Identifier: Apache-2.0

//! Reading of ONNX files: networks that other tools trained.
//!
//! A file is untrusted. [`import`] bounds what it allocates before it decodes anything, resolves
//! every name, checks every shape, and refuses what it does not know by operator and node name.
//!
//! Supported: `Gemm`, `MatMul`, `Add`, `Relu`, `Flatten`, `Reshape`, `Identity`, `Constant`, and
//! `Softmax` or `ArgMax` as the last node, one input whose batch dimension is 1 or symbolic, and one
//! output. Neither `Softmax` nor `ArgMax` changes which class wins, so the network ends before it.

mod error;
mod graph;
mod import;
pub mod proto;
mod shape;
mod tensor;
mod wire;

pub use error::OnnxError;
pub use import::import;

/// Operators that [`import`] reads.
pub const OPERATORS: [&str; 10] = [
	"Add", "ArgMax", "Constant", "Flatten", "Gemm", "Identity", "MatMul", "Relu", "Reshape",
	"Softmax",
];
/// Most bytes of a file.
pub const MAX_FILE_SIZE: usize = 64 << 20;
/// Most protobuf fields of a file, packed numbers counting as one: bounds the decoder's memory.
pub const MAX_FIELDS: usize = 200_000;
/// Most nodes of a graph.
pub const MAX_GRAPH_NODES: usize = 10_000;
/// Versions of the default operator set whose definitions of [`OPERATORS`] this importer follows.
pub const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

#[cfg(test)]
mod tests;
