// SPDX-License-Identifier: Apache-2.0

//! What the readers of a value ask of its scales, and what its width costs them.

use super::Reveal;
use crate::{
	float::{FloatNetwork, FloatOp},
	network::MAX_WIDTH,
};

/// Between which elements of a value scales may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variety {
	/// Between none: somebody adds the value, or it is the output.
	None,
	/// Between planes of so many elements.
	Planes(usize),
	/// Between all.
	Elements,
}

impl Variety {
	fn and(self, other: Self) -> Self {
		match (self, other) {
			(Self::Elements, variety) | (variety, Self::Elements) => variety,
			(Self::Planes(a), Self::Planes(b)) if a == b => self,
			_ => Self::None,
		}
	}

	/// Whether scales may differ between groups of so many elements.
	pub(super) fn allows(self, group: usize) -> bool {
		match self {
			Self::None => false,
			Self::Planes(plane) => group.is_multiple_of(plane.max(1)),
			Self::Elements => true,
		}
	}
}

/// What all readers of a value together ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demand {
	/// Between which elements scales may differ.
	pub(super) variety: Variety,
	/// Whether the value may have zero points.
	pub(super) zero_points: bool,
	/// Whether the step may be another number than a power of two.
	pub(super) factor: bool,
	/// Constraints that one more bit costs where the value is requantised or compared.
	pub(super) per_bit: usize,
	/// Constraints that one more bit costs behind the nodes that multiply the value.
	pub(super) per_multiplied_bit: usize,
	/// Whether a node multiplies the value.
	multiplied: bool,
}

impl Demand {
	const NOTHING: Self = Self {
		variety: Variety::Elements,
		zero_points: true,
		factor: true,
		per_bit: 0,
		per_multiplied_bit: 0,
		multiplied: false,
	};

	fn join(&mut self, other: Self) {
		self.variety = self.variety.and(other.variety);
		self.zero_points &= other.zero_points;
		self.factor &= other.factor;
		self.per_bit += other.per_bit;
		self.per_multiplied_bit += other.per_multiplied_bit;
		self.multiplied |= other.multiplied;
	}

	/// Constraints that one more bit of the value costs, given its width: what multiplies it has it
	/// requantised once.
	fn cost_of_a_bit(&self, width: usize) -> usize {
		self.per_bit + if self.multiplied { width } else { 0 }
	}
}

/// One per value of a network whose values have these widths.
pub(super) fn demands(float: &FloatNetwork, widths: &[usize], reveal: Reveal) -> Vec<Demand> {
	let mut demands = vec![Demand::NOTHING; widths.len()];
	if let (Some(output), Some(width)) = (demands.last_mut(), widths.last()) {
		let label = reveal == Reveal::Label;
		output.variety = Variety::None;
		output.zero_points = false;
		output.factor = label;
		output.per_bit = if label { width.saturating_sub(1) } else { 0 };
	}
	for (node, step) in float.nodes.iter().enumerate().rev() {
		let after = demands[node + 1];
		let behind = after.cost_of_a_bit(widths[node + 1]);
		let multiplying =
			Demand { per_multiplied_bit: behind, multiplied: true, ..Demand::NOTHING };
		for operand in step.op.operands().collect::<Vec<_>>() {
			let requantising =
				Demand { zero_points: false, per_bit: widths[operand], ..Demand::NOTHING };
			demands[operand].join(match &step.op {
				FloatOp::Linear { .. } | FloatOp::Affine { .. } => multiplying,
				FloatOp::Trees { .. } => Demand { per_multiplied_bit: 0, ..multiplying },
				FloatOp::Conv { convolution, .. } => {
					let window = &convolution.window;
					let variety = Variety::Planes(window.plane());
					// Padding that stands for zero beside a zero point becomes part of the value.
					let zero_points = window.padded_len() <= MAX_WIDTH;
					Demand { variety, zero_points, ..multiplying }
				},
				// The scale of the result stays a power of two times the operand's.
				FloatOp::Clamp { .. } | FloatOp::LeakyRelu { .. } => {
					Demand { factor: after.factor, ..requantising }
				},
				FloatOp::Step { .. } => requantising,
				FloatOp::MaxPool { window, .. } => {
					let comparisons = window.reads() - window.reads() / window.kernel_len().max(1);
					let variety = match after.variety {
						Variety::None => Variety::None,
						Variety::Planes(plane) if plane != window.positions() => Variety::None,
						_ => Variety::Planes(window.plane()),
					};
					let per_bit = behind + comparisons;
					Demand { variety, per_bit, multiplied: false, ..after }.without_products()
				},
				FloatOp::Gather { inputs, .. } => {
					// What lies on a plane before need not do so behind.
					let variety = match after.variety {
						Variety::Elements => Variety::Elements,
						_ => Variety::None,
					};
					let factor = after.factor && inputs.len() == 1;
					Demand { variety, factor, per_bit: behind, ..after }.without_products()
				},
				FloatOp::Add { .. } => {
					let variety = Variety::None;
					Demand { variety, factor: false, per_bit: behind, ..after }.without_products()
				},
			});
		}
	}
	demands
}

impl Demand {
	/// The demand of a node that passes its operand on without multiplying it.
	fn without_products(self) -> Self {
		Self { per_multiplied_bit: 0, multiplied: false, ..self }
	}
}
