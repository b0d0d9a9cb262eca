// SPDX-License-Identifier: Apache-2.0

//! A runtime of the market's pallets and balances, with two circuits whose proofs are real.

use crate as pallet_jobs;
use crate::{Event, Jobs as LiveJobs};
use frame_support::{
	derive_impl,
	dispatch::DispatchResultWithPostInfo,
	parameter_types,
	traits::{
		fungible::{Inspect, InspectHold},
		ConstU128, ConstU32, OnGenesis, OnIdle,
	},
	weights::{constants::RocksDbWeight, Weight},
};
use frame_system::EnsureRoot;
use pallet_clock::Room;
use proofpod_primitives::{
	job::{JobRequest, PriceRamp, Reason, Requirements, Stage, Windows},
	manifest::{
		ModelManifest, OutputVisibility, SetupProvenance, WeightsVisibility, MANIFEST_VERSION,
	},
	pod::{PodProfile, Region},
	statement::{JobStatement, OutputElements},
	Balance, BlockNumber, Digest, EncryptionKey, GenesisHash, InputCommitment, JobId, ModelId,
	OutputKeyCommitment, ProofBytes, Scalar, Tick, Ticks,
};
use sp_runtime::{
	testing::H256, traits::IdentityLookup, AccountId32, BuildStorage, DispatchResult, Perbill,
	Permill,
};

use crate::tests::circuit;

pub(crate) const ED: Balance = 5;
pub(crate) const ENDOWMENT: Balance = 1_000_000;
pub(crate) const POD_BOND: Balance = 1_000;
pub(crate) const UNBONDING: Ticks = 61;
/// Deposit for a job of [`request`], and the fee for one of its lapses.
pub(crate) const DEPOSIT: Balance = 42;
pub(crate) const FEE: Balance = 4;
pub(crate) const GENESIS: GenesisHash = GenesisHash([0x67; 32]);

pub(crate) type PodsError = pallet_pods::Error<Test>;

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

/// An account that a pod may name as its operator.
pub(crate) fn operator() -> AccountId32 {
	account(7)
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
	#[runtime::pallet_index(6)]
	pub type Clock = pallet_clock;
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

impl pallet_clock::Config for Test {
	type Room = ClockRoom;
	type Probe = ClockProbe;
	type WeightInfo = ();
}

impl pallet_pods::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = EnsureRoot<AccountId32>;
	type Bond = ConstU128<POD_BOND>;
	type MaxExposure = MaxExposure;
	type UnbondingPeriod = UnbondingPeriod;
	type HeartbeatPeriod = ConstU32<10>;
	type HeartbeatsPerBlock = ConstU32<4>;
	type SuspensionThreshold = SuspensionThreshold;
	type SuspensionBase = ConstU32<20>;
	type MaxSuspension = ConstU32<80>;
	type InitialAveragePrice = ConstU128<200>;
	type AttestationDepositBase = ConstU128<10>;
	type AttestationDepositPerByte = ConstU128<1>;
	type WeightInfo = ();
}

parameter_types! {
	pub ClockRoom: Room = Room { transactions: 1, weight: Weight::zero(), length: 0 };
	pub ClockProbe: RuntimeCall = frame_system::Call::remark { remark: vec![] }.into();
	pub static MaxExposure: u32 = 10;
	pub static UnbondingPeriod: Ticks = UNBONDING;
	pub static SuspensionThreshold: u8 = 3;
	pub static MinPrice: Balance = 100;
	pub static MinWindow: Ticks = 2;
	pub static MinProveWindow: Ticks = 3;
	pub static MaxLockWindow: Ticks = 50;
	pub static MaxAcknowledgeWindow: Ticks = 20;
	pub static MaxProveWindow: Ticks = 40;
	pub static MaxFailoverWindow: Ticks = 150;
	pub static MaxJobsPerClient: u32 = 200;
	pub static JobDeposit: Balance = 30;
	pub static BondFloor: Balance = 50;
	pub static BondShare: Permill = Permill::from_percent(20);
	pub static DiscardShare: Permill = Permill::from_percent(25);
	pub static ClientShare: u16 = 400;
	pub static LapseFeeFloor: Balance = FEE;
	pub static LapseFeeShare: Permill = Permill::from_percent(2);
	pub static MaxLapses: u8 = 3;
	pub static MarketFee: u16 = 20;
	pub static MaxSweepShare: Perbill = Perbill::from_percent(50);
	pub static RetryDelay: Ticks = 7;
}

