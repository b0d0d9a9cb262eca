// SPDX-License-Identifier: Apache-2.0

//! A runtime of this pallet with Aura, GRANDPA and their real keys, sessions of nine blocks, and
//! authors that make the blocks of their slots.

use crate as pallet_validators;
use codec::Encode;
use finality_grandpa::{Message, Prevote};
use frame_support::{
	derive_impl,
	dispatch::DispatchResultWithPostInfo,
	parameter_types,
	traits::{
		ConstBool, ConstU128, ConstU32, ConstU64, ConstU8, Get, KeyOwnerProofSystem, OnInitialize,
	},
};
use frame_system::{limits::BlockLength, EnsureRoot};
use pallet_session::{disabling::UpToLimitDisablingStrategy, PeriodicSessions};
use pallet_validators::{
	equivocation::AuraEquivocationProof, Candidate, HeldSessions, SessionPeriod, Status,
};
use sp_consensus_aura::{
	digests::CompatibleDigestItem,
	sr25519::{AuthorityId as AuraId, AuthorityPair as AuraPair, AuthoritySignature},
	Slot,
};
use sp_consensus_grandpa::{
	localized_payload, AuthorityId as GrandpaId, AuthorityPair as GrandpaPair, Equivocation,
	EquivocationProof,
};
use sp_core::{ed25519, proof_of_possession::ProofOfPossessionGenerator, sr25519, Pair, H256};
use sp_runtime::{
	generic::{Digest, DigestItem},
	impl_opaque_keys,
	testing::TestXt,
	traits::{IdentityLookup, OpaqueKeys},
	AccountId32, BuildStorage,
};

pub(crate) const SESSION: u32 = 9;
pub(crate) const KEY_DEPOSIT: u128 = 10;
pub(crate) const ENDOWMENT: u128 = 10_000;
pub(crate) const MIN_BOND: u128 = 1_000;
pub(crate) const MAX_VALIDATORS: u32 = 5;
pub(crate) const BONDING_SESSIONS: u32 = 6;
pub(crate) const OFFLINE_SESSIONS: u8 = 2;
pub(crate) const CHILL_SESSIONS: u32 = 2;

/// Test account number `number`.
pub(crate) fn account(number: u8) -> AccountId32 {
	AccountId32::new([number; 32])
}

/// Pair for Aura that is generated from a number; by default, [`account`]`(number)` has it.
pub(crate) fn aura(number: u8) -> AuraPair {
	AuraPair::from_seed(&[number; 32])
}

/// Pair for GRANDPA that is generated from a number.
pub(crate) fn grandpa(number: u8) -> GrandpaPair {
	GrandpaPair::from_seed(&[number; 32])
}

/// Session keys that are generated from a number.
pub(crate) fn keys(number: u8) -> MockKeys {
	MockKeys { aura: aura(number).public(), grandpa: grandpa(number).public() }
}

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(2)]
	pub type Aura = pallet_aura;
	#[runtime::pallet_index(3)]
	pub type Grandpa = pallet_grandpa;
	#[runtime::pallet_index(4)]
	pub type Authorship = pallet_authorship;
	#[runtime::pallet_index(5)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(6)]
	pub type ValidatorList = pallet_validators;
	#[runtime::pallet_index(7)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(8)]
	pub type Offences = pallet_offences;
}

impl_opaque_keys! {
	pub struct MockKeys {
		pub aura: Aura,
		pub grandpa: Grandpa,
	}
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountId = AccountId32;
	type Lookup = IdentityLookup<AccountId32>;
	type AccountData = pallet_balances::AccountData<u128>;
	type BlockLength = TestBlockLength;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = u128;
	type ExistentialDeposit = ConstU128<1>;
}

#[derive_impl(pallet_timestamp::config_preludes::TestDefaultConfig)]
impl pallet_timestamp::Config for Test {}

impl pallet_aura::Config for Test {
	type AuthorityId = AuraId;
	type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
	type DisabledValidators = Session;
	type AllowMultipleBlocksPerSlot = ConstBool<false>;
	type SlotDuration = ConstU64<1>;
}

