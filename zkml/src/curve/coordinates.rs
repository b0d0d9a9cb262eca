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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Fp(pub(crate) [u64; 6]);

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

	/// Whether the limbs are below the modulus.
	fn is_canonical(&self) -> bool;
}

impl Coordinate for Fp {
	const ZERO: Self = Self([0; 6]);
	const ONE: Self = Self(Fq::R.0);

	fn is_canonical(&self) -> bool {
		BigInt(self.0) < Fq::MODULUS
	}
}

impl Coordinate for Fp2 {
	const ZERO: Self = Self([Fp::ZERO; 2]);
	const ONE: Self = Self([Fp::ONE, Fp::ZERO]);

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
pub(crate) trait Arithmetic<F: Coordinate> {
	/// `a + b`.
	fn add(a: &F, b: &F) -> F;
	/// `a − b`.
	fn sub(a: &F, b: &F) -> F;
	/// `a · b`.
	fn mul(a: &F, b: &F) -> F;
	/// `a²`.
	fn square(a: &F) -> F;
	/// `1 / a`, and 0 for 0.
	fn inverse(a: &F) -> F;
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
				fn add(a: &$ours, b: &$ours) -> $ours {
					binary($add, a, b)
				}

				#[inline]
				fn sub(a: &$ours, b: &$ours) -> $ours {
					binary($sub, a, b)
				}

				#[inline]
				fn mul(a: &$ours, b: &$ours) -> $ours {
					binary($mul, a, b)
				}

				#[inline]
				fn square(a: &$ours) -> $ours {
					unary($square, a)
				}

				#[inline]
				fn inverse(a: &$ours) -> $ours {
					unary($inverse, a)
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
		a: &F,
		b: &F,
	) -> F {
		let mut result = F::ZERO;
		// SAFETY: the pointers come from references to live values of the same layout (asserted
		// where `Layout` is implemented), and `result` is nobody else's. The functions read one
		// element behind each of the last two and write one behind the first; they take any limbs.
		unsafe {
			function(
				(&raw mut result).cast(),
				std::ptr::from_ref(a).cast(),
				std::ptr::from_ref(b).cast(),
			);
		}
		result
	}

	#[inline]
	fn unary<F: Layout>(
		function: unsafe extern "C" fn(*mut F::Theirs, *const F::Theirs),
		a: &F,
	) -> F {
		let mut result = F::ZERO;
		// SAFETY: as in `binary`, with one operand.
		unsafe { function((&raw mut result).cast(), std::ptr::from_ref(a).cast()) };
		result
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
			fn add(a: &$ours, b: &$ours) -> $ours {
				(&(<$theirs>::from(a) + <$theirs>::from(b))).into()
			}

			#[inline]
			fn sub(a: &$ours, b: &$ours) -> $ours {
				(&(<$theirs>::from(a) - <$theirs>::from(b))).into()
			}

			#[inline]
			fn mul(a: &$ours, b: &$ours) -> $ours {
				(&(<$theirs>::from(a) * <$theirs>::from(b))).into()
			}

			#[inline]
			fn square(a: &$ours) -> $ours {
				(&<$theirs>::from(a).square()).into()
			}

			#[inline]
			fn inverse(a: &$ours) -> $ours {
				(&<$theirs>::from(a).inverse().unwrap_or(<$theirs>::ZERO)).into()
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
		for a in elements {
			assert_eq!(Fastest::square(a), Arkworks::square(a));
			let inverse = Fastest::inverse(a);
			assert_eq!(inverse, Arkworks::inverse(a));
			let product = if *a == F::ZERO { F::ZERO } else { F::ONE };
			assert_eq!(Fastest::mul(a, &inverse), product);
			for b in elements {
				assert_eq!(Fastest::add(a, b), Arkworks::add(a, b));
				assert_eq!(Fastest::sub(a, b), Arkworks::sub(a, b));
				assert_eq!(Fastest::mul(a, b), Arkworks::mul(a, b));
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
