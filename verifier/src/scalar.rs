// SPDX-License-Identifier: Apache-2.0

//! Encodings of scalars.

use crate::Error;
use ark_ff::PrimeField;
use proofpod_primitives::Scalar;

/// Decodes a scalar, little-endian, which must be below the group's order.
///
/// # Errors
/// [`Error::ScalarNotCanonical`] for every number from the order upwards: a number and its remainder
/// would otherwise be two encodings of one public input.
pub fn decode_scalar<F: PrimeField>(scalar: &Scalar) -> Result<F, Error> {
	let value =
		F::deserialize_compressed(scalar.0.as_slice()).map_err(|_| Error::ScalarNotCanonical)?;
	if encode_scalar(&value) == *scalar {
		Ok(value)
	} else {
		Err(Error::ScalarNotCanonical)
	}
}

/// Encodes a scalar of a field of at most 256 bits: 32 bytes, little-endian.
pub fn encode_scalar<F: PrimeField>(value: &F) -> Scalar {
	let mut bytes = [0u8; Scalar::SIZE];
	let limbs = value.into_bigint();
	for (to, limb) in bytes.chunks_exact_mut(8).zip(limbs.as_ref()) {
		to.copy_from_slice(&limb.to_le_bytes());
	}
	Scalar(bytes)
}

#[cfg(test)]
mod tests {
	use super::*;
	use ark_bls12_381::Fr;
	use ark_ff::{AdditiveGroup, BigInteger, Field};
	use ark_serialize::CanonicalSerialize;
	use proptest::prelude::*;

	/// `value + offset` as 256-bit little-endian number.
	fn plus(value: <Fr as PrimeField>::BigInt, offset: u64) -> Scalar {
		let mut sum = value;
		assert!(!sum.add_with_carry(&offset.into()));
		let mut bytes = [0; 32];
		bytes.copy_from_slice(&sum.to_bytes_le());
		Scalar(bytes)
	}

	#[test]
	fn the_order_is_the_first_number_refused() {
		let mut largest = Fr::MODULUS;
		largest.sub_with_borrow(&1u64.into());
		assert_eq!(decode_scalar(&plus(largest, 0)), Ok(-Fr::ONE));
		assert_eq!(decode_scalar(&Scalar([0; 32])), Ok(Fr::ZERO));
		for offset in [0, 1, 2, u64::MAX] {
			assert_eq!(
				decode_scalar::<Fr>(&plus(Fr::MODULUS, offset)),
				Err(Error::ScalarNotCanonical),
				"order + {offset}"
			);
		}
		assert_eq!(decode_scalar::<Fr>(&Scalar([0xff; 32])), Err(Error::ScalarNotCanonical));
	}

	proptest! {
		#[test]
		fn accepted_bytes_encode_back_to_themselves(bytes: [u8; 32]) {
			if let Ok(value) = decode_scalar::<Fr>(&Scalar(bytes)) {
				prop_assert_eq!(encode_scalar(&value), Scalar(bytes));
			}
		}

		#[test]
		fn encoding_is_that_of_arkworks(bytes: [u8; 48]) {
			let value = Fr::from_le_bytes_mod_order(&bytes);
			let mut expected = Vec::new();
			value.serialize_compressed(&mut expected).unwrap();
			prop_assert_eq!(encode_scalar(&value).0.to_vec(), expected);
			prop_assert_eq!(decode_scalar::<Fr>(&encode_scalar(&value)), Ok(value));
		}
	}
}
