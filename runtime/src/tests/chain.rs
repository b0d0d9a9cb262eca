// SPDX-License-Identifier: Apache-2.0

//! Signed transactions in blocks of a development chain, executed as a node executes them.

use super::genesis::state_of;
use crate::{
	configs::consensus::{KeyDeposit, ValidatorBond, SESSION_LENGTH},
	units::POD,
	AccountId, Balances, Executive, Header, Runtime, RuntimeCall, RuntimeEvent, Session,
	SessionKeys, SignedPayload, System, TxExtension, UncheckedExtrinsic, Validators, VERSION,
};
use codec::Encode;
use frame_support::traits::{fungible::InspectHold, Hooks};
use sp_consensus_aura::{Slot, AURA_ENGINE_ID};
use sp_core::proof_of_possession::ProofOfPossessionGenerator;
use sp_keyring::{
	Ed25519Keyring,
	Sr25519Keyring::{self, Alice, Bob},
};
use sp_runtime::{
	generic::{Digest, Era},
	traits::Header as _,
	transaction_validity::{InvalidTransaction, TransactionValidityError},
	ApplyExtrinsicResult, DigestItem,
};

/// First slot of the test chain.
const FIRST_SLOT: u64 = 1_000;

/// Begins block `number`, made in its own slot, with the timestamp that belongs to it.
pub(super) fn begin_block(number: u32) {
	let slot = FIRST_SLOT + u64::from(number);
	let digest =
		Digest { logs: vec![DigestItem::PreRuntime(AURA_ENGINE_ID, Slot::from(slot).encode())] };
	let parent = if number == 1 { Default::default() } else { System::parent_hash() };
	let header = Header::new(number, Default::default(), Default::default(), parent, digest);
	Executive::initialize_block(&header);
	let timestamp = RuntimeCall::Timestamp(pallet_timestamp::Call::set {
		now: slot * crate::units::SLOT_DURATION,
	});
	Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(timestamp)).unwrap().unwrap();
}

pub(super) fn sign(who: Sr25519Keyring, call: RuntimeCall) -> UncheckedExtrinsic {
	let nonce = System::account_nonce(who.to_account_id());
	let extension: TxExtension = (
		frame_system::AuthorizeCall::new(),
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckMortality::from(Era::Immortal),
		frame_system::CheckNonce::from(nonce),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(0),
		frame_metadata_hash_extension::CheckMetadataHash::new(false),
		frame_system::WeightReclaim::new(),
	);
	let payload = SignedPayload::new(call.clone(), extension.clone()).unwrap();
	let signature = payload.using_encoded(|bytes| who.sign(bytes));
	UncheckedExtrinsic::new_signed(call, who.to_account_id().into(), signature.into(), extension)
}

pub(super) fn submit(who: Sr25519Keyring, call: RuntimeCall) -> ApplyExtrinsicResult {
	Executive::apply_extrinsic(sign(who, call))
}

pub(super) fn balance(who: Sr25519Keyring) -> u128 {
	Balances::free_balance(who.to_account_id())
}

fn on_development_chain(test: impl FnOnce()) {
	state_of("development").execute_with(|| {
		begin_block(1);
		test();
	});
}

#[test]
#[should_panic(expected = "exceeds max header size limit")]
fn a_header_that_its_author_has_padded_is_refused() {
	state_of("development").execute_with(|| {
		let slot = Slot::from(FIRST_SLOT).encode();
		let logs = vec![
			DigestItem::PreRuntime(AURA_ENGINE_ID, slot),
			DigestItem::PreRuntime(*b"fill", vec![0; 8 * 1024]),
		];
		let [root, parent] = Default::default();
		let header = Header::new(1, root, root, parent, Digest { logs });
		Executive::initialize_block(&header);
	});
}

#[test]
fn fees_go_to_the_author_of_the_block() {
	on_development_chain(|| {
		let (author, sender) = (balance(Alice), balance(Bob));
		let issuance = Balances::total_issuance();
		let remark =
			RuntimeCall::System(frame_system::Call::remark { remark: b"proofpod".to_vec() });
		submit(Bob, remark).unwrap().unwrap();
		let fee = sender - balance(Bob);
		assert!(fee > 0 && fee < POD / 100, "{fee}");
		assert_eq!(balance(Alice), author + fee);
		assert_eq!(Balances::total_issuance(), issuance);
		let paid = System::events().into_iter().any(|record| {
			matches!(
				record.event,
				RuntimeEvent::TransactionPayment(
					pallet_transaction_payment::Event::TransactionFeePaid { actual_fee, .. }
				) if actual_fee == fee
			)
		});
		assert!(paid);
	});
}

