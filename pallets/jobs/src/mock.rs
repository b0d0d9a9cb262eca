// SPDX-License-Identifier: Apache-2.0

//! A runtime of the four market pallets and balances, with two circuits whose proofs are real.

use crate as pallet_jobs;
use crate::{Event, Jobs as LiveJobs};
use frame_support::{
	derive_impl, parameter_types,
	traits::{
		fungible::{Inspect, InspectHold},
		ConstU128, ConstU32, OnIdle,
	},
	weights::{constants::RocksDbWeight, Weight},
};
use proofpod_primitives::{
	job::{JobRequest, PriceRamp, Requirements, Windows},
	manifest::{
		ModelManifest, OutputVisibility, SetupProvenance, WeightsVisibility, MANIFEST_VERSION,
	},
	pod::{PodProfile, Region},
	statement::{JobStatement, OutputElements},
	Balance, BlockNumber, Digest, EncryptionKey, GenesisHash, InputCommitment, JobId, ModelId,
	OutputKeyCommitment, ProofBytes, Scalar,
};
use sp_runtime::{
	testing::H256, traits::IdentityLookup, AccountId32, BuildStorage, DispatchResult, Permill,
};

use crate::tests::circuit;

pub(crate) const ED: Balance = 10;
pub(crate) const ENDOWMENT: Balance = 1_000_000;
pub(crate) const POD_BOND: Balance = 1_000;
pub(crate) const UNBONDING: BlockNumber = 30;
pub(crate) const GENESIS: GenesisHash = GenesisHash([0x67; 32]);

/// Test account number `number`.
pub(crate) fn account(number: u8) -> AccountId32 {
	AccountId32::new([number; 32])
}

/// A data owner.
pub(crate) fn client() -> AccountId32 {
	account(1)
}

/// A pod in Switzerland.
pub(crate) fn pod() -> AccountId32 {
	account(2)
}

/// A pod in Germany.
pub(crate) fn rival() -> AccountId32 {
	account(3)
}

/// Who registered keys and models; neither client nor pod.
pub(crate) fn publisher() -> AccountId32 {
	account(9)
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
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Proofs = pallet_proofs;
	#[runtime::pallet_index(3)]
	pub type Models = pallet_models;
	#[runtime::pallet_index(4)]
	pub type Pods = pallet_pods;
	#[runtime::pallet_index(5)]
	pub type JobMarket = pallet_jobs;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountId = AccountId32;
	type Lookup = IdentityLookup<AccountId32>;
	type AccountData = pallet_balances::AccountData<Balance>;
	type DbWeight = RocksDbWeight;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<ED>;
	type AccountStore = System;
}

impl pallet_proofs::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Verifier = proofpod_verifier::Groth16<proofpod_verifier::Native>;
	type DepositBase = ConstU128<10>;
	type DepositPerByte = ConstU128<1>;
	type WeightInfo = ();
}

impl pallet_models::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type DepositBase = ConstU128<10>;
	type DepositPerByte = ConstU128<1>;
	type WeightInfo = ();
}

impl pallet_pods::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Bond = ConstU128<POD_BOND>;
	type UnbondingPeriod = ConstU32<UNBONDING>;
	type WeightInfo = ();
}

parameter_types! {
	pub static MinPrice: Balance = 100;
	pub static MinWindow: BlockNumber = 2;
	pub static MaxLockWindow: BlockNumber = 50;
	pub static MaxAcknowledgeWindow: BlockNumber = 20;
	pub static MaxProveWindow: BlockNumber = 40;
	pub static BondFloor: Balance = 50;
	pub static BondShare: Permill = Permill::from_percent(20);
	pub static DiscardShare: Permill = Permill::from_percent(25);
	pub static ClientShare: u16 = 400;
	pub static RetryDelay: BlockNumber = 7;
}

impl crate::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type MinPrice = MinPrice;
	type MinWindow = MinWindow;
	type MaxLockWindow = MaxLockWindow;
	type MaxAcknowledgeWindow = MaxAcknowledgeWindow;
	type MaxProveWindow = MaxProveWindow;
	type BondFloor = BondFloor;
	type BondShare = BondShare;
	type DiscardShare = DiscardShare;
	type ClientShare = ClientShare;
	type RetryDelay = RetryDelay;
	type WeightInfo = crate::weights::EstimatedWeight<Test>;
}

fn manifest(network: u8, output: OutputVisibility, output_elements: u32) -> ModelManifest {
	let mut manifest = ModelManifest {
		version: MANIFEST_VERSION,
		name: b"squares".to_vec().try_into().unwrap(),
		interface: Digest([network; 32]),
		verifying_key: proofpod_verifier::verifying_key_id(&[]),
		proving_key: Digest([network; 32]),
		input_len: 4,
		output_len: 2,
		output_elements,
		output,
		weights: WeightsVisibility::Public,
		setup: SetupProvenance::SingleParty,
	};
	let keys = circuit::keys(manifest.public_inputs() as usize);
	manifest.verifying_key = proofpod_verifier::verifying_key_id(&keys.verifying);
	manifest
}

/// A model with a sealed output of two elements.
pub(crate) fn sealed_model() -> ModelManifest {
	manifest(1, OutputVisibility::Sealed, 2)
}

/// Another model of the same shape under the same verifying key.
pub(crate) fn twin_model() -> ModelManifest {
	manifest(2, OutputVisibility::Sealed, 2)
}

/// A model with a public output of one element.
pub(crate) fn public_model() -> ModelManifest {
	manifest(3, OutputVisibility::Public, 1)
}

