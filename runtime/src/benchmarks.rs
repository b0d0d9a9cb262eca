// SPDX-License-Identifier: Apache-2.0

//! The pallets whose weights are measured here; those of the SDK bring theirs along.

frame_benchmarking::define_benchmarks!(
	[pallet_clock, Clock]
	[pallet_governance, Governance]
	[pallet_jobs, Jobs]
	[pallet_models, Models]
	[pallet_pods, Pods]
	[pallet_proofs, Proofs]
	[pallet_validators, Validators]
);
