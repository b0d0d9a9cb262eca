// SPDX-License-Identifier: Apache-2.0

//! Networks of real numbers: what was trained, before quantisation.
//!
//! Values are numbered as in a [quantised network](crate::network): value 0 is the input, node `i`
//! produces value `i + 1`, the last value is the output. There is no batch: a value is one vector.

use crate::network::{MAX_ELEMENTS, MAX_WIDTH};

/// Why a network of real numbers cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FloatError {
	/// The input has the wrong number of values.
	#[error("expected an input of {expected} values, found {found}")]
	InputLength {
		/// Values that the network takes.
		expected: usize,
		/// Values found.
		found: usize,
	},
	/// A node's operand or parameters have the wrong size, or name no earlier value.
	#[error("node {node}: its operands and parameters do not fit together")]
	Structure {
		/// The node.
		node: String,
	},
	/// A number became infinite.
	#[error("node {node}: expected finite numbers, found an overflow: is the input in the units that the network was trained on?")]
	Overflow {
		/// The node.
		node: String,
	},
}

/// One operation on vectors.
#[derive(Clone, Debug, PartialEq)]
pub enum FloatOp {
	/// `y[r] = bias[r] + Σ_c weights[r][c] · x[c]`.
	Linear {
		/// Value read.
		input: usize,
		/// Elements of the output.
		rows: usize,
		/// Elements of the input.
		columns: usize,
		/// Row-major.
		weights: Vec<f32>,
		/// One per row.
		bias: Vec<f32>,
	},
	/// `y = x + bias`.
	Bias {
		/// Value read.
		input: usize,
		/// One per element.
		bias: Vec<f32>,
	},
	/// `y = left + right`.
	Add {
		/// First value read.
		left: usize,
		/// Second value read.
		right: usize,
	},
	/// `y = max(x, 0)`.
	Relu {
		/// Value read.
		input: usize,
	},
}

impl FloatOp {
	/// The values that the operation reads.
	pub fn operands(&self) -> impl Iterator<Item = usize> {
		let (first, second) = match self {
			Self::Linear { input, .. } | Self::Bias { input, .. } | Self::Relu { input } => {
				(*input, None)
			},
			Self::Add { left, right } => (*left, Some(*right)),
		};
		std::iter::once(first).chain(second)
	}

	fn operands_mut(&mut self) -> impl Iterator<Item = &mut usize> {
		let (first, second) = match self {
			Self::Linear { input, .. } | Self::Bias { input, .. } | Self::Relu { input } => {
				(input, None)
			},
			Self::Add { left, right } => (left, Some(right)),
		};
		std::iter::once(first).chain(second)
	}
}

/// An operation and the name that messages call it by.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNode {
	/// Name and operator of the node in the model's file.
	pub name: String,
	/// What it computes.
	pub op: FloatOp,
}

/// A last step that does not change which class wins, and that the quantised network leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
	/// Probabilities of the logits.
	Softmax,
	/// Index of the largest logit.
	ArgMax,
}

/// A network of real numbers; see the [module](self).
#[derive(Clone, Debug, PartialEq)]
pub struct FloatNetwork {
	/// Number of values of the input.
	pub input_len: usize,
	/// In order of computation.
	pub nodes: Vec<FloatNode>,
	/// What the file applies to the last value.
	pub ending: Option<Ending>,
	/// Names of the outputs, as far as the file gives them.
	pub classes: Vec<String>,
}

impl FloatNetwork {
	/// Number of elements of every value, after checking that operands and parameters fit.
	///
	/// # Errors
	/// [`FloatError::Structure`] with the first node that does not fit.
	pub fn widths(&self) -> Result<Vec<usize>, FloatError> {
		let mut widths = vec![self.input_len];
		let mut elements = self.input_len;
		for FloatNode { name, op } in &self.nodes {
			let structure = || FloatError::Structure { node: name.clone() };
			let operand = |value: &usize| widths.get(*value).copied().ok_or_else(structure);
			let width = match op {
				FloatOp::Linear { input, rows, columns, weights, bias } => {
					let fits = operand(input)? == *columns
						&& rows.checked_mul(*columns) == Some(weights.len())
						&& bias.len() == *rows;
					fits.then_some(*rows)
				},
				FloatOp::Bias { input, bias } => {
					Some(bias.len()).filter(|width| operand(input) == Ok(*width))
				},
				FloatOp::Add { left, right } => {
					Some(operand(left)?).filter(|width| operand(right) == Ok(*width))
				},
				FloatOp::Relu { input } => Some(operand(input)?),
			}
			.filter(|width| (1..=MAX_WIDTH).contains(width))
			.ok_or_else(structure)?;
			elements = elements.saturating_add(width);
			if elements > MAX_ELEMENTS {
				return Err(structure());
			}
			widths.push(width);
		}
		Ok(widths)
	}

