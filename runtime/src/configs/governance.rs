// SPDX-License-Identifier: Apache-2.0

//! Who decides for the chain, what happens in an incident, and how stored data changes its layout.
//!
//! | decision | council's votes |
//! |---|---|
//! | enter or extend safe mode | more than half |
//! | leave safe mode, admit and remove validators, drop a motion | two thirds |
//! | anything as root, such as an upgrade or another council | three quarters |
//!
//! Root may do all of it. Only votes that were cast count.

use crate::{
	configs::system::RuntimeBlockWeights, units::DAYS, AccountId, Balance, Balances, BlockNumber,
	Runtime, RuntimeCall, RuntimeEvent, RuntimeHoldReason, RuntimeOrigin, SafeMode,
};
use frame_support::{
	migrations::{FailedMigrationHandler, FailedMigrationHandling},
	parameter_types,
	traits::{
		ConstU32, Contains, EitherOf, MapSuccess, SafeMode as SafeModeControl, SafeModeError,
	},
	weights::Weight,
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess};
use pallet_collective::{
	DefaultVote, EnsureProportionAtLeast, EnsureProportionMoreThan, MemberCount,
};
use sp_runtime::traits::Replace;

/// The council among the collectives, of which it is the only one.
pub type CouncilInstance = pallet_collective::Instance1;

/// More than half of the council.
type Majority = EnsureProportionMoreThan<AccountId, CouncilInstance, 1, 2>;

/// Two thirds of the council.
type TwoThirds = EnsureProportionAtLeast<AccountId, CouncilInstance, 2, 3>;

/// Three quarters of the council.
type ThreeQuarters = EnsureProportionAtLeast<AccountId, CouncilInstance, 3, 4>;

/// Root, or two thirds of the council: who administers validators.
pub type Administrators = EitherOf<EnsureRoot<AccountId>, TwoThirds>;

/// Root, or more than half of the council: who may halt the market, for [`SafeModeDuration`].
type Sentinels = EitherOf<
	EnsureRootWithSuccess<AccountId, SafeModeDuration>,
	MapSuccess<Majority, Replace<SafeModeDuration>>,
>;

parameter_types! {
	/// A motion is open for three days, so that a weekend does not decide it.
	pub const MotionDuration: BlockNumber = 3 * DAYS;

	/// A motion may take a sixth of a block, which an upgrade of the runtime needs two thirds of. An
	/// operational transaction may take a fifth, and the motion is in one.
	pub MaxProposalWeight: Weight = RuntimeBlockWeights::get().max_block.div(6);

	/// Safe mode ends by itself after a day: long enough to meet and to decide what to do.
	pub const SafeModeDuration: BlockNumber = DAYS;

	/// Nobody can buy an entry into safe mode.
	pub const SafeModeDeposit: Option<Balance> = None;

	/// There are no deposits to give back.
	pub const SafeModeReleaseDelay: Option<BlockNumber> = None;

	/// A migration takes half of each block, so that blocks stay quick to import.
	pub MaxServiceWeight: Weight = RuntimeBlockWeights::get().max_block.div(2);
}

/// Whoever does not vote votes against.
///
/// The SDK's strategies let one member, the prime, vote for all who are silent: with them, a single
/// key could become root by the others' absence.
pub struct SilenceRefuses;

impl DefaultVote for SilenceRefuses {
	fn default_vote(_: Option<bool>, _: MemberCount, _: MemberCount, _: MemberCount) -> bool {
		false
	}
}

impl pallet_collective::Config<CouncilInstance> for Runtime {
	type RuntimeOrigin = RuntimeOrigin;
	type Proposal = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type MotionDuration = MotionDuration;
	type MaxProposals = ConstU32<20>;
	type MaxMembers = ConstU32<21>;
	type DefaultVote = SilenceRefuses;
	type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
	type SetMembersOrigin = EnsureRoot<AccountId>;
	type MaxProposalWeight = MaxProposalWeight;
	type DisapproveOrigin = Administrators;
	type KillOrigin = Administrators;
	// Members are trusted with more than the storage that a motion takes.
	type Consideration = ();
}

impl pallet_governance::Config for Runtime {
	type RuntimeCall = RuntimeCall;
	type EnactOrigin = ThreeQuarters;
	type WeightInfo = pallet_governance::weights::SubstrateWeight<Runtime>;
}

