// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! Measures the weights of the runtime's own pallets in WebAssembly, with the host functions that the
//! node has, and writes them as Rust.
//!
//! It does what the SDK's `frame-benchmarking-cli` does, by the same analysis; that crate brings a
//! hundred others, of Polkadot and Cumulus, that this chain has no use for.
//!
//! * [`measure`]: runs a benchmark for each value of its components;
//! * [`analysis`]: what the measurements come to;
//! * [`write`]: the pallets' `weights.rs`.

mod analysis;
mod measure;
mod write;

use crate::chain_spec;
use measure::{Laboratory, Settings};
use sp_runtime::BuildStorage;
use std::{collections::BTreeMap, fs, path::PathBuf};

/// Measures weights and writes them.
#[derive(Debug, clap::Parser)]
pub(crate) struct BenchmarkCmd {
	/// Folder of the pallets, each in a folder with its name without `pallet_`; the weights are
	/// written to `src/weights.rs` there. Without, they are only printed.
	#[arg(long, value_name = "FOLDER")]
	output: Option<PathBuf>,

	/// Pallets to measure, such as `pallet_jobs`; all of the runtime's own without.
	#[arg(long = "pallet", value_name = "NAME")]
	pallets: Vec<String>,

	/// Values of each component of a benchmark, its least and greatest included.
	#[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..))]
	steps: u32,

	/// Measurements for each value.
	#[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
	repeat: u32,
}

impl BenchmarkCmd {
	/// Measures, prints and writes.
	///
	/// # Errors
	///
	/// A node without a WebAssembly runtime, a benchmark that fails, or a file that cannot be written.
	pub(crate) fn run(&self) -> Result<(), String> {
		let genesis = chain_spec::development()?.build_storage()?;
		let laboratory = Laboratory::new(genesis)?;
		let settings = Settings { steps: self.steps, repeat: self.repeat };
		let mut pallets = BTreeMap::<String, Vec<analysis::Formula>>::new();
		for benchmark in laboratory.benchmarks()? {
			if !self.pallets.is_empty() && !self.pallets.contains(&benchmark.pallet) {
				continue;
			}
			let formula =
				analysis::formula(&benchmark, &laboratory.measure(&benchmark, settings)?)?;
			println!("{}: {formula}", benchmark.pallet);
			pallets.entry(benchmark.pallet).or_default().push(formula);
		}
		if pallets.is_empty() {
			return Err(format!(
				"expected a pallet of the runtime's own, found {:?}",
				self.pallets
			));
		}
		let Some(folder) = &self.output else { return Ok(()) };
		for (pallet, formulas) in pallets {
			let name = pallet.trim_start_matches("pallet_");
			let path = folder.join(name).join("src").join("weights.rs");
			fs::write(&path, write::source(&pallet, &formulas, settings))
				.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
		}
		Ok(())
	}
}
