// SPDX-License-Identifier: Apache-2.0

//! Who makes and finalises blocks: Aura and GRANDPA, with the authorities of `pallet_session`,
//! which takes them from the validators pallet; and what becomes of those who sign twice.

use super::governance::Administrators;
use crate::{
	units::{deposit, MINUTES, POD, SLOT_DURATION},
	AccountId, Aura, Balance, Balances, BlockNumber, Grandpa, Offences, Runtime, RuntimeCall,
	RuntimeEvent, RuntimeHoldReason, Session, SessionKeys, System, TxExtension, UncheckedExtrinsic,
	Validators,
};
use alloc::vec::Vec;
use frame_support::{
	parameter_types,
	traits::{ConstBool, ConstU32, ConstU64, ConstU8, Get},
	weights::Weight,
};
use frame_system::offchain::{
	CreateAuthorizedTransaction, CreateBare, CreateTransaction, CreateTransactionBase,
};
use pallet_grandpa::{EquivocationOffence, TimeSlot};
use pallet_session::{disabling::UpToLimitDisablingStrategy, PeriodicSessions};
use pallet_validators::{HeldSessions, SessionPeriod, WeightInfo as _};
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::{
	generic::Era,
	traits::{ConvertInto, OpaqueKeys},
};
use sp_staking::{
	offence::{OffenceError, ReportOffence},
	SessionIndex,
};

/// Most validators. GRANDPA's votes grow with their square; a hundred is what comparable chains
/// finalise comfortably.
pub const MAX_VALIDATORS: u32 = 100;

/// Least floor of the list of validators, for development chains. The genesis of a production chain
/// sets its floor to four, the fewest that bear a fault.
pub const MIN_VALIDATORS: u32 = 1;

/// Sessions for which an offence can be reported and a bond remains at stake: a week of sessions of
/// ten minutes. A node that was away over a weekend still finds offenders with something to lose.
pub const BONDING_SESSIONS: SessionIndex = 7 * 24 * 6;

/// Blocks in a session, where the genesis says nothing else: ten minutes. An admitted validator is
/// active after ten to twenty minutes, and at most one block in two hundred is a session's first,
/// which carries no ordinary transactions.
pub const SESSION_LENGTH: BlockNumber = 10 * MINUTES;

/// Blocks for which a report of an equivocation may wait in a node's pool.
const REPORT_LONGEVITY: u64 = BONDING_SESSIONS as u64 * SESSION_LENGTH as u64;

parameter_types! {
	/// Blocks in a session, where the genesis says nothing else.
	pub const DefaultSessionLength: BlockNumber = SESSION_LENGTH;

	/// Least bond of a validator: a hundred times a pod's, for a validator that signs twice harms
	/// everybody.
	pub const ValidatorBond: Balance = 10_000 * POD;

	/// Whether GRANDPA would refuse a change of its voters: another one has been announced and not
	/// taken effect, or one is to be forced too soon after the last.
	pub VotersChange: bool = pallet_grandpa::PendingChange::<Runtime>::exists()
		|| (pallet_grandpa::Stalled::<Runtime>::exists()
			&& pallet_grandpa::NextForced::<Runtime>::get()
				.is_some_and(|next| next > System::block_number()));

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

/// Weights of GRANDPA's calls: the SDK's, which leave out what becomes of offenders.
pub struct GrandpaWeight;

impl pallet_grandpa::WeightInfo for GrandpaWeight {
	/// A report punishes anew everybody that voted twice in the same set, at most all voters.
	fn report_equivocation(validators: u32, nominators: u32) -> Weight {
		<() as pallet_grandpa::WeightInfo>::report_equivocation(validators, nominators)
			.saturating_add(<Runtime as pallet_validators::Config>::WeightInfo::punish(validators))
			// The earlier reports of each.
			.saturating_add(
				<Runtime as frame_system::Config>::DbWeight::get().reads(validators.into()),
			)
	}

	fn note_stalled() -> Weight {
		<() as pallet_grandpa::WeightInfo>::note_stalled()
	}
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = GrandpaWeight;
	type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = ConstU64<{ BONDING_SESSIONS as u64 }>;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem = pallet_grandpa::EquivocationReportSystem<
		Runtime,
		VotesOfOneSet,
		Validators,
		ConstU64<REPORT_LONGEVITY>,
	>;
}

/// Takes one report for each voter and set of voters.
///
/// Reports are free, and the owner of a key can sign two votes for any round, whether it was held or
/// not. By itself GRANDPA's pallet takes a report for each round, and so without an end.
pub struct VotesOfOneSet;

impl VotesOfOneSet {
	/// All rounds of a set as one moment. Who votes twice in any of them has offended together with
	/// the others, as authors of double blocks do in one session.
	fn set_of(slot: &TimeSlot) -> TimeSlot {
		TimeSlot { round: 0, ..*slot }
	}
}

impl ReportOffence<AccountId, AccountId, EquivocationOffence<AccountId>> for VotesOfOneSet {
	fn report_offence(
		reporters: Vec<AccountId>,
		offence: EquivocationOffence<AccountId>,
	) -> Result<(), OffenceError> {
		let time_slot = Self::set_of(&offence.time_slot);
		Offences::report_offence(reporters, EquivocationOffence { time_slot, ..offence })
	}

	fn is_known_offence(offenders: &[AccountId], slot: &TimeSlot) -> bool {
		type Known = EquivocationOffence<AccountId>;
		<Offences as ReportOffence<_, _, Known>>::is_known_offence(offenders, &Self::set_of(slot))
	}
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Runtime, Aura>;
	type EventHandler = Validators;
}

impl pallet_offences::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type IdentificationTuple = AccountId;
	type OnOffenceHandler = Validators;
}

