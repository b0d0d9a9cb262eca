// SPDX-License-Identifier: Apache-2.0

//! Linear models and support vector machines of `ai.onnx.ml`.
//!
//! Classifiers have two outputs, the class and the scores; both end the network. Its output is what
//! the class is read from: the largest element, or the sign of a single one.

use crate::{
	float::{Ending, FloatOp},
	network::MAX_WIDTH,
	onnx::{
		error::OnnxError,
		graph::{Attributes, Call, Ended, Label, Operand, Role, Value},
		import::{output_width, Importer},
		shape::Shape,
		tensor::text,
	},
};

impl Importer {
	/// `(x − offset) · scale`.
	pub(super) fn scaler(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["offset", "scale"])?;
		let [name] = call.inputs("one input")?;
		let (input, shape) = self.scope.computed(label, name, "the input")?;
		let width = output_width(label, &shape)?;
		let parameter = |name: &str, default: f32| match attributes.floats(name)? {
			None => Ok(vec![default; width]),
			Some([one]) => Ok(vec![*one; width]),
			Some(each) if each.len() == width => Ok(each.to_vec()),
			Some(other) => {
				let expected = format!("1 or {width} numbers");
				Err(label.attribute(name, expected, other.len().to_string()))
			},
		};
		let (offset, scale) = (parameter("offset", 0.0)?, parameter("scale", 1.0)?);
		let bias = offset.iter().zip(&scale).map(|(offset, scale)| -offset * scale).collect();
		Ok(self.push(label, FloatOp::Affine { input, scale, bias }, shape)?.into())
	}

	pub(super) fn linear_regressor(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes =
			call.attributes(&["coefficients", "intercepts", "post_transform", "targets"])?;
		no_transform(label, &attributes)?;
		let (input, columns) = self.features(call)?;
		let targets = attributes.integer("targets", 1)?;
		let rows = usize::try_from(targets).unwrap_or(0);
		let (weights, bias) = self.matrix(label, &attributes, rows, columns)?;
		let op = FloatOp::Linear { input, rows, columns, weights, bias };
		Ok(self.push(label, op, Shape(vec![1, rows]))?.into())
	}

	/// One score per class, or one for two classes: positive for the second.
	pub(super) fn linear_classifier(&mut self, call: &Call<'_>) -> Result<Vec<Operand>, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&[
			"classlabels_ints",
			"classlabels_strings",
			"coefficients",
			"intercepts",
			"multi_class",
			"post_transform",
		])?;
		let ending = transform(label, &attributes)?;
		let classes = class_names(label, &attributes, "classlabels_ints")?;
		let (input, columns) = self.features(call)?;
		let found = attributes.floats("coefficients")?.unwrap_or_default().len();
		let rows = if classes.len() == 2 && found == columns { 1 } else { classes.len() };
		let (weights, bias) = self.matrix(label, &attributes, rows, columns)?;
		let op = FloatOp::Linear { input, rows, columns, weights, bias };
		let scores = self.push(label, op, Shape(vec![1, rows]))?;
		Ok(self.classified(label, scores, ending, classes))
	}

	/// Coefficients, a row for every output, and intercepts.
	fn matrix(
		&mut self,
		label: &Label,
		attributes: &Attributes<'_>,
		rows: usize,
		columns: usize,
	) -> Result<(Vec<f32>, Vec<f32>), OnnxError> {
		let output = Shape(vec![1, rows]);
		output_width(label, &output)?;
		let weights = attributes.floats("coefficients")?.unwrap_or_default();
		if rows.checked_mul(columns) != Some(weights.len()) {
			let expected = format!("{rows} times {columns} numbers");
			return Err(label.attribute("coefficients", expected, weights.len().to_string()));
		}
		self.count_weights(label, Some(weights.len()), &output)?;
		let bias = match attributes.floats("intercepts")?.unwrap_or_default() {
			[] => vec![0.0; rows],
			bias if bias.len() == rows => bias.to_vec(),
			other => {
				let expected = format!("{rows} numbers or none");
				return Err(label.attribute("intercepts", expected, other.len().to_string()));
			},
		};
		Ok((weights.to_vec(), bias))
	}

	/// The one input, a row of features.
	pub(super) fn features(&self, call: &Call<'_>) -> Result<(usize, usize), OnnxError> {
		let [name] = call.inputs("one input")?;
		let (input, shape) = self.scope.computed(&call.label, name, "the input")?;
		let refuse = || call.label.shape("one row of features, [1, C]", &shape);
		Ok((input, shape.row().ok_or_else(refuse)?))
	}

	/// Class and scores, of which the class is the largest, or the sign of a single one.
	pub(super) fn classified(
		&mut self,
		label: &Label,
		scores: Value,
		ending: Option<Ending>,
		classes: Vec<String>,
	) -> Vec<Operand> {
		if self.classes.is_empty() {
			self.classes = classes;
		}
		let by = || label.clone();
		let (value, shape) = (scores.value, scores.shape);
		let one = Shape(vec![1]);
		let class =
			Ended { value, shape: one, ending: Some(Ending::ArgMax), role: Role::Other, by: by() };
		let role = if shape.elements() > Some(1) { Role::Scores } else { Role::Other };
		let scores = Ended { value, shape, ending, role, by: by() };
		vec![Operand::Ended(class), Operand::Ended(scores)]
	}

	/// A linear kernel makes the decision function linear: the support vectors are summed up.
	pub(super) fn svm_regressor(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&[
			"coefficients",
			"kernel_params",
			"kernel_type",
			"n_supports",
			"one_class",
			"post_transform",
			"rho",
			"support_vectors",
		])?;
		no_transform(label, &attributes)?;
		linear_kernel(label, &attributes)?;
		attributes.only("one_class", 0, 0)?;
		let (input, columns) = self.features(call)?;
		let coefficients = attributes.floats("coefficients")?.unwrap_or_default();
		let rho = attributes.floats("rho")?.unwrap_or_default();
		let weights = match attributes.integer("n_supports", 0)? {
			0 if coefficients.len() == columns => coefficients.to_vec(),
			0 => {
				let found = coefficients.len().to_string();
				return Err(label.attribute("coefficients", format!("{columns} numbers"), found));
			},
			count => {
				let vectors = vectors(label, &attributes, usize::try_from(count).ok(), columns)?;
				if coefficients.len() != vectors.len() {
					let expected = format!("{} numbers", vectors.len());
					let found = coefficients.len().to_string();
					return Err(label.attribute("coefficients", expected, found));
				}
				weigh(columns, coefficients.iter().copied().zip(vectors))
			},
		};
		let bias = match rho {
			[] => vec![0.0],
			[rho] => vec![*rho],
			other => return Err(label.attribute("rho", "one number", other.len().to_string())),
		};
		let op = FloatOp::Linear { input, rows: 1, columns, weights, bias };
		Ok(self.push(label, op, Shape(vec![1, 1]))?.into())
	}

	/// A linear score for every pair of classes, and a vote of every pair, as libsvm counts them
	/// (Chang and Lin, *LIBSVM: A Library for Support Vector Machines*, ACM TIST 2011, §7): the first
	/// class with most votes wins. Two classes need no votes: the sign of the one score decides. What
	/// the file calls scores is left out: of two classes the smaller one wins, of more it has one for
	/// every pair.
	pub(super) fn svm_classifier(&mut self, call: &Call<'_>) -> Result<Vec<Operand>, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&[
			"classlabels_ints",
			"classlabels_strings",
			"coefficients",
			"kernel_params",
			"kernel_type",
			"post_transform",
			"prob_a",
			"prob_b",
			"rho",
			"support_vectors",
			"vectors_per_class",
		])?;
		linear_kernel(label, &attributes)?;
		transform(label, &attributes)?;
		let names = class_names(label, &attributes, "classlabels_ints")?;
		let (input, columns) = self.features(call)?;
		let coefficients = attributes.floats("coefficients")?.unwrap_or_default();
		let rho = attributes.floats("rho")?.unwrap_or_default();
		let per_class = attributes.integers("vectors_per_class")?.unwrap_or_default();
		let classes = names.len();
		if per_class.is_empty() && classes > 2 {
			return self.svm_of_planes(call, names, (coefficients, rho), (input, columns));
		}
		if classes < 2 || per_class.len() != classes {
			let expected = "a number for each of two classes or more";
			let found = format!("{} for {classes} classes", per_class.len());
			return Err(label.attribute("vectors_per_class", expected, found));
		}
		let counts = per_class.iter().map(|count| usize::try_from(*count).ok());
		let counts = counts.collect::<Option<Vec<_>>>();
		let total = counts.iter().flatten().try_fold(0usize, |sum, count| sum.checked_add(*count));
		let vectors = vectors(label, &attributes, counts.as_ref().and(total), columns)?;
		let total = vectors.len();
		if Some(coefficients.len()) != total.checked_mul(classes - 1) {
			let expected = format!("{total} times {} numbers", classes - 1);
			return Err(label.attribute("coefficients", expected, coefficients.len().to_string()));
		}
		let pairs = classes.checked_mul(classes - 1).map_or(usize::MAX, |pairs| pairs / 2);
		if rho.len() != pairs {
			return Err(label.attribute("rho", format!("{pairs} numbers"), rho.len().to_string()));
		}
		let output = Shape(vec![1, pairs]);
		output_width(label, &output)?;
		// Every pair reads the support vectors of its two classes.
		self.count_weights(label, columns.checked_mul(pairs), &output)?;
		self.count_weights(label, columns.checked_mul(total * (classes - 1)), &output)?;
		let counts = counts.unwrap_or_default();
		let starts = counts.iter().scan(0, |next, count| {
			let start = *next;
			*next += count;
			Some(start)
		});
		let starts = starts.collect::<Vec<_>>();
		let (mut weights, mut votes) = (Vec::new(), vec![0.0; classes * pairs]);
		let mut base = vec![0.0; classes];
		for (pair, (first, second)) in pairs_of(classes).enumerate() {
			let of = |class: usize, row: usize| {
				let range = starts[class]..starts[class] + counts[class];
				range.map(move |vector| (coefficients[row * total + vector], vector))
			};
			let terms = of(first, second - 1).chain(of(second, first));
			weights.extend(weigh(columns, terms.map(|(factor, vector)| (factor, vectors[vector]))));
			votes[first * pairs + pair] = 1.0;
			votes[second * pairs + pair] = -1.0;
			base[second] += 1.0;
		}
		let mut bias = rho.to_vec();
		if classes == 2 {
			weights.iter_mut().chain(&mut bias).for_each(|number| *number = -*number);
		}
		let op = FloatOp::Linear { input, rows: pairs, columns, weights, bias };
		let scores = self.push(label, op, output.clone())?;
		if classes == 2 {
			return Ok(self.decided(label, scores, names));
		}
		let won = self.push(label, FloatOp::Step { input: scores.value }, output)?;
		let output = Shape(vec![1, classes]);
		self.count_weights(label, classes.checked_mul(pairs), &output)?;
		let op = FloatOp::Linear {
			input: won.value,
			rows: classes,
			columns: pairs,
			weights: votes,
			bias: base,
		};
		let counted = self.push(label, op, output)?;
		Ok(self.decided(label, counted, names))
	}

	/// One plane per class and one offset for all.
	fn svm_of_planes(
		&mut self,
		call: &Call<'_>,
		names: Vec<String>,
		(coefficients, rho): (&[f32], &[f32]),
		(input, columns): (usize, usize),
	) -> Result<Vec<Operand>, OnnxError> {
		let (label, rows) = (&call.label, names.len());
		if rows.checked_mul(columns) != Some(coefficients.len()) {
			let expected = format!("{rows} times {columns} numbers");
			return Err(label.attribute("coefficients", expected, coefficients.len().to_string()));
		}
		let [rho] = rho else {
			return Err(label.attribute("rho", "one number", rho.len().to_string()));
		};
		let output = Shape(vec![1, rows]);
		output_width(label, &output)?;
		self.count_weights(label, Some(coefficients.len()), &output)?;
		let (weights, bias) = (coefficients.to_vec(), vec![*rho; rows]);
		let op = FloatOp::Linear { input, rows, columns, weights, bias };
		let scores = self.push(label, op, output)?;
		Ok(self.decided(label, scores, names))
	}

	/// A class that is read from the network's output, and scores that are not.
	fn decided(&mut self, label: &Label, output: Value, names: Vec<String>) -> Vec<Operand> {
		let mut operands = self.classified(label, output, Some(Ending::ArgMax), names);
		for operand in &mut operands {
			if let Operand::Ended(ended) = operand {
				ended.role = Role::Other;
			}
		}
		operands
	}
}

