// SPDX-License-Identifier: Apache-2.0

//! Constants of a graph.

use super::{
	error::{printable, OnnxError},
	proto::{data_type, TensorProto},
	shape::{Shape, MAX_RANK},
};

/// Most bytes of a tensor of text: names of classes.
const MAX_TEXT: usize = 1 << 16;

/// A constant's elements; floats of all sizes become 32 bits, integers and truth values 64.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Elements {
	Float(Vec<f32>),
	Int(Vec<i64>),
	Text(Vec<String>),
}

impl Elements {
	pub(super) fn len(&self) -> usize {
		match self {
			Self::Float(elements) => elements.len(),
			Self::Int(elements) => elements.len(),
			Self::Text(elements) => elements.len(),
		}
	}
}

/// A constant of the graph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
	pub(super) name: String,
	pub(super) shape: Shape,
	/// Element type in the file: see [`data_type`].
	pub(super) data_type: i32,
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
		let narrow = |elements: Option<Vec<i64>>| {
			let typed = || proto.int32_data.iter().copied().map(i64::from).collect();
			Elements::Int(elements.unwrap_or_else(typed))
		};
		let halves = |convert: fn(u16) -> f32| {
			let typed = || proto.int32_data.iter().map(|bits| *bits as u16).collect();
			let halves = from_raw(raw, u16::from_le_bytes).unwrap_or_else(typed);
			Elements::Float(halves.into_iter().map(convert).collect())
		};
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
			data_type::FLOAT16 => halves(from_half),
			data_type::BFLOAT16 => halves(|bits| f32::from_bits(u32::from(bits) << 16)),
			data_type::INT64 => {
				Elements::Int(from_raw(raw, i64::from_le_bytes).unwrap_or(proto.int64_data))
			},
			data_type::INT32 => narrow(from_raw(raw, |bytes| i32::from_le_bytes(bytes).into())),
			data_type::INT16 => narrow(from_raw(raw, |bytes| i16::from_le_bytes(bytes).into())),
			data_type::UINT16 => narrow(from_raw(raw, |bytes| u16::from_le_bytes(bytes).into())),
			data_type::INT8 => narrow(from_raw(raw, |bytes| i8::from_le_bytes(bytes).into())),
			data_type::UINT8 | data_type::BOOL => {
				narrow(from_raw(raw, |bytes| u8::from_le_bytes(bytes).into()))
			},
			data_type::STRING => {
				let found = proto.string_data.iter().map(Vec::len).sum::<usize>();
				if found > MAX_TEXT {
					let expected = format!("at most {MAX_TEXT} bytes of text");
					return Err(refuse(&expected, format!("{found}")));
				}
				Elements::Text(proto.string_data.iter().map(|bytes| text(bytes)).collect())
			},
			other => {
				return Err(refuse(
					"element type float (1), uint8 (2), int8 (3), uint16 (4), int16 (5), int32 (6), int64 (7), string (8), bool (9), float16 (10), double (11) or bfloat16 (16)",
					format!("element type {other}"),
				))
			},
		};
		let found = elements.len();
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
		if let (Elements::Int(elements), Some((low, high))) =
			(&elements, integer_range(proto.data_type))
		{
			if let Some(outside) = elements.iter().find(|element| !(low..=high).contains(element)) {
				return Err(refuse(&format!("integers from {low} to {high}"), outside.to_string()));
			}
		}
		Ok(Self { name, shape, data_type: proto.data_type, elements })
	}

	/// The elements as floats.
	pub(super) fn floats(&self) -> Result<&[f32], OnnxError> {
		match &self.elements {
			Elements::Float(elements) => Ok(elements),
			Elements::Int(_) => Err(self.wrong_type("floating-point elements", "integers")),
			Elements::Text(_) => Err(self.wrong_type("floating-point elements", "text")),
		}
	}

	/// The elements as integers.
	pub(super) fn integers(&self) -> Result<&[i64], OnnxError> {
		match &self.elements {
			Elements::Int(elements) => Ok(elements),
			Elements::Float(_) => {
				Err(self.wrong_type("integer elements", "floating-point numbers"))
			},
			Elements::Text(_) => Err(self.wrong_type("integer elements", "text")),
		}
	}

	/// The elements as people read them: names of classes.
	pub(super) fn labels(&self) -> Vec<String> {
		match &self.elements {
			Elements::Float(elements) => elements.iter().map(ToString::to_string).collect(),
			Elements::Int(elements) => elements.iter().map(ToString::to_string).collect(),
			Elements::Text(elements) => elements.clone(),
		}
	}

	/// The one element of a tensor of floats.
	pub(super) fn scalar(&self) -> Result<f32, OnnxError> {
		match self.floats()? {
			[element] => Ok(*element),
			other => Err(OnnxError::Tensor {
				name: self.name.clone(),
				expected: "one element".into(),
				found: other.len().to_string(),
			}),
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
		data_type::UINT8 | data_type::INT8 | data_type::BOOL => 1,
		data_type::UINT16 | data_type::INT16 | data_type::FLOAT16 | data_type::BFLOAT16 => 2,
		data_type::FLOAT | data_type::INT32 => 4,
		_ => 8,
	};
	!raw.len().is_multiple_of(size)
}

/// The numbers that an integer type of at most 16 bits holds.
pub(super) fn integer_range(data_type: i32) -> Option<(i64, i64)> {
	match data_type {
		data_type::UINT8 => Some((0, 255)),
		data_type::INT8 => Some((-128, 127)),
		data_type::UINT16 => Some((0, 65_535)),
		data_type::INT16 => Some((-32_768, 32_767)),
		_ => None,
	}
}

/// A string of the file, which need not be valid UTF-8.
pub(super) fn text(bytes: &[u8]) -> String {
	String::from_utf8_lossy(bytes).into_owned()
}

/// The number that 16 bits stand for (IEEE 754 binary16): a sign, five bits of exponent, ten of
/// fraction.
fn from_half(bits: u16) -> f32 {
	let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
	let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
	sign * match exponent {
		0 => fraction * 2f32.powi(-24),
		0x1f if fraction == 0.0 => f32::INFINITY,
		0x1f => f32::NAN,
		_ => (1024.0 + fraction) * 2f32.powi(exponent - 25),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn half_precision_numbers_are_exact() {
		for (bits, number) in [
			(0x0000, 0.0),
			(0x3c00, 1.0),
			(0xc000, -2.0),
			(0x7bff, 65_504.0),
			(0x0001, 2f32.powi(-24)),
			(0x3555, 0.333_251_95),
			(0xfc00, f32::NEG_INFINITY),
		] {
			assert_eq!(from_half(bits), number, "{bits:#x}");
		}
		assert!(from_half(0x7e00).is_nan());
	}
}
