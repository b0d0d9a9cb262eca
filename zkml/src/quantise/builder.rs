// SPDX-License-Identifier: Apache-2.0

//! The integer network in the making: its nodes, their grids and bounds, and how a value gets into
//! the form that a reader needs.

use super::{
	demands::Demand,
	scale::{Ends, Range, LARGEST_EXPONENT},
	statistics::Statistics,
	Grid, Origin, QuantiseError, Scale,
};
use crate::network::{
	Interval, NetworkError, Node, Pick, QuantisedNetwork, Requantisation, MAX_FEATURE_BITS,
	MAX_OPERAND_BITS, MAX_SHIFT,
};

/// Bits that a requantised value has.
const REQUANTISED_BITS: u32 = 9;

/// A value of the integer network and what its integers stand for.
#[derive(Clone, Debug)]
pub(super) struct Scaled {
	pub(super) value: usize,
	pub(super) grid: Grid,
}

pub(super) struct Builder<'a> {
	pub(super) statistics: &'a Statistics,
	/// One per value of the float network.
	pub(super) demands: &'a [Demand],
	pub(super) nodes: Vec<Node>,
	pub(super) origins: Vec<Origin>,
	/// What stands for every value of the float network so far.
	pub(super) values: Vec<Scaled>,
	/// Bounds of every value so far.
	bounds: Vec<Vec<Interval>>,
	/// The narrow form of a value of the float network, where somebody needed one.
	narrowed: Vec<Option<Scaled>>,
}

impl<'a> Builder<'a> {
	/// A network whose input has this grid.
	pub(super) fn new(
		statistics: &'a Statistics,
		demands: &'a [Demand],
		input: Grid,
		input_len: usize,
	) -> Self {
		Self {
			statistics,
			demands,
			nodes: Vec::new(),
			origins: Vec::new(),
			values: vec![Scaled { value: 0, grid: input }],
			bounds: vec![vec![Interval::INT8; input_len]],
			narrowed: vec![None; demands.len()],
		}
	}

	/// The value of the float network that the next node of it produces.
	pub(super) fn next_value(&self) -> usize {
		self.values.len()
	}

	/// Elements of a value.
	pub(super) fn width(&self, scaled: &Scaled) -> usize {
		self.bounds(scaled).len()
	}

	/// Bits of a value.
	pub(super) fn bits(&self, scaled: &Scaled) -> u32 {
		self.bounds(scaled).iter().map(Interval::bits).max().unwrap_or(0)
	}

	fn bounds(&self, scaled: &Scaled) -> &[Interval] {
		self.bounds.get(scaled.value).map(Vec::as_slice).unwrap_or_default()
	}

	/// Adds a node that approximates a value of the float network, or helps with one.
	pub(super) fn push(
		&mut self,
		name: &str,
		float_value: Option<usize>,
		node: Node,
		grid: Grid,
	) -> Result<Scaled, QuantiseError> {
		let refuse = |reason| QuantiseError::Network { node: name.into(), reason };
		let bounds = node.bounds(self.nodes.len(), &self.bounds).map_err(refuse)?;
		self.bounds.push(bounds);
		self.nodes.push(node);
		self.origins.push(Origin { node: name.into(), float_value, grid: grid.clone() });
		Ok(Scaled { value: self.nodes.len(), grid })
	}

	/// Brings a value to the eight bits that suit a value of the float network.
	pub(super) fn requantise(
		&mut self,
		name: &str,
		input: &Scaled,
		float_value: usize,
		ends: Ends,
		leak: u8,
	) -> Result<Scaled, QuantiseError> {
		let refuse = || out_of_scale(name, "activations");
		let mut input = self.centred(name, input)?;
		// Only the ends of a clamp and the slope of a leak can be finer than the value itself.
		let limit = match ends.are_numbers() || leak > 0 {
			true => LARGEST_EXPONENT,
			false => input.grid.exponents().0,
		};
		let statistics = &self.statistics.values[float_value];
		let Range { exponent, low, high } =
			ends.range(statistics, input.grid.factor, limit).ok_or_else(refuse)?;
		if exponent > input.grid.exponents().0 {
			input = self.refined(name, &input, exponent)?;
		}
		let (_, finest) = input.grid.exponents();
		if finest - exponent > i32::from(MAX_SHIFT) {
			return Err(refuse());
		}
		let shifts = input.grid.scales.iter().map(|scale| (scale.exponent - exponent) as u8);
		let requantisation = Requantisation { shifts: shifts.collect(), low, high, leak };
		let grid = Grid { factor: input.grid.factor, ..Grid::uniform(exponent) };
		let node = Node::Requantise { input: input.value, requantisation };
		self.push(name, Some(float_value), node, grid)
	}

