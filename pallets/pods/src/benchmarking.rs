// SPDX-License-Identifier: Apache-2.0

//! Benchmarks of the calls and of the migration: the longest profiles, and operators wherever there
//! may be one.

use super::*;
use crate::migrations::v1::{v0, V1};
use alloc::{vec, vec::Vec};
use frame_benchmarking::v2::*;
use frame_support::{migrations::SteppedMigration, traits::fungible::Mutate, weights::WeightMeter};
use frame_system::RawOrigin;
use proofpod_primitives::{
	pod::{Endpoint, Region, Regions, ServedModel, ServedModels, Tag},
	EncryptionKey, ModelId,
};

/// An account that can pay any deposit.
fn funded<T: Config>(name: &'static str) -> Result<AccountId32, BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let account = account(name, 0, 0);
	<T as Config>::Currency::mint_into(&account, Balance::MAX / 1_000_000)?;
	Ok(account)
}

/// As many tags as there may be, of the greatest length.
fn tags() -> Tags {
	let tags = (b'a'..=b'p').map(|letter| Tag::truncate_from(vec![letter; 32]));
	Tags::truncate_from(tags.collect::<Vec<_>>())
}

/// The longest profile, with an encryption key of its own.
fn profile(key: u8) -> PodProfile {
	let mut endpoint = b"https://".to_vec();
	endpoint.resize(256, b'a');
	let models = (0..64u8)
		.map(|number| ServedModel { model: ModelId([number; 32]), min_price: Balance::MAX });
	PodProfile {
		endpoint: Endpoint::truncate_from(endpoint),
		encryption_key: EncryptionKey([key; 32]),
		regions: Regions::truncate_from(vec![Region(*b"CH"); 4]),
		models: ServedModels::truncate_from(models.collect::<Vec<_>>()),
		tags: tags(),
	}
}

/// Registers a pod with an operator.
fn registered<T: Config>() -> Result<(AccountId32, AccountId32), BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let (pod, operator) = (funded::<T>("pod")?, funded::<T>("operator")?);
	Pallet::<T>::do_register(pod.clone(), profile(1), Some(operator.clone()))?;
	Ok((pod, operator))
}

/// Lets ticks pass.
fn wait<T: Config>(ticks: Ticks) {
	pallet_clock::Ticks::<T>::mutate(|now| *now = now.after(ticks));
}

/// An origin that may suspend and reinstate.
fn administrators<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

