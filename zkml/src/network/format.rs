// SPDX-License-Identifier: Apache-2.0

//! The network's file: a magic, a version, then SCALE. One network has one file, so that its digest
//! identifies it.

use super::{InputSpec, NetworkError, Node, Pick, QuantisedNetwork, Requantisation, MAX_WEIGHTS};
use crate::{
	forest::{Forest, Tree, TreeNode},
	window::{Convolution, Window},
};
use codec::{Decode, DecodeWithMemLimit, DecodeWithMemTracking, Encode};

/// First bytes of a network's file.
const MAGIC: [u8; 8] = *b"ppod-net";
/// Version of the file's format.
const VERSION: u16 = 2;
/// Most bytes of a network's file.
pub const MAX_FILE_SIZE: usize = MAX_WEIGHTS + (1 << 22);
/// Most bytes that decoding allocates: a file of empty trees would take more than twenty times its
/// length.
const MAX_DECODED_SIZE: usize = 4 * MAX_FILE_SIZE;

#[derive(Encode, Decode, DecodeWithMemTracking)]
struct NetworkFile {
	name: String,
	exponents: Vec<i8>,
	zero_points: Vec<i32>,
	nodes: Vec<NodeFile>,
	output_exponent: i8,
}

#[derive(Encode, Decode, DecodeWithMemTracking)]
enum NodeFile {
	#[codec(index = 0)]
	Linear { input: u32, rows: u32, columns: u32, weights: Vec<i8>, bias: Vec<i32> },
	#[codec(index = 1)]
	Add { left: u32, left_shift: u8, right: u32, right_shift: u8 },
	#[codec(index = 2)]
	Requantise { input: u32, shifts: Vec<u8>, low: i16, high: i16, leak: u8 },
	#[codec(index = 3)]
	Conv {
		input: u32,
		window: WindowFile,
		groups: u32,
		filters: u32,
		weights: Vec<i8>,
		bias: Vec<i32>,
	},
	#[codec(index = 4)]
	Affine { input: u32, weights: Vec<i8>, bias: Vec<i32> },
	#[codec(index = 5)]
	MaxPool { input: u32, window: WindowFile },
	#[codec(index = 6)]
	Gather { inputs: Vec<(u32, u8)>, picks: Vec<PickFile> },
	#[codec(index = 7)]
	Trees { input: u32, base: Vec<i32>, trees: Vec<Vec<TreeNodeFile>> },
	#[codec(index = 8)]
	ArgMax { input: u32 },
}

#[derive(Encode, Decode, DecodeWithMemTracking)]
struct WindowFile {
	channels: u32,
	input: [u32; 2],
	kernel: [u32; 2],
	stride: [u32; 2],
	dilation: [u32; 2],
	pads: [u32; 4],
}

#[derive(Encode, Decode, DecodeWithMemTracking)]
enum PickFile {
	#[codec(index = 0)]
	Element { operand: u32, element: u32 },
	#[codec(index = 1)]
	Constant(i32),
}

#[derive(Encode, Decode, DecodeWithMemTracking)]
enum TreeNodeFile {
	#[codec(index = 0)]
	Split { feature: u32, threshold: i32, left: u32, right: u32 },
	#[codec(index = 1)]
	Leaf(Vec<(u32, i32)>),
}

// Numbers beyond 32 bits cannot occur in a valid network; saturating keeps them invalid.
fn narrow(number: usize) -> u32 {
	u32::try_from(number).unwrap_or(u32::MAX)
}

impl From<&Window> for WindowFile {
	fn from(window: &Window) -> Self {
		Self {
			channels: narrow(window.channels),
			input: window.input.map(narrow),
			kernel: window.kernel.map(narrow),
			stride: window.stride.map(narrow),
			dilation: window.dilation.map(narrow),
			pads: window.pads.map(narrow),
		}
	}
}

impl From<WindowFile> for Window {
	fn from(window: WindowFile) -> Self {
		let wide = |number: u32| number as usize;
		Self {
			channels: wide(window.channels),
			input: window.input.map(wide),
			kernel: window.kernel.map(wide),
			stride: window.stride.map(wide),
			dilation: window.dilation.map(wide),
			pads: window.pads.map(wide),
		}
	}
}