#[test]
fn transactions_are_not_replayed() {
	on_development_chain(|| {
		let transfer = RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
			dest: Alice.to_account_id().into(),
			value: POD,
		});
		let transaction = sign(Bob, transfer);
		Executive::apply_extrinsic(transaction.clone()).unwrap().unwrap();
		assert_eq!(
			Executive::apply_extrinsic(transaction),
			Err(TransactionValidityError::Invalid(InvalidTransaction::Stale))
		);
	});
}

#[test]
fn filtered_calls_are_refused() {
	on_development_chain(|| {
		let purge = RuntimeCall::Session(pallet_session::Call::purge_keys {});
		assert_eq!(
			submit(Alice, purge).unwrap(),
			Err(frame_system::Error::<Runtime>::CallFiltered.into())
		);
	});
}

#[test]
fn only_the_sudo_key_is_root() {
	on_development_chain(|| {
		let code = || {
			let call = RuntimeCall::System(frame_system::Call::set_heap_pages { pages: 64 });
			RuntimeCall::Sudo(pallet_sudo::Call::sudo { call: Box::new(call) })
		};
		let refused = submit(Bob, code()).unwrap();
		assert_eq!(refused, Err(pallet_sudo::Error::<Runtime>::RequireSudo.into()));
		assert_eq!(submit(Alice, code()).unwrap(), Ok(()));
	});
}

#[test]
fn an_admitted_validator_makes_blocks_after_two_session_boundaries() {
	on_development_chain(|| {
		let bob: AccountId = Bob.to_account_id();
		let keys =
			SessionKeys { aura: Bob.public().into(), grandpa: Ed25519Keyring::Bob.public().into() };
		pallet_session::NextKeys::<Runtime>::insert(&bob, keys);
		let bond = ValidatorBond::get();
		let apply = RuntimeCall::Validators(pallet_validators::Call::apply { bond });
		submit(Bob, apply).unwrap().unwrap();
		let admit =
			RuntimeCall::Validators(pallet_validators::Call::admit { account: bob.clone() });
		let call = RuntimeCall::Sudo(pallet_sudo::Call::sudo { call: Box::new(admit) });
		submit(Alice, call).unwrap().unwrap();
		assert!(Validators::is_listed(&bob));

		let period = SESSION_LENGTH;
		for (block, active) in [(period, 1), (2 * period - 1, 1), (2 * period, 2)] {
			while System::block_number() < block {
				let next = System::block_number() + 1;
				System::set_block_number(next);
				Session::on_initialize(next);
			}
			assert_eq!(Session::validators().len(), active, "block {block}");
			assert_eq!(pallet_aura::Authorities::<Runtime>::get().len(), active);
		}
	});
}

#[test]
fn session_keys_need_a_proof_by_all_of_them_that_names_their_owner() {
	on_development_chain(|| {
		let keys = |aura: Sr25519Keyring, grandpa: Ed25519Keyring| SessionKeys {
			aura: aura.public().into(),
			grandpa: grandpa.public().into(),
		};
		let proof = |aura: Sr25519Keyring, grandpa: Ed25519Keyring, owner: Sr25519Keyring| {
			let owner = owner.to_account_id().encode();
			let aura = aura.pair().generate_proof_of_possession(&owner);
			(aura, grandpa.pair().generate_proof_of_possession(&owner)).encode()
		};
		let set = |keys, proof| {
			submit(Bob, pallet_session::Call::set_keys { keys, proof }.into()).unwrap()
		};
		let held = || Balances::total_balance_on_hold(&Bob.to_account_id());
		let (alices, bobs) = (Ed25519Keyring::Alice, Ed25519Keyring::Bob);
		for (keys, proof) in [
			// Alice's own, which she sent when she registered them.
			(keys(Alice, alices), proof(Alice, alices, Alice)),
			(keys(Alice, alices), proof(Bob, bobs, Bob)),
			(keys(Alice, alices), Vec::new()),
			// One of two.
			(keys(Bob, alices), proof(Bob, bobs, Bob)),
			(keys(Alice, bobs), proof(Bob, bobs, Bob)),
			// His own keys, for somebody else.
			(keys(Bob, bobs), proof(Bob, bobs, Alice)),
		] {
			assert_eq!(
				set(keys, proof),
				Err(pallet_session::Error::<Runtime>::InvalidProof.into())
			);
		}
		assert_eq!(held(), 0);
		assert_eq!(set(keys(Bob, bobs), proof(Bob, bobs, Bob)), Ok(()));
		assert_eq!(held(), KeyDeposit::get());
	});
}

#[test]
fn version_names_the_chain() {
	assert_eq!(VERSION.spec_name, "proofpod");
	assert_eq!(VERSION.apis, crate::RUNTIME_API_VERSIONS);
}
