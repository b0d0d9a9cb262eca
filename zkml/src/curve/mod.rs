// SPDX-License-Identifier: Apache-2.0

//! The heavy arithmetic of proving and of key generation: sums of very many curve points.
//!
//! * `coordinates`: the fields of the points' coordinates, by `blst` and by arkworks;
//! * `sums`: additions in batches, and sums of many runs of points at once;
//! * `windows`: scalars cut into signed digits;
//! * `msm`: multi-scalar multiplication;
//! * `fixed_base`: many multiples of one point.
//!
//! Points are what a key's file holds, so that a mapped file is computed with as it lies there.

mod coordinates;
mod fixed_base;
mod msm;
mod sums;
mod windows;

#[cfg(test)]
pub(crate) use coordinates::Arkworks;
pub(crate) use coordinates::{Arithmetic, Coordinate, Fastest, Fp, Fp2};
pub(crate) use fixed_base::FixedBase;
pub(crate) use msm::{multiply, Scalars};

use ark_bls12_381::{g1, g2, Fr, G1Affine, G2Affine};
use ark_ec::{short_weierstrass::Projective, AffineRepr, CurveGroup};

/// A point in affine coordinates; infinity is all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Affine<F> {
	pub(crate) x: F,
	pub(crate) y: F,
}

/// A point of G1.
pub(crate) type G1 = Affine<Fp>;
/// A point of G2.
pub(crate) type G2 = Affine<Fp2>;

impl<F: Coordinate> Affine<F> {
	pub(crate) const INFINITY: Self = Self { x: F::ZERO, y: F::ZERO };

	#[inline]
	pub(crate) fn is_infinity(&self) -> bool {
		*self == Self::INFINITY
	}

	pub(crate) fn is_canonical(&self) -> bool {
		self.x.is_canonical() && self.y.is_canonical()
	}
}

/// A group whose elements points are summed to.
pub(crate) trait Group:
	CurveGroup<ScalarField = Fr, Affine: for<'a> From<&'a Affine<Self::Coordinate>>>
{
	/// A coordinate of its points.
	type Coordinate: Coordinate + for<'a> From<&'a Self::BaseField>;
}

// Not by their shorter names: those are projections, and coherence cannot tell them apart.
impl Group for Projective<g1::Config> {
	type Coordinate = Fp;
}

impl Group for Projective<g2::Config> {
	type Coordinate = Fp2;
}

impl From<&G1> for G1Affine {
	fn from(point: &G1) -> Self {
		match point.is_infinity() {
			true => Self::identity(),
			false => Self::new_unchecked((&point.x).into(), (&point.y).into()),
		}
	}
}

impl From<&G2> for G2Affine {
	fn from(point: &G2) -> Self {
		match point.is_infinity() {
			true => Self::identity(),
			false => Self::new_unchecked((&point.x).into(), (&point.y).into()),
		}
	}
}

impl From<&G1Affine> for G1 {
	fn from(point: &G1Affine) -> Self {
		match point.is_zero() {
			true => Self::INFINITY,
			false => Self { x: (&point.x).into(), y: (&point.y).into() },
		}
	}
}

impl From<&G2Affine> for G2 {
	fn from(point: &G2Affine) -> Self {
		match point.is_zero() {
			true => Self::INFINITY,
			false => Self { x: (&point.x).into(), y: (&point.y).into() },
		}
	}
}
