// SPDX-License-Identifier: Apache-2.0

//! Quantised networks: exact integer programs, the reference for what a proof proves.
//!
//! Value 0 is the input, a vector of int8; node `i` produces value `i + 1`; the last value is the
//! output. A value is *narrow* when each of its elements is int8 or uint8 by construction: the
//! input and every [`Node::Requantise`]; every other value is an accumulator. Arithmetic is exact:
//! the only places where information is lost are the rounding and the clamp of
//! [`Node::Requantise`], and the quantisation of the input itself.
//!
//! Networks come from files that others wrote. Everything here returns an error rather than
//! panicking, whatever is in the (public) fields.

mod bounds;
mod format;
mod inference;
mod packing;

pub use bounds::Interval;
pub use format::MAX_FILE_SIZE;
pub use inference::Trace;
pub use packing::{OutputPacking, PackingError, ELEMENT_BITS};

/// Most nodes of a network.
pub const MAX_NODES: usize = 1024;
/// Most elements of one value.
pub const MAX_WIDTH: usize = 65_536;
/// Most elements of all values together.
pub const MAX_ELEMENTS: usize = 1 << 22;
/// Most weights of all linear nodes together.
pub const MAX_WEIGHTS: usize = 1 << 26;
/// Most bits of an accumulator, as a two's-complement number.
pub const MAX_BITS: u32 = 60;
/// Largest shift of a node.
pub const MAX_SHIFT: u8 = 59;
/// Largest magnitude of a scale's exponent.
pub const MAX_EXPONENT: i8 = 100;
/// Most bytes of a network's name.
pub const MAX_NAME: usize = 64;

/// Why a network, its file or its input is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
	/// The name is empty, too long, or has control characters.
	#[error(
		"expected a name of 1 to {MAX_NAME} bytes without control characters, found {found} bytes"
	)]
	Name {
		/// Bytes found.
		found: usize,
	},
	/// The number of nodes is out of range.
	#[error("expected 1 to {MAX_NODES} nodes, found {found}")]
	Nodes {
		/// Nodes found.
		found: usize,
	},
	/// A value has no elements, or too many.
	#[error("value {value}: expected 1 to {MAX_WIDTH} elements, found {found}")]
	Width {
		/// The value: 0 is the input, node `i` produces value `i + 1`.
		value: usize,
		/// Elements found.
		found: usize,
	},
	/// All values together have too many elements.
	#[error("expected at most {MAX_ELEMENTS} elements in all values together, found more at value {value}")]
	Elements {
		/// First value that does not fit.
		value: usize,
	},
	/// All linear nodes together have too many weights.
	#[error("expected at most {MAX_WEIGHTS} weights in the network, found more at node {node}")]
	Weights {
		/// First node that does not fit.
		node: usize,
	},
	/// The input's exponents and zero points differ in number.
	#[error("expected as many zero points as exponents in the input's specification ({expected}), found {found}")]
	InputSpec {
		/// Number of exponents.
		expected: usize,
		/// Number of zero points.
		found: usize,
	},
	/// A scale's exponent is out of range.
	#[error("expected exponents from -{MAX_EXPONENT} to {MAX_EXPONENT}, found {found}")]
	Exponent {
		/// Exponent found.
		found: i8,
	},
	/// A node reads a value that no earlier node produces.
	#[error("node {node}: expected an earlier value (0 to {node}), found value {found}")]
	UnknownValue {
		/// The node.
		node: usize,
		/// Value that it names.
		found: usize,
	},
	/// A value is computed and never used.
	#[error("value {value} is never used: remove its node")]
	Unused {
		/// The value.
		value: usize,
	},
	/// A linear node reads an accumulator.
	#[error("node {node}: expected an int8 or uint8 value, found the accumulators of value {found}: requantise it first")]
	NotNarrow {
		/// The node.
		node: usize,
		/// Value that it reads.
		found: usize,
	},
	/// A node's operand has the wrong number of elements.
	#[error("node {node}: expected an operand of {expected} elements, found {found}")]
	Operand {
		/// The node.
		node: usize,
		/// Elements that the node needs.
		expected: usize,
		/// Elements of its operand.
		found: usize,
	},
	/// A linear node's weights or bias do not match its rows and columns.
	#[error("node {node}: expected {expected} {what}, found {found}")]
	Parameters {
		/// The node.
		node: usize,
		/// `weights` or `biases`.
		what: &'static str,
		/// Number that rows and columns ask for.
		expected: usize,
		/// Number found.
		found: usize,
	},
	/// A shift is too large.
	#[error("node {node}: expected a shift of at most {MAX_SHIFT}, found {found}")]
	Shift {
		/// The node.
		node: usize,
		/// Shift found.
		found: u8,
	},
	/// An accumulator could leave the range that the circuit can hold.
	#[error("node {node}: expected accumulators of at most {MAX_BITS} bits, found a bound of {found} bits")]
	TooWide {
		/// The node.
		node: usize,
		/// Bits that its bound needs.
		found: u32,
	},
	/// An input has the wrong number of values.
	#[error("expected an input of {expected} values, found {found}")]
	InputLength {
		/// Values that the network takes.
		expected: usize,
		/// Values found.
		found: usize,
	},
	/// An input's value is not a number.
	#[error("expected finite numbers, found a NaN or an infinity as value {index} of the input")]
	NotFinite {
		/// Its place in the input, from 0.
		index: usize,
	},
	/// The file is larger than any network.
	#[error("expected a network file of at most {limit} bytes, found {found}")]
	FileSize {
		/// Most bytes.
		limit: usize,
		/// Bytes found.
		found: usize,
	},
	/// The file does not start like a network's.
	#[error("expected a Proofpod network file of version {version}, found another kind or version of file")]
	FileKind {
		/// Version that this program reads.
		version: u16,
	},
	/// The file's bytes do not decode, or not canonically.
	#[error("the network file is damaged: {reason}")]
	Damaged {
		/// What did not decode.
		reason: String,
	},
}