impl crate::Config for Test {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type MinPrice = MinPrice;
	type MinWindow = MinWindow;
	type MinProveWindow = MinProveWindow;
	type MaxLockWindow = MaxLockWindow;
	type MaxAcknowledgeWindow = MaxAcknowledgeWindow;
	type MaxProveWindow = MaxProveWindow;
	type MaxFailoverWindow = MaxFailoverWindow;
	type MaxJobsPerClient = MaxJobsPerClient;
	type JobDeposit = JobDeposit;
	type BondFloor = BondFloor;
	type BondShare = BondShare;
	type DiscardShare = DiscardShare;
	type ClientShare = ClientShare;
	type LapseFeeFloor = LapseFeeFloor;
	type LapseFeeShare = LapseFeeShare;
	type MaxLapses = MaxLapses;
	type MarketFee = MarketFee;
	type MaxSweepShare = MaxSweepShare;
	type RetryDelay = RetryDelay;
	type WeightInfo = crate::weights::SubstrateWeight<Test>;
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
		regions: vec![Region(region)].try_into().unwrap(),
		models: Default::default(),
		tags: Default::default(),
	}
}

/// Registers a pod without an operator.
pub(crate) fn register(pod: AccountId32, profile: PodProfile) {
	Pods::register(RuntimeOrigin::signed(pod), profile, None).unwrap();
}

/// Tick 1 of a chain with three models and two pods, and no events yet.
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
		AllPalletsWithSystem::on_genesis();
		go_to(1);
		let publisher = RuntimeOrigin::signed(publisher());
		for model in [sealed_model(), public_model()] {
			let key = circuit::keys(model.public_inputs() as usize).verifying.clone();
			Proofs::register_key(publisher.clone(), key.try_into().unwrap()).unwrap();
		}
		for model in [sealed_model(), twin_model(), public_model()] {
			Models::register(publisher.clone(), model, Default::default(), None).unwrap();
		}
		register(pod(), profile(*b"CH"));
		register(rival(), profile(*b"DE"));
		System::reset_events();
	});
	ext
}

/// A request for the sealed model: 100 to 200 over ten ticks; windows of 20, 5 and 30 ticks.
pub(crate) fn request() -> JobRequest<AccountId32> {
	JobRequest {
		model: sealed_model().id(),
		input: InputCommitment([4; 32]),
		output_key: Some(OutputKeyCommitment([5; 32])),
		price: PriceRamp { min: 100, max: 200, ramp: 10 },
		windows: Windows { lock: 20, acknowledge: 5, prove: 30, failover: 0 },
		requirements: Requirements::default(),
	}
}

