// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! Runs benchmarks on a state in memory, as the SDK's command does: once with verification, once to
//! count reads and writes, and as often as asked for the time.

use crate::service::types::ExtraHostFunctions;
use codec::{Decode, Encode};
use frame_benchmarking::{
	BenchmarkBatch, BenchmarkConfig, BenchmarkList, BenchmarkParameter, BenchmarkResult,
};
use sc_client_db::BenchmarkingState;
use sc_executor::WasmExecutor;
use sp_core::{storage::Storage, traits::CallContext};
use sp_externalities::Extensions;
use sp_keystore::{testing::MemoryKeystore, KeystoreExt};
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::{
	backend::{BackendRuntimeCode, TryPendingCode},
	OverlayedChanges, StateMachine,
};

type State = BenchmarkingState<BlakeTwo256>;

/// Every host function that the runtime may call while it is measured.
type HostFunctions = (
	sp_io::SubstrateHostFunctions,
	frame_benchmarking::benchmarking::HostFunctions,
	ExtraHostFunctions,
);

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
	/// Values of each component.
	pub(super) steps: u32,
	/// Measurements for each value.
	pub(super) repeat: u32,
}

/// A parameter that a benchmark's weight depends on, with its least and greatest value.
pub(super) type Component = (BenchmarkParameter, u32, u32);

/// A benchmark of the runtime.
#[derive(Clone, Debug)]
pub(super) struct Benchmark {
	/// Its pallet's crate.
	pub(super) pallet: String,
	/// The pallet's instance in the runtime.
	instance: Vec<u8>,
	/// Its name.
	pub(super) name: String,
	/// What its weight depends on.
	pub(super) components: Vec<Component>,
}

/// What was measured of a benchmark.
#[derive(Debug, Default)]
pub(super) struct Measurements {
	/// Time of each run.
	pub(super) time: Vec<BenchmarkResult>,
	/// Reads and writes for each choice of components.
	pub(super) storage: Vec<BenchmarkResult>,
}

/// Where benchmarks run.
pub(super) struct Laboratory {
	executor: WasmExecutor<HostFunctions>,
	counting: State,
	timing: State,
}

impl Laboratory {
	/// A laboratory for the runtime of a genesis.
	pub(super) fn new(genesis: Storage) -> Result<Self, String> {
		Ok(Self {
			executor: WasmExecutor::builder().build(),
			counting: State::new(genesis.clone(), None, false, true)?,
			// Nobody is shown proofs of this chain's storage, so that their recording costs nothing.
			timing: State::new(genesis, None, false, false)?,
		})
	}

	/// All benchmarks that the runtime has.
	pub(super) fn benchmarks(&self) -> Result<Vec<Benchmark>, String> {
		// What follows the lists, the sizes of stored values, is left aside.
		let lists: Vec<BenchmarkList> =
			self.call(&self.timing, "Benchmark_benchmark_metadata", &false)?;
		let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
		let benchmarks = lists.iter().flat_map(|list| {
			list.benchmarks.iter().map(move |benchmark| Benchmark {
				pallet: text(&list.pallet),
				instance: list.instance.clone(),
				name: text(&benchmark.name),
				components: benchmark.components.clone(),
			})
		});
		Ok(benchmarks.collect())
	}

	/// Measures a benchmark for each value of each component, the others at their greatest.
	pub(super) fn measure(
		&self,
		benchmark: &Benchmark,
		Settings { steps, repeat }: Settings,
	) -> Result<Measurements, String> {
		let mut measurements = Measurements::default();
		for chosen in choices(&benchmark.components, steps) {
			let run = |state, verify, internal_repeats| {
				let config = BenchmarkConfig {
					pallet: benchmark.pallet.as_bytes().to_vec(),
					instance: benchmark.instance.clone(),
					benchmark: benchmark.name.as_bytes().to_vec(),
					selected_components: chosen.clone(),
					verify,
					internal_repeats,
				};
				let batches: Result<Vec<BenchmarkBatch>, String> =
					self.call(state, "Benchmark_dispatch_benchmark", &config)?;
				let batches = batches.map_err(|error| {
					format!("{}::{} with {chosen:?}: {error}", benchmark.pallet, benchmark.name)
				})?;
				Ok::<_, String>(batches.into_iter().flat_map(|batch| batch.results))
			};
			run(&self.timing, true, 1)?;
			measurements.storage.extend(run(&self.counting, false, 1)?);
			measurements.time.extend(run(&self.timing, false, repeat)?);
		}
		Ok(measurements)
	}

	fn call<R: Decode>(
		&self,
		state: &State,
		method: &str,
		argument: &impl Encode,
	) -> Result<R, String> {
		let code = BackendRuntimeCode::new(state, TryPendingCode::No);
		let code = code.runtime_code()?;
		let mut extensions = Extensions::default();
		extensions.register(KeystoreExt::new(MemoryKeystore::new()));
		let answer = StateMachine::new(
			state,
			&mut OverlayedChanges::default(),
			&self.executor,
			method,
			&argument.encode(),
			&mut extensions,
			&code,
			CallContext::Offchain,
		)
		.execute()
		.map_err(|error| format!("{method} failed: {error}"))?;
		R::decode(&mut answer.as_slice()).map_err(|error| format!("{method}: {error}"))
	}
}

/// For each component some of its values from the least to the greatest, the others at their greatest;
/// one empty choice where there is no component.
fn choices(components: &[Component], steps: u32) -> Vec<Vec<(BenchmarkParameter, u32)>> {
	if components.is_empty() {
		return vec![Vec::new()];
	}
	let mut choices = Vec::new();
	for (varied, least, greatest) in components {
		let mut values: Vec<_> = (0..steps)
			.map(|step| {
				let span = u64::from(greatest.saturating_sub(*least));
				let way = span * u64::from(step) / u64::from(steps - 1);
				least + u32::try_from(way).unwrap_or(u32::MAX)
			})
			.collect();
		values.dedup();
		choices.extend(values.into_iter().map(|value| {
			components
				.iter()
				.map(|(name, _, most)| (*name, if name == varied { value } else { *most }))
				.collect()
		}));
	}
	choices
}

#[cfg(test)]
mod tests {
	use super::*;
	use BenchmarkParameter::{a, b};

	#[test]
	fn each_component_takes_its_values_while_the_others_are_at_their_greatest() {
		let choices = choices(&[(a, 0, 4), (b, 7, 8)], 3);
		let expected = [
			[(a, 0), (b, 8)],
			[(a, 2), (b, 8)],
			[(a, 4), (b, 8)],
			[(a, 4), (b, 7)],
			[(a, 4), (b, 8)],
		];
		assert_eq!(choices, expected.map(Vec::from));
	}

	#[test]
	fn without_components_there_is_one_choice() {
		assert_eq!(choices(&[], 20), [vec![]]);
	}
}
