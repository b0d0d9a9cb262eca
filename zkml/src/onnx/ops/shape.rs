// SPDX-License-Identifier: Apache-2.0

//! What changes shapes and the order of elements, of computed values and of constants alike.

use crate::{
	float::{FloatOp, Pick},
	network::MAX_WIDTH,
	onnx::{
		error::OnnxError,
		graph::{axis, shown, Attributes, Call, Grid, Label, Operand, Value},
		import::{output_width, Importer},
		proto::data_type,
		shape::{walk, Shape, MAX_RANK},
		tensor::{Elements, Tensor},
	},
};

/// Places of an operand along one of its axes, in the order of the result; none is padding.
type Along = Vec<Option<usize>>;

impl Importer {
	/// Integers that old versions of an operator have as an attribute and new ones as an input.
	pub(super) fn parameter(
		&self,
		call: &Call<'_>,
		attributes: &Attributes<'_>,
		name: &'static str,
		index: usize,
	) -> Result<Option<Vec<i64>>, OnnxError> {
		match (attributes.integers(name)?, call.optional(index)) {
			(Some(integers), _) => Ok(Some(integers.to_vec())),
			(None, None) => Ok(None),
			(None, Some(input)) => {
				let tensor = self.scope.constant(&call.label, input, name)?;
				let most = call.node.output.len().max(2 * MAX_RANK);
				if tensor.shape.0.len() > 1 || tensor.elements.len() > most {
					let expected = format!("{name} of one axis, at most {most}");
					return Err(call.label.shape(expected, &tensor.shape));
				}
				Ok(Some(tensor.integers()?.to_vec()))
			},
		}
	}

	/// The shape of an operand, computed or constant.
	pub(super) fn shape_of(&self, label: &Label, name: &str) -> Result<Shape, OnnxError> {
		match self.scope.operand(label, name)? {
			Operand::Value(value) => Ok(value.shape.clone()),
			_ => Ok(self.scope.constant(label, name, "the input")?.shape.clone()),
		}
	}

	/// The same elements in another shape of as many elements.
	fn reshaped(&mut self, label: &Label, name: &str, shape: Shape) -> Result<Operand, OnnxError> {
		if shape.0.len() > MAX_RANK {
			return Err(label.shape(format!("a result of at most {MAX_RANK} axes"), &shape));
		}
		match self.scope.operand(label, name)? {
			Operand::Value(value) => Ok(Value { shape, ..value.clone() }.into()),
			_ => {
				self.count_folded(label, &shape)?;
				let tensor = self.scope.constant(label, name, "the input")?;
				let tensor = Tensor { shape, ..tensor.clone() };
				Ok(self.scope.constant_of(tensor))
			},
		}
	}

	/// A classifier's class or scores in another form; `None` for any other operand.
	pub(super) fn ended(&self, call: &Call<'_>, name: &str) -> Result<Option<Operand>, OnnxError> {
		match self.scope.any(&call.label, name)? {
			Operand::Ended(ended) => Ok(Some(Operand::Ended(ended.derived(&call.label)))),
			_ => Ok(None),
		}
	}

	pub(super) fn identity(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		call.attributes(&[])?;
		let [input] = call.inputs("one input")?;
		self.scope.any(&call.label, input).cloned()
	}

	pub(super) fn dropout(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let attributes = call.attributes(&["is_test", "ratio", "seed"])?;
		attributes.float("ratio", 0.5)?;
		let input = call.at_most(1, 3, "one to three inputs")?;
		if let Some(training) = call.optional(2) {
			let training = self.scope.constant(&call.label, training, "training_mode")?;
			if training.integers()?.iter().any(|training| *training != 0) {
				let reason = "expected a network for inference, found training_mode on: export it in evaluation mode";
				return Err(call.label.refuse(reason));
			}
		}
		self.scope.any(&call.label, input).cloned()
	}

