// SPDX-License-Identifier: Apache-2.0

//! Points that must be refused.

use super::fixtures::compressed;
use ark_bls12_381::{g1, g2};
use ark_ec::{
	short_weierstrass::{Affine, SWCurveConfig},
	AffineRepr, CurveConfig,
};
use ark_ff::{BigInteger, PrimeField};

/// Small primes that divide the order of the curve of G1, apart from the subgroup's.
pub(super) const G1_TORSION: [u64; 5] = [3, 11, 10177, 859_267, 52_437_899];
/// Small primes that divide the order of the curve of G2, apart from the subgroup's.
pub(super) const G2_TORSION: [u64; 5] = [13, 23, 2713, 11953, 262_069];

/// An encoding with this small number as (the first component of the) x coordinate.
fn with_small_x(size: usize, x: u8) -> Vec<u8> {
	let mut bytes = vec![0; size];
	bytes[size - 1] = x;
	bytes[0] |= 0x80;
	bytes
}

fn from_small_x<P: SWCurveConfig>(x: u8) -> Option<Affine<P>> {
	Affine::get_point_from_x_unchecked(P::BaseField::from(u64::from(x)), false)
}

/// Encoding of an x coordinate that no point of the curve has.
pub(super) fn off_curve<P: SWCurveConfig>(size: usize) -> Vec<u8> {
	let x = (1..u8::MAX).find(|x| from_small_x::<P>(*x).is_none()).unwrap();
	with_small_x(size, x)
}

/// A point of the curve outside the subgroup.
pub(super) fn outside_subgroup<P: SWCurveConfig>() -> Affine<P> {
	let point = (1..u8::MAX).find_map(from_small_x::<P>).unwrap();
	assert!(point.is_on_curve());
	assert!(!times(&point, P::ScalarField::MODULUS.as_ref()).is_zero(), "it is in the subgroup");
	point
}

/// A point of the curve whose order is `prime`.
pub(super) fn torsion<P: SWCurveConfig>(prime: u64) -> Affine<P> {
	// Without the prime's square, if that divides the cofactor: the part may not be cyclic.
	let once = divide(<P as CurveConfig>::COFACTOR, prime).expect("the prime divides the cofactor");
	let others = divide(&once, prime).unwrap_or(once);
	let point = (1..u8::MAX)
		.filter_map(from_small_x::<P>)
		.map(|point| times(&times(&point, P::ScalarField::MODULUS.as_ref()), &others))
		.find(|point| !point.is_zero())
		.unwrap();
	let multiple = times(&point, &[prime]);
	let point = if multiple.is_zero() { point } else { multiple };
	assert!(point.is_on_curve() && !point.is_zero() && times(&point, &[prime]).is_zero());
	point
}

/// Double-and-add, without the shortcuts that hold in the subgroup only.
fn times<P: SWCurveConfig>(point: &Affine<P>, scalar: &[u64]) -> Affine<P> {
	point.mul_bigint(scalar).into()
}

/// Division of a little-endian number, if it leaves no remainder.
fn divide(limbs: &[u64], divisor: u64) -> Option<Vec<u64>> {
	let mut quotient = vec![0; limbs.len()];
	let mut remainder = 0u128;
	for (limb, digit) in limbs.iter().zip(&mut quotient).rev() {
		let part = (remainder << 64) | u128::from(*limb);
		*digit = (part / u128::from(divisor)) as u64;
		remainder = part % u128::from(divisor);
	}
	(remainder == 0).then_some(quotient)
}

/// Every kind of encoding that is not a point of the subgroup, with a name and the error's kind.
pub(super) fn refused<P: SWCurveConfig>(
	size: usize,
	torsion_primes: &[u64],
) -> Vec<(String, Vec<u8>, Fault)> {
	let modulus = <ark_bls12_381::Fq as PrimeField>::MODULUS.to_bytes_be();
	let mut last_is_modulus = with_small_x(size, 0);
	last_is_modulus[size - 48..].copy_from_slice(&modulus);
	last_is_modulus[0] |= 0x80;
	let mut first_is_modulus = with_small_x(size, 1);
	first_is_modulus[..48].copy_from_slice(&modulus);
	first_is_modulus[0] |= 0x80;
	let mut all_ones = vec![0xff; size];
	all_ones[0] = 0x9f;
	let mut cases = vec![
		("zeroes".into(), vec![0; size], Fault::NotCompressed),
		("infinity".into(), compressed(&Affine::<P>::zero()), Fault::Infinity),
		("infinity with a sign".into(), prefixed(0xe0, size, 0), Fault::Infinity),
		("infinity with a stray bit".into(), prefixed(0xc0, size, 1), Fault::Infinity),
		("infinity, not compressed".into(), prefixed(0x40, size, 0), Fault::NotCompressed),
		("first coordinate is the modulus".into(), first_is_modulus, Fault::NotCanonical),
		("last coordinate is the modulus".into(), last_is_modulus, Fault::NotCanonical),
		("coordinates of ones".into(), all_ones, Fault::NotCanonical),
		("off the curve".into(), off_curve::<P>(size), Fault::NotOnCurve),
		("outside the subgroup".into(), compressed(&outside_subgroup::<P>()), Fault::NotInSubgroup),
	];
	for prime in torsion_primes {
		let small = torsion::<P>(*prime);
		cases.push((format!("torsion {prime}"), compressed(&small), Fault::NotInSubgroup));
		let shifted = Affine::<P>::from(P::GENERATOR + small);
		cases.push((
			format!("generator plus torsion {prime}"),
			compressed(&shifted),
			Fault::NotInSubgroup,
		));
	}
	cases
}

fn prefixed(first: u8, size: usize, last: u8) -> Vec<u8> {
	let mut bytes = with_small_x(size, last);
	bytes[0] = first;
	bytes
}

/// Kinds of errors that a point can cause.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
	NotCompressed,
	Infinity,
	NotCanonical,
	NotOnCurve,
	NotInSubgroup,
}

impl Fault {
	pub(super) fn of(self, element: crate::Element) -> crate::Error {
		use crate::Error;
		match self {
			Self::NotCompressed => Error::NotCompressed { element },
			Self::Infinity => Error::Infinity { element },
			Self::NotCanonical => Error::NotCanonical { element },
			Self::NotOnCurve => Error::NotOnCurve { element },
			Self::NotInSubgroup => Error::NotInSubgroup { element },
		}
	}
}

/// Refused encodings for a point of G1.
pub(super) fn refused_g1() -> Vec<(String, Vec<u8>, Fault)> {
	refused::<g1::Config>(48, &G1_TORSION)
}

/// Refused encodings for a point of G2.
pub(super) fn refused_g2() -> Vec<(String, Vec<u8>, Fault)> {
	refused::<g2::Config>(96, &G2_TORSION)
}
