// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::circuit::{adversary, system::Circuit, CircuitError};
use proptest::prelude::*;

/// Elements, each with its bounds, are the first public inputs, results the last.
#[derive(Clone, Debug)]
struct Gadget {
	elements: Vec<(i64, Interval)>,
	kind: Kind,
	results: Vec<i64>,
}

#[derive(Clone, Debug)]
enum Kind {
	Maximum,
	ArgMax,
	MaxPool(Window),
}

impl Gadget {
	fn maximum(left: (i64, Interval), right: (i64, Interval)) -> Self {
		let results = vec![left.0.max(right.0)];
		Self { elements: vec![left, right], kind: Kind::Maximum, results }
	}

	fn arg_max(elements: Vec<(i64, Interval)>) -> Self {
		let largest = elements.iter().map(|(x, _)| *x).max().unwrap();
		let place = match elements.as_slice() {
			[(x, _)] => usize::from(*x > 0),
			_ => elements.iter().position(|(x, _)| *x == largest).unwrap(),
		};
		Self { elements, kind: Kind::ArgMax, results: vec![place as i64] }
	}

	fn max_pool(window: Window, elements: Vec<(i64, Interval)>) -> Self {
		let planes = elements.chunks(window.plane());
		let results = planes
			.flat_map(|plane| {
				(0..window.positions())
					.map(|position| window.taps(position).map(|(_, x)| plane[x].0).max().unwrap())
			})
			.collect();
		Self { elements, kind: Kind::MaxPool(window), results }
	}

	fn constraints(&self) -> usize {
		self.matrices().unwrap().constraints() - self.results.len()
	}
}

impl Circuit for Gadget {
	fn public_inputs(&self) -> usize {
		self.elements.len() + self.results.len()
	}

	fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
		let elements: Vec<Element<S::Linear>> = self
			.elements
			.iter()
			.map(|(value, bounds)| Element {
				linear: system.public(|| Fr::from(*value)),
				value: *value,
				bounds: *bounds,
			})
			.collect();
		let expected: Vec<_> =
			self.results.iter().map(|x| system.public(|| Fr::from(*x))).collect();
		let results = match &self.kind {
			Kind::Maximum => vec![maximum(system, &elements[0], &elements[1]).linear],
			Kind::ArgMax => vec![arg_max(system, elements)],
			Kind::MaxPool(window) => max_pool(system, window, &elements),
		};
		assert_eq!(results.len(), expected.len());
		for (result, expected) in results.into_iter().zip(expected) {
			system.enforce_equal(result, expected);
		}
		Ok(())
	}
}

/// Accepted as it is, with no freedom, and with no other result.
fn check(gadget: &Gadget) {
	adversary::assert_tight(gadget, gadget.elements.len());
	for result in 0..gadget.results.len() {
		for change in [-1, 1, 100] {
			let mut forged = gadget.clone();
			forged.results[result] += change;
			assert!(forged.assignment().is_err(), "{forged:?}");
		}
	}
}

fn range(low: i64, high: i64) -> Interval {
	Interval { low, high }
}

#[test]
fn a_maximum_of_uint8_costs_ten() {
	for (left, right) in [(0, 0), (255, 255), (0, 255), (255, 0), (17, 18), (18, 17), (9, 9)] {
		let gadget = Gadget::maximum((left, Interval::UINT8), (right, Interval::UINT8));
		assert_eq!(gadget.constraints(), 8 + 2);
		check(&gadget);
	}
}

#[test]
fn maxima_use_the_bounds() {
	for (left, right, constraints) in [
		(range(0, 127), range(0, 128), 7 + 2),
		(range(0, 128), range(0, 127), 7 + 2),
		(range(-1000, 5), range(5, 9), 0),
		(range(5, 9), range(-1000, 5), 0),
		(range(-1000, 6), range(5, 9), 10 + 2),
		(range(7, 7), range(7, 7), 0),
		(range(7, 8), range(7, 7), 0),
		(range(-(1 << 59), (1 << 59) - 1), range(-(1 << 59), (1 << 59) - 1), 60 + 2),
	] {
		let ends = |bounds: Interval| {
			[bounds.low, bounds.low + (bounds.high - bounds.low) / 2, bounds.high]
		};
		for a in ends(left) {
			for b in ends(right) {
				let gadget = Gadget::maximum((a, left), (b, right));
				assert_eq!(gadget.constraints(), constraints, "{gadget:?}");
				check(&gadget);
			}
		}
	}
}

#[test]
fn the_first_of_equals_has_the_place() {
	let wide = range(-100, 100);
	let all = |values: &[i64]| values.iter().map(|x| (*x, wide)).collect::<Vec<_>>();
	for values in [
		&[3, 3][..],
		&[2, 3],
		&[3, 2],
		&[-100, 100, 100],
		&[5, 5, 5, 5, 5],
		&[1, 2, 3, 4, 5, 6, 7],
		&[7, 6, 5, 4, 3, 2, 1],
		&[-1, -2, -1, 0, 0, -100, 0, 0, -1, 0],
		&[1],
		&[0],
		&[-1],
		&[100],
		&[-100],
	] {
		check(&Gadget::arg_max(all(values)));
	}
}

