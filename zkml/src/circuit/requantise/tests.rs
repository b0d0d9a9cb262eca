// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::circuit::{adversary, system::Circuit};
use proptest::prelude::*;

/// The definition, in 128 bits and with division instead of shifts.
fn reference(acc: i64, shift: u8, relu: bool) -> i64 {
	let step = 1i128 << shift;
	let quotient = (i128::from(acc) + step / 2).div_euclid(step);
	match relu {
		true => quotient.clamp(0, 255) as i64,
		false => quotient.clamp(-128, 127) as i64,
	}
}

/// The second public input is the first one requantised.
#[derive(Clone, Copy, Debug)]
struct Gadget {
	bounds: Interval,
	shift: u8,
	relu: bool,
	acc: i64,
	output: i64,
}

impl Gadget {
	fn new(low: i64, high: i64, shift: u8, relu: bool, acc: i64) -> Self {
		let output = reference(acc, shift, relu);
		Self { bounds: Interval { low, high }, shift, relu, acc, output }
	}

	fn plan(&self) -> Requantisation {
		Requantisation::new(self.bounds, self.shift, self.relu).unwrap()
	}
}

impl Circuit for Gadget {
	fn public_inputs(&self) -> usize {
		2
	}

	fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
		let acc = system.public(|| Fr::from(self.acc));
		let expected = system.public(|| Fr::from(self.output));
		let output = self.plan().apply(system, &acc, self.acc);
		system.enforce_equal(output, expected);
		Ok(())
	}
}

/// Bounds, shift, clamp and the documented number of constraints: every row of the module's table.
fn cases() -> Vec<(i64, i64, u8, bool, usize)> {
	vec![
		// Constants: never positive, always above the ceiling, always the same quotient.
		(-5000, 0, 0, true, 0),
		(-5000, 7, 4, true, 0),
		(255 << 4, 9000, 4, true, 0),
		(33, 35, 4, true, 0),
		(-9000, -4000, 4, false, 0),
		(4000, 9000, 4, false, 0),
		// Copies.
		(0, 255, 0, true, 1),
		(7, 200, 0, true, 1),
		(-128, 127, 0, false, 1),
		// Shifts that never clamp: s + n.
		(0, 1000, 3, true, 3 + 7),
		(-4, 2000, 3, true, 3 + 8),
		(-1000, 1000, 3, false, 3 + 8),
		(-100, 900, 3, false, 3 + 8),
		// Clamp above only: s + n + e.
		(0, 5000, 3, true, 3 + 10 + 2),
		(0, 256, 0, true, 9 + 1),
		(-1000, 4000, 3, false, 3 + 10 + 2),
		// Clamp below only: k + 1.
		(-1000, 1000, 3, true, (3 + 7 + 1) + 1),
		(-1, 1, 0, true, (1 + 1) + 1),
		(-3000, 8, 3, true, (3 + 9 + 1) + 1),
		(-1100, 900, 3, false, (3 + 8 + 1) + 1),
		(-200, 127, 0, false, (8 + 1) + 1),
		// Both: k + 1 + e.
		(-3000, 4000, 3, true, (3 + 9 + 1) + 1 + 1),
		(-40_000, 4000, 3, true, (3 + 13 + 1) + 1 + 1),
		(-2000, 70_000, 3, true, (3 + 14 + 1) + 1 + 6),
		(-40_000, 40_000, 3, false, (3 + 13 + 1) + 1 + 5),
		(-300, 300, 0, false, (9 + 1) + 1 + 1),
	]
}

/// Where something happens: the bounds, zero, rounding ties, both ends of the clamp.
fn interesting(low: i64, high: i64, shift: u8) -> Vec<i64> {
	let step = 1i64 << shift;
	let around = |x: i64| [x - 1, x, x + 1];
	let mut values: Vec<i64> = [-129, -128, -1, 0, 1, 127, 128, 255, 256, 511, 512]
		.into_iter()
		.flat_map(|quotient| [quotient * step, quotient * step + step / 2])
		.chain([low, high])
		.flat_map(around)
		.filter(|acc| (low..=high).contains(acc))
		.collect();
	values.sort_unstable();
	values.dedup();
	values
}

#[test]
fn costs_are_those_of_the_table() {
	for (low, high, shift, relu, constraints) in cases() {
		let gadget = Gadget::new(low, high, shift, relu, low);
		let matrices = gadget.matrices().unwrap();
		assert_eq!(gadget.plan().constraints(), constraints, "{gadget:?}");
		assert_eq!(matrices.constraints(), constraints + 1, "{gadget:?}");
	}
}

