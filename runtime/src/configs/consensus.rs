// SPDX-License-Identifier: Apache-2.0

//! Who makes and finalises blocks: Aura and GRANDPA, with the authorities of `pallet_session`,
//! which takes them from the validators pallet.

use super::governance::Administrators;
use crate::{
	units::{deposit, MINUTES, SLOT_DURATION},
	AccountId, Aura, Balance, Balances, BlockNumber, Runtime, RuntimeEvent, Session, SessionKeys,
	Validators,
};
use frame_support::{
	parameter_types,
	traits::{ConstBool, ConstU32, ConstU64},
};
use pallet_session::PeriodicSessions;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::traits::{ConvertInto, OpaqueKeys};

/// Most validators. GRANDPA's votes grow with their square; a hundred is what comparable chains
/// finalise comfortably.
pub const MAX_VALIDATORS: u32 = 100;

/// Fewest validators. Development chains have one; a production chain needs four to bear a fault.
pub const MIN_VALIDATORS: u32 = 1;

parameter_types! {
	/// Blocks in a session: ten minutes. An admitted validator is active after ten to twenty
	/// minutes, and at most one block in two hundred is a session's first, which carries no
	/// ordinary transactions.
	pub const SessionPeriod: BlockNumber = 10 * MINUTES;

	/// Sessions begin at multiples of their period.
	pub const SessionOffset: BlockNumber = 0;

	/// Deposit for session keys: the keys, 64 bytes, and an entry for the owner of each of the two.
	pub const KeyDeposit: Balance = deposit(3, 64 + 2 * (32 + 36));
}

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = Aura;
	// Aura ties every timestamp to its slot; half a slot is the customary lower bound beside it.
	type MinimumPeriod = ConstU64<{ SLOT_DURATION / 2 }>;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_aura::Config for Runtime {
	type AuthorityId = AuraId;
	type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
	type DisabledValidators = Session;
	type AllowMultipleBlocksPerSlot = ConstBool<false>;
	type SlotDuration = ConstU64<SLOT_DURATION>;
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
	// There are no nominators, and equivocations are not reported on chain yet.
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = ConstU64<0>;
	type KeyOwnerProof = sp_core::Void;
	type EquivocationReportSystem = ();
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Runtime, Aura>;
	type EventHandler = ();
}

impl pallet_validators::Config for Runtime {
	type AdminOrigin = Administrators;
	type MinValidators = ConstU32<MIN_VALIDATORS>;
	type MaxValidators = ConstU32<MAX_VALIDATORS>;
	type WeightInfo = pallet_validators::weights::EstimatedWeight<Runtime>;
}

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	// Any account may register keys, against a deposit; only the administrators list it.
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = PeriodicSessions<SessionPeriod, SessionOffset>;
	type NextSessionRotation = PeriodicSessions<SessionPeriod, SessionOffset>;
	type SessionManager = Validators;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	// Nobody reports offences yet, so nobody is disabled.
	type DisablingStrategy = ();
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type KeyDeposit = KeyDeposit;
}
