// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! A linear formula out of measurements, by the SDK's analysis: least squares over the runs between
//! the quartiles, or the median where there is nothing to vary.

use super::measure::{Benchmark, Component, Measurements};
use frame_benchmarking::{Analysis, BenchmarkResult, BenchmarkSelector};
use std::fmt;

/// What one step of a component adds, or what there is without any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
	/// Computation in picoseconds.
	pub(super) time: u64,
	/// Values read.
	pub(super) reads: u64,
	/// Values written.
	pub(super) writes: u64,
}

impl Cost {
	/// Whether storage is touched.
	pub(super) fn is_stored(&self) -> bool {
		self.reads > 0 || self.writes > 0
	}
}

/// The weight of a benchmark.
#[derive(Clone, Debug)]
pub(super) struct Formula {
	/// The benchmark's name.
	pub(super) name: String,
	/// Where every component is zero.
	pub(super) base: Cost,
	/// What each component adds.
	pub(super) slopes: Vec<(Component, Cost)>,
}

impl fmt::Display for Formula {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let cost = |cost: &Cost| {
			let micros = cost.time as f64 / 1e6;
			format!("{micros:.1} us, {} reads, {} writes", cost.reads, cost.writes)
		};
		write!(f, "{}: {}", self.name, cost(&self.base))?;
		for ((name, least, greatest), slope) in &self.slopes {
			write!(f, "; {name} ({least} to {greatest}): {}", cost(slope))?;
		}
		Ok(())
	}
}

/// Analyses what was measured of a benchmark.
pub(super) fn formula(benchmark: &Benchmark, found: &Measurements) -> Result<Formula, String> {
	let analyse = |results: &Vec<BenchmarkResult>, selector| {
		Analysis::min_squares_iqr(results, selector)
			.map_err(|error| format!("{}::{}: {error}", benchmark.pallet, benchmark.name))
	};
	let time = analyse(&found.time, BenchmarkSelector::ExtrinsicTime)?;
	let reads = analyse(&found.storage, BenchmarkSelector::Reads)?;
	let writes = analyse(&found.storage, BenchmarkSelector::Writes)?;
	let number = |value: u128| u64::try_from(value).unwrap_or(u64::MAX);
	// The analysis sorts components by name.
	let slope = |analysis: &Analysis, name: &str| {
		let index = analysis.names.iter().position(|found| found == name);
		index.and_then(|index| analysis.slopes.get(index)).map_or(0, |slope| number(*slope))
	};
	let slopes = benchmark.components.iter().map(|component| {
		let name = component.0.to_string();
		let cost = Cost {
			time: slope(&time, &name),
			reads: slope(&reads, &name),
			writes: slope(&writes, &name),
		};
		(*component, cost)
	});
	Ok(Formula {
		name: benchmark.name.clone(),
		base: Cost {
			time: number(time.base),
			reads: number(reads.base),
			writes: number(writes.base),
		},
		slopes: slopes.collect(),
	})
}