	/// The value with constants added, which are integers of its grid; `None` when they are too large.
	pub(super) fn add_constants(
		&mut self,
		name: &str,
		float_value: Option<usize>,
		input: &Scaled,
		constants: impl Iterator<Item = i64>,
		grid: Grid,
	) -> Result<Option<Scaled>, QuantiseError> {
		let constant = |number: i64| i32::try_from(number).ok().map(Pick::Constant);
		let Some(picks) = constants.map(constant).collect::<Option<Vec<_>>>() else {
			return Ok(None);
		};
		let gather = Node::Gather { inputs: Vec::new(), picks };
		let constants = self.push(name, None, gather, grid.clone())?;
		let node =
			Node::Add { left: input.value, left_shift: 0, right: constants.value, right_shift: 0 };
		self.push(name, float_value, node, grid).map(Some)
	}

	/// The value in integers so much finer that none of its exponents is below the given one.
	fn refined(
		&mut self,
		name: &str,
		input: &Scaled,
		exponent: i32,
	) -> Result<Scaled, QuantiseError> {
		let shift = exponent - input.grid.exponents().0;
		let shift = u8::try_from(shift).ok().filter(|shift| *shift <= MAX_SHIFT);
		let shift = shift.ok_or_else(|| out_of_scale(name, "activations"))?;
		let mut grid = input.grid.clone();
		grid.scales.iter_mut().for_each(|scale| *scale = finer(*scale, shift));
		let picks = all_elements(self.width(input));
		self.push(name, None, Node::Gather { inputs: vec![(input.value, shift)], picks }, grid)
	}

	/// The value without zero points.
	pub(super) fn centred(&mut self, name: &str, input: &Scaled) -> Result<Scaled, QuantiseError> {
		if input.grid.is_centred() {
			return Ok(input.clone());
		}
		let width = self.width(input);
		let mut grid = input.grid.clone();
		let zero_points = (0..width).map(|element| input.grid.scale(element, width).zero_point);
		let zero_points = zero_points.collect::<Vec<_>>().into_iter();
		grid.scales.iter_mut().for_each(|scale| scale.zero_point = 0);
		let centred = self.add_constants(name, None, input, zero_points, grid)?;
		centred.ok_or_else(|| out_of_scale(name, "values"))
	}

	/// The narrow form of a value of the float network: one scale, eight bits.
	pub(super) fn narrow(
		&mut self,
		name: &str,
		float_value: usize,
	) -> Result<Scaled, QuantiseError> {
		if let Some(narrowed) = &self.narrowed[float_value] {
			return Ok(narrowed.clone());
		}
		let wide = self.values[float_value].clone();
		let narrowed = self.requantise(name, &wide, float_value, Ends::NONE, 0)?;
		self.narrowed[float_value] = Some(narrowed.clone());
		Ok(narrowed)
	}

	/// A value of the float network in a form that is multiplied with weights: as it is, or narrow when
	/// it is too wide, or when its width would cost more constraints behind the multiplication than
	/// requantising it does.
	pub(super) fn operand(
		&mut self,
		name: &str,
		float_value: usize,
	) -> Result<Scaled, QuantiseError> {
		let scaled = &self.values[float_value];
		let bits = self.bits(scaled);
		let behind = self.demands[float_value].per_multiplied_bit;
		let extra = bits.saturating_sub(REQUANTISED_BITS) as usize * behind;
		let requantise = self.bounds(scaled).iter().map(requantisation_cost).sum::<usize>();
		if bits <= MAX_OPERAND_BITS && extra <= requantise {
			return Ok(scaled.clone());
		}
		self.narrow(name, float_value)
	}

