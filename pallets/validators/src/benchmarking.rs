// SPDX-License-Identifier: Apache-2.0

//! Benchmarks of the calls and of what every block does: a full list of validators, and as many
//! past sessions as are remembered.
//!
//! Keys for Aura are made and kept by the keystore of the machine that measures.

use super::*;
use crate::{
	candidate::ChillReason,
	equivocation::{AuraEquivocation, AuraEquivocationProof, MAX_HEADER},
	history::{KeyHolder, SessionRecord, MAX_KEY_TYPES},
	Call, Candidate, Candidates, ChillDue, Config, KeySets, ListChanged, Sessions, Status,
	Validators,
};
use alloc::{boxed::Box, vec, vec::Vec};
use codec::Decode;
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{Mutate, MutateHold},
		Authorize, EnsureOrigin, Get,
	},
	BoundedVec,
};
use frame_system::{pallet_prelude::HeaderFor, RawOrigin};
use pallet_authorship::EventHandler;
use proofpod_primitives::Balance;
use sp_consensus_aura::{digests::CompatibleDigestItem, Slot};
use sp_runtime::{
	generic::DigestItem,
	traits::{BlakeTwo256, Hash, Header, OpaqueKeys, TrailingZeroInput, Zero},
	transaction_validity::TransactionSource,
	AccountId32, Perbill, RuntimeAppPublic,
};
use sp_staking::{
	offence::{OffenceDetails, OnOffenceHandler, ReportOffence},
	SessionIndex,
};

type AuthorityId<T> = <T as pallet_aura::Config>::AuthorityId;
type Seal<T> = <AuthorityId<T> as RuntimeAppPublic>::Signature;

/// Slot of the offences.
const SLOT: u64 = 7;

/// An account that can pay any bond, with session keys.
fn keyed<T: Config>(number: u32) -> Result<AccountId32, BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let account: AccountId32 = account("validator", number, 0);
	<T as Config>::Currency::mint_into(&account, Balance::MAX / 1_000_000)?;
	pallet_session::Pallet::<T>::ensure_can_pay_key_deposit(&account)?;
	let seed = BlakeTwo256::hash_of(&("session keys", number));
	let keys = T::Keys::decode(&mut TrailingZeroInput::new(seed.as_ref()))
		.map_err(|_| BenchmarkError::Stop("session keys"))?;
	for id in T::Keys::key_ids() {
		let owned = (*id, keys.get_raw(*id).to_vec());
		pallet_session::KeyOwner::<T>::insert(owned, &account);
	}
	pallet_session::NextKeys::<T>::insert(&account, keys);
	<T as pallet_session::Config>::Currency::hold(
		&pallet_session::HoldReason::Keys.into(),
		&account,
		T::KeyDeposit::get(),
	)?;
	frame_system::Pallet::<T>::inc_consumers(&account)?;
	Ok(account)
}

/// A candidate with the least bond.
fn candidate<T: Config>(number: u32) -> Result<AccountId32, BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let account = keyed::<T>(number)?;
	Pallet::<T>::do_apply(account.clone(), T::MinBond::get())?;
	Ok(account)
}

/// Fills the list but for so many places, and gives the first on it.
fn list_all_but<T: Config>(places: u32) -> Result<AccountId32, BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	let bond = T::MinBond::get();
	let mut list = Vec::new();
	for number in 0..T::MaxValidators::get().saturating_sub(places) {
		let account = candidate::<T>(number)?;
		Candidates::<T>::insert(&account, Candidate { bond, status: Status::Listed });
		list.push(account);
	}
	let first = list.first().cloned().ok_or(BenchmarkError::Stop("empty list"))?;
	Validators::<T>::put(BoundedVec::truncate_from(list));
	ListChanged::<T>::kill();
	Ok(first)
}

/// Everybody on the list is active, has signed twice, and is chilled when there is room.
fn let_all_be_due<T: Config>() {
	let list = Validators::<T>::get();
	pallet_session::Validators::<T>::put(list.clone().into_inner());
	ChillDue::<T>::put(list);
}

/// Gives a candidate another status.
fn set_status<T: Config>(account: &AccountId32, status: Status) {
	Candidates::<T>::mutate_extant(account, |candidate| candidate.status = status);
}

/// An origin that may admit and remove.
fn administrators<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)
}

