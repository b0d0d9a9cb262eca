// SPDX-License-Identifier: Apache-2.0

//! # Proofs
//!
//! A registry of Groth16 verifying keys, and verification of proofs against them, for anyone.
//!
//! ## Terminology
//!
//! * **Verifying key**: what a verifier needs to know of one circuit; its canonical bytes are those
//!   of [`proofpod_verifier::VerifyingKey`].
//! * **Key id**: BLAKE2b-256 of the canonical bytes. One key has one encoding, so one id.
//! * **Prepared key**: the key with the work done that is the same for every proof: points checked
//!   and uncompressed, e(α, β) computed. Kept beside the canonical bytes, so that no verification
//!   repeats it.
//! * **Public inputs**: the scalars that a proof is about, in the order of the circuit.
//! * **Reference**: another pallet's claim that it still needs a key.
//!
//! ## Concepts
//!
//! Registering a key is where all its checks happen: canonical bytes, points on the curve and in
//! the subgroup, no public input that the circuit leaves unconstrained. Its owner pays a deposit by
//! the byte, held on the owner's own account, and gets it back on removal. A key that something
//! refers to cannot be removed.
//!
//! [`verify`](Pallet::verify) costs the same whether or not the proof holds: the work is done
//! either way. A proof can be re-randomised by anyone who sees it, so its bytes identify nothing;
//! the event names the key and a digest of the public inputs.
//!
//! ## Example
//!
//! Alice publishes a circuit. She sends `register_key(bytes)`; `KeyRegistered` tells her the id,
//! which she could also have computed herself. Bob makes a proof and sends
//! `verify(id, proof, inputs)`: `ProofVerified` is the chain's word that the statement is true.
//! Before paying for that, he can ask any node, free of charge, through
//! [`ProofsApi`](runtime_api::ProofsApi).

#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	not(test),
	deny(
		clippy::unwrap_used,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::arithmetic_side_effects,
		clippy::panic
	)
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(feature = "forge")]
pub mod forge;
mod key;
mod refusal;
pub mod runtime_api;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use key::{KeyInfo, KeyRecord};
pub use pallet::*;
pub use refusal::Refusal;
pub use weights::WeightInfo;

use alloc::{string::ToString, vec::Vec};
use codec::Encode;
use frame_support::{
	ensure,
	pallet_prelude::{ConstU32, DispatchResult},
	traits::{fungible::MutateHold, tokens::Precision, Get},
	BoundedVec,
};
use proofpod_primitives::{blake2_256, Balance, Digest, ProofBytes, Scalar, VerifyingKeyId};
use proofpod_verifier::{
	verifying_key_id, ProofVerifier, MAX_PUBLIC_INPUTS, MAX_VERIFYING_KEY_SIZE,
};
use sp_runtime::AccountId32;

/// A verifying key's canonical bytes.
pub type VerifyingKeyBytes = BoundedVec<u8, ConstU32<{ MAX_VERIFYING_KEY_SIZE as u32 }>>;
/// Public inputs, in the order of the circuit.
pub type PublicInputs = BoundedVec<Scalar, ConstU32<{ MAX_PUBLIC_INPUTS as u32 }>>;

/// Bytes by which each public input makes a verifying key longer: a compressed point of G1.
const BASE_SIZE: usize = 48;

/// Digest of public inputs, under which [`Event::ProofVerified`] names what was proved.
pub fn inputs_digest(inputs: &[Scalar]) -> Digest {
	Digest(blake2_256(&inputs.encode()))
}

/// Public inputs of a key that has so many bytes, rounded up: what is charged for checking it.
fn inputs_of_key(bytes: usize) -> u32 {
	let missing = MAX_VERIFYING_KEY_SIZE.saturating_sub(bytes) / BASE_SIZE;
	MAX_PUBLIC_INPUTS.saturating_sub(missing) as u32
}

