// SPDX-License-Identifier: Apache-2.0

//! Last steps that do not change which class wins: the network ends before them.

use crate::{
	float::Ending,
	network::MAX_WIDTH,
	onnx::{
		error::OnnxError,
		graph::{Call, Ended, Operand, Role, Value},
		import::Importer,
		shape::Shape,
		tensor::text,
	},
};

impl Importer {
	/// Softmax, LogSoftmax or ArgMax over the one axis of a vector; one that `flattens` takes that axis
	/// and all behind it together, as Softmax did before version 13.
	pub(super) fn ending(
		&mut self,
		call: &Call<'_>,
		known: &[&str],
		default_axis: i64,
		flattens: bool,
		ending: Ending,
	) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(known)?;
		attributes.only("select_last_index", 0, 0)?;
		let [name] = call.inputs("one input")?;
		let (value, shape) = match self.scope.any(label, name)? {
			Operand::Ended(ended) if ended.role == Role::Scores => {
				(ended.value, ended.shape.clone())
			},
			_ => self.scope.computed(label, name, "the input")?,
		};
		let rank = shape.0.len();
		let axis = attributes.axis(default_axis, rank, rank)?;
		let vector =
			shape.vector().ok_or_else(|| label.shape("one row of logits, [1, N]", &shape))?;
		if axis != vector && !(flattens && axis < vector) {
			let expected = match vector + 1 == rank {
				true => format!("the last axis, {vector} or -1"),
				false => format!("the axis of the logits, {vector}"),
			};
			return Err(label.attribute("axis", expected, axis.to_string()));
		}
		let role = if ending == Ending::ArgMax { Role::Other } else { Role::Scores };
		let by = label.clone();
		Ok(Operand::Ended(Ended { value, shape, ending: Some(ending), role, by }))
	}

	pub(super) fn sigmoid(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		call.attributes(&[])?;
		let [name] = call.inputs("one input")?;
		let (value, shape) = self.scope.computed(&call.label, name, "the input")?;
		let (ending, by) = (Some(Ending::Sigmoid), call.label.clone());
		let role = if shape.elements() > Some(1) { Role::Scores } else { Role::Other };
		Ok(Operand::Ended(Ended { value, shape, ending, role, by }))
	}

	/// `1 − p` of the probability of a single logit; `None` for any other difference.
	pub(super) fn complement(&self, call: &Call<'_>) -> Result<Option<Operand>, OnnxError> {
		let label = &call.label;
		let [one, name] = call.inputs("two inputs")?;
		let Operand::Ended(ended) = self.scope.any(label, name)? else { return Ok(None) };
		let is_single = ended.ending == Some(Ending::Sigmoid) && ended.shape.elements() == Some(1);
		if !is_single || self.scope.constant(label, one, "1")?.scalar()? != 1.0 {
			return Ok(None);
		}
		let ended = Ended { role: Role::Complement, by: label.clone(), ..ended.clone() };
		Ok(Some(Operand::Ended(ended)))
	}

	/// The probabilities of two classes, `1 − p` and `p`: which is larger is the sign of the logit.
	/// `None` for anything else that is put together.
	pub(super) fn pair(&self, call: &Call<'_>) -> Result<Option<Operand>, OnnxError> {
		let label = &call.label;
		let [first, second] = call.node.input.as_slice() else { return Ok(None) };
		match (self.scope.any(label, first)?, self.scope.any(label, second)?) {
			(Operand::Ended(first), Operand::Ended(second))
				if first.role == Role::Complement
					&& second.role == Role::Other
					&& second.ending == Some(Ending::Sigmoid)
					&& first.value == second.value =>
			{
				let (shape, by) = (Shape(vec![1, 2]), label.clone());
				let pair = Ended { shape, role: Role::Scores, by, ..second.clone() };
				Ok(Some(Operand::Ended(pair)))
			},
			_ => Ok(None),
		}
	}

	/// Scores as a map from the names of the classes.
	pub(super) fn zip_map(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let attributes = call.attributes(&["classlabels_int64s", "classlabels_strings"])?;
		let names = attributes.texts("classlabels_strings")?.unwrap_or_default();
		let numbers = attributes.integers("classlabels_int64s")?.unwrap_or_default();
		let [name] = call.inputs("one input")?;
		let ended = match self.scope.any(&call.label, name)? {
			Operand::Ended(ended) => ended.clone(),
			_ => {
				let (value, shape) = self.scope.computed(&call.label, name, "the input")?;
				let by = call.label.clone();
				Ended { value, shape, ending: None, role: Role::Other, by }
			},
		};
		if self.classes.is_empty() && names.len().max(numbers.len()) <= MAX_WIDTH {
			self.classes = names.iter().map(|name| text(name)).collect();
			self.classes.extend(numbers.iter().map(ToString::to_string));
		}
		Ok(Operand::Ended(ended.derived(&call.label)))
	}

	/// Scores divided by a positive number; other norms of other values are no linear map.
	pub(super) fn normalizer(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let norm = call.attributes(&["norm"])?.text("norm", "MAX")?;
		let [name] = call.inputs("one input")?;
		match self.scope.any(label, name)? {
			Operand::Ended(ended) if ["L1", "L2"].contains(&norm.as_str()) => {
				Ok(Operand::Ended(Ended { by: label.clone(), ..ended.clone() }))
			},
			_ => Err(label.refuse(format!(
				"expected a Normalizer only after a classifier's scores and with norm L1 or L2, found norm {norm:.40?} of another value: a division by a computed number is not supported"
			))),
		}
	}

	/// The name of the class whose number ArgMax gives, or some of the scores, or some of a record's
	/// features.
	pub(super) fn array_feature_extractor(
		&mut self,
		call: &Call<'_>,
	) -> Result<Operand, OnnxError> {
		let label = &call.label;
		call.attributes(&[])?;
		let [data, places] = call.inputs("two inputs")?;
		match self.scope.any(label, places)? {
			Operand::Ended(ended) if ended.ending == Some(Ending::ArgMax) => {
				let ended = ended.clone();
				let names = self.scope.constant(label, data, "the names of the classes")?;
				if self.classes.is_empty() && names.elements.len() <= MAX_WIDTH {
					self.classes = names.labels();
				}
				Ok(Operand::Ended(Ended { by: label.clone(), ..ended }))
			},
			_ => {
				if let Some(ended) = self.ended(call, data)? {
					return Ok(ended);
				}
				let Value { shape, .. } = self.scope.value(label, data, "the features")?;
				let places = self.scope.constant(label, places, "the places")?.integers()?.to_vec();
				let axis = shape.0.len().saturating_sub(1);
				self.take(call, data, axis, &places, None)
			},
		}
	}
}