/// Makes so many accounts, all listed, the validators of session 0, the oldest that is remembered,
/// and gives them with their keys for Aura. In the session of [`SLOT`], the next, they had other
/// keys: the keys are found where they are looked for last.
fn past_session<T: Config>(
	validators: u32,
) -> Result<Vec<(AccountId32, AuthorityId<T>)>, BenchmarkError>
where
	<T as Config>::Currency: Mutate<AccountId32>,
{
	list_all_but::<T>(0)?;
	let current = T::BondingSessions::get();
	let members: Vec<_> = Validators::<T>::get()
		.into_iter()
		.take(validators as usize)
		.map(|account| (account, AuthorityId::<T>::generate_pair(None)))
		.collect();
	let key_type = <AuthorityId<T> as RuntimeAppPublic>::ID;
	let holder = |account: &AccountId32, key: &[u8]| {
		KeyHolder::new(account.clone(), &vec![(key_type, key); MAX_KEY_TYPES as usize])
	};
	let [holders, others] = [true, false].map(|own| {
		let holders = members.iter().map(|(account, key)| {
			if own {
				holder(account, &key.to_raw_vec())
			} else {
				holder(account, &[])
			}
		});
		BoundedVec::truncate_from(holders.collect())
	});
	KeySets::<T>::insert(0, holders);
	KeySets::<T>::insert(1, others);
	for session in 0..=current {
		let first_slot = Slot::from(u64::from(session).saturating_mul(SLOT.saturating_sub(1)));
		Sessions::<T>::insert(session, SessionRecord { first_slot, key_set: session.min(1) });
	}
	pallet_session::CurrentIndex::<T>::put(current);
	pallet_session::Validators::<T>::put(Validators::<T>::get().into_inner());
	Ok(members)
}

/// Parts of a header's digest: three bytes each, of which one is stored apart. A quarter of a kilobyte
/// is left for the rest of the header.
const PARTS: usize = (MAX_HEADER as usize - 256) / 3;

/// Two blocks of an author in [`SLOT`], as large as a report takes them, of as many parts.
fn two_blocks<T: Config>(
	author: &AuthorityId<T>,
) -> Result<Box<AuraEquivocationProof<T>>, BenchmarkError> {
	let header = |mark: u8| -> Option<HeaderFor<T>> {
		let slot = <DigestItem as CompatibleDigestItem<Seal<T>>>::aura_pre_digest(SLOT.into());
		let mut logs = vec![DigestItem::Other(vec![0]); PARTS];
		logs.push(slot);
		let root = T::Hash::decode(&mut TrailingZeroInput::new(&[mark])).ok()?;
		let mut header = HeaderFor::<T>::new(
			Zero::zero(),
			root,
			root,
			root,
			sp_runtime::generic::Digest { logs },
		);
		let seal = author.sign(&header.hash())?;
		let seal = <DigestItem as CompatibleDigestItem<Seal<T>>>::aura_seal(seal);
		header.digest_mut().push(seal);
		Some(header)
	};
	let unsealed = BenchmarkError::Stop("the keystore has not the key");
	let (Some(first_header), Some(second_header)) = (header(1), header(2)) else {
		return Err(unsealed);
	};
	Ok(Box::new(sp_consensus_slots::EquivocationProof {
		offender: author.clone(),
		slot: Slot::from(SLOT),
		first_header,
		second_header,
	}))
}

#[benchmarks(where
	<T as Config>::Currency: Mutate<AccountId32>,
	<T as frame_system::Config>::RuntimeCall: From<Call<T>>,
)]
mod benchmarks {
	use super::*;

	/// To the last place, and the first of many that are due is chilled.
	#[benchmark]
	fn admit() -> Result<(), BenchmarkError> {
		let due = list_all_but::<T>(1)?;
		let account = candidate::<T>(T::MaxValidators::get())?;
		let_all_be_due::<T>();
		let origin = administrators::<T>()?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, account.clone());

