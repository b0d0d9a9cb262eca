// SPDX-License-Identifier: Apache-2.0

//! Scalars cut into signed digits.

/// Bits of a number of four limbs; 0 has none.
pub(super) fn bit_length(limbs: &[u64; 4]) -> usize {
	let zeroes: u32 = match limbs.iter().rposition(|limb| *limb != 0) {
		Some(top) => (3 - top as u32) * 64 + limbs[top].leading_zeros(),
		None => 256,
	};
	256 - zeroes as usize
}

/// How scalars below `2^bits` are cut into signed digits.
///
/// With `o = Σ 2^(width−1)·2^(width·w)` over all windows but the highest, the digits of `|s|` are
/// those of `|s| + o` less `2^(width−1)`, each between `−2^(width−1)` and `2^(width−1) − 1`, and
/// the highest as it is: at most `2^(width−1)`, since `|s| < 2^(width·count − 1)`.
pub(super) struct Windows {
	/// Bits of a window.
	pub(super) width: usize,
	/// Number of windows.
	pub(super) count: usize,
	offset: [u64; 4],
}

impl Windows {
	/// Windows of `width` bits, 1 to 31, for scalars below `2^bits`, at most 254.
	pub(super) fn new(bits: usize, width: usize) -> Self {
		let count = Self::count(bits, width);
		let mut offset = [0; 4];
		for window in 1..count {
			let bit = window * width - 1;
			offset[bit / 64] |= 1 << (bit % 64);
		}
		Self { width, count, offset }
	}

	/// The width for which a multi-scalar multiplication adds least: every digit of every scalar
	/// once, every bucket twice. There are `lengths[bits]` scalars of so many bits.
	pub(super) fn cheapest(lengths: &[usize; 257]) -> Self {
		let bits = lengths.iter().rposition(|scalars| *scalars > 0).unwrap_or(0);
		let cost = |width: &usize| -> usize {
			let digits = |(bits, scalars): (usize, &usize)| scalars * Self::count(bits, *width);
			let digits: usize = lengths.iter().enumerate().map(digits).sum();
			digits + (Self::count(bits, *width) << width)
		};
		Self::new(bits, (2..=20).min_by_key(cost).unwrap_or(2))
	}

	fn count(bits: usize, width: usize) -> usize {
		(bits + 1).div_ceil(width)
	}

	/// The largest digit.
	pub(super) fn buckets(&self) -> usize {
		1 << (self.width - 1)
	}

	/// The digit of one window of a scalar below `2^bits`.
	pub(super) fn digit(&self, magnitude: &[u64; 4], window: usize) -> i64 {
		let mut raised = [0; 4];
		let mut carry = false;
		for ((raised, limb), offset) in raised.iter_mut().zip(magnitude).zip(&self.offset) {
			let (sum, first) = limb.overflowing_add(*offset);
			let (sum, second) = sum.overflowing_add(carry.into());
			(*raised, carry) = (sum, first || second);
		}
		let (limb, shift) = (window * self.width / 64, window * self.width % 64);
		let low = raised.get(limb).map_or(0, |limb| limb >> shift);
		let high = match shift {
			0 => 0,
			_ => raised.get(limb + 1).map_or(0, |limb| limb << (64 - shift)),
		};
		let digit = ((low | high) & ((1 << self.width) - 1)) as i64;
		match window + 1 == self.count {
			true => digit,
			false => digit - self.buckets() as i64,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use ark_bls12_381::Fr;
	use ark_ff::{BigInt, Field};
	use rand::{rngs::StdRng, RngCore, SeedableRng};

	#[test]
	fn digits_sum_to_their_scalar() {
		let mut rng = StdRng::seed_from_u64(4);
		for bits in [1usize, 2, 7, 32, 64, 65, 128, 200, 254] {
			for width in 2..=20 {
				let windows = Windows::new(bits, width);
				for case in 0..20 {
					let mut limbs: [u64; 4] = std::array::from_fn(|_| match case {
						0 => u64::MAX,
						_ => rng.next_u64(),
					});
					for (limb, place) in limbs.iter_mut().zip([0, 64, 128, 192]) {
						let kept = bits.saturating_sub(place);
						*limb &= if kept < 64 { (1 << kept) - 1 } else { u64::MAX };
					}
					let sum: Fr = (0..windows.count)
						.map(|window| {
							let digit = windows.digit(&limbs, window);
							assert!(digit.unsigned_abs() as usize <= windows.buckets());
							let weight = Fr::from(2u64).pow([(window * width) as u64]);
							Fr::from(digit) * weight
						})
						.sum();
					assert_eq!(sum, Fr::from(BigInt(limbs)), "{bits} bits, width {width}");
				}
			}
		}
	}

	#[test]
	fn more_scalars_take_wider_windows() {
		let width = |scalars| {
			let mut lengths = [0; 257];
			(lengths[1], lengths[254]) = (scalars, scalars);
			Windows::cheapest(&lengths).width
		};
		assert!(width(10) < width(1000) && width(1000) < width(1 << 17));
	}

	#[test]
	fn lengths_are_counted_in_bits() {
		assert_eq!(bit_length(&[0; 4]), 0);
		for bit in 0..256 {
			let mut limbs = [0; 4];
			limbs[bit / 64] = 1 << (bit % 64);
			limbs[0] |= 1;
			assert_eq!(bit_length(&limbs), bit + 1);
		}
	}
}