#[benchmarks(where <T as Config>::Currency: Mutate<AccountId32>)]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register() -> Result<(), BenchmarkError> {
		let (pod, operator) = (funded::<T>("pod")?, funded::<T>("operator")?);

		#[extrinsic_call]
		_(RawOrigin::Signed(pod.clone()), profile(1), Some(operator));

		assert!(Pods::<T>::contains_key(pod));
		Ok(())
	}

	/// By the operator, with another key.
	#[benchmark]
	fn update() -> Result<(), BenchmarkError> {
		let (pod, operator) = registered::<T>()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(operator), profile(2));

		assert_eq!(Pods::<T>::get(pod).map(|record| record.key_epoch), Some(1));
		Ok(())
	}

	#[benchmark]
	fn leave() -> Result<(), BenchmarkError> {
		let (pod, _) = registered::<T>()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(pod.clone()));

		assert!(Pods::<T>::get(pod).is_some_and(|record| record.status != PodStatus::Active));
		Ok(())
	}

	#[benchmark]
	fn withdraw() -> Result<(), BenchmarkError> {
		let (pod, _) = registered::<T>()?;
		Pallet::<T>::do_leave(pod.clone())?;
		wait::<T>(T::UnbondingPeriod::get());

		#[extrinsic_call]
		_(RawOrigin::Signed(pod.clone()));

		assert!(!Pods::<T>::contains_key(pod));
		Ok(())
	}

	/// One operator for another.
	#[benchmark]
	fn set_operator() -> Result<(), BenchmarkError> {
		let (pod, _) = registered::<T>()?;
		let operator = funded::<T>("other operator")?;

		#[extrinsic_call]
		_(RawOrigin::Signed(pod), Some(operator.clone()));

		assert!(Operators::<T>::contains_key(operator));
		Ok(())
	}

	#[benchmark]
	fn bond_more() -> Result<(), BenchmarkError> {
		let (pod, _) = registered::<T>()?;
		let bond = T::Bond::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(pod.clone()), bond);

		assert!(Pods::<T>::get(pod).is_some_and(|record| record.bond > bond));
		Ok(())
	}

	/// By the operator.
	#[benchmark]
	fn heartbeat() -> Result<(), BenchmarkError> {
		let (pod, operator) = registered::<T>()?;
		wait::<T>(Pallet::<T>::period());
		let now = Pallet::<T>::now();

		#[extrinsic_call]
		_(RawOrigin::Signed(operator));

		assert_eq!(Pods::<T>::get(pod).map(|record| record.last_seen), Some(now));
		Ok(())
	}

	/// In place of a shorter attestation.
	#[benchmark]
	fn attest() -> Result<(), BenchmarkError> {
		let (pod, _) = registered::<T>()?;
		let issuer = funded::<T>("issuer")?;
		let expires = Tick(Ticks::MAX);
		let one = Tags::truncate_from(vec![Tag::truncate_from(vec![b'a'])]);
		Pallet::<T>::do_attest(issuer.clone(), pod.clone(), one, expires)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(issuer.clone()), pod.clone(), tags(), expires);

		assert_eq!(Attestations::<T>::get(pod, issuer).map(|said| said.tags), Some(tags()));
		Ok(())
	}

	#[benchmark]
	fn revoke() -> Result<(), BenchmarkError> {
		let (pod, _) = registered::<T>()?;
		let issuer = funded::<T>("issuer")?;
		Pallet::<T>::do_attest(issuer.clone(), pod.clone(), tags(), Tick(Ticks::MAX))?;

		#[extrinsic_call]
		_(RawOrigin::Signed(issuer.clone()), pod.clone());

		assert!(!Attestations::<T>::contains_key(pod, issuer));
		Ok(())
	}

	#[benchmark]
	fn suspend() -> Result<(), BenchmarkError> {
		let (pod, _) = registered::<T>()?;
		let (origin, until) = (administrators::<T>()?, Tick(Ticks::MAX));

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, pod.clone(), until);

		assert!(Pods::<T>::get(pod).is_some_and(|record| record.suspended_until == until));
		Ok(())
	}

	#[benchmark]
	fn reinstate() -> Result<(), BenchmarkError> {
		let (pod, _) = registered::<T>()?;
		Pallet::<T>::do_suspend(pod.clone(), Tick(Ticks::MAX))?;
		let origin = administrators::<T>()?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, pod.clone());

		let now = Pallet::<T>::now();
		assert!(Pods::<T>::get(pod).is_some_and(|record| !record.is_suspended(now)));
		Ok(())
	}

	/// One pod.
	#[benchmark]
	fn migrate() -> Result<(), BenchmarkError> {
		let pod = funded::<T>("pod")?;
		let PodProfile { endpoint, encryption_key, models, .. } = profile(1);
		let record = v0::PodRecord {
			profile: v0::PodProfile {
				endpoint,
				encryption_key,
				region: Region(*b"CH"),
				models: models.into_iter().map(|served| served.model).collect(),
			},
			key_epoch: u32::MAX,
			bond: Balance::MAX,
			status: v0::PodStatus::Leaving { withdrawable_from: u32::MAX },
			live_jobs: u32::MAX,
			record: v0::TrackRecord {
				settled: u32::MAX,
				unacknowledged: u32::MAX,
				discarded: u32::MAX,
				missed: u32::MAX,
			},
		};
		v0::Pods::<T>::insert(&pod, record);
		StorageVersion::new(0).put::<Pallet<T>>();
		let mut meter = WeightMeter::with_limit(<T as Config>::WeightInfo::migrate());

		#[block]
		{
			V1::<T>::step(None, &mut meter).map_err(|_| BenchmarkError::Stop("step"))?;
		}

		assert!(Pods::<T>::get(pod).is_some_and(|record| record.profile.regions.len() == 1));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}
