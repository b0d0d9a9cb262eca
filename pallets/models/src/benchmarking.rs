// SPDX-License-Identifier: Apache-2.0

//! Benchmarks of the calls and of the migration: the longest manifests and addresses.

use super::*;
use crate::migrations::v1::{v0, V1};
use alloc::{vec, vec::Vec};
use frame_benchmarking::v2::*;
use frame_support::{migrations::SteppedMigration, traits::fungible::Mutate, weights::WeightMeter};
use frame_system::RawOrigin;
use pallet_proofs::forge::ForgedKey;
use proofpod_primitives::{
	manifest::{
		ArtefactUri, ModelName, OutputVisibility, SetupProvenance, WeightsVisibility,
		MANIFEST_VERSION,
	},
	Digest, MAX_OUTPUT_ELEMENTS,
};

/// The sender, who can pay any deposit.
fn owner<T: Config>() -> Result<AccountId32, BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let owner = whitelisted_caller();
	<T as Config>::Currency::mint_into(&owner, Balance::MAX / 1_000_000)?;
	Ok(owner)
}

/// Registers the longest verifying key, and gives the longest manifest of a model that has it.
fn manifest<T: Config>(owner: &AccountId32) -> Result<ModelManifest, BenchmarkError> {
	let mut manifest = ModelManifest {
		version: MANIFEST_VERSION,
		name: ModelName::truncate_from(vec![b'n'; 64]),
		interface: Digest([1; 32]),
		verifying_key: VerifyingKeyId([0; 32]),
		proving_key: Digest([3; 32]),
		input_len: u32::MAX,
		output_len: u32::MAX,
		output_elements: MAX_OUTPUT_ELEMENTS,
		output: OutputVisibility::Sealed,
		weights: WeightsVisibility::Withheld,
		setup: SetupProvenance::Ceremony { transcript: Digest([4; 32]) },
	};
	let key = ForgedKey::new(manifest.public_inputs(), 1);
	let origin = RawOrigin::Signed(owner.clone()).into();
	Proofs::<T>::register_key(origin, key.verifying_key())?;
	manifest.verifying_key = key.id();
	Ok(manifest)
}

/// As many addresses as a model may have, of the greatest length.
fn uris() -> ArtefactUris {
	let mut uri = b"https://".to_vec();
	uri.resize(256, b'a');
	let uris: Vec<_> = (0..8).map(|_| ArtefactUri::truncate_from(uri.clone())).collect();
	ArtefactUris::truncate_from(uris)
}

/// Registers a model, and gives its owner and manifest.
fn registered<T: Config>() -> Result<(AccountId32, ModelManifest), BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let owner = owner::<T>()?;
	let manifest = manifest::<T>(&owner)?;
	Pallet::<T>::do_register(owner.clone(), manifest.clone(), uris(), None)?;
	Ok((owner, manifest))
}

/// Another manifest under the same key.
fn successor(manifest: &ModelManifest) -> ModelManifest {
	ModelManifest { interface: Digest([2; 32]), ..manifest.clone() }
}

#[benchmarks(where <T as Config>::Currency: Mutate<AccountId32>)]
mod benchmarks {
	use super::*;

	/// As the next version of another model.
	#[benchmark]
	fn register() -> Result<(), BenchmarkError> {
		let (owner, old) = registered::<T>()?;
		let manifest = successor(&old);
		let model = manifest.id();

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), manifest, uris(), Some(old.id()));

		assert!(Models::<T>::contains_key(model));
		Ok(())
	}

	/// From no address to as many as there may be.
	#[benchmark]
	fn update_uris() -> Result<(), BenchmarkError> {
		let (owner, manifest) = registered::<T>()?;
		Pallet::<T>::do_update_uris(&owner, manifest.id(), Default::default())?;

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), manifest.id(), uris());

		assert_eq!(Models::<T>::get(manifest.id()).map(|record| record.uris), Some(uris()));
		Ok(())
	}

	#[benchmark]
	fn deprecate() -> Result<(), BenchmarkError> {
		let (owner, manifest) = registered::<T>()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), manifest.id());

		assert!(Models::<T>::get(manifest.id()).is_some_and(|record| record.deprecated));
		Ok(())
	}

	/// The successor of another model.
	#[benchmark]
	fn remove() -> Result<(), BenchmarkError> {
		let (owner, old) = registered::<T>()?;
		let manifest = successor(&old);
		let model = manifest.id();
		Pallet::<T>::do_register(owner.clone(), manifest, uris(), Some(old.id()))?;

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model);

		assert!(!Models::<T>::contains_key(model));
		Ok(())
	}

	/// One model.
	#[benchmark]
	fn migrate() -> Result<(), BenchmarkError> {
		let owner = owner::<T>()?;
		let manifest = manifest::<T>(&owner)?;
		let model = manifest.id();
		let record = v0::ModelRecord {
			owner,
			deposit: Balance::MAX,
			manifest,
			uris: uris(),
			deprecated: true,
			jobs: u32::MAX,
		};
		v0::Models::<T>::insert(model, record);
		StorageVersion::new(0).put::<Pallet<T>>();
		let mut meter = WeightMeter::with_limit(<T as Config>::WeightInfo::migrate());

		#[block]
		{
			V1::<T>::step(None, &mut meter).map_err(|_| BenchmarkError::Stop("step"))?;
		}

		assert_eq!(Models::<T>::get(model).map(|record| record.version), Some(1));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
