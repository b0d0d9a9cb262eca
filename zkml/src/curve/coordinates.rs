// SPDX-License-Identifier: Apache-2.0

//! The two fields that curve points have their coordinates in, behind one trait, twice: with
//! [`Blst`]'s assembly, and with [`Arkworks`]' code, which every platform has.
//!
//! Elements are limbs in Montgomery form with `R = 2^384`, least significant first: what both
//! libraries compute with, and what a key's file holds. Every bit pattern is a value of these
//! types; those that are not below the modulus give wrong results, and nothing worse.

use ark_bls12_381::{Fq, Fq2};
use ark_ff::{AdditiveGroup, BigInt, Field as _, PrimeField};

/// An element of the base field.
#[derive(Clone, Copy, Debug, Eq)]
#[repr(transparent)]
pub(crate) struct Fp(pub(crate) [u64; 6]);

impl PartialEq for Fp {
	/// In line: a call for six limbs costs more than comparing them.
	#[inline]
	fn eq(&self, other: &Self) -> bool {
		self.0.iter().zip(&other.0).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
	}
}

/// An element `c₀ + c₁·u` of the quadratic extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Fp2(pub(crate) [Fp; 2]);

/// What a point's coordinate is.
pub(crate) trait Coordinate: Copy + Eq + Send + Sync {
	/// The neutral element of addition.
	const ZERO: Self;
	/// The neutral element of multiplication.
	const ONE: Self;

	/// The element or its negative, without a branch that could be foretold wrongly. Below the
	/// modulus if the element is.
	fn negated_if(&self, negative: bool) -> Self;

	/// Whether the limbs are below the modulus.
	fn is_canonical(&self) -> bool;
}

impl Coordinate for Fp {
	const ZERO: Self = Self([0; 6]);
	const ONE: Self = Self(Fq::R.0);

	#[inline]
	fn negated_if(&self, negative: bool) -> Self {
		let mask = u64::from(negative && *self != Self::ZERO).wrapping_neg();
		let mut borrow = false;
		Self(std::array::from_fn(|limb| {
			let difference;
			(difference, borrow) = Fq::MODULUS.0[limb].borrowing_sub(self.0[limb], borrow);
			self.0[limb] ^ (mask & (self.0[limb] ^ difference))
		}))
	}

	fn is_canonical(&self) -> bool {
		BigInt(self.0) < Fq::MODULUS
	}
}

impl Coordinate for Fp2 {
	const ZERO: Self = Self([Fp::ZERO; 2]);
	const ONE: Self = Self([Fp::ONE, Fp::ZERO]);

	#[inline]
	fn negated_if(&self, negative: bool) -> Self {
		Self(self.0.map(|part| part.negated_if(negative)))
	}

	fn is_canonical(&self) -> bool {
		self.0.iter().all(Fp::is_canonical)
	}
}

impl From<&Fp> for Fq {
	fn from(element: &Fp) -> Self {
		Fq::new_unchecked(BigInt(element.0))
	}
}

impl From<&Fp2> for Fq2 {
	fn from(element: &Fp2) -> Self {
		let [c0, c1] = &element.0;
		Fq2::new(c0.into(), c1.into())
	}
}

impl From<&Fq> for Fp {
	fn from(element: &Fq) -> Self {
		Self(element.0 .0)
	}
}

impl From<&Fq2> for Fp2 {
	fn from(element: &Fq2) -> Self {
		Self([(&element.c0).into(), (&element.c1).into()])
	}
}

/// The arithmetic of a field. Elements are expected below the modulus.
///
/// Results are written to where they belong: `blst` writes limb by limb, and to move what was just
/// written so by wider registers makes a processor wait.
pub(crate) trait Arithmetic<F: Coordinate> {
	/// `a + b`.
	fn add(result: &mut F, a: &F, b: &F);
	/// `a − b`.
	fn sub(result: &mut F, a: &F, b: &F);
	/// `a · b`.
	fn mul(result: &mut F, a: &F, b: &F);
	/// `a²`.
	fn square(result: &mut F, a: &F);
	/// `1 / a`, and 0 for 0.
	fn inverse(result: &mut F, a: &F);
}