impl From<&TreeNode<i32>> for TreeNodeFile {
	fn from(node: &TreeNode<i32>) -> Self {
		match node {
			TreeNode::Split { feature, threshold, left, right } => Self::Split {
				feature: narrow(*feature),
				threshold: *threshold,
				left: narrow(*left),
				right: narrow(*right),
			},
			TreeNode::Leaf(votes) => {
				Self::Leaf(votes.iter().map(|(output, vote)| (narrow(*output), *vote)).collect())
			},
		}
	}
}

impl From<TreeNodeFile> for TreeNode<i32> {
	fn from(node: TreeNodeFile) -> Self {
		match node {
			TreeNodeFile::Split { feature, threshold, left, right } => Self::Split {
				feature: feature as usize,
				threshold,
				left: left as usize,
				right: right as usize,
			},
			TreeNodeFile::Leaf(votes) => Self::Leaf(
				votes.into_iter().map(|(output, vote)| (output as usize, vote)).collect(),
			),
		}
	}
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
			Node::Requantise { input, requantisation } => {
				let Requantisation { shifts, low, high, leak } = requantisation.clone();
				Self::Requantise { input: narrow(*input), shifts, low, high, leak }
			},
			Node::Conv { input, convolution, weights, bias } => Self::Conv {
				input: narrow(*input),
				window: (&convolution.window).into(),
				groups: narrow(convolution.groups),
				filters: narrow(convolution.filters),
				weights: weights.clone(),
				bias: bias.clone(),
			},
			Node::Affine { input, weights, bias } => {
				Self::Affine { input: narrow(*input), weights: weights.clone(), bias: bias.clone() }
			},
			Node::MaxPool { input, window } => {
				Self::MaxPool { input: narrow(*input), window: window.into() }
			},
			Node::Gather { inputs, picks } => Self::Gather {
				inputs: inputs.iter().map(|(input, shift)| (narrow(*input), *shift)).collect(),
				picks: picks
					.iter()
					.map(|pick| match pick {
						Pick::Element { operand, element } => PickFile::Element {
							operand: narrow(*operand),
							element: narrow(*element),
						},
						Pick::Constant(constant) => PickFile::Constant(*constant),
					})
					.collect(),
			},
			Node::Trees { input, forest } => Self::Trees {
				input: narrow(*input),
				base: forest.base.clone(),
				trees: forest
					.trees
					.iter()
					.map(|tree| tree.nodes.iter().map(TreeNodeFile::from).collect())
					.collect(),
			},
			Node::ArgMax { input } => Self::ArgMax { input: narrow(*input) },
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
			NodeFile::Requantise { input, shifts, low, high, leak } => Self::Requantise {
				input: input as usize,
				requantisation: Requantisation { shifts, low, high, leak },
			},
			NodeFile::Conv { input, window, groups, filters, weights, bias } => Self::Conv {
				input: input as usize,
				convolution: Convolution {
					window: window.into(),
					groups: groups as usize,
					filters: filters as usize,
				},
				weights,
				bias,
			},
			NodeFile::Affine { input, weights, bias } => {
				Self::Affine { input: input as usize, weights, bias }
			},
			NodeFile::MaxPool { input, window } => {
				Self::MaxPool { input: input as usize, window: window.into() }
			},
			NodeFile::Gather { inputs, picks } => Self::Gather {
				inputs: inputs.into_iter().map(|(input, shift)| (input as usize, shift)).collect(),
				picks: picks
					.into_iter()
					.map(|pick| match pick {
						PickFile::Element { operand, element } => {
							Pick::Element { operand: operand as usize, element: element as usize }
						},
						PickFile::Constant(constant) => Pick::Constant(constant),
					})
					.collect(),
			},
			NodeFile::Trees { input, base, trees } => {
				let tree = |nodes: Vec<TreeNodeFile>| Tree {
					nodes: nodes.into_iter().map(TreeNode::from).collect(),
				};
				let trees = trees.into_iter().map(tree).collect();
				Self::Trees { input: input as usize, forest: Forest { base, trees } }
			},
			NodeFile::ArgMax { input } => Self::ArgMax { input: input as usize },
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
		let mut body = bytes
			.strip_prefix(&MAGIC)
			.and_then(|rest| rest.strip_prefix(&VERSION.to_le_bytes()))
			.ok_or(NetworkError::FileKind { version: VERSION })?;
		let file = NetworkFile::decode_with_mem_limit(&mut body, MAX_DECODED_SIZE)
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