/// How real numbers become the network's int8 input: `q = clamp(round(x · 2^exponent) −
/// zero_point, −128, 127)`, each feature with its own power-of-two scale and zero point, so that a
/// record whose features differ by orders of magnitude goes in as it is. Both are folded into the
/// first linear node's weights and biases: they cost no constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
	/// One exponent per feature.
	pub exponents: Vec<i8>,
	/// One zero point per feature, in units of its quantisation step.
	pub zero_points: Vec<i32>,
}

impl InputSpec {
	/// The same exponent for every feature, and zero points of 0.
	pub fn uniform(len: usize, exponent: i8) -> Self {
		Self { exponents: vec![exponent; len], zero_points: vec![0; len] }
	}

	/// Number of features.
	pub fn len(&self) -> usize {
		self.exponents.len()
	}

	/// Whether there are no features; never so in a valid network.
	pub fn is_empty(&self) -> bool {
		self.exponents.is_empty()
	}

	/// Quantises a record, saturating.
	///
	/// # Errors
	/// When the record has the wrong length, or a value that is NaN or infinite.
	pub fn quantise(&self, record: &[f32]) -> Result<Vec<i8>, NetworkError> {
		if record.len() != self.len() {
			return Err(NetworkError::InputLength { expected: self.len(), found: record.len() });
		}
		let scales = self.exponents.iter().zip(&self.zero_points);
		record
			.iter()
			.zip(scales)
			.enumerate()
			.map(|(index, (value, (exponent, zero_point)))| {
				if !value.is_finite() {
					return Err(NetworkError::NotFinite { index });
				}
				let steps = (f64::from(*value) * power_of_two(*exponent)).round();
				Ok((steps - f64::from(*zero_point)).clamp(-128.0, 127.0) as i8)
			})
			.collect()
	}
}

