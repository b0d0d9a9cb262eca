// SPDX-License-Identifier: Apache-2.0

//! Reports of equivocations on their whole way: from the node's question to the runtime, through
//! its transaction pool, into a block.

use super::{chain::begin_block, genesis::state_of};
use crate::{
	configs::consensus::ValidatorBond, AccountId, Block, BlockNumber, Executive, Grandpa, Hash,
	Header, Runtime, RuntimeOrigin, System, UncheckedExtrinsic, Validators,
};
use codec::Decode;
use finality_grandpa::{Message, Prevote};
use frame_support::{
	dispatch::Pays,
	storage::{with_transaction, TransactionOutcome},
};
use pallet_validators::{
	runtime_api::runtime_decl_for_validators_api::ValidatorsApiV1, ChillReason, Status,
};
use sp_consensus_aura::{digests::CompatibleDigestItem, sr25519::AuthoritySignature, Slot};
use sp_consensus_grandpa::{
	localized_payload, runtime_decl_for_grandpa_api::GrandpaApiV3, Equivocation, EquivocationProof,
};
use sp_core::offchain::{testing::TestTransactionPoolExt, TransactionPoolExt};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::{
	generic::Digest,
	traits::Header as _,
	transaction_validity::{
		InvalidTransaction, TransactionSource, TransactionValidity, TransactionValidityError,
	},
	DigestItem, DispatchError,
};

/// A header for a slot with Bob's seal; `mark` tells headers of one slot apart.
fn sealed_by_bob(slot: Slot, mark: u8) -> Header {
	let pre_digest = CompatibleDigestItem::<AuthoritySignature>::aura_pre_digest(slot);
	let digest = Digest { logs: vec![pre_digest] };
	let mut header =
		Header::new(1, Hash::default(), Hash::repeat_byte(mark), Hash::default(), digest);
	let signature = Sr25519Keyring::Bob.sign(header.hash().as_ref());
	header.digest.push(DigestItem::aura_seal(AuthoritySignature::from(signature)));
	header
}

/// Two votes of Bob's in a round of the first set.
fn votes_of_bob(round: u64) -> EquivocationProof<Hash, BlockNumber> {
	let vote = |mark| {
		let vote = Prevote { target_hash: Hash::repeat_byte(mark), target_number: 1 };
		let payload = localized_payload(round, 0, &Message::Prevote(vote.clone()));
		(vote, Ed25519Keyring::Bob.sign(&payload).into())
	};
	EquivocationProof::new(
		0,
		Equivocation::Prevote(finality_grandpa::Equivocation {
			round_number: round,
			identity: Ed25519Keyring::Bob.public().into(),
			first: vote(1),
			second: vote(2),
		}),
	)
}

/// On the chain of Alice and Bob, has a report submitted, brought into a block, and Bob punished.
fn bob_is_punished(submit: impl FnOnce() -> Option<()>) {
	let mut chain = state_of("local_testnet");
	let (extension, pool) = TestTransactionPoolExt::new();
	chain.register_extension(TransactionPoolExt::new(extension));
	chain.execute_with(|| {
		begin_block(1);
		let bob: AccountId = Sr25519Keyring::Bob.to_account_id();
		let bond = || Validators::candidate(bob.clone()).unwrap().bond;
		assert_eq!(bond(), ValidatorBond::get());

		submit().unwrap();
		let encoded = pool.write().transactions.pop().unwrap();
		let report = UncheckedExtrinsic::decode(&mut &encoded[..]).unwrap();
		let validate = |source| -> TransactionValidity {
			with_transaction(|| {
				let hash = System::parent_hash();
				let validity = Executive::validate_transaction(source, report.clone(), hash);
				TransactionOutcome::Rollback(Ok::<_, DispatchError>(validity))
			})
			.unwrap()
		};
		let refused = |why: InvalidTransaction| TransactionValidityError::Invalid(why);
		assert!(!validate(TransactionSource::Local).unwrap().propagate);
		assert_eq!(
			validate(TransactionSource::External),
			Err(refused(InvalidTransaction::Call)),
			"only authors bring reports in for free"
		);

		Executive::apply_extrinsic(report.clone()).unwrap().unwrap();
		assert_eq!(bond(), 0, "one of two is more than a third");
		let candidate = Validators::candidate(bob.clone()).unwrap();
		let reason = ChillReason::Equivocation;
		assert_eq!(candidate.status, Status::Chilled { reason, since: 0 });
		assert!(!Validators::is_listed(&bob));
		assert_eq!(Executive::apply_extrinsic(report), Err(refused(InvalidTransaction::Stale)));
		Validators::do_try_state().unwrap();
	});
}

#[test]
fn two_blocks_in_one_slot_are_reported_and_punished() {
	bob_is_punished(|| {
		let slot = Slot::from(1_001);
		let proof = sp_consensus_slots::EquivocationProof {
			offender: Sr25519Keyring::Bob.public().into(),
			slot,
			first_header: sealed_by_bob(slot, 1),
			second_header: sealed_by_bob(slot, 2),
		};
		<Runtime as ValidatorsApiV1<Block>>::submit_report_aura_equivocation(proof)
	});
}

#[test]
fn two_votes_in_one_round_are_reported_and_punished() {
	bob_is_punished(|| {
		let key = Ed25519Keyring::Bob.public().into();
		let ownership = <Runtime as GrandpaApiV3<Block>>::generate_key_ownership_proof(0, key)?;
		<Runtime as GrandpaApiV3<Block>>::submit_report_equivocation_unsigned_extrinsic(
			votes_of_bob(1),
			ownership,
		)
	});
}

#[test]
fn votes_in_another_round_of_the_same_set_are_no_further_offence() {
	state_of("local_testnet").execute_with(|| {
		begin_block(1);
		let report = |round| {
			let key = Ed25519Keyring::Bob.public().into();
			let ownership = <Runtime as GrandpaApiV3<Block>>::generate_key_ownership_proof(0, key);
			let equivocation_proof = Box::new(votes_of_bob(round));
			let key_owner_proof = ownership.and_then(|proof| proof.decode()).unwrap();
			let reporter = RuntimeOrigin::signed(Sr25519Keyring::Charlie.to_account_id());
			Grandpa::report_equivocation(reporter, equivocation_proof, key_owner_proof)
		};
		let paid_by_nobody = report(7).unwrap();
		assert_eq!(paid_by_nobody.pays_fee, Pays::No);
		let reports = || pallet_offences::Reports::<Runtime>::iter().count();
		assert_eq!(reports(), 1);
		for round in [7, 8, u64::MAX] {
			let refused = report(round).unwrap_err();
			let duplicate = pallet_grandpa::Error::<Runtime>::DuplicateOffenceReport;
			assert_eq!((refused.error, refused.post_info.pays_fee), (duplicate.into(), Pays::Yes));
		}
		assert_eq!(reports(), 1, "nothing more is stored");
	});
}

#[test]
fn ownership_is_proved_of_known_sets_and_keys_only() {
	state_of("local_testnet").execute_with(|| {
		let prove = |set, key: Ed25519Keyring| {
			<Runtime as GrandpaApiV3<Block>>::generate_key_ownership_proof(set, key.public().into())
		};
		assert!(prove(0, Ed25519Keyring::Bob).is_some());
		assert!(prove(1, Ed25519Keyring::Bob).is_none());
		assert!(prove(0, Ed25519Keyring::Charlie).is_none());
	});
}