/// `blst`'s arithmetic: assembly on x86-64 and 64-bit ARM.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) struct Blst;

/// `ark-ff`'s arithmetic.
#[cfg_attr(any(target_arch = "x86_64", target_arch = "aarch64"), allow(dead_code))]
pub(crate) struct Arkworks;

/// The faster of both, where it is to be had.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) type Fastest = Blst;
/// The faster of both, where it is to be had.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) type Fastest = Arkworks;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[allow(unsafe_code)]
mod assembly {
	use super::{Arithmetic, Blst, Coordinate, Fp, Fp2};
	use blst::{
		blst_fp, blst_fp2, blst_fp2_add, blst_fp2_inverse, blst_fp2_mul, blst_fp2_sqr,
		blst_fp2_sub, blst_fp_add, blst_fp_inverse, blst_fp_mul, blst_fp_sqr, blst_fp_sub,
	};

	/// `blst`'s functions on one of its types, applied to ours.
	macro_rules! arithmetic {
		($ours:ty, $theirs:ty, $add:ident, $sub:ident, $mul:ident, $square:ident, $inverse:ident) => {
			const _: () = assert!(
				size_of::<$ours>() == size_of::<$theirs>()
					&& align_of::<$ours>() == align_of::<$theirs>()
			);

			impl Arithmetic<$ours> for Blst {
				#[inline]
				fn add(result: &mut $ours, a: &$ours, b: &$ours) {
					binary($add, result, a, b)
				}

				#[inline]
				fn sub(result: &mut $ours, a: &$ours, b: &$ours) {
					binary($sub, result, a, b)
				}

				#[inline]
				fn mul(result: &mut $ours, a: &$ours, b: &$ours) {
					binary($mul, result, a, b)
				}

				#[inline]
				fn square(result: &mut $ours, a: &$ours) {
					unary($square, result, a)
				}

				#[inline]
				fn inverse(result: &mut $ours, a: &$ours) {
					unary($inverse, result, a)
				}
			}

			impl Layout for $ours {
				type Theirs = $theirs;
			}
		};
	}

	/// A type of ours that has the size, the alignment and the fields of one of `blst`'s: both are
	/// nothing but the same number of 64-bit limbs, in the same order.
	trait Layout: Coordinate {
		type Theirs;
	}

	#[inline]
	fn binary<F: Layout>(
		function: unsafe extern "C" fn(*mut F::Theirs, *const F::Theirs, *const F::Theirs),
		result: &mut F,
		a: &F,
		b: &F,
	) {
		// SAFETY: the pointers come from references to live values of the same layout (asserted
		// where `Layout` is implemented), the first of them to one that nobody else sees. The
		// functions read one element behind each of the last two and write one behind the first;
		// they take any limbs.
		unsafe {
			function(
				std::ptr::from_mut(result).cast(),
				std::ptr::from_ref(a).cast(),
				std::ptr::from_ref(b).cast(),
			);
		}
	}

	#[inline]
	fn unary<F: Layout>(
		function: unsafe extern "C" fn(*mut F::Theirs, *const F::Theirs),
		result: &mut F,
		a: &F,
	) {
		// SAFETY: as in `binary`, with one operand.
		unsafe { function(std::ptr::from_mut(result).cast(), std::ptr::from_ref(a).cast()) };
	}

	arithmetic!(Fp, blst_fp, blst_fp_add, blst_fp_sub, blst_fp_mul, blst_fp_sqr, blst_fp_inverse);
	arithmetic!(
		Fp2,
		blst_fp2,
		blst_fp2_add,
		blst_fp2_sub,
		blst_fp2_mul,
		blst_fp2_sqr,
		blst_fp2_inverse
	);
}

