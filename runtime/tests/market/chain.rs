// SPDX-License-Identifier: Apache-2.0

//! A development chain whose transactions are signed, and whose blocks are executed as a node
//! executes them.

use codec::Encode;
use frame_support::{
	dispatch::{DispatchClass, GetDispatchInfo},
	traits::fungible::{Inspect, InspectHold, Mutate},
	weights::Weight,
};
use proofpod_primitives::Tick;
use proofpod_runtime::{
	configs::system::RuntimeBlockWeights, units::SLOT_DURATION, AccountId, Balance, Balances,
	Clock, Executive, Hash, Header, Runtime, RuntimeCall, RuntimeEvent, SafeMode, SignedPayload,
	System, TransactionPayment, TxExtension, UncheckedExtrinsic, Validators,
};
use sp_consensus_aura::{Slot, AURA_ENGINE_ID};
use sp_core::{sr25519, Pair};
use sp_genesis_builder::runtime_decl_for_genesis_builder::GenesisBuilderV1;
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
	generic::{Digest, Era},
	traits::{Header as _, IdentifyAccount},
	transaction_validity::{InvalidTransaction, TransactionValidityError},
	ApplyExtrinsicResult, DigestItem, DispatchResult, ExtrinsicInclusionMode, MultiSigner,
};

/// First slot of the test chain.
const FIRST_SLOT: u64 = 1_000;

/// What the statements of all jobs name as the chain.
pub(crate) const GENESIS: Hash = Hash::repeat_byte(0x67);

/// Somebody who signs transactions.
#[derive(Clone)]
pub(crate) struct Signer {
	pair: sr25519::Pair,
	pub(crate) account: AccountId,
}

impl Signer {
	/// Test account number `number`.
	pub(crate) fn new(number: u16) -> Self {
		let mut seed = [0x5e; 32];
		seed[..2].copy_from_slice(&number.to_le_bytes());
		Self::of(sr25519::Pair::from_seed(&seed))
	}

	/// The author of all blocks, who has the sudo key.
	pub(crate) fn alice() -> Self {
		Self::of(Sr25519Keyring::Alice.pair())
	}

	fn of(pair: sr25519::Pair) -> Self {
		let account = MultiSigner::from(pair.public()).into_account();
		Self { pair, account }
	}

	/// Free and held balance.
	pub(crate) fn total(&self) -> Balance {
		Balances::total_balance(&self.account)
	}

	/// What is held of it.
	pub(crate) fn held(&self) -> Balance {
		Balances::total_balance_on_hold(&self.account)
	}

	/// A transaction of this account.
	pub(crate) fn sign(&self, call: RuntimeCall) -> UncheckedExtrinsic {
		let extension: TxExtension = (
			frame_system::AuthorizeCall::new(),
			frame_system::CheckNonZeroSender::new(),
			frame_system::CheckSpecVersion::new(),
			frame_system::CheckTxVersion::new(),
			frame_system::CheckGenesis::new(),
			frame_system::CheckMortality::from(Era::Immortal),
			frame_system::CheckNonce::from(System::account_nonce(&self.account)),
			frame_system::CheckWeight::new(),
			pallet_transaction_payment::ChargeTransactionPayment::from(0),
			frame_metadata_hash_extension::CheckMetadataHash::new(false),
			frame_system::WeightReclaim::new(),
		);
		let payload = SignedPayload::new(call.clone(), extension.clone()).unwrap();
		let signature = payload.using_encoded(|bytes| self.pair.sign(bytes));
		let address = self.account.clone().into();
		UncheckedExtrinsic::new_signed(call, address, signature.into(), extension)
	}

	/// What a transaction with this call costs in this block, unless it is free.
	pub(crate) fn fee(&self, call: impl Into<RuntimeCall>) -> Balance {
		let transaction = self.sign(call.into());
		let length = transaction.encoded_size().try_into().unwrap();
		TransactionPayment::compute_fee(length, &transaction.get_dispatch_info(), 0)
	}

	/// Puts a transaction into this block.
	pub(crate) fn submit(&self, call: impl Into<RuntimeCall>) -> ApplyExtrinsicResult {
		Executive::apply_extrinsic(self.sign(call.into()))
	}

	/// The same where the block must have room for it; gives what the call came to.
	pub(crate) fn send(&self, call: impl Into<RuntimeCall>) -> DispatchResult {
		self.submit(call).expect("the transaction is in order and the block has room")
	}
}

/// Whether a transaction was turned away because the block had no room for it.
pub(crate) fn had_no_room(result: &ApplyExtrinsicResult) -> bool {
	let full = InvalidTransaction::ExhaustsResources;
	*result == Err(TransactionValidityError::Invalid(full))
}