/// All pairs of classes, in libsvm's order.
fn pairs_of(classes: usize) -> impl Iterator<Item = (usize, usize)> {
	(0..classes).flat_map(move |first| (first + 1..classes).map(move |second| (first, second)))
}

/// The sum of vectors with factors, accumulated in 64 bits.
fn weigh<'a>(columns: usize, terms: impl Iterator<Item = (f32, &'a [f32])>) -> Vec<f32> {
	let mut sums = vec![0f64; columns];
	for (factor, vector) in terms {
		for (sum, element) in sums.iter_mut().zip(vector) {
			*sum += f64::from(factor) * f64::from(*element);
		}
	}
	sums.into_iter().map(|sum| sum as f32).collect()
}

/// Support vectors, each of as many elements as there are features.
fn vectors<'a>(
	label: &Label,
	attributes: &Attributes<'a>,
	count: Option<usize>,
	columns: usize,
) -> Result<Vec<&'a [f32]>, OnnxError> {
	let elements = attributes.floats("support_vectors")?.unwrap_or_default();
	match count {
		Some(count) if count > 0 && count.checked_mul(columns) == Some(elements.len()) => {
			Ok(elements.chunks(columns).collect())
		},
		_ => {
			let expected = format!("vectors of {columns} numbers, as many as are counted");
			let found = format!("{} numbers", elements.len());
			Err(label.attribute("support_vectors", expected, found))
		},
	}
}

