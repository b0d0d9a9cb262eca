// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::circuit::{adversary, system::Circuit};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The definition, in 128 bits and with division instead of shifts.
fn reference(x: i64, shift: u8, (low, high): (i16, i16), leak: u8) -> i64 {
	let step = 1i128 << shift;
	let rounded = i128::from(x) + if shift == 0 { 0 } else { step / 2 };
	let leak = if rounded < 0 { 1i128 << leak } else { 1 };
	rounded.div_euclid(step * leak).clamp(low.into(), high.into()) as i64
}

const RELU: (i16, i16) = (0, 255);
const INT8: (i16, i16) = (-128, 127);

/// The second public input is the first one requantised.
#[derive(Clone, Copy, Debug)]
struct Gadget {
	bounds: Interval,
	shift: u8,
	clamp: (i16, i16),
	leak: u8,
	acc: i64,
	output: i64,
}

impl Gadget {
	fn new(case: Case, acc: i64) -> Self {
		let Case { low, high, shift, clamp, leak, .. } = case;
		let output = reference(acc, shift, clamp, leak);
		Self { bounds: Interval { low, high }, shift, clamp, leak, acc, output }
	}

	fn plan(&self) -> Requantiser {
		let (low, high) = self.clamp;
		let requantisation =
			Requantisation { shifts: vec![self.shift], low, high, leak: self.leak };
		Requantiser::new(self.bounds, &requantisation, self.shift).unwrap()
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

/// Bounds, shift, clamp, leak, and the documented number of constraints.
#[derive(Clone, Copy, Debug)]
struct Case {
	low: i64,
	high: i64,
	shift: u8,
	clamp: (i16, i16),
	leak: u8,
	constraints: usize,
}

/// Every row of the module's table.
fn cases() -> Vec<Case> {
	let case = |low, high, shift, clamp, constraints| Case {
		low,
		high,
		shift,
		clamp,
		leak: 0,
		constraints,
	};
	let leaky = |low, high, shift, clamp, leak, constraints| Case {
		leak,
		..case(low, high, shift, clamp, constraints)
	};
	vec![
		// Constants: never positive, always above the ceiling, always the same quotient.
		case(-5000, 0, 0, RELU, 0),
		case(-5000, 7, 4, RELU, 0),
		case(255 << 4, 9000, 4, RELU, 0),
		case(33, 35, 4, RELU, 0),
		case(-9000, -4000, 4, INT8, 0),
		case(4000, 9000, 4, INT8, 0),
		case(-9000, 9000, 20, (5, 9), 0),
		// Copies.
		case(0, 255, 0, RELU, 1),
		case(7, 200, 0, RELU, 1),
		case(-128, 127, 0, INT8, 1),
		case(-3, 2, 0, (-3, 2), 1),
		// Steps: w + 1.
		case(-1000, 1000, 3, (0, 1), 10 + 1),
		case(-1000, 1000, 0, (-300, -299), 11 + 1),
		case(0, 15, 3, RELU, 3 + 1 + 1),
		case(0, 11, 3, RELU, 3 + 1),
		case(-1, 1, 0, RELU, 1 + 1),
		case(-3000, 8, 3, RELU, 12 + 1),
		case(2030, 2040, 3, RELU, 3 + 1),
		// Shifts that never clamp: s + n.
		case(0, 1000, 3, RELU, 3 + 7),
		case(-4, 2000, 3, RELU, 3 + 8),
		case(800, 2000, 3, RELU, 3 + 8),
		case(-1000, 1000, 3, INT8, 3 + 8),
		case(-100, 900, 3, INT8, 3 + 7),
		case(-16, 15, 3, (-5, 9), 3 + 3),
		// One end: w + 2.
		case(0, 5000, 3, RELU, 12 + 2),
		case(0, 256, 0, RELU, 8 + 2),
		case(-1000, 4000, 3, INT8, 12 + 2),
		case(2000, 3000, 3, RELU, 10 + 2),
		case(-1000, 1000, 3, RELU, 10 + 2),
		case(-3000, 20, 3, RELU, 12 + 2),
		case(-1100, 900, 3, INT8, 11 + 2),
		case(-200, 127, 0, INT8, 8 + 2),
		case(0, 1000, 2, (0, 100), 10 + 2),
		case(-1000, 300, 2, (-7, 100), 10 + 2),
		// Both, over uint8 and int8: w + 3.
		case(-3000, 4000, 3, RELU, 12 + 3),
		case(-40_000, 4000, 3, RELU, 16 + 3),
		case(-2000, 70_000, 3, RELU, 17 + 3),
		case(-40_000, 40_000, 3, INT8, 16 + 3),
		case(-300, 300, 0, INT8, 8 + 3),
		case(-300, 600, 0, RELU, 9 + 3),
		case(-70, 70, 4, (-2, 1), 6 + 3),
		// Both, over other widths: w + 3 + a.
		case(-3000, 4000, 3, (0, 192), 12 + 3 + 3),
		case(-3000, 4000, 3, (-127, 127), 12 + 3 + 8),
		case(-30, 40, 0, (0, 2), 6 + 3 + 2),
		case(-30, 40, 1, (-3, 7), 5 + 3 + 4),
		case(-70, 70, 0, (-21, 21), 6 + 3 + 6),
		// A leak that says nothing: one sign only, or none of one.
		leaky(-1000, -5, 3, INT8, 2, 5 + 5),
		leaky(5, 1000, 3, INT8, 2, 3 + 7),
		leaky(-1000, 1000, 3, RELU, 2, 10 + 2),
		leaky(-1000, 1000, 3, (-128, 0), 2, 11 + 2),
		leaky(-3000, 3000, 3, (-1, 254), 2, 12 + 3),
		// Leaks: nothing clamps, one end, both.
		leaky(-1000, 1000, 3, INT8, 2, 10 + 2),
		leaky(-10, 1000, 3, INT8, 4, 10 + 2),
		leaky(-70_000, 1000, 3, INT8, 7, 17 + 2),
		leaky(-3000, 3000, 3, INT8, 2, 12 + 4),
		leaky(-5000, 1000, 3, INT8, 2, 12 + 4),
		leaky(-40_000, 3000, 3, INT8, 2, 16 + 5),
		leaky(-5000, 30_000, 2, INT8, 1, 15 + 5),
		leaky(-700, 700, 1, (-10, 12), 2, 10 + 5 + 3 + 2),
		leaky(-1000, 1000, 0, (-2, 1), 59, 10 + 4),
	]
}

/// Where something happens: the bounds, zero, rounding ties, both ends of the clamp.
fn interesting(case: Case) -> Vec<i64> {
	let Case { low, high, shift, clamp, leak, .. } = case;
	let (step, leak) = (1i64 << shift, 1i64 << leak.min(30));
	let around = |x: i64| [x - 1, x, x + 1];
	let (first, last) = (i64::from(clamp.0), i64::from(clamp.1));
	let mut values: Vec<i64> =
		[-1, 0, 1, 2 * last + 1, 2 * last + 2, first, first + 1, last, last + 1]
			.into_iter()
			.chain([first * leak, (first + 1) * leak, -leak])
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
	for case in cases() {
		let gadget = Gadget::new(case, case.low);
		let matrices = gadget.matrices().unwrap();
		assert_eq!(matrices.constraints(), case.constraints + 1, "{case:?}");
		assert_eq!(gadget.plan().constraints(), case.constraints, "{case:?}");
	}
}

#[test]
fn boundaries_and_ties_agree_with_the_definition() {
	for case in cases() {
		let matrices = Gadget::new(case, case.low).matrices().unwrap();
		for acc in interesting(case) {
			let gadget = Gadget::new(case, acc);
			let assignment = gadget.assignment().unwrap_or_else(|error| {
				panic!("{gadget:?}: {error}");
			});
			assert!(matrices.is_satisfied(&assignment), "{gadget:?}");
		}
	}
}

#[test]
fn other_outputs_are_refused() {
	for case in cases() {
		for acc in interesting(case) {
			let honest = Gadget::new(case, acc);
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
	for case in cases() {
		for acc in interesting(case).into_iter().step_by(3).chain([case.low, case.high]) {
			adversary::assert_tight(&Gadget::new(case, acc), 1);
		}
	}
}

#[test]
fn witnesses_of_another_accumulator_do_not_fit() {
	for case in cases() {
		let matrices = Gadget::new(case, case.low).matrices().unwrap();
		let values = interesting(case);
		for pair in values.windows(2) {
			let [left, right] =
				[pair[0], pair[1]].map(|acc| Gadget::new(case, acc).assignment().unwrap());
			let mut spliced = left.clone();
			spliced.values_mut()[3..].copy_from_slice(&right.values()[3..]);
			let same = spliced == left;
			assert_eq!(matrices.is_satisfied(&spliced), same, "{case:?} {pair:?}");
		}
	}
}

/// A row's coefficients with their inverses, and columns.
type SearchRow = [Vec<(Fr, Fr, usize)>; 3];

/// All assignments with a given accumulator, in the whole field.
struct Search {
	rows: Vec<SearchRow>,
	found: Vec<Vec<Fr>>,
}

impl Search {
	/// The coefficients of a circuit may be changed.
	fn new(gadget: &Gadget, coefficient: impl Fn(Fr) -> Fr) -> Self {
		let matrices = gadget.matrices().unwrap();
		let row = |row: usize| {
			[0, 1, 2].map(|matrix: usize| {
				let entry = |(c, column): &(Fr, usize)| {
					let c = coefficient(*c);
					(c, c.inverse().unwrap(), *column)
				};
				matrices.as_ark()[matrix][row].iter().map(entry).collect()
			})
		};
		Self { rows: (0..matrices.constraints()).map(row).collect(), found: Vec::new() }
	}

	/// Solves, again and again, a row with at most one unknown, and follows every root.
	fn complete(&mut self, mut known: Vec<Option<Fr>>, mut open: Vec<usize>) {
		loop {
			let unknown = |row: &SearchRow| {
				let mut columns = row.iter().flatten().map(|entry| entry.2);
				let first = columns.clone().find(|column| known[*column].is_none());
				let single = columns.all(|column| known[column].is_some() || Some(column) == first);
				single.then_some(first)
			};
			let next = open
				.iter()
				.enumerate()
				.find_map(|(place, row)| unknown(&self.rows[*row]).map(|column| (place, column)));
			let Some((place, column)) = next else {
				assert!(open.is_empty(), "no row of {open:?} has a single unknown");
				self.found.push(known.into_iter().map(|x| x.expect("a free column")).collect());
				return;
			};
			let [a, b, c] = &self.rows[open.remove(place)];
			// The constant, and the unknown's coefficient with its inverse.
			let affine = |side: &[(Fr, Fr, usize)]| {
				side.iter().fold(
					(Fr::ZERO, None),
					|(sum, unknown), (c, inverse, place)| match known[*place] {
						Some(value) => (sum + *c * value, unknown),
						None => (sum, Some((*c, *inverse))),
					},
				)
			};
			let [(a, of_a), (b, of_b), (c, of_c)] = [a, b, c].map(|side| affine(side));
			let roots = match (of_a, of_b, of_c) {
				(None, None, None) if a * b == c => continue,
				(None, None, None) => return,
				(Some((_, first)), Some((_, second)), None) => {
					assert_eq!(c, Fr::ZERO, "a quadratic equation");
					BTreeSet::from([-a * first, -b * second])
				},
				(None, None, Some((_, inverse))) => BTreeSet::from([(a * b - c) * inverse]),
				_ => {
					let linear = |side: Option<(Fr, Fr)>| side.map_or(Fr::ZERO, |(c, _)| c);
					assert!(of_a.is_none() || of_b.is_none(), "a quadratic equation");
					match (a * linear(of_b) + b * linear(of_a) - linear(of_c)).inverse() {
						Some(inverse) => BTreeSet::from([(c - a * b) * inverse]),
						None if a * b == c => continue,
						None => return,
					}
				},
			};
			let Some(column) = column else { unreachable!("a root needs an unknown") };
			for root in roots {
				known[column] = Some(root);
				self.complete(known.clone(), open.clone());
			}
			return;
		}
	}

	/// The assignments that satisfy every row with this accumulator, whatever the output.
	fn run(mut self, gadget: &Gadget) -> Vec<Vec<Fr>> {
		let mut known = vec![None; gadget.matrices().unwrap().columns()];
		known[..2].copy_from_slice(&[Some(Fr::ONE), Some(Fr::from(gadget.acc))]);
		let open = (0..self.rows.len()).collect();
		self.complete(known, open);
		self.found
	}
}

/// Of everything in the field, flags that are not boolean included, only the honest assignment
/// satisfies the rows.
#[test]
fn a_complete_search_finds_one_assignment() {
	let all = |(low, high, shift, clamp, leak)| {
		let case = Case { low, high, shift, clamp, leak, constraints: 0 };
		(case, (low..=high).collect::<Vec<_>>())
	};
	let few = |(low, high, shift, clamp, leak), values: &[i64]| {
		let case = Case { low, high, shift, clamp, leak, constraints: 0 };
		(case, interesting(case).into_iter().step_by(4).chain(values.iter().copied()).collect())
	};
	let cases = [
		// At most one end.
		all((-6, 7, 1, (0, 255), 0)),
		all((-8, 7, 0, (0, 255), 0)),
		all((0, 7, 1, (0, 255), 0)),
		all((-3, 12, 2, (0, 255), 0)),
		all((-30, 90, 1, (-128, 20), 0)),
		// Both ends.
		all((-7, 7, 0, (-2, 1), 0)),
		all((-4, 9, 1, (0, 2), 0)),
		all((-3, 9, 0, (1, 7), 0)),
		all((-70, 70, 4, (-2, 1), 0)),
		all((-30, 40, 0, (0, 2), 0)),
		all((-30, 40, 1, (-3, 7), 0)),
		all((-70, 70, 0, (-21, 21), 0)),
		all((-60, 60, 2, (-5, 4), 0)),
		few((-3000, 4000, 3, RELU, 0), &[2600]),
		few((-3000, 4000, 3, (0, 192), 0), &[2600]),
		// A leak: nothing clamps, the lower end, the upper, both.
		all((-8, 7, 1, (-4, 5), 1)),
		all((-60, 60, 2, (-20, 50), 1)),
		all((-70, 40, 1, (-4, 60), 1)),
		all((-70, 40, 1, (-6, 60), 1)),
		all((-40, 70, 1, (-60, 7), 1)),
		all((-40, 70, 1, (-60, 9), 2)),
		all((-70, 70, 0, (-2, 1), 59)),
		all((-60, 60, 0, (-4, 3), 2)),
		all((-60, 60, 1, (-6, 9), 1)),
		all((-60, 60, 0, (-5, 5), 1)),
		few((-3000, 3000, 3, INT8, 2), &[2600, -2600]),
	];
	for (case, values) in cases {
		for acc in values {
			let gadget = Gadget::new(case, acc);
			let honest = gadget.assignment().unwrap();
			let found = Search::new(&gadget, |c| c).run(&gadget);
			assert_eq!(found, [honest.values()], "{gadget:?}");
		}
	}
}

/// The search finds the forgeries that a smaller [`BEYOND`] would admit.
#[test]
fn a_number_that_is_not_beyond_everything_admits_forgeries() {
	for (low, high, shift, clamp, leak) in [
		(-3000, 4000, 3, RELU, 0),
		(-30, 40, 1, (-3, 7), 0),
		(-70, 40, 1, (-4, 60), 1),
		(-40, 70, 1, (-60, 7), 1),
		(-60, 60, 1, (-6, 9), 1),
	] {
		let case = Case { low, high, shift, clamp, leak, constraints: 0 };
		let beyond = power_of_two(BEYOND);
		let forgeries = interesting(case).into_iter().map(|acc| {
			let gadget = Gadget::new(case, acc);
			let smaller = |c: Fr| match c {
				c if c == beyond => Fr::ONE,
				c if c == -beyond => -Fr::ONE,
				c => c,
			};
			let found = Search::new(&gadget, smaller).run(&gadget);
			let honest = gadget.assignment().unwrap();
			assert!(found.iter().any(|values| values == honest.values()), "{gadget:?}");
			found.len() - 1
		});
		assert!(forgeries.sum::<usize>() > 0, "{case:?}");
	}
}

#[test]
fn too_many_bits_are_refused() {
	let bounds = Interval { low: i64::MIN, high: i64::MAX };
	assert!(Requantiser::new(bounds, &Requantisation::relu(0), 0).is_ok());
	for shift in [89, 100, u8::MAX] {
		let error = Requantiser::new(bounds, &Requantisation::signed(shift), shift).unwrap_err();
		assert!(matches!(error, CircuitError::TooWide { .. }), "{error}");
	}
	// Shifts of valid networks are not too many, however large their sum.
	let bounds = Interval { low: -(1 << 59), high: (1 << 59) - 1 };
	let leaky = Requantisation { leak: 59, ..Requantisation::signed(59) };
	assert!(Requantiser::new(bounds, &leaky, 59).is_ok());
}

proptest! {
	#[test]
	fn every_accumulator_within_bounds_is_proved(
		(a, b) in (-(1i64 << 40)..1i64 << 40, -(1i64 << 40)..1i64 << 40),
		scale in 0u32..40,
		shift in 0u8..32,
		(first, levels) in (-300i16..300, 1i16..=255),
		leak in prop_oneof![Just(0u8), 1u8..8, Just(59)],
		position in 0u64..=1000,
	) {
		let (a, b) = (a >> scale, b >> scale);
		let (low, high) = (a.min(b), a.max(b));
		let acc = low + ((i128::from(high - low) * i128::from(position)) / 1000) as i64;
		for (clamp, leak) in [(RELU, 0), (INT8, 0), ((first, first + levels), leak)] {
			let case = Case { low, high, shift, clamp, leak, constraints: 0 };
			let gadget = Gadget::new(case, acc);
			let matrices = gadget.matrices().unwrap();
			let mut assignment = gadget.assignment().unwrap();
			prop_assert!(matrices.is_satisfied(&assignment));
			prop_assert_eq!(matrices.constraints(), gadget.plan().constraints() + 1);
			assignment.values_mut()[2] += Fr::ONE;
			prop_assert!(!matrices.is_satisfied(&assignment));
		}
	}

	/// What uint8 and int8 cost before the two ends had flags: `k + 1`, and one for every bit above
	/// the eighth.
	#[test]
	fn nothing_is_dearer_than_a_sign_and_a_chain(
		(a, b) in (-(1i64 << 40)..1i64 << 40, -(1i64 << 40)..1i64 << 40),
		scale in 0u32..40,
		shift in 0u8..32,
		relu: bool,
	) {
		let (a, b) = (a >> scale, b >> scale);
		let (low, high) = (a.min(b), a.max(b));
		let clamp = if relu { RELU } else { INT8 };
		let case = Case { low, high, shift, clamp, leak: 0, constraints: 0 };
		let rounding = if shift == 0 { 0 } else { 1i128 << (shift - 1) };
		let quotient = |x: i64| ((i128::from(x) + rounding) >> shift) - i128::from(clamp.0);
		let (low, high) = (quotient(low), quotient(high));
		let bits = bit_length(high.max(0)).max(if low < 0 { bit_length(!low) } else { 0 });
		let overflow = bit_length(high.max(0)).saturating_sub(8);
		let chain = match (low < 0, high > 255) {
			(false, false) if shift == 0 => 1,
			(false, false) => u32::from(shift) + bits,
			(signed, _) => u32::from(shift) + bits + 2 * u32::from(signed) + overflow,
		};
		let constraints = Gadget::new(case, case.low).plan().constraints();
		prop_assert!(constraints <= chain as usize, "{} > {}", constraints, chain);
	}
}