/// A development chain before its first block, on which so many test accounts own so much.
pub(crate) fn new_chain(accounts: u16, endowment: Balance) -> TestExternalities {
	let mut chain = TestExternalities::default();
	chain.execute_with(|| {
		let default = Runtime::get_preset(&None).expect("there is a default");
		let patch = Runtime::get_preset(&Some("development".into())).expect("the preset exists");
		let mut config = serde_json::from_slice(&default).unwrap();
		merge(&mut config, serde_json::from_slice(&patch).unwrap());
		Runtime::build_state(serde_json::to_vec(&config).unwrap()).unwrap();
		for number in 0..accounts {
			Balances::mint_into(&Signer::new(number).account, endowment).unwrap();
		}
	});
	chain.commit_all().unwrap();
	chain
}

/// Lays `patch` over `base` as RFC 7386 says.
fn merge(base: &mut serde_json::Value, patch: serde_json::Value) {
	match (base, patch) {
		(serde_json::Value::Object(base), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(serde_json::Value::Null), value);
			}
		},
		(base, patch) => *base = patch,
	}
}

/// Begins the next block, made in its own slot, with the timestamp that belongs to it; says whether
/// it takes transactions.
pub(crate) fn begin_block() -> ExtrinsicInclusionMode {
	let number = System::block_number() + 1;
	let slot = FIRST_SLOT + u64::from(number);
	let digest =
		Digest { logs: vec![DigestItem::PreRuntime(AURA_ENGINE_ID, Slot::from(slot).encode())] };
	let parent = if number == 1 { GENESIS } else { System::parent_hash() };
	let header = Header::new(number, Default::default(), Default::default(), parent, digest);
	let mode = Executive::initialize_block(&header);
	let timestamp =
		RuntimeCall::Timestamp(pallet_timestamp::Call::set { now: slot * SLOT_DURATION });
	Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(timestamp)).unwrap().unwrap();
	mode
}

/// What a block came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
	/// All weight in it, the sweep's included.
	pub(crate) weight: Weight,
	/// Whether it counted as a tick.
	pub(crate) counted: bool,
}

/// Ends the block: the clock, the sweep, the storage's root.
pub(crate) fn end_block() -> Finished {
	let before = Clock::now();
	Executive::finalize_block();
	let finished =
		Finished { weight: System::block_weight().total(), counted: Clock::now() > before };
	let limit = RuntimeBlockWeights::get().max_block;
	assert!(finished.weight.all_lte(limit) || begins_session(), "{finished:?} is above {limit:?}");
	finished
}

/// Whether this block begins a session: the SDK charges such a block as a whole one.
fn begins_session() -> bool {
	System::block_number().is_multiple_of(Validators::session_length())
}

/// Ends this block and begins the next.
pub(crate) fn next_block() -> Finished {
	let finished = end_block();
	begin_block();
	finished
}

/// Passes blocks until so many more have counted.
pub(crate) fn pass_ticks(ticks: u32) {
	let until = now() + ticks;
	while now() < until {
		next_block();
	}
}

/// So many ticks go by in quiet blocks that are not executed: in them nobody tidies.
pub(crate) fn skip_ticks(ticks: u32) {
	assert!(!SafeMode::is_entered(), "time would stand still");
	pallet_clock::Ticks::<Runtime>::mutate(|tick| *tick = tick.after(ticks));
}

/// The market's time.
pub(crate) fn now() -> u32 {
	let Tick(now) = Clock::now();
	now
}

/// Events since the last call, or since the block began.
pub(crate) fn take_events() -> Vec<RuntimeEvent> {
	let events = System::read_events_no_consensus().map(|record| record.event).collect();
	System::reset_events();
	events
}

/// What an account has paid for transactions, by these events.
pub(crate) fn fees_of(who: &AccountId, events: &[RuntimeEvent]) -> Balance {
	let fee = |event: &RuntimeEvent| match event {
		RuntimeEvent::TransactionPayment(
			pallet_transaction_payment::Event::TransactionFeePaid {
				who: payer, actual_fee, ..
			},
		) if payer == who => *actual_fee,
		_ => 0,
	};
	events.iter().map(fee).sum()
}

/// Leaves transactions of this class no room in this block, as a flood of others' would; of the
/// mandatory one, also no weight to the sweep.
pub(crate) fn fill_block(class: DispatchClass) {
	let (limits, used) = (RuntimeBlockWeights::get(), System::block_weight());
	let rest = limits.max_block.saturating_sub(used.total());
	let room = limits.get(class).max_total.map(|limit| limit.saturating_sub(*used.get(class)));
	System::register_extra_weight_unchecked(room.unwrap_or(rest).min(rest), class);
}