/// Calls that are let through in safe mode: what makes blocks, what decides, and what repairs.
///
/// Members of the council may be multisignatures or have proxies, and a batch closes a motion and
/// makes another in its place before somebody else takes it. Their calls pass through the filter
/// one by one, so these wrappers let nothing else through.
pub struct EssentialCalls;

impl Contains<RuntimeCall> for EssentialCalls {
	fn contains(call: &RuntimeCall) -> bool {
		use pallet_utility::Call as Utility;

		matches!(
			call,
			RuntimeCall::System(frame_system::Call::apply_authorized_upgrade { .. })
				| RuntimeCall::Timestamp(_)
				| RuntimeCall::Grandpa(_)
				| RuntimeCall::Validators(_)
				| RuntimeCall::Session(_)
				| RuntimeCall::Proxy(pallet_proxy::Call::proxy { .. })
				| RuntimeCall::Multisig(_)
				| RuntimeCall::Utility(
					Utility::batch { .. } | Utility::batch_all { .. } | Utility::force_batch { .. }
				) | RuntimeCall::Sudo(_)
				| RuntimeCall::Council(_)
				| RuntimeCall::Governance(_)
				| RuntimeCall::SafeMode(_)
				| RuntimeCall::Migrations(_)
		)
	}
}

impl pallet_safe_mode::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WhitelistedCalls = EssentialCalls;
	type EnterDuration = SafeModeDuration;
	type ExtendDuration = SafeModeDuration;
	type EnterDepositAmount = SafeModeDeposit;
	type ExtendDepositAmount = SafeModeDeposit;
	type ForceEnterOrigin = Sentinels;
	type ForceExtendOrigin = Sentinels;
	type ForceExitOrigin = Administrators;
	type ForceDepositOrigin = EnsureRoot<AccountId>;
	type Notify = ();
	type ReleaseDelay = SafeModeReleaseDelay;
	type WeightInfo = pallet_safe_mode::weights::SubstrateWeight<Runtime>;
}

/// Enters safe mode, without an end, when a migration has failed.
///
/// The migration is over then, so that transactions are let in again and the council can mend what
/// it left behind. The SDK's own handler keeps it, and with it every transaction, the council's
/// too, out of all further blocks.
pub struct SafeModeOnFailedMigration;

impl SafeModeOnFailedMigration {
	fn halt() -> Result<(), SafeModeError> {
		if SafeMode::is_entered() {
			<SafeMode as SafeModeControl>::extend(BlockNumber::MAX)
		} else {
			<SafeMode as SafeModeControl>::enter(BlockNumber::MAX)
		}
	}
}

impl FailedMigrationHandler for SafeModeOnFailedMigration {
	fn failed(_: Option<u32>) -> FailedMigrationHandling {
		match Self::halt() {
			Ok(()) => FailedMigrationHandling::ForceUnstuck,
			Err(_) => FailedMigrationHandling::KeepStuck,
		}
	}
}

/// Changes of storage that take more than a block. Pods before jobs, whose migration adds what
/// their pods have at risk.
#[cfg(not(any(feature = "rehearsal", feature = "runtime-benchmarks")))]
type MultiBlockMigrations = (
	pallet_pods::migrations::v1::V1<Runtime>,
	pallet_jobs::migrations::v1::V1<Runtime>,
	pallet_models::migrations::v1::V1<Runtime>,
);

#[cfg(feature = "rehearsal")]
type MultiBlockMigrations = (super::rehearsal::RewriteJobs,);

// The feature asks for migrations of its own kind; nothing migrates while weights are measured.
#[cfg(feature = "runtime-benchmarks")]
type MultiBlockMigrations = pallet_migrations::mock_helpers::MockedMigrations;

impl pallet_migrations::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Migrations = MultiBlockMigrations;
	type CursorMaxLen = ConstU32<256>;
	type IdentifierMaxLen = ConstU32<64>;
	type MigrationStatusHandler = ();
	type FailedMigrationHandler = SafeModeOnFailedMigration;
	type MaxServiceWeight = MaxServiceWeight;
	type WeightInfo = pallet_migrations::weights::SubstrateWeight<Runtime>;
}