#[test]
fn places_cost_what_the_module_says() {
	let byte = |count: usize| Gadget::arg_max(vec![(0, Interval::UINT8); count]);
	for count in 2..=12usize {
		let comparisons = (count - 1) * (8 + 1);
		let winners = count - 2;
		let places = count.div_ceil(2) - 1;
		assert_eq!(byte(count).constraints(), comparisons + winners + places, "{count}");
	}
	// A single logit: its sign.
	assert_eq!(Gadget::arg_max(vec![(0, range(-128, 127))]).constraints(), 8 + 1);
	assert_eq!(Gadget::arg_max(vec![(5, range(1, 127))]).constraints(), 0);
	assert_eq!(Gadget::arg_max(vec![(0, range(-9, 0))]).constraints(), 0);
}

#[test]
fn elements_that_cannot_win_do_not_take_part() {
	let place = |bounds: &[Interval]| {
		Gadget::arg_max(bounds.iter().map(|bounds| (bounds.low, *bounds)).collect())
	};
	let decided = place(&[range(0, 4), range(5, 9), range(-3, 5), range(2, 4)]);
	assert_eq!(decided.constraints(), 0);
	check(&decided);
	// An earlier one that can be equal wins; a later one does not.
	let tie = place(&[range(0, 5), range(5, 5), range(0, 5)]);
	assert!(tie.constraints() > 0);
	check(&tie);
	check(&Gadget::arg_max(vec![(5, range(0, 5)), (5, range(5, 5)), (5, range(0, 5))]));
	let known = place(&[range(3, 3), range(3, 3), range(2, 2)]);
	assert_eq!(known.constraints(), 0);
	check(&known);
}

fn window(kernel: [usize; 2], stride: [usize; 2], pads: [usize; 4]) -> Window {
	Window { channels: 1, input: [4, 5], kernel, stride, dilation: [1, 1], pads }
}

fn pixels(len: usize, seed: u64) -> Vec<(i64, Interval)> {
	let pixel = |index: u64| (index + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
	(0..len as u64).map(|index| (pixel(index) as i64, Interval::UINT8)).collect()
}

#[test]
fn windows_share_the_maxima_of_their_rows() {
	let pool = |window: Window| Gadget::max_pool(window, pixels(20, 1));
	// Apart: three maxima for each of four windows.
	assert_eq!(pool(window([2, 2], [2, 2], [0; 4])).constraints(), 4 * 3 * 10);
	// Overlapping: 4 rows of 3 maxima of 3, then 2 × 3 of three rows each.
	assert_eq!(pool(window([3, 3], [1, 1], [0; 4])).constraints(), (4 * 3 * 2 + 6 * 2) * 10);
	// Padding is not compared: the corner windows read 2 × 2.
	let padded = pool(window([3, 3], [3, 3], [1, 1, 1, 0]));
	assert_eq!(padded.results.len(), 4);
	check(&padded);
}

#[test]
fn pools_leave_no_freedom() {
	for seed in 0..4 {
		check(&Gadget::max_pool(window([2, 2], [2, 2], [0; 4]), pixels(20, seed)));
		check(&Gadget::max_pool(window([1, 3], [2, 2], [0; 4]), pixels(20, seed)));
		let dilated = Window { dilation: [2, 2], ..window([2, 2], [1, 2], [0; 4]) };
		check(&Gadget::max_pool(dilated, pixels(20, seed)));
	}
	let planes = Window { channels: 2, input: [2, 2], ..window([2, 2], [1, 1], [0; 4]) };
	check(&Gadget::max_pool(planes.clone(), pixels(8, 9)));
	let equal = vec![(7, Interval::UINT8); 8];
	check(&Gadget::max_pool(planes, equal));
}

fn bounded() -> impl Strategy<Value = (i64, Interval)> {
	(-(1i64 << 40)..1i64 << 40, 0i64..1 << 20, 0i64..1 << 20, 0u32..41).prop_map(
		|(x, below, above, scale)| {
			let x = x >> scale;
			(x, Interval { low: x - (below >> (scale / 2)), high: x + (above >> (scale / 2)) })
		},
	)
}

proptest! {
	#[test]
	fn maxima_and_places_are_those_of_the_integers(
		elements in proptest::collection::vec(bounded(), 1..14),
	) {
		let pair = Gadget::maximum(elements[0], elements[elements.len() - 1]);
		prop_assert!(pair.matrices().unwrap().is_satisfied(&pair.assignment().unwrap()));
		let place = Gadget::arg_max(elements);
		prop_assert!(place.matrices().unwrap().is_satisfied(&place.assignment().unwrap()));
		let forged = Gadget { results: vec![place.results[0] + 1], ..place };
		prop_assert!(forged.assignment().is_err());
	}
}