// The macros expand to `expect`s, and to an enum of the calls; what is written here has none.
#[allow(clippy::expect_used, clippy::large_enum_variant)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config: frame_system::Config<AccountId = AccountId32> {
		/// Currency in which deposits are held.
		type Currency: MutateHold<
			AccountId32,
			Reason = <Self as Config>::RuntimeHoldReason,
			Balance = Balance,
		>;

		/// The runtime's reasons to hold funds.
		type RuntimeHoldReason: From<HoldReason>;

		/// The proof system: host calls in the runtime, plain arkworks in tests.
		type Verifier: ProofVerifier;

		/// Part of a key's deposit that does not depend on its size.
		#[pallet::constant]
		type DepositBase: Get<Balance>;

		/// Deposit for each byte of a key's canonical encoding. The prepared form is about twice as
		/// long and is paid for by the same price.
		#[pallet::constant]
		type DepositPerByte: Get<Balance>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Deposit for a registered verifying key.
		#[codec(index = 0)]
		KeyDeposit,
	}

	/// Registered keys in their prepared form.
	#[pallet::storage]
	pub type Keys<T: Config> = StorageMap<_, Blake2_128Concat, VerifyingKeyId, KeyRecord>;

	/// Canonical bytes of the registered keys: for auditors; kept apart so that verification does
	/// not read them.
	#[pallet::storage]
	pub type KeyBytes<T: Config> =
		StorageMap<_, Blake2_128Concat, VerifyingKeyId, VerifyingKeyBytes>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A verifying key was registered.
		KeyRegistered {
			/// The key.
			key: VerifyingKeyId,
			/// Who pays its deposit and may remove it.
			owner: AccountId32,
			/// Number of public inputs of its circuit.
			public_inputs: u32,
			/// What was held.
			deposit: Balance,
		},
		/// A verifying key was removed and its deposit released.
		KeyRemoved {
			/// The key.
			key: VerifyingKeyId,
			/// What was released.
			deposit: Balance,
		},
		/// A proof was verified.
		ProofVerified {
			/// The key.
			key: VerifyingKeyId,
			/// [Digest](inputs_digest) of the public inputs.
			inputs: Digest,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// This verifying key is registered already.
		KeyExists,
		/// No verifying key with this id is registered.
		KeyUnknown,
		/// Something, such as a registered model, still refers to the key.
		KeyInUse,
		/// Only the account that registered the key may do this.
		NotOwner,
		/// The bytes are not the canonical encoding of a verifying key: wrong length, or a point
		/// that is not canonical, not on the curve, outside the subgroup, or at infinity.
		MalformedKey,
		/// The key proves nothing: it leaves a public input unconstrained (its base is zero, or
		/// another's up to the sign), or its setup was never finished.
		DegenerateKey,
		/// The key's circuit has more public inputs than the chain verifies.
		KeyTooLarge,
		/// The number of public inputs is not that of the key's circuit.
		WrongInputCount,
		/// A public input is not a canonical scalar: it must be below the group's order.
		MalformedInput,
		/// The bytes are not the canonical encoding of a proof: a point is not canonical, not on
		/// the curve, outside the subgroup, or at infinity.
		MalformedProof,
		/// The proof is well formed and does not prove this statement under this key.
		InvalidProof,
		/// The key has as many references as can be counted.
		TooManyReferences,
		/// The verifier could not do its work with a registered key: the chain's fault, not the
		/// sender's.
		VerifierFault,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert_eq!(
				MAX_PUBLIC_INPUTS as u32,
				proofpod_primitives::MAX_OUTPUT_ELEMENTS.saturating_add(3),
				"a job's longest statement must be verifiable",
			);
			assert!(
				T::DepositPerByte::get() > 0,
				"storage that costs nothing would be filled by anyone"
			);
			let weights = T::BlockWeights::get();
			let limit =
				weights.get(DispatchClass::Normal).max_extrinsic.unwrap_or(weights.max_block);
			for weight in [
				T::WeightInfo::verify_proof(MAX_PUBLIC_INPUTS as u32),
				T::WeightInfo::register_key(MAX_PUBLIC_INPUTS as u32),
			] {
				assert!(weight.all_lte(limit), "a call of {weight:?} must not exceed {limit:?}");
			}
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers a verifying key, given in its canonical encoding, against a deposit.
		///
		/// Anyone may register any key, once; its id is the digest of its bytes.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register_key(inputs_of_key(verifying_key.len())))]
		pub fn register_key(
			origin: OriginFor<T>,
			verifying_key: VerifyingKeyBytes,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_register_key(owner, verifying_key)
		}

		/// Removes a key that nothing refers to, and releases its deposit. Its owner only.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::remove_key())]
		pub fn remove_key(origin: OriginFor<T>, id: VerifyingKeyId) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_remove_key(&owner, id)
		}

		/// Verifies a proof and says so in an event.
		///
		/// The full fee is due whether or not the proof holds.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::verify_proof(inputs.len() as u32))]
		pub fn verify(
			origin: OriginFor<T>,
			key: VerifyingKeyId,
			proof: ProofBytes,
			inputs: PublicInputs,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::check(&key, &proof, &inputs)?;
			Self::deposit_event(Event::ProofVerified { key, inputs: inputs_digest(&inputs) });
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// What is known of a registered key.
		pub fn key_info(key: VerifyingKeyId) -> Option<KeyInfo> {
			Keys::<T>::get(key).map(KeyInfo::from)
		}

		/// The canonical bytes of a registered key.
		pub fn key_bytes(key: VerifyingKeyId) -> Option<VerifyingKeyBytes> {
			KeyBytes::<T>::get(key)
		}

		/// The deposit for a key whose canonical encoding has this many bytes.
		pub fn key_deposit(bytes: u32) -> Balance {
			Self::deposit_for(bytes)
		}

		/// Verifies a proof without a transaction; the error is the reason, in UTF-8.
		pub fn dry_run(
			key: VerifyingKeyId,
			proof: ProofBytes,
			inputs: PublicInputs,
		) -> Result<(), Vec<u8>> {
			Self::explain(&key, &proof, &inputs)
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Adds a reference to a key, which keeps it from being removed.
	///
	/// Fails with [`Error::KeyUnknown`] or [`Error::TooManyReferences`].
	pub fn reference(id: &VerifyingKeyId) -> DispatchResult {
		Keys::<T>::try_mutate(id, |record| {
			let record = record.as_mut().ok_or(Error::<T>::KeyUnknown)?;
			record.references =
				record.references.checked_add(1).ok_or(Error::<T>::TooManyReferences)?;
			Ok(())
		})
	}

	/// Takes one reference away. Does nothing where there is none.
	pub fn dereference(id: &VerifyingKeyId) {
		Keys::<T>::mutate_extant(id, |record| {
			record.references = record.references.saturating_sub(1);
		});
	}

	/// Number of public inputs of a registered key's circuit.
	pub fn public_inputs(id: &VerifyingKeyId) -> Option<u32> {
		Keys::<T>::get(id).map(|record| record.public_inputs())
	}

	/// Verifies a proof against a registered key.
	///
	/// The caller charges the weight of [`WeightInfo::verify_proof`].
	pub fn check(
		id: &VerifyingKeyId,
		proof: &ProofBytes,
		inputs: &[Scalar],
	) -> Result<(), Error<T>> {
		Self::judge(id, proof, inputs).map_err(Error::from)
	}

	/// As [`check`](Self::check), with the verifier's own words for the reason.
	pub fn explain(
		id: &VerifyingKeyId,
		proof: &ProofBytes,
		inputs: &[Scalar],
	) -> Result<(), Vec<u8>> {
		Self::judge(id, proof, inputs).map_err(|refusal| refusal.to_string().into_bytes())
	}

	/// The deposit for a key whose canonical encoding has this many bytes.
	pub fn deposit_for(bytes: u32) -> Balance {
		T::DepositBase::get()
			.saturating_add(T::DepositPerByte::get().saturating_mul(Balance::from(bytes)))
	}

	fn judge(id: &VerifyingKeyId, proof: &ProofBytes, inputs: &[Scalar]) -> Result<(), Refusal> {
		let record = Keys::<T>::get(id).ok_or(Refusal::KeyUnknown(*id))?;
		T::Verifier::verify(&record.prepared, proof, inputs).map_err(Refusal::Proof)
	}

	fn do_register_key(owner: AccountId32, bytes: VerifyingKeyBytes) -> DispatchResult {
		let id = verifying_key_id(&bytes);
		ensure!(!Keys::<T>::contains_key(id), Error::<T>::KeyExists);
		let prepared =
			T::Verifier::prepare(&bytes).map_err(|error| Error::<T>::from(Refusal::Key(error)))?;

		let deposit = Self::deposit_for(bytes.len() as u32);
		T::Currency::hold(&HoldReason::KeyDeposit.into(), &owner, deposit)?;
		let record = KeyRecord { owner: owner.clone(), deposit, references: 0, prepared };
		let public_inputs = record.public_inputs();
		Keys::<T>::insert(id, record);
		KeyBytes::<T>::insert(id, bytes);

		Self::deposit_event(Event::KeyRegistered { key: id, owner, public_inputs, deposit });
		Ok(())
	}

	fn do_remove_key(owner: &AccountId32, id: VerifyingKeyId) -> DispatchResult {
		let record = Keys::<T>::get(id).ok_or(Error::<T>::KeyUnknown)?;
		ensure!(record.owner == *owner, Error::<T>::NotOwner);
		ensure!(record.references == 0, Error::<T>::KeyInUse);

		Keys::<T>::remove(id);
		KeyBytes::<T>::remove(id);
		T::Currency::release(
			&HoldReason::KeyDeposit.into(),
			owner,
			record.deposit,
			// A deposit that something else had touched must not make the key immovable.
			Precision::BestEffort,
		)?;

		Self::deposit_event(Event::KeyRemoved { key: id, deposit: record.deposit });
		Ok(())
	}
}

#[cfg(any(feature = "try-runtime", feature = "std"))]
impl<T: Config> Pallet<T> {
	/// What must hold between any two blocks.
	///
	/// * both maps have the same keys, each the digest of its canonical bytes;
	/// * each prepared key is what preparing its bytes gives;
	/// * what is held from an account is the sum of the deposits of its keys.
	pub fn do_try_state() -> Result<(), sp_runtime::DispatchError> {
		use alloc::collections::BTreeMap;
		use frame_support::traits::fungible::InspectHold;

		ensure!(
			KeyBytes::<T>::iter_keys().count() == Keys::<T>::iter_keys().count(),
			"there must be as many keys in canonical form as in prepared form"
		);
		let mut deposits = BTreeMap::<AccountId32, Balance>::new();
		for (id, record) in Keys::<T>::iter() {
			let bytes = KeyBytes::<T>::get(id).ok_or("a prepared key must have canonical bytes")?;
			ensure!(verifying_key_id(&bytes) == id, "a key's id must be the digest of its bytes");
			let prepared =
				T::Verifier::prepare(&bytes).map_err(|_| "a registered key must be well formed")?;
			ensure!(
				prepared.encode() == record.prepared.encode(),
				"a prepared key must be what preparing its bytes gives"
			);
			let sum = deposits.entry(record.owner).or_default();
			*sum = sum.checked_add(record.deposit).ok_or("the sum of deposits must fit")?;
		}
		for account in frame_system::Account::<T>::iter_keys() {
			ensure!(
				T::Currency::balance_on_hold(&HoldReason::KeyDeposit.into(), &account)
					== deposits.remove(&account).unwrap_or_default(),
				"what is held from an account must be the sum of its keys' deposits"
			);
		}
		ensure!(deposits.is_empty(), "the owner of a key must be an account");
		Ok(())
	}
}