impl pallet_grandpa::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = ConstU64<{ BONDING_SESSIONS as u64 }>;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem =
		pallet_grandpa::EquivocationReportSystem<Test, Offences, ValidatorList, ConstU64<50>>;
}

impl pallet_authorship::Config for Test {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Test, Aura>;
	type EventHandler = ValidatorList;
}

impl pallet_offences::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type IdentificationTuple = AccountId32;
	type OnOffenceHandler = ValidatorList;
}

parameter_types! {
	/// Most bytes of the header that an author begins with.
	pub static MaxHeaderSize: u32 = 8 << 10;
	pub TestBlockLength: BlockLength =
		BlockLength::builder().max_header_size(MaxHeaderSize::get()).build();
	pub const DefaultSessionLength: u32 = SESSION;
	// As the runtime has it.
	pub ChangePending: bool = pallet_grandpa::PendingChange::<Test>::exists()
		|| (pallet_grandpa::Stalled::<Test>::exists()
			&& pallet_grandpa::NextForced::<Test>::get()
				.is_some_and(|next| next > System::block_number()));
}

impl pallet_session::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId32;
	type ValidatorIdOf = sp_runtime::traits::ConvertInto;
	type ShouldEndSession =
		HeldSessions<PeriodicSessions<SessionPeriod<Test>, ConstU32<0>>, ChangePending>;
	type NextSessionRotation = PeriodicSessions<SessionPeriod<Test>, ConstU32<0>>;
	type SessionManager = ValidatorList;
	type SessionHandler = <MockKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = MockKeys;
	type DisablingStrategy = UpToLimitDisablingStrategy;
	type WeightInfo = ();
	type Currency = Balances;
	type KeyDeposit = ConstU128<KEY_DEPOSIT>;
}

impl pallet_validators::Config for Test {
	type AdminOrigin = EnsureRoot<AccountId32>;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type ReportOffence = Offences;
	type MinBond = ConstU128<MIN_BOND>;
	type BondingSessions = ConstU32<BONDING_SESSIONS>;
	type OfflineSessions = ConstU8<OFFLINE_SESSIONS>;
	type ChillSessions = ConstU32<CHILL_SESSIONS>;
	type DefaultSessionLength = DefaultSessionLength;
	type MinValidators = ConstU32<1>;
	type MaxValidators = ConstU32<MAX_VALIDATORS>;
	type WeightInfo = ();
}

impl<Local> frame_system::offchain::CreateTransactionBase<Local> for Test
where
	RuntimeCall: From<Local>,
{
	type RuntimeCall = RuntimeCall;
	type Extrinsic = TestXt<RuntimeCall, ()>;
}

impl<Local> frame_system::offchain::CreateBare<Local> for Test
where
	RuntimeCall: From<Local>,
{
	fn create_bare(call: RuntimeCall) -> TestXt<RuntimeCall, ()> {
		TestXt::new_bare(call)
	}
}

/// The active validators with the keys that consensus uses.
pub(crate) struct Active;

impl Get<Vec<(AccountId32, MockKeys)>> for Active {
	fn get() -> Vec<(AccountId32, MockKeys)> {
		let authorities = pallet_aura::Authorities::<Test>::get().into_iter();
		let keys = authorities
			.zip(Grandpa::grandpa_authorities())
			.map(|(aura, (grandpa, _))| MockKeys { aura, grandpa });
		Session::validators().into_iter().zip(keys).collect()
	}
}

/// A genesis with the given validators and a floor; accounts 1 to 9 have money, and 1 to 4 keys.
pub(crate) fn genesis_of(validators: &[u8], floor: Option<u32>) -> RuntimeGenesisConfig {
	RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig {
			balances: (1..=9).map(|number| (account(number), ENDOWMENT)).collect(),
			dev_accounts: None,
		},
		validator_list: pallet_validators::GenesisConfig {
			validators: validators.iter().copied().map(account).collect(),
			floor,
			session_length: None,
		},
		session: pallet_session::GenesisConfig {
			keys: (1..=4).map(|number| (account(number), account(number), keys(number))).collect(),
			non_authority_keys: Vec::new(),
		},
		..Default::default()
	}
}

