// SPDX-License-Identifier: Apache-2.0

//! Packing of a network's output into few field elements, because each of them is a public input
//! and costs the chain a scalar multiplication.

use super::{NetworkError, QuantisedNetwork, MAX_BITS};
use ark_bls12_381::Fr;
use ark_ff::{BigInt, PrimeField};
use proofpod_primitives::MAX_OUTPUT_ELEMENTS;

/// Bits of a field element that packing uses: a whole number of bytes, below the 254 that always fit.
pub const ELEMENT_BITS: u32 = 248;

/// Why an output does not pack or unpack.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackingError {
	/// The network is not valid.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// No network has such an output.
	#[error(
		"expected at least one output value of 1 to {MAX_BITS} bits, found {len} of {bits} bits"
	)]
	Numbers {
		/// Bits of each value.
		bits: u32,
		/// Values of the output.
		len: usize,
	},
	/// The output needs too many public inputs.
	#[error(
		"expected an output that packs into {MAX_OUTPUT_ELEMENTS} field elements, found {found}: {len} values of {bits} bits"
	)]
	TooLong {
		/// Elements needed.
		found: usize,
		/// Values of the output.
		len: usize,
		/// Bits of each.
		bits: u32,
	},
	/// The number of values is wrong.
	#[error("expected {expected} output values, found {found}")]
	Values {
		/// Values of the output.
		expected: usize,
		/// Values found.
		found: usize,
	},
	/// The number of field elements is wrong.
	#[error("expected {expected} packed field elements, found {found}")]
	Elements {
		/// Elements of the packed output.
		expected: usize,
		/// Elements found.
		found: usize,
	},
	/// A value lies outside the network's bounds.
	#[error("expected output value {index} to fit into {bits} bits, found {found}")]
	Range {
		/// Its place in the output.
		index: usize,
		/// Bits of a slot.
		bits: u32,
		/// The value.
		found: i64,
	},
	/// A field element has bits outside its slots: it was not packed by this network.
	#[error(
		"packed element {index} has bits outside its slots: it is no output of this network, or was unsealed with another key"
	)]
	Slots {
		/// Its place among the elements.
		index: usize,
	},
}

/// How the output is packed: every value plus 2^(bits−1) takes `bits` bits; slots are filled from
/// the least significant end; `per_element` slots to a field element; unused slots are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputPacking {
	/// Bits of one slot.
	pub bits: u32,
	/// Slots of one field element.
	pub per_element: usize,
	/// Field elements.
	pub elements: usize,
	/// Added to every value: 2^(bits−1).
	pub offset: i64,
	/// Values of the output.
	pub len: usize,
}

impl OutputPacking {
	/// The packing of a network's output, from its static bounds.
	///
	/// # Errors
	/// When the network is not valid, or the output too long.
	pub fn of(network: &QuantisedNetwork) -> Result<Self, PackingError> {
		let bounds = network.bounds()?;
		let output = bounds.last().map(Vec::as_slice).unwrap_or_default();
		Self::new(output.iter().map(|bound| bound.bits()).max().unwrap_or(1), output.len())
	}

	/// The packing of so many values of so many bits.
	///
	/// # Errors
	/// When there are no values, when they are too wide for any network, or too many.
	pub(super) fn new(bits: u32, len: usize) -> Result<Self, PackingError> {
		if !(1..=MAX_BITS).contains(&bits) || len == 0 {
			return Err(PackingError::Numbers { bits, len });
		}
		let per_element = (ELEMENT_BITS / bits) as usize;
		let elements = len.div_ceil(per_element);
		if elements > MAX_OUTPUT_ELEMENTS as usize {
			return Err(PackingError::TooLong { found: elements, len, bits });
		}
		Ok(Self { bits, per_element, elements, offset: 1 << (bits - 1), len })
	}

	/// Packs an output.
	///
	/// # Errors
	/// When the number of values or one of them is not what the network can give.
	pub fn pack(&self, output: &[i64]) -> Result<Vec<Fr>, PackingError> {
		if output.len() != self.len {
			return Err(PackingError::Values { expected: self.len, found: output.len() });
		}
		let slot_size = Fr::from(1u64 << self.bits);
		let mut packed = Vec::with_capacity(self.elements);
		for (chunk_index, chunk) in output.chunks(self.per_element).enumerate() {
			let mut element = Fr::from(0u64);
			for (index, value) in chunk.iter().enumerate().rev() {
				let out_of_range = || PackingError::Range {
					index: chunk_index * self.per_element + index,
					bits: self.bits,
					found: *value,
				};
				let shifted = value
					.checked_add(self.offset)
					.and_then(|shifted| u64::try_from(shifted).ok())
					.filter(|shifted| shifted >> self.bits == 0)
					.ok_or_else(out_of_range)?;
				element = element * slot_size + Fr::from(shifted);
			}
			packed.push(element);
		}
		Ok(packed)
	}

	/// The output that packs into these elements: the inverse of [`Self::pack`].
	///
	/// # Errors
	/// When the number of elements is wrong or a bit outside the slots is set.
	pub fn unpack(&self, packed: &[Fr]) -> Result<Vec<i64>, PackingError> {
		if packed.len() != self.elements {
			return Err(PackingError::Elements { expected: self.elements, found: packed.len() });
		}
		let mut output = Vec::with_capacity(self.len);
		for (index, element) in packed.iter().enumerate() {
			let mut rest = element.into_bigint();
			let slots = self.per_element.min(self.len - output.len());
			for _ in 0..slots {
				let slot = rest.0[0] & ((1u64 << self.bits) - 1);
				output.push(slot as i64 - self.offset);
				rest >>= self.bits;
			}
			if rest != BigInt::zero() {
				return Err(PackingError::Slots { index });
			}
		}
		Ok(output)
	}
}