/// `2^exponent`, exactly.
pub(crate) fn power_of_two(exponent: i8) -> f64 {
	f64::from_bits(((1023 + i64::from(exponent)) as u64) << 52)
}

/// One step of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
	/// `acc[r] = bias[r] + Σ_c weights[r][c] · x[c]` over a narrow value.
	Linear {
		/// Value read.
		input: usize,
		/// Elements of the output.
		rows: usize,
		/// Elements of the input.
		columns: usize,
		/// Row-major, symmetric (zero point 0).
		weights: Vec<i8>,
		/// One per row, at the accumulator's scale.
		bias: Vec<i32>,
	},
	/// `left · 2^left_shift + right · 2^right_shift`, element by element.
	Add {
		/// First value read.
		left: usize,
		/// Bits by which it is shifted.
		left_shift: u8,
		/// Second value read.
		right: usize,
		/// Bits by which it is shifted.
		right_shift: u8,
	},
	/// `(x + 2^(shift−1)) >> shift`, rounding half up and without rounding when the shift is 0, then
	/// clamped to 0…255 with `relu`, to −128…127 without.
	Requantise {
		/// Value read.
		input: usize,
		/// Bits by which the scale shrinks.
		shift: u8,
		/// Whether negative values become zero.
		relu: bool,
	},
}

impl Node {
	/// Whether the node's output is int8 or uint8 by construction.
	pub fn is_narrow(&self) -> bool {
		matches!(self, Self::Requantise { .. })
	}

	/// The values that the node reads.
	pub fn operands(&self) -> impl Iterator<Item = usize> {
		let (first, second) = match self {
			Self::Linear { input, .. } | Self::Requantise { input, .. } => (*input, None),
			Self::Add { left, right, .. } => (*left, Some(*right)),
		};
		std::iter::once(first).chain(second)
	}
}

/// A network of integers; see the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantisedNetwork {
	/// Name for people, at most [`MAX_NAME`] bytes.
	pub name: String,
	/// How a record becomes value 0.
	pub input: InputSpec,
	/// In order of computation.
	pub nodes: Vec<Node>,
	/// The output's scale: `real = output · 2^−output_exponent`.
	pub output_exponent: i8,
}

impl QuantisedNetwork {
	/// Number of values of the input.
	pub fn input_len(&self) -> usize {
		self.input.len()
	}

	/// Number of values of the output; 0 when the network is not valid.
	pub fn output_len(&self) -> usize {
		self.widths().ok().and_then(|widths| widths.last().copied()).unwrap_or(0)
	}

	/// Whether a value is the input or the output of a [`Node::Requantise`].
	pub fn is_narrow(&self, value: usize) -> bool {
		match value.checked_sub(1) {
			None => true,
			Some(node) => self.nodes.get(node).is_some_and(Node::is_narrow),
		}
	}

	/// Checks everything that inference and circuit rely on: sizes, order, and that no accumulator
	/// can leave [`MAX_BITS`] bits.
	///
	/// # Errors
	/// The first rule that is broken, with the node and the numbers.
	pub fn validate(&self) -> Result<(), NetworkError> {
		self.bounds().map(drop)
	}