fn linear_kernel(label: &Label, attributes: &Attributes<'_>) -> Result<(), OnnxError> {
	attributes.floats("kernel_params")?;
	match attributes.text("kernel_type", "LINEAR")?.as_str() {
		"LINEAR" => Ok(()),
		other => Err(label.attribute("kernel_type", "LINEAR", format!("{other:.40?}"))),
	}
}

/// What a classifier does with its scores after the class is known.
pub(super) fn transform(
	label: &Label,
	attributes: &Attributes<'_>,
) -> Result<Option<Ending>, OnnxError> {
	match attributes.text("post_transform", "NONE")?.as_str() {
		"NONE" => Ok(None),
		"SOFTMAX" => Ok(Some(Ending::Softmax)),
		"LOGISTIC" | "PROBIT" => Ok(Some(Ending::Sigmoid)),
		other => {
			let expected = "NONE, SOFTMAX, LOGISTIC or PROBIT";
			Err(label.attribute("post_transform", expected, format!("{other:.40?}")))
		},
	}
}

/// A regressor's result is its value: nothing may come after it.
pub(super) fn no_transform(label: &Label, attributes: &Attributes<'_>) -> Result<(), OnnxError> {
	match attributes.text("post_transform", "NONE")?.as_str() {
		"NONE" => Ok(()),
		other => Err(label.attribute("post_transform", "NONE", format!("{other:.40?}"))),
	}
}

/// Names of the classes, from strings or from the numbers of an attribute; two at least.
pub(super) fn class_names(
	label: &Label,
	attributes: &Attributes<'_>,
	numbers: &str,
) -> Result<Vec<String>, OnnxError> {
	let strings = attributes.texts("classlabels_strings")?.unwrap_or_default();
	let integers = attributes.integers(numbers)?.unwrap_or_default();
	let count = strings.len().max(integers.len());
	if !(2..=MAX_WIDTH).contains(&count) {
		let expected = format!("2 to {MAX_WIDTH} classes");
		return Err(label.attribute(numbers, expected, count.to_string()));
	}
	match strings {
		[] => Ok(integers.iter().map(ToString::to_string).collect()),
		_ => Ok(strings.iter().map(|name| text(name)).collect()),
	}
}