/// Profile of a pod in this country.
pub(crate) fn profile(region: [u8; 2]) -> PodProfile {
	PodProfile {
		endpoint: b"https://pod.example".to_vec().try_into().unwrap(),
		encryption_key: EncryptionKey([1; 32]),
		region: Region(region),
		models: Default::default(),
	}
}

/// Block 1 of a chain with three models and two pods, and no events yet.
pub(crate) fn ext() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: (1..=9).map(|number| (account(number), ENDOWMENT)).collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut ext = sp_io::TestExternalities::new(storage);
	ext.execute_with(|| {
		System::initialize(&1, &H256(GENESIS.0), &Default::default());
		let publisher = RuntimeOrigin::signed(publisher());
		for model in [sealed_model(), public_model()] {
			let key = circuit::keys(model.public_inputs() as usize).verifying.clone();
			Proofs::register_key(publisher.clone(), key.try_into().unwrap()).unwrap();
		}
		for model in [sealed_model(), twin_model(), public_model()] {
			Models::register(publisher.clone(), model, Default::default()).unwrap();
		}
		Pods::register(RuntimeOrigin::signed(pod()), profile(*b"CH")).unwrap();
		Pods::register(RuntimeOrigin::signed(rival()), profile(*b"DE")).unwrap();
		System::reset_events();
	});
	ext
}

/// A request for the sealed model: 100 to 200 over ten blocks; windows of 20, 5 and 30 blocks.
pub(crate) fn request() -> JobRequest<AccountId32> {
	JobRequest {
		model: sealed_model().id(),
		input: InputCommitment([4; 32]),
		output_key: Some(OutputKeyCommitment([5; 32])),
		price: PriceRamp { min: 100, max: 200, ramp: 10 },
		windows: Windows { lock: 20, acknowledge: 5, prove: 30 },
		requirements: Requirements::default(),
	}
}

/// The client opens a job for `request`.
pub(crate) fn open_with(request: JobRequest<AccountId32>) -> JobId {
	let id = crate::NextJobId::<Test>::get();
	JobMarket::open(RuntimeOrigin::signed(client()), request).unwrap();
	id
}

/// The client opens a job for [`request`].
pub(crate) fn open() -> JobId {
	open_with(request())
}

/// A job that [`pod`] has locked in this block.
pub(crate) fn locked() -> JobId {
	let job = open();
	lock(pod(), job).unwrap();
	job
}

/// A job that [`pod`] has locked and acknowledged in this block.
pub(crate) fn proving() -> JobId {
	let job = locked();
	acknowledge(pod(), job).unwrap();
	job
}

/// Locks at whatever the price is.
pub(crate) fn lock(who: AccountId32, job: JobId) -> DispatchResult {
	JobMarket::lock(RuntimeOrigin::signed(who), job, 0)
}

pub(crate) fn acknowledge(who: AccountId32, job: JobId) -> DispatchResult {
	JobMarket::acknowledge(RuntimeOrigin::signed(who), job)
}

/// The output that tests submit for a sealed model.
pub(crate) fn output() -> OutputElements {
	vec![Scalar([6; 32]), Scalar([7; 32])].try_into().unwrap()
}

/// The statement of a live job's result, were this pod to prove it.
pub(crate) fn statement<'a>(
	job: JobId,
	pod: &AccountId32,
	output: &'a OutputElements,
) -> JobStatement<'a> {
	let request = LiveJobs::<Test>::get(job).unwrap().request;
	JobStatement {
		genesis: GENESIS,
		job,
		model: request.model,
		pod: pod.clone().into(),
		input: request.input,
		output_key: request.output_key,
		output,
	}
}

/// A valid proof of a live job's result by this pod.
pub(crate) fn proof(job: JobId, pod: &AccountId32, output: &OutputElements) -> ProofBytes {
	circuit::prove(&statement(job, pod, output).public_inputs())
}

/// Goes to a block, without hooks.
pub(crate) fn go_to(block: BlockNumber) {
	System::set_block_number(block);
}

/// Goes to a block and gives the sweep this much weight there; gives the weight used.
pub(crate) fn sweep(block: BlockNumber, limit: Weight) -> Weight {
	go_to(block);
	<JobMarket as OnIdle<BlockNumber>>::on_idle(block, limit)
}

/// This pallet's events since the last call.
pub(crate) fn events() -> Vec<Event<Test>> {
	let events = System::events();
	System::reset_events();
	events
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::JobMarket(event) => Some(event),
			_ => None,
		})
		.collect()
}

/// What is held from an account.
pub(crate) fn held(reason: crate::HoldReason, who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&reason.into(), who)
}

/// Free and held balance of an account.
pub(crate) fn total(who: &AccountId32) -> Balance {
	<Balances as Inspect<AccountId32>>::total_balance(who)
}

/// The pod's record.
pub(crate) fn pod_record(who: &AccountId32) -> pallet_pods::PodRecord {
	pallet_pods::Pods::<Test>::get(who).unwrap()
}

/// Number of live jobs of a model, in the registry's count.
pub(crate) fn jobs_of(model: ModelId) -> u32 {
	pallet_models::Models::<Test>::get(model).unwrap().jobs
}

/// Slots of the agenda in which a job stands.
pub(crate) fn slots(job: JobId) -> Vec<BlockNumber> {
	crate::Agenda::<Test>::iter_keys().filter(|(_, id)| *id == job).map(|(slot, _)| slot).collect()
}

/// Asserts every invariant of the pallet's state.
pub(crate) fn check() {
	JobMarket::do_try_state().unwrap();
}