/// `ark-ff`'s operations on one of its types, applied to ours.
macro_rules! arkworks {
	($ours:ty, $theirs:ty) => {
		impl Arithmetic<$ours> for Arkworks {
			#[inline]
			fn add(result: &mut $ours, a: &$ours, b: &$ours) {
				*result = (&(<$theirs>::from(a) + <$theirs>::from(b))).into();
			}

			#[inline]
			fn sub(result: &mut $ours, a: &$ours, b: &$ours) {
				*result = (&(<$theirs>::from(a) - <$theirs>::from(b))).into();
			}

			#[inline]
			fn mul(result: &mut $ours, a: &$ours, b: &$ours) {
				*result = (&(<$theirs>::from(a) * <$theirs>::from(b))).into();
			}

			#[inline]
			fn square(result: &mut $ours, a: &$ours) {
				*result = (&<$theirs>::from(a).square()).into();
			}

			#[inline]
			fn inverse(result: &mut $ours, a: &$ours) {
				*result = (&<$theirs>::from(a).inverse().unwrap_or(<$theirs>::ZERO)).into();
			}
		}
	};
}

arkworks!(Fp, Fq);
arkworks!(Fp2, Fq2);

#[cfg(test)]
mod tests {
	use super::*;
	use ark_ff::UniformRand;
	use rand::{rngs::StdRng, SeedableRng};

	fn both_agree<F: Coordinate + std::fmt::Debug>(elements: &[F])
	where
		Fastest: Arithmetic<F>,
		Arkworks: Arithmetic<F>,
	{
		let results = |theirs: fn(&mut F, &F, &F), ours: fn(&mut F, &F, &F), a: &F, b: &F| {
			let mut results = [F::ONE; 2];
			theirs(&mut results[0], a, b);
			ours(&mut results[1], a, b);
			assert_eq!(results[0], results[1]);
			results[0]
		};
		for a in elements {
			results(|r, a, _| Fastest::square(r, a), |r, a, _| Arkworks::square(r, a), a, a);
			let inverse =
				results(|r, a, _| Fastest::inverse(r, a), |r, a, _| Arkworks::inverse(r, a), a, a);
			let product = if *a == F::ZERO { F::ZERO } else { F::ONE };
			assert_eq!(results(Fastest::mul, Arkworks::mul, a, &inverse), product);
			assert_eq!(results(Fastest::sub, Arkworks::sub, &F::ZERO, a), a.negated_if(true));
			assert_eq!(a.negated_if(false), *a);
			assert!(a.is_canonical() && a.negated_if(true).is_canonical());
			for b in elements {
				results(Fastest::add, Arkworks::add, a, b);
				results(Fastest::sub, Arkworks::sub, a, b);
				results(Fastest::mul, Arkworks::mul, a, b);
			}
		}
	}

	#[test]
	fn both_libraries_compute_the_same() {
		let mut rng = StdRng::seed_from_u64(1);
		let base: Vec<Fq> = [Fq::ZERO, Fq::ONE, -Fq::ONE, Fq::from(2u64)]
			.into_iter()
			.chain((0..20).map(|_| Fq::rand(&mut rng)))
			.collect();
		both_agree(&base.iter().map(Fp::from).collect::<Vec<_>>());
		let extension: Vec<Fp2> = base
			.iter()
			.flat_map(|c0| base.iter().take(6).map(|c1| Fp2::from(&Fq2::new(*c0, *c1))))
			.collect();
		both_agree(&extension);
		assert!(extension.iter().all(|element| Fp2::from(&Fq2::from(element)) == *element));
	}

	#[test]
	fn limbs_at_and_above_the_modulus_are_not_canonical() {
		let modulus = Fq::MODULUS.0;
		let below = {
			let mut limbs = modulus;
			limbs[0] -= 1;
			limbs
		};
		assert!(Fp(below).is_canonical() && Fp::ZERO.is_canonical());
		assert!(!Fp(modulus).is_canonical() && !Fp([u64::MAX; 6]).is_canonical());
		assert!(Fp2([Fp(below); 2]).is_canonical());
		assert!(!Fp2([Fp(below), Fp(modulus)]).is_canonical());
	}
}