#[test]
fn boundaries_and_ties_agree_with_the_definition() {
	for (low, high, shift, relu, _) in cases() {
		let matrices = Gadget::new(low, high, shift, relu, low).matrices().unwrap();
		for acc in interesting(low, high, shift) {
			let gadget = Gadget::new(low, high, shift, relu, acc);
			let assignment = gadget.assignment().unwrap_or_else(|error| {
				panic!("{gadget:?}: {error}");
			});
			assert!(matrices.is_satisfied(&assignment), "{gadget:?}");
		}
	}
}

#[test]
fn other_outputs_are_refused() {
	for (low, high, shift, relu, _) in cases() {
		for acc in interesting(low, high, shift) {
			let honest = Gadget::new(low, high, shift, relu, acc);
			let others =
				[honest.output + 1, honest.output - 1, -honest.output, 0, 255, 127, -128, acc];
			for output in others.into_iter().filter(|output| *output != honest.output) {
				let forged = Gadget { output, ..honest };
				assert!(forged.assignment().is_err(), "{forged:?}");
			}
		}
	}
}

#[test]
fn no_witness_is_free() {
	for (low, high, shift, relu, _) in cases() {
		for acc in interesting(low, high, shift).into_iter().step_by(3).chain([low, high]) {
			adversary::assert_tight(&Gadget::new(low, high, shift, relu, acc), 1);
		}
	}
}

#[test]
fn witnesses_of_another_accumulator_do_not_fit() {
	for (low, high, shift, relu, _) in cases() {
		let matrices = Gadget::new(low, high, shift, relu, low).matrices().unwrap();
		let values = interesting(low, high, shift);
		for pair in values.windows(2) {
			let [left, right] = [pair[0], pair[1]]
				.map(|acc| Gadget::new(low, high, shift, relu, acc).assignment().unwrap());
			let mut spliced = left.clone();
			spliced.values_mut()[3..].copy_from_slice(&right.values()[3..]);
			let same = spliced == left;
			assert_eq!(matrices.is_satisfied(&spliced), same, "{low}..{high} {pair:?}");
		}
	}
}

/// Every boolean assignment of every bit, with the products that follow from it: only the honest
/// one is accepted.
#[test]
fn exhaustive_search_finds_one_assignment() {
	for (low, high, shift, relu) in
		[(-6, 7, 1, true), (-8, 7, 0, true), (0, 7, 1, true), (-3, 12, 2, true)]
	{
		for acc in low..=high {
			let gadget = Gadget::new(low, high, shift, relu, acc);
			let matrices = gadget.matrices().unwrap();
			let honest = gadget.assignment().unwrap();
			let witnesses = matrices.witnesses();
			let mut accepted = 0;
			for candidate in 0..1u32 << (witnesses - 1) {
				for output in 0..=high {
					let mut forged = honest.clone();
					let values = forged.values_mut();
					values[2] = Fr::from(output);
					for (bit, value) in values[3..].iter_mut().enumerate() {
						*value = Fr::from((candidate >> bit) & 1);
					}
					// One witness is the output's column: last after bits, first before them.
					for place in [3, 2 + witnesses] {
						let mut placed = forged.clone();
						let values = placed.values_mut();
						values[2 + witnesses] = values[place];
						values[place] = Fr::from(output);
						if matrices.is_satisfied(&placed) {
							assert_eq!(placed, honest, "{gadget:?}");
							accepted += 1;
						}
					}
				}
			}
			assert!(accepted >= 1, "{gadget:?}");
		}
	}
}

#[test]
fn too_many_bits_are_refused() {
	let bounds = Interval { low: i64::MIN, high: i64::MAX };
	assert!(Requantisation::new(bounds, 0, true).is_ok());
	for shift in [89, 100, u8::MAX] {
		let error = Requantisation::new(bounds, shift, false).unwrap_err();
		assert!(matches!(error, CircuitError::TooWide { .. }), "{error}");
	}
}

proptest! {
	#[test]
	fn every_accumulator_within_bounds_is_proved(
		a in -(1i64 << 40)..1i64 << 40,
		b in -(1i64 << 40)..1i64 << 40,
		scale in 0u32..40,
		shift in 0u8..32,
		relu: bool,
		position in 0u64..=1000,
	) {
		let (a, b) = (a >> scale, b >> scale);
		let (low, high) = (a.min(b), a.max(b));
		let acc = low + ((i128::from(high - low) * i128::from(position)) / 1000) as i64;
		let gadget = Gadget::new(low, high, shift, relu, acc);
		let matrices = gadget.matrices().unwrap();
		let mut assignment = gadget.assignment().unwrap();
		prop_assert!(matrices.is_satisfied(&assignment));
		prop_assert_eq!(matrices.constraints(), gadget.plan().constraints() + 1);
		assignment.values_mut()[2] += Fr::ONE;
		prop_assert!(!matrices.is_satisfied(&assignment));
	}
}