	pub(super) fn flatten(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let attributes = call.attributes(&["axis"])?;
		let [input] = call.inputs("one input")?;
		if let Some(ended) = self.ended(call, input)? {
			return Ok(ended);
		}
		let shape = self.shape_of(&call.label, input)?;
		let rank = shape.0.len();
		let axis = attributes.axis(1, rank, rank + 1)?;
		let (outer, inner) = shape.0.split_at(axis);
		let shape = Shape(vec![outer.iter().product(), inner.iter().product()]);
		self.reshaped(&call.label, input, shape)
	}

	pub(super) fn reshape(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["allowzero"])?;
		let [input, target] = call.inputs("two inputs")?;
		if let Some(ended) = self.ended(call, input)? {
			return Ok(ended);
		}
		let shape = self.shape_of(label, input)?;
		let keeps_zero = attributes.flag("allowzero")?;
		let target = self.scope.constant(label, target, "the shape")?;
		let wanted = target.integers()?;
		if wanted.len() > MAX_RANK {
			return Err(label.shape(format!("a target of at most {MAX_RANK} axes"), &target.shape));
		}
		let refuse = || label.shape(format!("data that reshapes to {wanted:?}"), &shape);
		let mut dims = Vec::new();
		let mut inferred = None;
		for (axis, dim) in wanted.iter().enumerate() {
			dims.push(match dim {
				-1 if inferred.is_none() => {
					inferred = Some(axis);
					1
				},
				0 if !keeps_zero => *shape.0.get(axis).ok_or_else(refuse)?,
				dim => usize::try_from(*dim).map_err(|_| refuse())?,
			});
		}
		let (elements, known) = (shape.elements(), Shape(dims.clone()).elements());
		if let (Some(axis), Some(elements), Some(known @ 1..)) = (inferred, elements, known) {
			dims[axis] = elements / known;
		}
		match Shape(dims) {
			output if output.elements().is_some() && output.elements() == elements => {
				self.reshaped(label, input, output)
			},
			_ => Err(refuse()),
		}
	}

	/// Removes axes of length 1: those named, or all.
	pub(super) fn squeeze(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["axes"])?;
		let input = call.at_most(1, 2, "one or two inputs")?;
		if let Some(ended) = self.ended(call, input)? {
			return Ok(ended);
		}
		let shape = self.shape_of(label, input)?;
		let rank = shape.0.len();
		let axes = self.parameter(call, &attributes, "axes", 1)?;
		let mut removed = shape.0.iter().map(|dim| axes.is_none() && *dim == 1).collect::<Vec<_>>();
		for found in axes.unwrap_or_default() {
			let axis = axis(label, found, rank, rank)?;
			if shape.0[axis] != 1 {
				return Err(label.shape(format!("length 1 along axis {axis}"), &shape));
			}
			removed[axis] = true;
		}
		let kept = shape.0.iter().zip(removed).filter(|(_, removed)| !removed);
		let shape = Shape(kept.map(|(dim, _)| *dim).collect());
		self.reshaped(label, input, shape)
	}

	/// Inserts axes of length 1, at their places in the result.
	pub(super) fn unsqueeze(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["axes"])?;
		let input = call.at_most(1, 2, "one or two inputs")?;
		if let Some(ended) = self.ended(call, input)? {
			return Ok(ended);
		}
		let shape = self.shape_of(label, input)?;
		let axes = self.parameter(call, &attributes, "axes", 1)?;
		let axes = axes.ok_or_else(|| label.attribute("axes", "axes to insert", "none"))?;
		let rank = shape.0.len() + axes.len();
		if rank > MAX_RANK {
			let found = format!("{} more", axes.len());
			return Err(label.attribute("axes", format!("at most {MAX_RANK} axes"), found));
		}
		let mut inserted = vec![false; rank];
		for found in &axes {
			let axis = axis(label, *found, rank, rank)?;
			if std::mem::replace(&mut inserted[axis], true) {
				return Err(label.attribute("axes", "each axis once", shown(&axes)));
			}
		}
		let mut dims = shape.0.into_iter();
		let dims = inserted.into_iter().map(|new| if new { 1 } else { dims.next().unwrap_or(1) });
		let shape = Shape(dims.collect());
		self.reshaped(label, input, shape)
	}

	pub(super) fn transpose(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["perm"])?;
		let [input] = call.inputs("one input")?;
		let shape = self.shape_of(label, input)?;
		let rank = shape.0.len();
		let order = match attributes.integers("perm")? {
			None => (0..rank).rev().collect(),
			Some(found) => {
				let order = found.iter().map(|axis| usize::try_from(*axis).unwrap_or(rank));
				let order = order.collect::<Vec<_>>();
				let mut sorted = order.clone();
				sorted.sort_unstable();
				if sorted != (0..rank).collect::<Vec<_>>() {
					let expected = format!("a permutation of the axes 0 to {}", rank.max(1) - 1);
					return Err(label.attribute("perm", expected, shown(found)));
				}
				order
			},
		};
		let strides = shape.strides();
		let dims = order.iter().map(|axis| shape.0[*axis]).collect::<Vec<_>>();
		let steps = order.iter().map(|axis| strides[*axis]).collect();
		let places = walk(dims.clone(), steps).map(|element| Some((0, element)));
		self.rearrange(label, &[input], Shape(dims), places, 0.0)
	}

	pub(super) fn concat(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["axis"])?;
		let names = call.node.input.iter().map(String::as_str).collect::<Vec<_>>();
		let Some(first) = names.first() else {
			return Err(label.arity("one input or more", 0));
		};
		if let Some(pair) = self.pair(call)? {
			return Ok(pair);
		}
		let mut output = self.shape_of(label, first)?;
		let rank = output.0.len();
		let axis = attributes.axis(0, rank, rank)?;
		let mut chunks = Vec::new();
		let mut total = 0usize;
		for name in &names {
			let shape = self.shape_of(label, name)?;
			let others = |shape: &Shape| {
				let mut dims = shape.0.clone();
				(axis < dims.len()).then(|| dims.remove(axis)).map(|_| dims)
			};
			if shape.0.len() != rank || others(&shape) != others(&output) {
				let expected = format!("inputs like {output} but for axis {axis}");
				return Err(label.shape(expected, &shape));
			}
			total = total.saturating_add(shape.0[axis]);
			chunks.push(shape.0[axis..].iter().product::<usize>());
		}
		output.0[axis] = total;
		let outer = output.0[..axis].iter().product::<usize>();
		let places = (0..outer).flat_map(|row| {
			let chunks = chunks.iter().enumerate();
			chunks.flat_map(move |(operand, chunk)| {
				(0..*chunk).map(move |element| Some((operand, row * chunk + element)))
			})
		});
		self.rearrange(label, &names, output.clone(), places, 0.0)
	}

	/// Constants around an operand; negative padding crops it.
	pub(super) fn pad(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["mode", "pads", "value"])?;
		match attributes.text("mode", "constant")?.as_str() {
			"constant" => (),
			other => return Err(label.attribute("mode", "constant", format!("{other:.40?}"))),
		}
		let input = call.at_most(1, 4, "one to four inputs")?;
		let shape = self.shape_of(label, input)?;
		let pads = self.parameter(call, &attributes, "pads", 1)?;
		let pads = pads.ok_or_else(|| label.attribute("pads", "the padding", "none"))?;
		let fill = match call.optional(2) {
			Some(name) => {
				let fill = self.scope.constant(label, name, "the padding's value")?;
				match fill.elements {
					Elements::Int(_) => fill.integers()?.first().map_or(0.0, |fill| *fill as f32),
					_ => fill.scalar()?,
				}
			},
			None => attributes.float("value", 0.0)?,
		};
		let rank = shape.0.len();
		let axes = self.parameter(call, &attributes, "axes", 3)?;
		let axes = axes.unwrap_or_else(|| (0..rank as i64).collect());
		if axes.len() > rank || pads.len() != 2 * axes.len() {
			let expected = format!("two numbers for each of {} axes", axes.len());
			return Err(label.attribute("pads", expected, shown(&pads)));
		}
		let mut along = self.all(label, &shape, 0)?;
		let mut output = shape.0.clone();
		for (index, found) in axes.iter().enumerate() {
			let axis = axis(label, *found, rank, rank)?;
			let (begin, end) = (pads[index], pads[index + axes.len()]);
			let largest = 1 << 16;
			if begin.abs() > largest || end.abs() > largest {
				let expected = format!("numbers from -{largest} to {largest}");
				return Err(label.attribute("pads", expected, shown(&pads)));
			}
			let length = shape.0[axis] as i64;
			let places = -begin..length.saturating_add(end);
			// Before anything is listed: many such nodes would take long.
			output[axis] = usize::try_from(places.end - places.start).unwrap_or(0);
			if !(1..=MAX_WIDTH).contains(&output.iter().product::<usize>()) {
				let expected = format!("an output of 1 to {MAX_WIDTH} elements");
				return Err(label.attribute("pads", expected, shown(&pads)));
			}
			let inside = |place: i64| (0..length).contains(&place).then_some(place as usize);
			along[axis] = places.map(inside).collect();
		}
		self.select(label, input, &shape, along, fill)
	}

	pub(super) fn slice(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["axes", "ends", "starts"])?;
		let input = call.at_most(1, 5, "one to five inputs")?;
		let shape = self.shape_of(label, input)?;
		let rank = shape.0.len();
		let missing = |name| label.attribute(name, "integers", "none");
		let starts = self.parameter(call, &attributes, "starts", 1)?;
		let starts = starts.ok_or_else(|| missing("starts"))?;
		let ends = self.parameter(call, &attributes, "ends", 2)?.ok_or_else(|| missing("ends"))?;
		let count = starts.len();
		let axes = self.parameter(call, &attributes, "axes", 3)?;
		let axes = axes.unwrap_or_else(|| (0..count as i64).collect());
		let steps = self.parameter(call, &attributes, "steps", 4)?;
		let steps = steps.unwrap_or_else(|| vec![1; count]);
		if count > rank || [ends.len(), axes.len(), steps.len()] != [count; 3] {
			let expected = format!("as many ends, axes and steps as starts, at most {rank}");
			let found = format!("{count}, {}, {}, {}", ends.len(), axes.len(), steps.len());
			return Err(label.attribute("starts", expected, found));
		}
		let mut along = self.all(label, &shape, 0)?;
		for (index, found) in axes.iter().enumerate() {
			let axis = axis(label, *found, rank, rank)?;
			let (length, step) = (shape.0[axis] as i64, steps[index]);
			let place = |found: i64, low: i64, high: i64| {
				let counted = if found < 0 { found.saturating_add(length) } else { found };
				counted.clamp(low, high.max(low))
			};
			let mut chosen = Vec::new();
			let (mut next, end) = match step {
				0 => return Err(label.attribute("steps", "steps other than 0", "0")),
				1.. => (place(starts[index], 0, length), place(ends[index], 0, length)),
				_ => (place(starts[index], -1, length - 1), place(ends[index], -1, length - 1)),
			};
			while if step > 0 { next < end } else { next > end } {
				chosen.push(usize::try_from(next).ok());
				next = next.saturating_add(step);
			}
			along[axis] = chosen;
		}
		self.select(label, input, &shape, along, 0.0)
	}

	pub(super) fn split(&mut self, call: &Call<'_>) -> Result<Vec<Operand>, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["axis", "num_outputs", "split"])?;
		let input = call.at_most(1, 2, "one or two inputs")?;
		let shape = self.shape_of(label, input)?;
		let rank = shape.0.len();
		let axis = attributes.axis(0, rank, rank)?;
		let (length, parts) = (shape.0[axis], call.node.output.len());
		let lengths = match self.parameter(call, &attributes, "split", 1)? {
			Some(lengths) => lengths.iter().map(|part| usize::try_from(*part).ok()).collect(),
			// Equal parts but for the last.
			None => {
				let part = length.div_ceil(parts.max(1));
				let part = |index: usize| Some(part.min(length.saturating_sub(index * part)));
				Some((0..parts).map(part).collect::<Option<Vec<_>>>().unwrap_or_default())
			},
		};
		let fits = |lengths: &Vec<usize>| {
			let total = lengths.iter().try_fold(0usize, |sum, part| sum.checked_add(*part));
			lengths.len() == parts && total == Some(length)
		};
		let Some(lengths) = lengths.filter(fits) else {
			let expected = format!("{parts} lengths that add up to {length}");
			return Err(label.attribute("split", expected, "others"));
		};
		let mut operands = Vec::new();
		let mut first = 0;
		for part in lengths {
			let mut along = self.all(label, &shape, 0)?;
			along[axis] = (first..first + part).map(Some).collect();
			first += part;
			operands.push(self.select(label, input, &shape, along, 0.0)?);
		}
		Ok(operands)
	}

	pub(super) fn gather(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["axis"])?;
		let [data, places] = call.inputs("two inputs")?;
		let rank = self.shape_of(label, data)?.0.len();
		let axis = attributes.axis(0, rank, rank)?;
		let tensor = self.scope.constant(label, places, "the indices")?;
		let (places, shape) = (tensor.integers()?.to_vec(), tensor.shape.clone());
		self.take(call, data, axis, &places, Some(shape))
	}

	/// The elements at some places along an axis; `replaced` is what stands for the axis in the
	/// result's shape, when that is not one axis.
	pub(super) fn take(
		&mut self,
		call: &Call<'_>,
		data: &str,
		axis: usize,
		places: &[i64],
		replaced: Option<Shape>,
	) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let shape = self.shape_of(label, data)?;
		let Some(length) = shape.0.get(axis).copied() else {
			return Err(label.shape("data of one axis or more", &shape));
		};
		let mut along = self.all(label, &shape, places.len())?;
		along[axis] = Vec::with_capacity(places.len());
		for found in places {
			let place = if *found < 0 { found.saturating_add(length as i64) } else { *found };
			let place = usize::try_from(place).ok().filter(|place| *place < length);
			let expected = || format!("places from -{length} to {length} along axis {axis}");
			let place = place
				.ok_or_else(|| label.refuse(format!("expected {}, found {found}", expected())))?;
			along[axis].push(Some(place));
		}
		let mut dims = along.iter().map(Vec::len).collect::<Vec<_>>();
		let replaced = replaced.map_or_else(|| vec![places.len()], |shape| shape.0);
		dims.splice(axis..=axis, replaced);
		let chosen = chosen(&shape, along);
		self.rearrange(label, &[data], Shape(dims), chosen, 0.0)
	}

	/// Every place along every axis, where room for `more` is needed.
	fn all(&mut self, label: &Label, shape: &Shape, more: usize) -> Result<Vec<Along>, OnnxError> {
		let places = shape.0.iter().try_fold(more, |sum, dim| sum.checked_add(*dim));
		self.count_folded(label, &Shape(vec![places.unwrap_or(usize::MAX)]))?;
		Ok(shape.0.iter().map(|dim| (0..*dim).map(Some).collect()).collect())
	}

	/// Some places along every axis of an operand.
	fn select(
		&mut self,
		label: &Label,
		input: &str,
		shape: &Shape,
		along: Vec<Along>,
		fill: f32,
	) -> Result<Operand, OnnxError> {
		let output = Shape(along.iter().map(Vec::len).collect());
		let chosen = chosen(shape, along);
		self.rearrange(label, &[input], output, chosen, fill)
	}

	/// A result whose elements are those of operands, by operand and place, or the padding.
	fn rearrange(
		&mut self,
		label: &Label,
		names: &[&str],
		shape: Shape,
		places: impl Iterator<Item = Option<(usize, usize)>>,
		fill: f32,
	) -> Result<Operand, OnnxError> {
		if shape.0.len() > MAX_RANK {
			return Err(label.shape(format!("a result of at most {MAX_RANK} axes"), &shape));
		}
		let operands = names
			.iter()
			.map(|name| self.scope.operand(label, name).cloned())
			.collect::<Result<Vec<_>, _>>()?;
		let constants = operands.iter().map(|operand| match operand {
			Operand::Constant(index) => Some(*index),
			_ => None,
		});
		if let Some(constants) = constants.collect::<Option<Vec<_>>>() {
			return self.rearrange_constants(label, &constants, shape, places, fill);
		}
		output_width(label, &shape)?;
		let mut grid: Option<Option<Grid>> = None;
		let (mut inputs, mut sources) = (Vec::new(), Vec::new());
		for (name, operand) in names.iter().zip(&operands) {
			match operand {
				Operand::Value(value) => {
					if grid.is_some_and(|grid| grid != value.grid) {
						return Err(label.refuse(
							"expected quantised values of one scale and zero point, found several",
						));
					}
					grid = Some(value.grid);
					sources.push(Ok(inputs.len()));
					inputs.push(value.value);
				},
				_ => {
					let tensor = self.scope.constant(label, name, "the input")?;
					sources.push(Err(tensor.clone()));
				},
			}
		}
		let grid = grid.flatten();
		let real = |grid: &Grid, element: f32| grid.real(element as i64);
		let mut picks = Vec::with_capacity(shape.width().unwrap_or(0));
		for place in places {
			picks.push(match place {
				None => Pick::Constant(grid.as_ref().map_or(fill, |grid| real(grid, fill))),
				Some((operand, element)) => match &sources[operand] {
					Ok(operand) => Pick::Element { operand: *operand, element },
					Err(tensor) => Pick::Constant(match &grid {
						Some(grid) => grid.real(tensor.integers()?[element]),
						None => tensor.floats()?[element],
					}),
				},
			});
		}
		let value = self.push(label, FloatOp::Gather { inputs, picks }, shape)?;
		Ok(Value { grid, ..value }.into())
	}

	fn rearrange_constants(
		&mut self,
		label: &Label,
		constants: &[usize],
		shape: Shape,
		places: impl Iterator<Item = Option<(usize, usize)>>,
		fill: f32,
	) -> Result<Operand, OnnxError> {
		self.count_folded(label, &shape)?;
		let tensors = constants.iter().filter_map(|index| self.scope.tensors.get(*index));
		let tensors = tensors.collect::<Vec<_>>();
		let elements = match tensors.first().map(|tensor| &tensor.elements) {
			Some(Elements::Float(_)) => {
				let operands = tensors.iter().map(|tensor| tensor.floats());
				Elements::Float(pick(&operands.collect::<Result<Vec<_>, _>>()?, places, fill))
			},
			_ => {
				let operands = tensors.iter().map(|tensor| tensor.integers());
				Elements::Int(pick(&operands.collect::<Result<Vec<_>, _>>()?, places, fill as i64))
			},
		};
		let data_type = tensors.first().map_or(data_type::FLOAT, |tensor| tensor.data_type);
		let tensor = Tensor { name: label.node.clone(), shape, data_type, elements };
		Ok(self.scope.constant_of(tensor))
	}
}

/// The places of an operand that are chosen along its axes, in the order of the result.
fn chosen(
	shape: &Shape,
	along: Vec<Along>,
) -> impl Iterator<Item = Option<(usize, usize)>> + use<> {
	let strides = shape.strides();
	let dims = along.iter().map(Vec::len).collect::<Vec<_>>();
	let steps = Shape(dims.clone()).strides();
	walk(dims.clone(), steps.clone()).map(move |place| {
		let offsets = along.iter().zip(&strides).zip(steps.iter().zip(&dims));
		let element = offsets.map(|((along, stride), (step, dim))| {
			along[place / step % dim].map(|index| index * stride)
		});
		element.sum::<Option<usize>>().map(|element| (0, element))
	})
}

fn pick<T: Copy>(
	operands: &[&[T]],
	places: impl Iterator<Item = Option<(usize, usize)>>,
	fill: T,
) -> Vec<T> {
	places
		.map(|place| place.map_or(fill, |(operand, element)| operands[operand][element]))
		.collect()
}