	/// Every value for one input. Sums are accumulated in 64 bits, values are stored in 32.
	///
	/// # Errors
	/// When the input has the wrong length, when a node does not fit, or when a number overflows.
	pub fn evaluate(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, FloatError> {
		if input.len() != self.input_len {
			return Err(FloatError::InputLength { expected: self.input_len, found: input.len() });
		}
		self.widths()?;
		let mut values = vec![input.to_vec()];
		for FloatNode { name, op } in &self.nodes {
			let operand = |value: &usize| {
				values.get(*value).ok_or_else(|| FloatError::Structure { node: name.clone() })
			};
			let next: Vec<f32> = match op {
				FloatOp::Linear { input, columns, weights, bias, .. } => {
					let input = operand(input)?;
					weights
						.chunks(*columns)
						.zip(bias)
						.map(|(row, bias)| {
							let products =
								row.iter().zip(input).map(|(w, x)| f64::from(*w) * f64::from(*x));
							(f64::from(*bias) + products.sum::<f64>()) as f32
						})
						.collect()
				},
				FloatOp::Bias { input, bias } => {
					operand(input)?.iter().zip(bias).map(|(x, bias)| x + bias).collect()
				},
				FloatOp::Add { left, right } => {
					operand(left)?.iter().zip(operand(right)?).map(|(l, r)| l + r).collect()
				},
				FloatOp::Relu { input } => operand(input)?.iter().map(|x| x.max(0.0)).collect(),
			};
			if next.iter().any(|element| !element.is_finite()) {
				return Err(FloatError::Overflow { node: name.clone() });
			}
			values.push(next);
		}
		Ok(values)
	}

	/// The output for one input.
	///
	/// # Errors
	/// As [`Self::evaluate`].
	pub fn output(&self, input: &[f32]) -> Result<Vec<f32>, FloatError> {
		Ok(self.evaluate(input)?.pop().unwrap_or_default())
	}

	/// The same function with fewer nodes: without nodes on which the output does not depend, and
	/// with constants added before or after a linear node made part of its bias.
	///
	/// A network that does not fit together is returned as it is.
	pub fn folded(mut self) -> Self {
		if self.widths().is_err() {
			return self;
		}
		self.prune();
		while self.fold_one() {
			self.prune();
		}
		self
	}

	/// Moves the constant of one `Bias` node into a linear neighbour; false when there is none left.
	fn fold_one(&mut self) -> bool {
		let mut readers = vec![Vec::new(); self.nodes.len() + 1];
		for (node, FloatNode { op, .. }) in self.nodes.iter().enumerate() {
			for operand in op.operands() {
				readers[operand].push(node);
			}
		}
		for node in 0..self.nodes.len() {
			let FloatOp::Bias { input, .. } = self.nodes[node].op else { continue };
			let is_linear = |node: usize| matches!(self.nodes[node].op, FloatOp::Linear { .. });
			let backwards = input > 0 && readers[input].len() == 1 && is_linear(input - 1);
			let followers = std::mem::take(&mut readers[node + 1]);
			let forwards = !followers.is_empty() && followers.iter().all(|node| is_linear(*node));
			if !backwards && !forwards {
				continue;
			}
			let FloatOp::Bias { bias: constant, .. } = self.nodes[node].op.clone() else {
				continue;
			};
			if backwards {
				if let FloatOp::Linear { bias, .. } = &mut self.nodes[input - 1].op {
					for (bias, constant) in bias.iter_mut().zip(&constant) {
						*bias += constant;
					}
				}
			} else {
				for follower in followers {
					if let FloatOp::Linear { weights, bias, columns, .. } =
						&mut self.nodes[follower].op
					{
						for (row, bias) in weights.chunks(*columns).zip(bias) {
							let products = row.iter().zip(&constant);
							let sum =
								products.map(|(w, c)| f64::from(*w) * f64::from(*c)).sum::<f64>();
							*bias = (f64::from(*bias) + sum) as f32;
						}
					}
				}
			}
			self.redirect(node + 1, input);
			return true;
		}
		false
	}

	/// Makes everything that reads one value read another, and ends the network there when the value
	/// was its output.
	fn redirect(&mut self, from: usize, to: usize) {
		for operand in self.nodes.iter_mut().flat_map(|node| node.op.operands_mut()) {
			if *operand == from {
				*operand = to;
			}
		}
		if from == self.nodes.len() {
			self.nodes.truncate(to);
		}
	}

	/// Removes the nodes on which the output does not depend.
	fn prune(&mut self) {
		let mut used = vec![false; self.nodes.len() + 1];
		if let Some(output) = used.last_mut() {
			*output = true;
		}
		for (node, FloatNode { op, .. }) in self.nodes.iter().enumerate().rev() {
			if used[node + 1] {
				op.operands().for_each(|operand| used[operand] = true);
			}
		}
		let mut renumbered = vec![0; used.len()];
		let mut next = 0;
		let nodes = std::mem::take(&mut self.nodes);
		for (node, mut kept) in nodes.into_iter().enumerate() {
			if used[node + 1] {
				kept.op.operands_mut().for_each(|operand| *operand = renumbered[*operand]);
				next += 1;
				renumbered[node + 1] = next;
				self.nodes.push(kept);
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn node(op: FloatOp) -> FloatNode {
		FloatNode { name: format!("{op:?}").chars().take(4).collect(), op }
	}

	fn linear(input: usize, weights: &[f32], bias: &[f32]) -> FloatNode {
		let (rows, columns) = (bias.len(), weights.len() / bias.len());
		node(FloatOp::Linear {
			input,
			rows,
			columns,
			weights: weights.to_vec(),
			bias: bias.to_vec(),
		})
	}

	fn network(input_len: usize, nodes: Vec<FloatNode>) -> FloatNetwork {
		FloatNetwork { input_len, nodes, ending: None, classes: Vec::new() }
	}

	#[test]
	fn every_operation_computes_by_hand() {
		let network = network(
			2,
			vec![
				linear(0, &[1.0, 2.0, -1.0, 0.5], &[0.5, -3.0]),
				node(FloatOp::Relu { input: 1 }),
				node(FloatOp::Bias { input: 2, bias: vec![1.0, 10.0] }),
				node(FloatOp::Add { left: 3, right: 0 }),
			],
		);
		assert_eq!(
			network.evaluate(&[2.0, 4.0]).unwrap(),
			vec![
				vec![2.0, 4.0],
				vec![10.5, -3.0],
				vec![10.5, 0.0],
				vec![11.5, 10.0],
				vec![13.5, 14.0]
			]
		);
	}

	#[test]
	fn constants_fold_into_linear_neighbours() {
		let original = network(
			2,
			vec![
				node(FloatOp::Bias { input: 0, bias: vec![1.0, -2.0] }),
				linear(1, &[1.0, 2.0, -1.0, 0.5], &[0.0, 0.0]),
				node(FloatOp::Bias { input: 2, bias: vec![0.5, -3.0] }),
				node(FloatOp::Relu { input: 3 }),
				node(FloatOp::Relu { input: 0 }),
			],
		);
		let mut wanted = original.clone();
		wanted.nodes.pop();
		let folded = wanted.clone().folded();
		assert_eq!(folded.nodes.len(), 2, "one linear node and the ReLU: {folded:?}");
		for input in [[0.0, 0.0], [3.0, -1.5], [-2.0, 8.0]] {
			assert_eq!(folded.output(&input), wanted.output(&input));
		}
		assert_eq!(original.folded().nodes.len(), 1, "only the last node matters");
	}

	#[test]
	fn constant_at_the_end_folds_backwards() {
		let original = network(
			1,
			vec![linear(0, &[2.0], &[1.0]), node(FloatOp::Bias { input: 1, bias: vec![4.0] })],
		);
		let folded = original.folded();
		assert_eq!(folded.nodes.len(), 1);
		assert_eq!(folded.output(&[1.0]).unwrap(), vec![7.0]);
	}

	#[test]
	fn constants_that_others_read_stay() {
		let original = network(
			1,
			vec![
				linear(0, &[2.0], &[1.0]),
				node(FloatOp::Bias { input: 1, bias: vec![4.0] }),
				node(FloatOp::Add { left: 1, right: 2 }),
			],
		);
		assert_eq!(original.clone().folded(), original);
	}

	#[test]
	fn structure_and_overflow_are_errors() {
		let structure = |nodes| network(2, nodes).evaluate(&[1.0, 1.0]);
		for nodes in [
			vec![linear(1, &[1.0, 1.0], &[0.0])],
			vec![linear(0, &[1.0], &[0.0])],
			vec![node(FloatOp::Bias { input: 0, bias: vec![0.0] })],
			vec![linear(0, &[1.0, 1.0], &[0.0]), node(FloatOp::Add { left: 0, right: 1 })],
			vec![node(FloatOp::Relu { input: 7 })],
		] {
			assert!(matches!(structure(nodes), Err(FloatError::Structure { .. })));
		}
		assert!(matches!(
			structure(vec![linear(0, &[f32::MAX, f32::MAX], &[0.0])]),
			Err(FloatError::Overflow { .. })
		));
		assert_eq!(
			network(2, vec![]).evaluate(&[1.0]),
			Err(FloatError::InputLength { expected: 2, found: 1 })
		);
	}
}