impl pallet_validators::Config for Runtime {
	type AdminOrigin = Administrators;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ReportOffence = Offences;
	type MinBond = ValidatorBond;
	type BondingSessions = ConstU32<BONDING_SESSIONS>;
	// Ten minutes may be a reboot, twenty are not.
	type OfflineSessions = ConstU8<2>;
	type ChillSessions = ConstU32<1>;
	type DefaultSessionLength = DefaultSessionLength;
	type MinValidators = ConstU32<MIN_VALIDATORS>;
	type MaxValidators = ConstU32<MAX_VALIDATORS>;
	type WeightInfo = pallet_validators::weights::SubstrateWeight<Runtime>;
}

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	// Any account may register keys, against a deposit, and apply; only the administrators list it.
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession =
		HeldSessions<PeriodicSessions<SessionPeriod<Runtime>, SessionOffset>, VotersChange>;
	type NextSessionRotation = PeriodicSessions<SessionPeriod<Runtime>, SessionOffset>;
	type SessionManager = Validators;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	// A third, and no more, may be kept from making blocks without finality being held up.
	type DisablingStrategy = UpToLimitDisablingStrategy;
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type KeyDeposit = KeyDeposit;
}

/// The active validators with the keys that Aura and GRANDPA use at this moment, all in one order.
pub struct ActiveValidators;

impl Get<Vec<(AccountId, SessionKeys)>> for ActiveValidators {
	fn get() -> Vec<(AccountId, SessionKeys)> {
		let authorities = pallet_aura::Authorities::<Runtime>::get().into_iter();
		let keys = authorities
			.zip(Grandpa::grandpa_authorities())
			.map(|(aura, (grandpa, _))| SessionKeys { aura, grandpa });
		Session::validators().into_iter().zip(keys).collect()
	}
}

impl<Local> CreateTransactionBase<Local> for Runtime
where
	RuntimeCall: From<Local>,
{
	type RuntimeCall = RuntimeCall;
	type Extrinsic = UncheckedExtrinsic;
}

/// For reports of votes.
impl<Local> CreateBare<Local> for Runtime
where
	RuntimeCall: From<Local>,
{
	fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_bare(call)
	}
}

impl<Local> CreateTransaction<Local> for Runtime
where
	RuntimeCall: From<Local>,
{
	type Extension = TxExtension;

	fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_transaction(call, extension)
	}
}

/// For reports of blocks.
impl<Local> CreateAuthorizedTransaction<Local> for Runtime
where
	RuntimeCall: From<Local>,
{
	/// No signer, so no nonce and no tip: the call says itself whether it may pass.
	fn create_extension() -> TxExtension {
		(
			frame_system::AuthorizeCall::new(),
			frame_system::CheckNonZeroSender::new(),
			frame_system::CheckSpecVersion::new(),
			frame_system::CheckTxVersion::new(),
			frame_system::CheckGenesis::new(),
			frame_system::CheckMortality::from(Era::Immortal),
			frame_system::CheckNonce::from(0),
			frame_system::CheckWeight::new(),
			pallet_transaction_payment::ChargeTransactionPayment::from(0),
			frame_metadata_hash_extension::CheckMetadataHash::new(false),
			frame_system::WeightReclaim::new(),
		)
	}
}