/// The state of block 1 of a chain with the given validators and floor.
pub(crate) fn chain_of(validators: &[u8], floor: u32) -> sp_io::TestExternalities {
	let storage = genesis_of(validators, Some(floor)).build_storage().unwrap();
	let mut externalities = sp_io::TestExternalities::new(storage);
	externalities.execute_with(|| make_block(&[]));
	externalities
}

/// The same with validators 1, 2 and 3, and with a keystore.
#[cfg(feature = "runtime-benchmarks")]
pub(crate) fn chain_with_keystore() -> sp_io::TestExternalities {
	use sp_keystore::{testing::MemoryKeystore, KeystoreExt};
	let mut externalities = chain_of(&[1, 2, 3], 2);
	externalities.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	externalities
}

/// Runs a test on a chain with the given validators and floor, and checks the pallet's invariants
/// after it.
pub(crate) fn on_chain_of(validators: &[u8], floor: u32, test: impl FnOnce()) {
	chain_of(validators, floor).execute_with(|| {
		test();
		ValidatorList::do_try_state().unwrap();
	});
}

/// Runs a test on a chain with validators 1, 2 and 3 and a floor of 2.
pub(crate) fn on_chain(test: impl FnOnce()) {
	on_chain_of(&[1, 2, 3], 2, test);
}

/// Number of the account that is to make the block of a slot.
pub(crate) fn author_of(slot: u64) -> u8 {
	let validators = Session::validators();
	number(&validators[(slot % validators.len() as u64) as usize])
}

fn number(account: &AccountId32) -> u8 {
	let bytes: &[u8] = account.as_ref();
	bytes[0]
}

/// The first block of the next slots whose author is there and not disabled.
pub(crate) fn make_block(absent: &[u8]) {
	let mut slot = *pallet_aura::CurrentSlot::<Test>::get() + 1;
	while absent.contains(&author_of(slot)) || disabled().contains(&author_of(slot)) {
		slot += 1;
	}
	let block = System::block_number() + 1;
	let pre_digest = CompatibleDigestItem::<AuthoritySignature>::aura_pre_digest(slot.into());
	System::reset_events();
	System::initialize(&block, &System::parent_hash(), &Digest { logs: vec![pre_digest] });
	Aura::on_initialize(block);
	Authorship::on_initialize(block);
	ValidatorList::on_initialize(block);
	Session::on_initialize(block);
	// What `on_finalize` does for the next block.
	frame_support::storage::unhashed::kill(&frame_support::storage::storage_prefix(
		b"Authorship",
		b"Author",
	));
	<Grandpa as frame_support::traits::OnFinalize<u32>>::on_finalize(block);
	ValidatorList::do_try_state().unwrap();
}

/// Makes blocks until the first one of session `session`, while some validators make none.
pub(crate) fn run_to_session_without(absent: &[u8], session: u32) {
	assert!(Session::current_index() < session, "session {session} has begun already");
	while Session::current_index() < session {
		make_block(absent);
	}
}

/// Makes blocks until the first one of session `session`.
pub(crate) fn run_to_session(session: u32) {
	run_to_session_without(&[], session);
}

/// Registers session keys, generated from `seed`, for an account.
pub(crate) fn set_keys_of(number: u8, seed: u8) {
	let owner = account(number).encode();
	let proof = (
		sr25519::Pair::from_seed(&[seed; 32]).generate_proof_of_possession(&owner),
		ed25519::Pair::from_seed(&[seed; 32]).generate_proof_of_possession(&owner),
	);
	Session::set_keys(RuntimeOrigin::signed(account(number)), keys(seed), proof.encode()).unwrap();
}

/// Registers an account's default session keys and bonds it.
pub(crate) fn apply(number: u8) {
	set_keys_of(number, number);
	ValidatorList::apply(RuntimeOrigin::signed(account(number)), MIN_BOND).unwrap();
}