	/// Number of elements of every value. Checks the structure: all of [`Self::validate`] but the
	/// accumulators' bounds.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn widths(&self) -> Result<Vec<usize>, NetworkError> {
		if self.name.is_empty()
			|| self.name.len() > MAX_NAME
			|| self.name.chars().any(char::is_control)
		{
			return Err(NetworkError::Name { found: self.name.len() });
		}
		if self.nodes.is_empty() || self.nodes.len() > MAX_NODES {
			return Err(NetworkError::Nodes { found: self.nodes.len() });
		}
		if self.input.zero_points.len() != self.input.len() {
			return Err(NetworkError::InputSpec {
				expected: self.input.len(),
				found: self.input.zero_points.len(),
			});
		}
		let exponents = self.input.exponents.iter().chain([&self.output_exponent]);
		if let Some(found) = exponents.copied().find(|e| e.unsigned_abs() > MAX_EXPONENT as u8) {
			return Err(NetworkError::Exponent { found });
		}
		check_width(0, self.input.len())?;
		let mut widths = vec![self.input.len()];
		let mut used = vec![false; self.nodes.len() + 1];
		let (mut elements, mut weights) = (self.input.len(), 0usize);
		for (node, step) in self.nodes.iter().enumerate() {
			for found in step.operands() {
				*used
					.get_mut(..=node)
					.and_then(|earlier| earlier.get_mut(found))
					.ok_or(NetworkError::UnknownValue { node, found })? = true;
			}
			let width = self.node_width(node, step, &widths)?;
			check_width(node + 1, width)?;
			elements += width;
			if elements > MAX_ELEMENTS {
				return Err(NetworkError::Elements { value: node + 1 });
			}
			if let Node::Linear { weights: matrix, .. } = step {
				weights += matrix.len();
				if weights > MAX_WEIGHTS {
					return Err(NetworkError::Weights { node });
				}
			}
			widths.push(width);
		}
		used.pop();
		match used.iter().position(|used| !used) {
			Some(value) => Err(NetworkError::Unused { value }),
			None => Ok(widths),
		}
	}

	/// Width of a node's output, whose operands are already known to exist.
	fn node_width(
		&self,
		node: usize,
		step: &Node,
		widths: &[usize],
	) -> Result<usize, NetworkError> {
		let width = |value: usize| {
			widths.get(value).copied().ok_or(NetworkError::UnknownValue { node, found: value })
		};
		let shift = |shift: u8| match shift {
			0..=MAX_SHIFT => Ok(()),
			found => Err(NetworkError::Shift { node, found }),
		};
		match step {
			Node::Linear { input, rows, columns, weights, bias } => {
				if !self.is_narrow(*input) {
					return Err(NetworkError::NotNarrow { node, found: *input });
				}
				let found = width(*input)?;
				if found != *columns {
					return Err(NetworkError::Operand { node, expected: *columns, found });
				}
				check_width(node + 1, *rows)?;
				let expected = rows * columns;
				if weights.len() != expected {
					let found = weights.len();
					return Err(NetworkError::Parameters {
						node,
						what: "weights",
						expected,
						found,
					});
				}
				if bias.len() != *rows {
					let (expected, found) = (*rows, bias.len());
					return Err(NetworkError::Parameters { node, what: "biases", expected, found });
				}
				Ok(*rows)
			},
			Node::Add { left, left_shift, right, right_shift } => {
				shift(*left_shift)?;
				shift(*right_shift)?;
				let (expected, found) = (width(*left)?, width(*right)?);
				if expected != found {
					return Err(NetworkError::Operand { node, expected, found });
				}
				Ok(expected)
			},
			Node::Requantise { input, shift: bits, .. } => {
				shift(*bits)?;
				width(*input)
			},
		}
	}

	/// Quantises a record for this network: see [`InputSpec::quantise`].
	///
	/// # Errors
	/// When the record has the wrong length, or a value that is NaN or infinite.
	pub fn quantise_input(&self, record: &[f32]) -> Result<Vec<i8>, NetworkError> {
		self.input.quantise(record)
	}

	/// The output as real numbers.
	pub fn dequantise_output(&self, output: &[i64]) -> Vec<f64> {
		let step = power_of_two(self.output_exponent.saturating_neg());
		output.iter().map(|value| *value as f64 * step).collect()
	}
}

fn check_width(value: usize, found: usize) -> Result<(), NetworkError> {
	match found {
		1..=MAX_WIDTH => Ok(()),
		_ => Err(NetworkError::Width { value, found }),
	}
}

#[cfg(test)]
pub(crate) mod tests;
