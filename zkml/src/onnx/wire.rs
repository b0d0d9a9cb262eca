// SPDX-License-Identifier: Apache-2.0

//! A walk over a file's protobuf structure that allocates nothing, before the decoder allocates
//! anything: two bytes of file can make the decoder store a message of two hundred.

use super::{OnnxError, MAX_FIELDS, MAX_FILE_SIZE, MAX_NUMBERS};

/// Which fields of a message hold messages that the decoder stores.
#[derive(Clone, Copy)]
enum Kind {
	Model,
	Graph,
	Node,
	Attribute,
	Tensor,
	ValueInfo,
	Type,
	TensorType,
	Shape,
	Leaf,
}

impl Kind {
	fn child(self, field: u64) -> Option<Self> {
		match (self, field) {
			(Self::Model, 7) => Some(Self::Graph),
			(Self::Model, 8 | 14) => Some(Self::Leaf),
			(Self::Graph, 1) => Some(Self::Node),
			(Self::Graph, 5) => Some(Self::Tensor),
			(Self::Graph, 11 | 12) => Some(Self::ValueInfo),
			(Self::Node, 5) => Some(Self::Attribute),
			(Self::Attribute, 5) => Some(Self::Tensor),
			(Self::ValueInfo, 2) => Some(Self::Type),
			(Self::Type, 1) => Some(Self::TensorType),
			(Self::TensorType, 2) => Some(Self::Shape),
			(Self::Shape, 1) => Some(Self::Leaf),
			_ => None,
		}
	}
}

/// Checks a file's size and the number of fields that decoding it would store.
pub(super) fn check(bytes: &[u8]) -> Result<(), OnnxError> {
	if bytes.len() > MAX_FILE_SIZE {
		return Err(OnnxError::FileSize { limit: MAX_FILE_SIZE, found: bytes.len() });
	}
	walk(bytes, Kind::Model, &mut Counts { fields: 0, numbers: 0 })
}

/// What was found so far.
struct Counts {
	fields: usize,
	/// Numbers of attributes: ONNX does not pack them.
	numbers: usize,
}

fn walk(mut bytes: &[u8], kind: Kind, counts: &mut Counts) -> Result<(), OnnxError> {
	while !bytes.is_empty() {
		let key = varint(&mut bytes)?;
		let is_number = key & 7 != 2;
		let (count, limit) = match kind {
			Kind::Attribute if is_number => (&mut counts.numbers, MAX_NUMBERS),
			_ => (&mut counts.fields, MAX_FIELDS),
		};
		*count += 1;
		if *count > limit {
			return Err(OnnxError::Fields { limit });
		}
		match key & 7 {
			0 => drop(varint(&mut bytes)?),
			1 => drop(take(&mut bytes, 8)?),
			2 => {
				let length = varint(&mut bytes)?;
				let content = take(&mut bytes, length)?;
				if let Some(child) = kind.child(key >> 3) {
					walk(content, child, counts)?;
				}
			},
			5 => drop(take(&mut bytes, 4)?),
			_ => return Err(malformed("a field of an unknown wire type")),
		}
	}
	Ok(())
}

fn malformed(reason: &str) -> OnnxError {
	OnnxError::Malformed { reason: reason.into() }
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], OnnxError> {
	let (taken, rest) =
		usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length)).ok_or_else(
			|| malformed("a field is longer than what is left of the file: is it truncated?"),
		)?;
	*bytes = rest;
	Ok(taken)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, OnnxError> {
	let mut number = 0u64;
	for shift in (0..64).step_by(7) {
		let (first, rest) = bytes
			.split_first()
			.ok_or_else(|| malformed("it ends inside a number: is it truncated?"))?;
		*bytes = rest;
		number |= u64::from(first & 0x7f) << shift;
		if first & 0x80 == 0 {
			return Ok(number);
		}
	}
	Err(malformed("a number of more than ten bytes"))
}