/// The same, with 80 ticks in which another pod may take it over.
pub(crate) fn request_with_failover() -> JobRequest<AccountId32> {
	JobRequest { windows: Windows { failover: 80, ..request().windows }, ..request() }
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

/// A job that [`pod`] has locked in this tick.
pub(crate) fn locked() -> JobId {
	let job = open();
	lock(pod(), job).unwrap();
	job
}

/// A job that [`pod`] has locked and acknowledged in this tick.
pub(crate) fn proving() -> JobId {
	let job = open();
	take(pod(), job);
	job
}

/// The same, which another pod may take over.
pub(crate) fn proving_with_failover() -> JobId {
	let job = open_with(request_with_failover());
	take(pod(), job);
	job
}

/// A pod locks and acknowledges.
pub(crate) fn take(who: AccountId32, job: JobId) {
	lock(who.clone(), job).unwrap();
	acknowledge(who, job).unwrap();
}

/// Locks at whatever the price is.
pub(crate) fn lock(who: AccountId32, job: JobId) -> DispatchResult {
	JobMarket::lock(RuntimeOrigin::signed(who), job, 0)
}

pub(crate) fn acknowledge(who: AccountId32, job: JobId) -> DispatchResult {
	JobMarket::acknowledge(RuntimeOrigin::signed(who), job)
}

pub(crate) fn cancel(who: AccountId32, job: JobId) -> DispatchResult {
	JobMarket::cancel(RuntimeOrigin::signed(who), job)
}

pub(crate) fn discard(who: AccountId32, job: JobId) -> DispatchResult {
	JobMarket::discard(RuntimeOrigin::signed(who), job)
}

pub(crate) fn release(who: AccountId32, job: JobId) -> DispatchResult {
	JobMarket::release(RuntimeOrigin::signed(who), job)
}

/// A stranger pokes the job.
pub(crate) fn poke(job: JobId) -> DispatchResultWithPostInfo {
	JobMarket::poke(RuntimeOrigin::signed(account(8)), job)
}

/// Submits the valid result of [`output`].
pub(crate) fn settle(who: AccountId32, job: JobId) -> DispatchResultWithPostInfo {
	let valid = proof(job, &who, &output());
	JobMarket::submit_result(RuntimeOrigin::signed(who), job, valid, output())
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

/// The block that comes with a tick, where blocks have not been full.
pub(crate) fn block(tick: u32) -> BlockNumber {
	tick + 1_000
}

/// Goes to a tick, without hooks.
pub(crate) fn go_to(tick: u32) {
	pallet_clock::Ticks::<Test>::put(Tick(tick));
	System::set_block_number(block(tick));
}

/// Goes to a tick and gives the sweep this much weight there; gives the weight used.
pub(crate) fn sweep(tick: u32, limit: Weight) -> Weight {
	go_to(tick);
	<JobMarket as OnIdle<BlockNumber>>::on_idle(block(tick), limit)
}

/// A claim came to nothing: the pod lost, the client lost, and the client got so much.
pub(crate) fn reopened(
	job: JobId,
	pod: AccountId32,
	reason: Reason,
	[from_pod, from_client, compensation]: [Balance; 3],
) -> Event<Test> {
	let burned = from_pod + from_client - compensation;
	let (from, to) = (stage_before(reason), Stage::Open);
	Event::Reopened { job, pod, from, to, reason, from_pod, from_client, compensation, burned }
}

/// A job of [`client`] ended without a result.
pub(crate) fn ended(
	job: JobId,
	to: Stage,
	reason: Reason,
	pod: Option<AccountId32>,
	[from_pod, from_client, compensation]: [Balance; 3],
	refunded: Balance,
) -> Event<Test> {
	Event::Ended {
		job,
		client: client(),
		from: stage_before(reason),
		to,
		reason,
		pod,
		from_pod,
		from_client,
		compensation,
		burned: from_pod + from_client - compensation,
		refunded,
	}
}

fn stage_before(reason: Reason) -> Stage {
	match reason {
		Reason::Withdrawn | Reason::NotTaken => Stage::Open,
		Reason::Lapsed | Reason::Released => Stage::Locked,
		Reason::Discarded | Reason::Missed => Stage::Proving,
	}
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
pub(crate) fn slots(job: JobId) -> Vec<u32> {
	crate::Agenda::<Test>::iter_keys()
		.filter(|(_, id)| *id == job)
		.map(|(slot, _)| slot.0)
		.collect()
}

/// Leaves an account that something else keeps alive with nothing free.
pub(crate) fn empty(who: &AccountId32) {
	System::inc_providers(who);
	let free = Balances::free_balance(who);
	Balances::transfer_allow_death(RuntimeOrigin::signed(who.clone()), account(8), free).unwrap();
	assert_eq!(Balances::free_balance(who), 0);
}

/// Asserts every invariant of the market's pallets.
pub(crate) fn check() {
	JobMarket::do_try_state().unwrap();
}
