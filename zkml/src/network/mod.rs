// SPDX-License-Identifier: Apache-2.0

//! Quantised networks: exact integer programs, the reference for what a proof proves.
//!
//! Value 0 is the input, a vector of int8; node `i` produces value `i + 1`; the last value is the
//! output. Every element of every value has [static bounds](QuantisedNetwork::bounds), from the
//! actual weights. A value is *narrow* when its bounds fit into [`MAX_OPERAND_BITS`] bits: only
//! narrow values are multiplied with weights. Arithmetic is exact: the only places where
//! information is lost are the rounding and the clamp of [`Node::Requantise`], and the quantisation
//! of the input itself.
//!
//! Networks come from files that others wrote. Everything here returns an error rather than
//! panicking, whatever is in the (public) fields.

use crate::{
	forest::Forest,
	window::{Convolution, Window},
};

mod bounds;
mod format;
mod inference;
mod interface;
mod packing;

pub use crate::float::Pick;
pub use bounds::Interval;
pub use format::MAX_FILE_SIZE;
pub use inference::Trace;
pub use interface::{Interface, MAX_INTERFACE_SIZE};
pub use packing::{OutputPacking, PackingError, ELEMENT_BITS};

/// Most nodes of a network.
pub const MAX_NODES: usize = 1024;
/// Most elements of one value.
pub const MAX_WIDTH: usize = 65_536;
/// Most elements of all values together.
pub const MAX_ELEMENTS: usize = 1 << 22;
/// Most weights of all nodes together.
pub const MAX_WEIGHTS: usize = 1 << 26;
/// Most multiplications and comparisons of one inference.
pub const MAX_PRODUCTS: usize = 1 << 30;
/// Most bits of an accumulator, as a two's-complement number.
pub const MAX_BITS: u32 = 60;
/// Most bits of what is multiplied with weights, as a two's-complement number: int8 and uint8 have
/// room for the sums of a pooling window.
pub const MAX_OPERAND_BITS: u32 = 16;
/// Most bits of what decision trees compare.
pub const MAX_FEATURE_BITS: u32 = 9;
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
	/// All nodes together have too many weights.
	#[error("expected at most {MAX_WEIGHTS} weights in the network, found more at node {node}")]
	Weights {
		/// First node that does not fit.
		node: usize,
	},
	/// All nodes together have too much to do.
	#[error("expected at most {MAX_PRODUCTS} multiplications in one inference, found more at node {node}")]
	Products {
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
	/// The number or text of the class names does not fit.
	#[error("expected {expected} class names of 1 to {limit} bytes without control characters, one per class; found {found}")]
	Classes {
		/// Number of classes.
		expected: usize,
		/// Most bytes of a name.
		limit: usize,
		/// What was given.
		found: String,
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
	/// A node that needs narrow operands reads wider ones.
	#[error("node {node}: expected operands of at most {limit} bits, found {found}: requantise them first")]
	NotNarrow {
		/// The node.
		node: usize,
		/// Bits that it can take.
		limit: u32,
		/// Bits of its operand's bounds.
		found: u32,
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
	/// A node's numbers do not fit together.
	#[error("node {node}: expected {expected}")]
	Structure {
		/// The node.
		node: usize,
		/// What it should be.
		expected: &'static str,
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

	/// Whether the numbers fit together.
	fn check(&self) -> Result<(), NetworkError> {
		if self.zero_points.len() != self.len() {
			let (expected, found) = (self.len(), self.zero_points.len());
			return Err(NetworkError::InputSpec { expected, found });
		}
		let too_large = |e: &&i8| e.unsigned_abs() > MAX_EXPONENT as u8;
		match self.exponents.iter().find(too_large) {
			Some(found) => Err(NetworkError::Exponent { found: *found }),
			None => Ok(()),
		}
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
	/// A rounded shift and a clamp, element by element; see [`Requantisation`].
	Requantise {
		/// Value read.
		input: usize,
		/// How.
		requantisation: Requantisation,
	},
	/// A [convolution](Convolution) over a narrow value.
	Conv {
		/// Value read.
		input: usize,
		/// Its geometry.
		convolution: Convolution,
		/// Filter by filter, within it channel by channel; symmetric (zero point 0).
		weights: Vec<i8>,
		/// One per filter, at the accumulator's scale.
		bias: Vec<i32>,
	},
	/// `acc[i] = weights[i] · x[i] + bias[i]` over a narrow value.
	Affine {
		/// Value read.
		input: usize,
		/// One per element.
		weights: Vec<i8>,
		/// One per element, at the accumulator's scale.
		bias: Vec<i32>,
	},
	/// The largest element of every window, channel by channel.
	MaxPool {
		/// Value read.
		input: usize,
		/// Where it reads; every window reads something.
		window: Window,
	},
	/// A choice of elements, in any order and any number, each operand shifted to a common scale.
	Gather {
		/// Values read, and bits by which each is shifted.
		inputs: Vec<(usize, u8)>,
		/// One per element of the output; constants are at the output's scale.
		picks: Vec<Pick<i32>>,
	},
	/// Decision trees over a value of at most [`MAX_FEATURE_BITS`] bits.
	Trees {
		/// Value read.
		input: usize,
		/// The trees.
		forest: Forest<i32>,
	},
	/// The place of the largest element, the first of equals; for a single element, 1 when it is
	/// positive, 0 otherwise.
	ArgMax {
		/// Value read.
		input: usize,
	},
}

/// How a value is brought to another scale: for every element `x` of group `g`,
///
/// ```text
/// t = x + 2^(shifts[g] − 1)                  without the rounding term when the shift is 0
/// q = ⌊t / 2^shifts[g]⌋                      for t ≥ 0, or without a leak
/// q = ⌊t / 2^(shifts[g] + leak)⌋             for t < 0
/// y = clamp(q, low, high)
/// ```
///
/// Rounds half up. Groups divide the value evenly and in order: one for all of it, or one per
/// channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requantisation {
	/// Bits by which the scale of each group shrinks.
	pub shifts: Vec<u8>,
	/// Smallest result.
	pub low: i16,
	/// Largest result: 1 to 255 above `low`.
	pub high: i16,
	/// What negative numbers are shifted further, for a leaky ReLU; 0 for none.
	pub leak: u8,
}

impl Requantisation {
	/// A ReLU: to 0…255, the same shift for all.
	pub fn relu(shift: u8) -> Self {
		Self { shifts: vec![shift], low: 0, high: 255, leak: 0 }
	}

	/// To −128…127, the same shift for all.
	pub fn signed(shift: u8) -> Self {
		Self { shifts: vec![shift], low: -128, high: 127, leak: 0 }
	}

	/// The shift of an element of a value of `width` elements.
	pub fn shift(&self, element: usize, width: usize) -> u8 {
		let group = element / (width / self.shifts.len().max(1)).max(1);
		self.shifts.get(group).copied().unwrap_or(0)
	}

	/// The one definition of requantisation.
	pub fn apply(&self, x: i64, shift: u8) -> i64 {
		let rounding = match shift {
			0 => 0,
			_ => 1i128 << (shift - 1).min(126),
		};
		let t = i128::from(x) + rounding;
		let leak = if t < 0 { self.leak } else { 0 };
		let shifted = t >> u32::from(shift).saturating_add(leak.into()).min(126);
		shifted.clamp(self.low.into(), self.high.max(self.low).into()) as i64
	}
}

impl Node {
	/// The values that the node reads.
	pub fn operands(&self) -> impl Iterator<Item = usize> + '_ {
		let (first, second, others): (Option<usize>, Option<usize>, &[(usize, u8)]) = match self {
			Self::Linear { input, .. }
			| Self::Requantise { input, .. }
			| Self::Conv { input, .. }
			| Self::Affine { input, .. }
			| Self::MaxPool { input, .. }
			| Self::Trees { input, .. }
			| Self::ArgMax { input } => (Some(*input), None, &[]),
			Self::Add { left, right, .. } => (Some(*left), Some(*right), &[]),
			Self::Gather { inputs, .. } => (None, None, inputs),
		};
		first.into_iter().chain(second).chain(others.iter().map(|(value, _)| *value))
	}

	/// Multiplications and comparisons.
	pub(crate) fn products(&self) -> usize {
		match self {
			Self::Conv { convolution, .. } => convolution.products(),
			Self::MaxPool { window, .. } => window.reads(),
			Self::Trees { forest, .. } => forest.steps(),
			other => other.weights(),
		}
	}

	/// Number of weights.
	fn weights(&self) -> usize {
		match self {
			Self::Linear { weights, .. }
			| Self::Conv { weights, .. }
			| Self::Affine { weights, .. } => weights.len(),
			_ => 0,
		}
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
		self.input.check()?;
		if self.output_exponent.unsigned_abs() > MAX_EXPONENT as u8 {
			return Err(NetworkError::Exponent { found: self.output_exponent });
		}
		check_width(0, self.input.len())?;
		let mut widths = vec![self.input.len()];
		let mut used = vec![false; self.nodes.len() + 1];
		let (mut elements, mut weights, mut products) = (self.input.len(), 0usize, 0usize);
		for (node, step) in self.nodes.iter().enumerate() {
			for found in step.operands() {
				*used
					.get_mut(..=node)
					.and_then(|earlier| earlier.get_mut(found))
					.ok_or(NetworkError::UnknownValue { node, found })? = true;
			}
			products = step.products().saturating_add(products);
			if products > MAX_PRODUCTS {
				return Err(NetworkError::Products { node });
			}
			let width = node_width(node, step, &widths)?;
			check_width(node + 1, width)?;
			elements += width;
			if elements > MAX_ELEMENTS {
				return Err(NetworkError::Elements { value: node + 1 });
			}
			weights += step.weights();
			if weights > MAX_WEIGHTS {
				return Err(NetworkError::Weights { node });
			}
			widths.push(width);
		}
		used.pop();
		match used.iter().position(|used| !used) {
			Some(value) => Err(NetworkError::Unused { value }),
			None => Ok(widths),
		}
	}

	/// Quantises a record for this network: see [`InputSpec::quantise`].
	///
	/// # Errors
	/// When the record has the wrong length, or a value that is NaN or infinite.
	pub fn quantise_input(&self, record: &[f32]) -> Result<Vec<i8>, NetworkError> {
		self.input.quantise(record)
	}

	/// Whether the output is the number of a class, and not a number per class.
	pub fn reveals_label(&self) -> bool {
		matches!(self.nodes.last(), Some(Node::ArgMax { .. }))
	}

	/// Classes that an output can name: one per value, two for a single one; 0 when the network is not
	/// valid.
	pub fn classes(&self) -> usize {
		let Ok(widths) = self.widths() else { return 0 };
		let width = match self.nodes.last() {
			Some(Node::ArgMax { input }) => widths.get(*input),
			_ => widths.last(),
		};
		width.copied().unwrap_or(0).max(2)
	}

	/// The class that an output names: the output itself when the network [reveals no
	/// more](Self::reveals_label), else the place of its largest value, as [`class_of`] says.
	pub fn class(&self, output: &[i64]) -> usize {
		match output {
			[label] if self.reveals_label() => usize::try_from(*label).unwrap_or(0),
			logits => class_of(logits),
		}
	}

	/// The output as real numbers.
	pub fn dequantise_output(&self, output: &[i64]) -> Vec<f64> {
		let step = power_of_two(self.output_exponent.saturating_neg());
		output.iter().map(|value| *value as f64 * step).collect()
	}
}

/// Width of a node's output, whose operands are already known to exist.
fn node_width(node: usize, step: &Node, widths: &[usize]) -> Result<usize, NetworkError> {
	let width = |value: &usize| {
		widths.get(*value).copied().ok_or(NetworkError::UnknownValue { node, found: *value })
	};
	let shift = |shift: &u8| match *shift {
		0..=MAX_SHIFT => Ok(()),
		found => Err(NetworkError::Shift { node, found }),
	};
	let operand = |input: &usize, expected: usize| match width(input)? {
		found if found == expected => Ok(()),
		found => Err(NetworkError::Operand { node, expected, found }),
	};
	let parameters = |what, expected: usize, found: usize| match found == expected {
		true => Ok(()),
		false => Err(NetworkError::Parameters { node, what, expected, found }),
	};
	let structure = |holds: bool, expected| match holds {
		true => Ok(()),
		false => Err(NetworkError::Structure { node, expected }),
	};
	match step {
		Node::Linear { input, rows, columns, weights, bias } => {
			operand(input, *columns)?;
			check_width(node + 1, *rows)?;
			parameters("weights", rows * columns, weights.len())?;
			parameters("biases", *rows, bias.len())?;
			Ok(*rows)
		},
		Node::Conv { input, convolution, weights, bias } => {
			const FITS: &str =
				"a window within its padded input, and groups that divide channels and filters";
			let output = convolution.output_len();
			structure(output.is_some(), FITS)?;
			operand(input, convolution.window.input_len())?;
			parameters("weights", convolution.weights_len(), weights.len())?;
			parameters("biases", convolution.filters, bias.len())?;
			Ok(output.unwrap_or(0))
		},
		Node::Affine { input, weights, bias } => {
			parameters("weights", width(input)?, weights.len())?;
			parameters("biases", width(input)?, bias.len())?;
			width(input)
		},
		Node::Add { left, left_shift, right, right_shift } => {
			shift(left_shift)?;
			shift(right_shift)?;
			operand(right, width(left)?)?;
			width(left)
		},
		Node::Requantise { input, requantisation } => {
			let Requantisation { shifts, low, high, leak } = requantisation;
			shifts.iter().chain([leak]).try_for_each(shift)?;
			let steps = i32::from(*high) - i32::from(*low);
			structure((1..=255).contains(&steps), "a clamp whose ends are 1 to 255 apart")?;
			let divides = width(input)?.checked_rem(shifts.len()) == Some(0);
			structure(divides, "shifts whose groups divide the value evenly")?;
			width(input)
		},
		Node::MaxPool { input, window } => {
			let positions = window.positions();
			check_width(node + 1, window.channels.saturating_mul(positions))?;
			operand(input, window.input_len())?;
			structure(window.covers(), "windows that read at least one element each")?;
			Ok(window.channels * positions)
		},
		Node::Gather { inputs, picks } => {
			inputs.iter().try_for_each(|(_, bits)| shift(bits))?;
			let exists = |pick: &Pick<i32>| match pick {
				Pick::Constant(_) => true,
				Pick::Element { operand, element } => {
					let operand = inputs.get(*operand).and_then(|(value, _)| width(value).ok());
					operand.is_some_and(|width| *element < width)
				},
			};
			structure(picks.iter().all(exists), "elements that exist")?;
			Ok(picks.len())
		},
		Node::Trees { input, forest } => {
			structure(
				forest.is_valid(width(input)?),
				"decision trees over the elements of its operand, children after parents",
			)?;
			Ok(forest.outputs())
		},
		Node::ArgMax { input } => width(input).map(|_| 1),
	}
}

/// The class that an output names: the place of its largest value, the first of equals; for a single
/// value, 1 when it is positive.
pub fn class_of<T: Copy + Default + PartialOrd>(output: &[T]) -> usize {
	if let [logit] = output {
		return usize::from(*logit > T::default());
	}
	let mut best = 0;
	for (class, value) in output.iter().enumerate() {
		if output.get(best).is_some_and(|largest| value > largest) {
			best = class;
		}
	}
	best
}

fn check_width(value: usize, found: usize) -> Result<(), NetworkError> {
	match found {
		1..=MAX_WIDTH => Ok(()),
		_ => Err(NetworkError::Width { value, found }),
	}
}

#[cfg(test)]
pub(crate) mod tests;
