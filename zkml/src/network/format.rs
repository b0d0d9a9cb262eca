// SPDX-License-Identifier: Apache-2.0

//! The network's file: a magic, a version, then SCALE. One network has one file, so that its digest
//! identifies it.

use super::{InputSpec, NetworkError, Node, QuantisedNetwork, MAX_WEIGHTS};
use codec::{Decode, DecodeAll, Encode};

/// First bytes of a network's file.
const MAGIC: [u8; 8] = *b"ppod-net";
/// Version of the file's format.
const VERSION: u16 = 1;
/// Most bytes of a network's file.
pub const MAX_FILE_SIZE: usize = MAX_WEIGHTS + (1 << 22);

#[derive(Encode, Decode)]
struct NetworkFile {
	name: String,
	exponents: Vec<i8>,
	zero_points: Vec<i32>,
	nodes: Vec<NodeFile>,
	output_exponent: i8,
}

#[derive(Encode, Decode)]
enum NodeFile {
	#[codec(index = 0)]
	Linear { input: u32, rows: u32, columns: u32, weights: Vec<i8>, bias: Vec<i32> },
	#[codec(index = 1)]
	Add { left: u32, left_shift: u8, right: u32, right_shift: u8 },
	#[codec(index = 2)]
	Requantise { input: u32, shift: u8, relu: bool },
}

// Numbers beyond 32 bits cannot occur in a valid network; saturating keeps them invalid.
fn narrow(number: usize) -> u32 {
	u32::try_from(number).unwrap_or(u32::MAX)
}

impl From<&Node> for NodeFile {
	fn from(node: &Node) -> Self {
		match node {
			Node::Linear { input, rows, columns, weights, bias } => Self::Linear {
				input: narrow(*input),
				rows: narrow(*rows),
				columns: narrow(*columns),
				weights: weights.clone(),
				bias: bias.clone(),
			},
			Node::Add { left, left_shift, right, right_shift } => Self::Add {
				left: narrow(*left),
				left_shift: *left_shift,
				right: narrow(*right),
				right_shift: *right_shift,
			},
			Node::Requantise { input, shift, relu } => {
				Self::Requantise { input: narrow(*input), shift: *shift, relu: *relu }
			},
		}
	}
}

impl From<NodeFile> for Node {
	fn from(node: NodeFile) -> Self {
		match node {
			NodeFile::Linear { input, rows, columns, weights, bias } => Self::Linear {
				input: input as usize,
				rows: rows as usize,
				columns: columns as usize,
				weights,
				bias,
			},
			NodeFile::Add { left, left_shift, right, right_shift } => {
				Self::Add { left: left as usize, left_shift, right: right as usize, right_shift }
			},
			NodeFile::Requantise { input, shift, relu } => {
				Self::Requantise { input: input as usize, shift, relu }
			},
		}
	}
}

impl QuantisedNetwork {
	/// The network's file.
	pub fn encode(&self) -> Vec<u8> {
		let file = NetworkFile {
			name: self.name.clone(),
			exponents: self.input.exponents.clone(),
			zero_points: self.input.zero_points.clone(),
			nodes: self.nodes.iter().map(NodeFile::from).collect(),
			output_exponent: self.output_exponent,
		};
		(MAGIC, VERSION, file).encode()
	}

	/// Reads a network's file, which anybody may have written, and [validates](Self::validate) it.
	///
	/// # Errors
	/// When the file is of another kind or version, damaged, not canonical, or holds a network that
	/// is not valid.
	pub fn decode(bytes: &[u8]) -> Result<Self, NetworkError> {
		if bytes.len() > MAX_FILE_SIZE {
			return Err(NetworkError::FileSize { limit: MAX_FILE_SIZE, found: bytes.len() });
		}
		let body = bytes
			.strip_prefix(&MAGIC)
			.and_then(|rest| rest.strip_prefix(&VERSION.to_le_bytes()))
			.ok_or(NetworkError::FileKind { version: VERSION })?;
		let file = NetworkFile::decode_all(&mut &*body)
			.map_err(|error| NetworkError::Damaged { reason: error.to_string() })?;
		let network = Self {
			name: file.name,
			input: InputSpec { exponents: file.exponents, zero_points: file.zero_points },
			nodes: file.nodes.into_iter().map(Node::from).collect(),
			output_exponent: file.output_exponent,
		};
		network.validate()?;
		if network.encode() != bytes {
			return Err(NetworkError::Damaged { reason: "its encoding is not canonical".into() });
		}
		Ok(network)
	}
}
