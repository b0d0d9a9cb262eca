// SPDX-License-Identifier: Apache-2.0

//! Constants of a graph.

use super::{
	error::{printable, OnnxError},
	proto::{data_type, TensorProto},
	shape::{Shape, MAX_RANK},
};

/// A constant's elements; 64-bit floats are rounded to 32 bits.
#[derive(Debug, PartialEq)]
pub(super) enum Elements {
	Float(Vec<f32>),
	Int(Vec<i64>),
}

/// A constant of the graph.
#[derive(Debug, PartialEq)]
pub(super) struct Tensor {
	pub(super) name: String,
	pub(super) shape: Shape,
	pub(super) elements: Elements,
}

impl Tensor {
	/// Checks and converts a constant; `name` is how messages call it.
	pub(super) fn read(name: &str, proto: TensorProto) -> Result<Self, OnnxError> {
		let name = printable(name);
		let refuse = |expected: &str, found: String| OnnxError::Tensor {
			name: name.clone(),
			expected: expected.into(),
			found,
		};
		if proto.data_location != 0 || !proto.external_data.is_empty() {
			return Err(refuse("its elements inside of the ONNX file", "external data".into()));
		}
		if proto.segment.is_some() {
			return Err(refuse("a whole tensor", "a segment".into()));
		}
		if proto.dims.len() > MAX_RANK {
			let found = format!("{} axes", proto.dims.len());
			return Err(refuse(&format!("at most {MAX_RANK} axes"), found));
		}
		let dims = proto.dims.iter().map(|dim| usize::try_from(*dim)).collect::<Result<_, _>>();
		let shape =
			Shape(dims.map_err(|_| refuse("dimensions from 0", format!("{:?}", proto.dims)))?);
		let count = shape
			.elements()
			.ok_or_else(|| refuse("a shape that fits into memory", shape.to_string()))?;
		let raw = proto.raw_data.as_slice();
		let elements = match proto.data_type {
			data_type::FLOAT => {
				Elements::Float(from_raw(raw, f32::from_le_bytes).unwrap_or(proto.float_data))
			},
			data_type::DOUBLE => Elements::Float(
				from_raw(raw, f64::from_le_bytes)
					.unwrap_or(proto.double_data)
					.into_iter()
					.map(|element| element as f32)
					.collect(),
			),
			data_type::INT64 => {
				Elements::Int(from_raw(raw, i64::from_le_bytes).unwrap_or(proto.int64_data))
			},
			data_type::INT32 => Elements::Int(
				from_raw(raw, i32::from_le_bytes)
					.unwrap_or(proto.int32_data)
					.into_iter()
					.map(i64::from)
					.collect(),
			),
			other => {
				return Err(refuse(
					"element type float (1), double (11), int32 (6) or int64 (7)",
					format!("element type {other}"),
				))
			},
		};
		let found = match &elements {
			Elements::Float(elements) => elements.len(),
			Elements::Int(elements) => elements.len(),
		};
		if found != count || has_remainder(proto.data_type, raw) {
			let found = match raw.len() {
				0 => format!("{found}"),
				bytes => format!("{bytes} bytes"),
			};
			return Err(refuse(&format!("{count} elements for shape {shape}"), found));
		}
		if let Elements::Float(elements) = &elements {
			if let Some(position) = elements.iter().position(|element| !element.is_finite()) {
				return Err(refuse(
					"finite numbers",
					format!("a NaN or an infinity as element {position}"),
				));
			}
		}
		Ok(Self { name, shape, elements })
	}

	/// The elements as floats.
	pub(super) fn floats(&self) -> Result<&[f32], OnnxError> {
		match &self.elements {
			Elements::Float(elements) => Ok(elements),
			Elements::Int(_) => Err(self.wrong_type("floating-point elements", "integers")),
		}
	}

	/// The elements as integers.
	pub(super) fn integers(&self) -> Result<&[i64], OnnxError> {
		match &self.elements {
			Elements::Int(elements) => Ok(elements),
			Elements::Float(_) => {
				Err(self.wrong_type("integer elements", "floating-point numbers"))
			},
		}
	}

	fn wrong_type(&self, expected: &str, found: &str) -> OnnxError {
		OnnxError::Tensor {
			name: self.name.clone(),
			expected: expected.into(),
			found: found.into(),
		}
	}
}

/// The elements of `raw_data`; `None` when it is empty, so that the typed field holds them.
fn from_raw<const N: usize, T>(raw: &[u8], convert: fn([u8; N]) -> T) -> Option<Vec<T>> {
	if raw.is_empty() {
		return None;
	}
	let (chunks, _) = raw.as_chunks::<N>();
	Some(chunks.iter().map(|chunk| convert(*chunk)).collect())
}

fn has_remainder(data_type: i32, raw: &[u8]) -> bool {
	let size = match data_type {
		data_type::FLOAT | data_type::INT32 => 4,
		_ => 8,
	};
	!raw.len().is_multiple_of(size)
}