		assert!(Pallet::<T>::is_listed(&account) && !Pallet::<T>::is_listed(&due));
		Ok(())
	}

	#[benchmark]
	fn remove() -> Result<(), BenchmarkError> {
		let account = list_all_but::<T>(0)?;
		let origin = administrators::<T>()?;

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, account.clone());

		assert!(!Pallet::<T>::is_listed(&account));
		Ok(())
	}

	/// Of a listed validator.
	#[benchmark]
	fn resign() -> Result<(), BenchmarkError> {
		let account = list_all_but::<T>(0)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(account.clone()));

		assert!(Candidates::<T>::get(account).is_some_and(|candidate| candidate.is_unbonding()));
		Ok(())
	}

	#[benchmark]
	fn withdraw_keys() -> Result<(), BenchmarkError> {
		list_all_but::<T>(0)?;
		let account = keyed::<T>(T::MaxValidators::get())?;

		#[extrinsic_call]
		_(RawOrigin::Signed(account.clone()));

		assert!(!Pallet::<T>::has_session_keys(&account));
		Ok(())
	}

	#[benchmark]
	fn apply() -> Result<(), BenchmarkError> {
		let account = keyed::<T>(0)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(account.clone()), T::MinBond::get());

		assert!(Candidates::<T>::contains_key(account));
		Ok(())
	}

	#[benchmark]
	fn bond_more() -> Result<(), BenchmarkError> {
		let account = candidate::<T>(0)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(account.clone()), T::MinBond::get());

		let bond = Candidates::<T>::get(account).map(|candidate| candidate.bond);
		assert!(bond > Some(T::MinBond::get()));
		Ok(())
	}

	#[benchmark]
	fn withdraw_bond() -> Result<(), BenchmarkError> {
		let account = candidate::<T>(0)?;
		set_status::<T>(&account, Status::Unbonding { withdrawable_from: 0 });

		#[extrinsic_call]
		_(RawOrigin::Signed(account.clone()));

		assert!(!Candidates::<T>::contains_key(account));
		Ok(())
	}

	/// To the last place, and the first of many that are due is chilled.
	#[benchmark]
	fn rejoin() -> Result<(), BenchmarkError> {
		let due = list_all_but::<T>(1)?;
		let account = candidate::<T>(T::MaxValidators::get())?;
		let_all_be_due::<T>();
		set_status::<T>(&account, Status::Chilled { reason: ChillReason::Offline, since: 0 });
		pallet_session::CurrentIndex::<T>::put(SessionIndex::MAX);

		#[extrinsic_call]
		_(RawOrigin::Signed(account.clone()));

		assert!(Pallet::<T>::is_listed(&account) && !Pallet::<T>::is_listed(&due));
		Ok(())
	}

	/// The last of `v` validators that offended in one slot: all of them are punished anew.
	#[benchmark]
	fn report_aura_equivocation(v: Linear<1, 100>) -> Result<(), BenchmarkError> {
		let members = past_session::<T>(v)?;
		let (reported, key) = members.last().ok_or(BenchmarkError::Stop("no validator"))?;
		let listed = Validators::<T>::get();
		for (offender, _) in members.iter().rev().skip(1) {
			let offence = AuraEquivocation {
				slot: Slot::from(SLOT),
				session: 0,
				// So many that no report takes the whole bond.
				validator_count: u32::MAX,
				offender: offender.clone(),
			};
			T::ReportOffence::report_offence(Vec::new(), offence)
				.map_err(|_| BenchmarkError::Stop("an earlier report"))?;
		}
		Validators::<T>::put(listed);
		let proof = two_blocks::<T>(key)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(whitelisted_caller()), proof);

		assert!(crate::Slashes::<T>::contains_key(0, reported));
		Ok(())
	}

	/// Of `v` offenders, as many as are listed at most; all but the last have been punished before,
	/// for less.
	#[benchmark]
	fn punish(v: Linear<1, 100>) -> Result<(), BenchmarkError> {
		let offenders: Vec<_> = past_session::<T>(v)?
			.into_iter()
			.map(|(offender, _)| OffenceDetails { offender, reporters: Vec::new() })
			.collect();
		let (last, others) = offenders.split_last().ok_or(BenchmarkError::Stop("no validator"))?;
		let listed = Validators::<T>::get();
		let slash = |offenders: &[_], percent| {
			let fractions = vec![Perbill::from_percent(percent); offenders.len()];
			<Pallet<T> as OnOffenceHandler<_, _, _>>::on_offence(offenders, &fractions, 0);
		};
		slash(others, 1);
		Validators::<T>::put(listed);

		#[block]
		{
			slash(&offenders, 2);
		}

		assert!(crate::Slashes::<T>::contains_key(0, &last.offender));
		assert!(!Pallet::<T>::is_listed(&last.offender));
		Ok(())
	}

	/// Of the last in the list of keys.
	#[benchmark]
	fn authorize_report_aura_equivocation() -> Result<(), BenchmarkError> {
		let members = past_session::<T>(T::MaxValidators::get())?;
		let (_, key) = members.last().ok_or(BenchmarkError::Stop("no validator"))?;
		let call = Call::<T>::report_aura_equivocation { proof: two_blocks::<T>(key)? };
		let validity;

		#[block]
		{
			validity = call.authorize(TransactionSource::Local);
		}

		assert!(validity.is_some_and(|validity| validity.is_ok()));
		Ok(())
	}

	/// Not its first in this session.
	#[benchmark]
	fn note_author() {
		let author: AccountId32 = account("validator", 0, 0);
		crate::Authored::<T>::insert(&author, 1);

		#[block]
		{
			<Pallet<T> as EventHandler<_, _>>::note_author(author.clone());
		}

		assert_eq!(crate::Authored::<T>::get(author), 2);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::chain_with_keystore(), crate::mock::Test);
}
