// SPDX-License-Identifier: Apache-2.0

//! Encodings of points.
//!
//! Plain arkworks and the SDK's hooked curve types write the same bytes, but do not refuse the same
//! ones: the hooked types (`ark-bls12-381-ext` 0.6) still read an infinity with stray bits, both
//! ignore trailing bytes, and neither checks the curve's equation of an *uncompressed* point.
//! [`decode`] therefore judges the bytes itself before arkworks reads them, and takes compressed
//! points only, whose y comes out of the equation.

use crate::{Element, Error};
use alloc::vec::Vec;
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, Field, PrimeField};
use ark_serialize::{CanonicalSerialize, Compress};

/// Bytes of a coordinate in the prime field.
const COORDINATE_SIZE: usize = 48;
/// Bytes of a compressed point of G1.
pub(crate) const G1_SIZE: usize = COORDINATE_SIZE;
/// Bytes of a compressed point of G2.
pub(crate) const G2_SIZE: usize = 2 * COORDINATE_SIZE;
/// Bytes of an uncompressed point of G1.
pub(crate) const G1_UNCOMPRESSED_SIZE: usize = 2 * G1_SIZE;
/// Bytes of an uncompressed point of G2.
pub(crate) const G2_UNCOMPRESSED_SIZE: usize = 2 * G2_SIZE;
/// Bytes of an element of the pairing's target field, which has degree 12.
pub(crate) const TARGET_SIZE: usize = 12 * COORDINATE_SIZE;

const COMPRESSED: u8 = 0b1000_0000;
const INFINITY: u8 = 0b0100_0000;
const COORDINATE_BITS: u8 = 0b0001_1111;

/// Decodes a compressed point: canonical, finite, on the curve and in the prime-order subgroup.
pub(crate) fn decode<G: AffineRepr>(bytes: &[u8], element: Element) -> Result<G, Error> {
	let flags = bytes.first().copied().unwrap_or_default();
	if flags & COMPRESSED == 0 {
		return Err(Error::NotCompressed { element });
	}
	if flags & INFINITY != 0 {
		return Err(Error::Infinity { element });
	}
	if !coordinates_are_canonical::<G>(bytes) {
		return Err(Error::NotCanonical { element });
	}
	let point =
		G::deserialize_compressed_unchecked(bytes).map_err(|_| Error::NotOnCurve { element })?;
	// Nothing above lets a second encoding through; identifiers rest on it, so it is checked whole.
	let mut again = Vec::with_capacity(bytes.len());
	if point.serialize_compressed(&mut again).is_err() || again != bytes {
		return Err(Error::NotCanonical { element });
	}
	// Equation and subgroup. A multiplication through a host call is safe on any curve point.
	point.check().map_err(|_| Error::NotInSubgroup { element })?;
	Ok(point)
}

/// Whether every coordinate, stripped of the flags, is below the prime field's modulus.
fn coordinates_are_canonical<G: AffineRepr>(bytes: &[u8]) -> bool {
	let modulus = <<G::BaseField as Field>::BasePrimeField as PrimeField>::MODULUS.to_bytes_be();
	let mut stripped = bytes.to_vec();
	if let Some(first) = stripped.first_mut() {
		*first &= COORDINATE_BITS;
	}
	// Big-endian numbers of equal length compare as their bytes do.
	stripped.chunks(COORDINATE_SIZE).all(|coordinate| coordinate < modulus.as_slice())
}

/// Encodes into exactly `N` bytes; another size is the mark of another curve.
pub(crate) fn encode<const N: usize, T: CanonicalSerialize>(
	value: &T,
	compress: Compress,
) -> Result<[u8; N], Error> {
	let mut bytes = [0u8; N];
	let mut rest = bytes.as_mut_slice();
	value.serialize_with_mode(&mut rest, compress).map_err(|_| Error::WrongCurve)?;
	if !rest.is_empty() {
		return Err(Error::WrongCurve);
	}
	Ok(bytes)
}

/// Reads a point that [`encode`] wrote uncompressed, from a place that nobody else writes to.
pub(crate) fn decode_trusted<G: AffineRepr>(bytes: &[u8]) -> Result<G, Error> {
	G::deserialize_uncompressed_unchecked(bytes).map_err(|_| Error::CorruptPreparedKey)
}
