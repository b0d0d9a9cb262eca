// SPDX-License-Identifier: Apache-2.0

//! Matrix products: `Gemm`, `MatMul`.

use crate::{
	float::FloatOp,
	onnx::{
		error::OnnxError,
		graph::{Call, Operand},
		import::{output_width, Importer},
		shape::Shape,
	},
};

impl Importer {
	/// `alpha · A · B + beta · C`, A computed, B and C constant.
	pub(super) fn gemm(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let attributes = call.attributes(&["alpha", "beta", "transA", "transB"])?;
		let a = call.at_most(2, 3, "two or three inputs")?;
		let (alpha, beta) = (attributes.float("alpha", 1.0)?, attributes.float("beta", 1.0)?);
		let (input, mut shape) = self.scope.computed(label, a, "A")?;
		if shape.0.len() != 2 {
			return Err(label.shape("A of two axes: insert a Flatten", &shape));
		}
		if attributes.flag("transA")? {
			shape.0.reverse();
		}
		let columns = shape.row().ok_or_else(|| label.shape("A of one row, [1, K]", &shape))?;
		let b = call.optional(1).unwrap_or_default();
		let tensor = self.scope.constant(label, b, "B")?;
		let transposed = attributes.flag("transB")?;
		let rows = match (tensor.shape.0.as_slice(), transposed) {
			([k, n], false) | ([n, k], true) if *k == columns => *n,
			_ => {
				let expected = if transposed { "N, " } else { "" };
				let tail = if transposed { "" } else { ", N" };
				let expected = format!("B of shape [{expected}{columns}{tail}]");
				return Err(label.shape(expected, &tensor.shape));
			},
		};
		let output = Shape(vec![1, rows]);
		output_width(label, &output)?;
		let matrix = tensor.shape.clone();
		self.count_weights(label, matrix.elements(), &matrix)?;
		let tensor = self.scope.constant(label, b, "B")?;
		let weights = row_major(tensor.floats()?, rows, columns, transposed, alpha);
		let mut bias = vec![0.0; rows];
		if let Some(c) = call.optional(2) {
			let tensor = self.scope.constant(label, c, "C")?;
			let expanded = tensor.shape.expand(tensor.floats()?, &output).ok_or_else(|| {
				label.shape(format!("C that broadcasts to {output}"), &tensor.shape)
			})?;
			bias = expanded.into_iter().map(|element| beta * element).collect();
		}
		let op = FloatOp::Linear { input, rows, columns, weights, bias };
		Ok(self.push(label, op, output)?.into())
	}

	/// `A · B`: a computed row times a constant matrix, or a constant matrix times a computed column.
	pub(super) fn matmul(&mut self, call: &Call<'_>) -> Result<Operand, OnnxError> {
		call.attributes(&[])?;
		let label = &call.label;
		let [a, b] = call.inputs("two inputs")?;
		if let Operand::Constant(_) = self.scope.operand(label, a)? {
			return self.matmul_column(call, a, b);
		}
		let (input, shape) = self.scope.computed(label, a, "A")?;
		let tensor = self.scope.constant(label, b, "B")?;
		let (matrix, weights) = (tensor.shape.clone(), tensor.floats()?.to_vec());
		Ok(self.product(call, input, shape, &matrix, &weights)?.into())
	}

	/// `A · B`, A computed and one row, B a constant matrix.
	pub(super) fn product(
		&mut self,
		call: &Call<'_>,
		input: usize,
		mut shape: Shape,
		matrix: &Shape,
		elements: &[f32],
	) -> Result<crate::onnx::graph::Value, OnnxError> {
		let label = &call.label;
		let columns = shape.row().ok_or_else(|| label.shape("A of one row, [1, K]", &shape))?;
		let rows = match matrix.0.as_slice() {
			[k, n] if *k == columns => *n,
			_ => return Err(label.shape(format!("B of shape [{columns}, N]"), matrix)),
		};
		if let Some(last) = shape.0.last_mut() {
			*last = rows;
		}
		output_width(label, &shape)?;
		self.count_weights(label, matrix.elements(), matrix)?;
		let weights = row_major(elements, rows, columns, false, 1.0);
		let bias = vec![0.0; rows];
		self.push(label, FloatOp::Linear { input, rows, columns, weights, bias }, shape)
	}

	/// `A · B`, A a constant matrix, B computed and one column.
	fn matmul_column(&mut self, call: &Call<'_>, a: &str, b: &str) -> Result<Operand, OnnxError> {
		let label = &call.label;
		let (input, mut shape) = self.scope.computed(label, b, "one operand")?;
		let rank = shape.0.len();
		let column = match shape.0.as_slice() {
			[k] => Some(*k),
			[leading @ .., k, 1] if leading.iter().all(|dim| *dim == 1) => Some(*k),
			_ => None,
		};
		let columns = column.ok_or_else(|| label.shape("B of one column, [K, 1]", &shape))?;
		let tensor = self.scope.constant(label, a, "A")?;
		let rows = match tensor.shape.0.as_slice() {
			[m, k] if *k == columns => *m,
			_ => return Err(label.shape(format!("A of shape [M, {columns}]"), &tensor.shape)),
		};
		let matrix = tensor.shape.clone();
		shape.0[rank.saturating_sub(2)] = rows;
		output_width(label, &shape)?;
		self.count_weights(label, matrix.elements(), &matrix)?;
		let weights = self.scope.constant(label, a, "A")?.floats()?.to_vec();
		let bias = vec![0.0; rows];
		let op = FloatOp::Linear { input, rows, columns, weights, bias };
		Ok(self.push(label, op, shape)?.into())
	}
}

/// A matrix times a factor, one row for every output.
fn row_major(
	matrix: &[f32],
	rows: usize,
	columns: usize,
	transposed: bool,
	factor: f32,
) -> Vec<f32> {
	if transposed {
		return matrix.iter().map(|weight| factor * weight).collect();
	}
	let mut weights = Vec::with_capacity(matrix.len());
	for row in 0..rows {
		weights.extend(matrix.iter().skip(row).step_by(rows).map(|weight| factor * weight));
	}
	debug_assert_eq!(weights.len(), rows * columns);
	weights
}