/// Numbers of the accounts that are active.
pub(crate) fn active() -> Vec<u8> {
	Session::validators().iter().map(number).collect()
}

/// Numbers of the accounts on the list.
pub(crate) fn listed() -> Vec<u8> {
	crate::Validators::<Test>::get().iter().map(number).collect()
}

/// Numbers of the active accounts that are disabled.
pub(crate) fn disabled() -> Vec<u8> {
	let active = active();
	Session::disabled_validators().iter().map(|index| active[*index as usize]).collect()
}

/// Where an account stands.
pub(crate) fn status(number: u8) -> Status {
	record(number).status
}

/// An account's bond.
pub(crate) fn bond(number: u8) -> u128 {
	record(number).bond
}

fn record(number: u8) -> Candidate {
	ValidatorList::candidate(account(number)).unwrap()
}

/// How often consensus has been told of a change of authorities.
pub(crate) fn changes() -> u64 {
	Grandpa::current_set_id()
}

/// A header for a slot, sealed by a key; `mark` tells headers of one slot apart.
pub(crate) fn sealed_header(slot: u64, mark: u8, key: &AuraPair) -> HeaderOf {
	let pre_digest = CompatibleDigestItem::<AuthoritySignature>::aura_pre_digest(slot.into());
	let mut header = HeaderOf {
		parent_hash: H256::repeat_byte(mark),
		number: 7,
		state_root: H256::zero(),
		extrinsics_root: H256::zero(),
		digest: Digest { logs: vec![pre_digest] },
	};
	let signature = key.sign(header.hash().as_ref());
	header.digest.push(DigestItem::aura_seal(signature));
	header
}

/// Header of the mock's blocks.
pub(crate) type HeaderOf = sp_runtime::generic::Header<u32, sp_runtime::traits::BlakeTwo256>;

/// Two blocks of one slot, sealed by one key.
pub(crate) fn two_blocks(slot: u64, key: &AuraPair) -> AuraEquivocationProof<Test> {
	sp_consensus_slots::EquivocationProof {
		offender: key.public(),
		slot: Slot::from(slot),
		first_header: sealed_header(slot, 1, key),
		second_header: sealed_header(slot, 2, key),
	}
}

/// Account 9 reports two blocks of one slot.
pub(crate) fn report_blocks(slot: u64, key: &AuraPair) -> DispatchResultWithPostInfo {
	let proof = Box::new(two_blocks(slot, key));
	ValidatorList::report_aura_equivocation(RuntimeOrigin::signed(account(9)), proof)
}

/// Two votes of one round of GRANDPA, signed by one key.
pub(crate) fn two_votes(set: u64, round: u64, key: &GrandpaPair) -> EquivocationProof<H256, u32> {
	let vote = |mark| {
		let prevote = Prevote { target_hash: H256::repeat_byte(mark), target_number: 3u32 };
		let payload = localized_payload(round, set, &Message::Prevote(prevote.clone()));
		(prevote, key.sign(&payload))
	};
	EquivocationProof::new(
		set,
		Equivocation::Prevote(finality_grandpa::Equivocation {
			round_number: round,
			identity: key.public(),
			first: vote(1),
			second: vote(2),
		}),
	)
}

/// Proof, made in the current session, that somebody owns a key for GRANDPA.
pub(crate) fn ownership(key: &GrandpaPair) -> sp_session::MembershipProof {
	let key: GrandpaId = key.public();
	ValidatorList::prove((sp_core::crypto::key_types::GRANDPA, key)).unwrap()
}

/// Account 9 reports two votes of one round.
pub(crate) fn report_votes(
	set: u64,
	round: u64,
	key: &GrandpaPair,
	ownership: sp_session::MembershipProof,
) -> DispatchResultWithPostInfo {
	let proof = Box::new(two_votes(set, round, key));
	Grandpa::report_equivocation(RuntimeOrigin::signed(account(9)), proof, ownership)
}

/// Whether the current block has an event of this pallet.
pub(crate) fn has_event(event: crate::Event<Test>) -> bool {
	System::read_events_for_pallet::<crate::Event<Test>>().contains(&event)
}
