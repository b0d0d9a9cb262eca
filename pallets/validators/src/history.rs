// SPDX-License-Identifier: Apache-2.0

//! Whose keys were whose in past sessions, for as long as an offence in them can be reported.
//!
//! `pallet_session`'s own history proves ownership in the current session against the keys of the
//! *next* one, so that a validator that registers new keys in time cannot be reported. This one is
//! written at the beginning of a session, from the keys that consensus uses in it. It is short: a
//! set of keys is stored only where it differs from that of the session before.

use crate::{Config, KeySets, Pallet, Sessions, Slashes};
use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{
	traits::{ConstU32, Get, KeyOwnerProofSystem},
	BoundedVec,
};
use scale_info::TypeInfo;
use sp_consensus_aura::Slot;
use sp_core::H256;
use sp_runtime::{
	traits::{BlakeTwo256, Hash, OpaqueKeys},
	AccountId32, KeyTypeId,
};
use sp_session::{MembershipProof, ValidatorCount};
use sp_staking::SessionIndex;

/// Most kinds of session keys that a validator may have.
pub const MAX_KEY_TYPES: u32 = 4;

/// BLAKE2b-256 of a key's type and its public key: 32 bytes whatever the scheme.
pub type KeyDigest = H256;

/// The keys of an active validator.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct KeyHolder {
	/// Whose keys.
	pub validator: AccountId32,
	/// Its keys, in the order of their types in the session keys.
	pub keys: BoundedVec<KeyDigest, ConstU32<MAX_KEY_TYPES>>,
}

impl KeyHolder {
	/// A validator with these keys.
	pub(crate) fn new(validator: AccountId32, keys: &[(KeyTypeId, &[u8])]) -> Self {
		let keys = keys.iter().map(|(key_type, key)| digest(*key_type, key)).collect::<Vec<_>>();
		Self { validator, keys: BoundedVec::truncate_from(keys) }
	}
}

/// What is remembered of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct SessionRecord {
	/// Slot of the session's first block, which the authorities of the session before have made:
	/// this session's own authorities make blocks from the next slot on.
	pub first_slot: Slot,
	/// Session in [`KeySets`] that has the keys of this one: itself, or an earlier session.
	pub key_set: SessionIndex,
}

fn digest(key_type: KeyTypeId, key: &[u8]) -> KeyDigest {
	BlakeTwo256::hash_of(&(key_type, key))
}

impl<T: Config> Pallet<T> {
	/// Remembers the keys of the session that begins or has begun, and forgets the oldest session.
	pub(crate) fn record_session(session: SessionIndex, keys: Vec<(AccountId32, T::Keys)>) {
		let holders = keys
			.into_iter()
			.map(|(validator, keys)| {
				let keys = T::Keys::key_ids()
					.iter()
					.map(|key_type| (*key_type, keys.get_raw(*key_type)))
					.collect::<Vec<_>>();
				KeyHolder::new(validator, &keys)
			})
			.collect::<Vec<_>>();
		let holders = BoundedVec::truncate_from(holders);
		let unchanged = session
			.checked_sub(1)
			.and_then(Sessions::<T>::get)
			.map(|before| before.key_set)
			.filter(|key_set| KeySets::<T>::get(key_set).as_ref() == Some(&holders));
		let key_set = unchanged.unwrap_or_else(|| {
			KeySets::<T>::insert(session, holders);
			session
		});
		let first_slot = pallet_aura::CurrentSlot::<T>::get();
		Sessions::<T>::insert(session, SessionRecord { first_slot, key_set });
		Self::forget_before(session.saturating_sub(T::BondingSessions::get()));
	}

	fn forget_before(oldest: SessionIndex) {
		let Some(forgotten) = oldest.checked_sub(1) else { return };
		let Some(record) = Sessions::<T>::take(forgotten) else { return };
		if Sessions::<T>::get(oldest).is_none_or(|next| next.key_set != record.key_set) {
			KeySets::<T>::remove(record.key_set);
			// At most one entry for each validator of that set.
			let _ = Slashes::<T>::clear_prefix(record.key_set, T::MaxValidators::get(), None);
		}
	}

	/// The session whose authorities were to make the block of a slot, as far as it is remembered.
	pub(crate) fn session_of(slot: Slot) -> Option<SessionIndex> {
		let mut high = pallet_session::Pallet::<T>::current_index();
		let mut low = high.saturating_sub(T::BondingSessions::get());
		let has_begun = |session| {
			Sessions::<T>::get(session).is_none_or(|record: SessionRecord| record.first_slot < slot)
		};
		// The answer is not below `low` nor above `high`, if there is one.
		while low < high {
			let middle = high.saturating_sub(high.saturating_sub(low) / 2);
			if has_begun(middle) {
				low = middle;
			} else {
				high = middle.saturating_sub(1);
			}
		}
		Sessions::<T>::get(low).filter(|record| record.first_slot < slot).map(|_| low)
	}

	/// Whose key it was in a session that is remembered, and how many validators that session had.
	pub fn key_owner_in(
		session: SessionIndex,
		key_type: KeyTypeId,
		key: &[u8],
	) -> Option<(AccountId32, ValidatorCount)> {
		let digest = digest(key_type, key);
		let holders = KeySets::<T>::get(Sessions::<T>::get(session)?.key_set)?;
		let count = ValidatorCount::try_from(holders.len()).ok()?;
		let holder = holders.into_iter().find(|holder| holder.keys.contains(&digest))?;
		Some((holder.validator, count))
	}

	/// Proof that a key belonged to an active validator of a session.
	pub fn prove_in(
		session: SessionIndex,
		key_type: KeyTypeId,
		key: &[u8],
	) -> Option<MembershipProof> {
		let (_, validator_count) = Self::key_owner_in(session, key_type, key)?;
		Some(MembershipProof { session, trie_nodes: Vec::new(), validator_count })
	}
}

/// Ownership of keys, by what this pallet remembers: a proof only names the session, and carries no
/// trie nodes.
impl<T: Config, Key: AsRef<[u8]>> KeyOwnerProofSystem<(KeyTypeId, Key)> for Pallet<T> {
	type Proof = MembershipProof;
	type IdentificationTuple = AccountId32;

	fn prove((key_type, key): (KeyTypeId, Key)) -> Option<MembershipProof> {
		Self::prove_in(pallet_session::Pallet::<T>::current_index(), key_type, key.as_ref())
	}

	fn check_proof(
		(key_type, key): (KeyTypeId, Key),
		proof: MembershipProof,
	) -> Option<AccountId32> {
		let (validator, count) = Self::key_owner_in(proof.session, key_type, key.as_ref())?;
		(count == proof.validator_count && proof.trie_nodes.is_empty()).then_some(validator)
	}
}