	/// A value of the float network in a form that decision trees compare.
	pub(super) fn features(
		&mut self,
		name: &str,
		float_value: usize,
	) -> Result<Scaled, QuantiseError> {
		let scaled = &self.values[float_value];
		match self.bits(scaled) {
			0..=MAX_FEATURE_BITS => Ok(scaled.clone()),
			_ => self.narrow(name, float_value),
		}
	}

	/// A value of the float network with one scale, whose step is a power of two, for all elements.
	pub(super) fn aligned(
		&mut self,
		name: &str,
		float_value: usize,
	) -> Result<Scaled, QuantiseError> {
		let scaled = match self.values[float_value].clone() {
			scaled if scaled.grid.common().is_some() => scaled,
			_ => self.narrow(name, float_value)?,
		};
		match scaled.grid.factor == 1.0 {
			true => Ok(scaled),
			false => Err(out_of_scale(name, "operands")),
		}
	}

	/// The nodes and where they come from; the last of them produces the output, at this exponent.
	pub(super) fn finish(
		mut self,
		name: &str,
		label: bool,
	) -> Result<(Vec<Node>, Vec<Origin>, i32), QuantiseError> {
		let float_value = self.values.len() - 1;
		let output = match label {
			// The largest stays the largest in every unit.
			true => match self.values[float_value].clone() {
				scaled if scaled.grid.common().is_some() => scaled,
				_ => self.narrow(name, float_value)?,
			},
			false => self.aligned(name, float_value)?,
		};
		let output = self.centred(name, &output)?;
		let exponent = output.grid.common().map_or(0, |scale| scale.exponent);
		if label {
			self.push(name, None, Node::ArgMax { input: output.value }, Grid::uniform(0))?;
			return Ok((self.nodes, self.origins, 0));
		}
		if output.value != self.nodes.len() {
			let picks = all_elements(self.width(&output));
			let node = Node::Gather { inputs: vec![(output.value, 0)], picks };
			self.push(name, Some(float_value), node, output.grid)?;
		}
		Ok((self.nodes, self.origins, exponent))
	}
}

/// All elements of the first operand, in their order.
fn all_elements(width: usize) -> Vec<Pick<i32>> {
	(0..width).map(|element| Pick::Element { operand: 0, element }).collect()
}

/// About as many constraints as requantising one element takes: its bits, a sign, and a clamp.
fn requantisation_cost(bounds: &Interval) -> usize {
	let bits = bounds.bits();
	(bits + 1 + bits.saturating_sub(REQUANTISED_BITS) / 2) as usize
}

pub(super) fn out_of_scale(node: &str, what: &'static str) -> QuantiseError {
	QuantiseError::Scale { node: node.into(), what }
}

/// A scale whose integers are `2^shift` times finer.
pub(super) fn finer(scale: Scale, shift: u8) -> Scale {
	Scale {
		exponent: scale.exponent + i32::from(shift),
		zero_point: scale.zero_point.checked_shl(shift.into()).unwrap_or(0),
	}
}

/// Checks a network as a whole; an error names the original node.
pub(super) fn check(network: &QuantisedNetwork, origins: &[Origin]) -> Result<(), QuantiseError> {
	network.validate().map_err(|reason| {
		let node = match &reason {
			NetworkError::TooWide { node, .. }
			| NetworkError::NotNarrow { node, .. }
			| NetworkError::Weights { node }
			| NetworkError::Products { node }
			| NetworkError::Structure { node, .. }
			| NetworkError::Shift { node, .. } => Some(*node),
			NetworkError::Elements { value } | NetworkError::Width { value, .. } => {
				value.checked_sub(1)
			},
			_ => None,
		};
		let name = node.and_then(|node| origins.get(node)).map(|origin| origin.node.clone());
		QuantiseError::Network { node: name.unwrap_or_else(|| "the network".into()), reason }
	})
}
