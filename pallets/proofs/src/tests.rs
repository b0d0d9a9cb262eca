// SPDX-License-Identifier: Apache-2.0

use crate::{
	inputs_digest, mock::*, Call, Error, Event, HoldReason, KeyBytes, KeyInfo, Keys, PublicInputs,
	VerifyingKeyBytes, WeightInfo,
};
use codec::Encode;
use frame_support::{
	assert_noop, assert_ok,
	dispatch::GetDispatchInfo,
	traits::{
		fungible::{Inspect, MutateHold},
		tokens::Precision,
	},
};
use proofpod_primitives::{Balance, ProofBytes, Scalar, VerifyingKeyId};
use proofpod_verifier::{MAX_PUBLIC_INPUTS, MAX_VERIFYING_KEY_SIZE};
use sp_runtime::{AccountId32, DispatchError, TokenError};

/// Offset of the number of bases in a verifying key.
const COUNT: usize = 48 + 3 * 96;
/// Offset of the first base.
const BASES: usize = COUNT + 8;
/// Bytes of a compressed point of G1.
const BASE_SIZE: usize = 48;

fn signed(who: AccountId32) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

mod register_key {
	use super::*;

	fn refused(bytes: Vec<u8>, error: Error<Test>) {
		let bytes = bytes.try_into().unwrap();
		assert_noop!(Proofs::register_key(signed(ALICE), bytes), error);
	}

	#[test]
	fn stores_the_key_and_holds_the_deposit() {
		build_and_execute(|| {
			let circuit = Circuit::new(3, 1);
			let bytes = circuit.key();
			assert_ok!(Proofs::register_key(signed(ALICE), bytes.clone()));

			let deposit = 1_000 + 10 * bytes.len() as Balance;
			assert_eq!(held(&ALICE), deposit);
			assert_eq!(Balances::balance(&ALICE), FUNDS - deposit);
			assert_eq!(Proofs::key_deposit(bytes.len() as u32), deposit);
			assert_eq!(
				Proofs::key_info(circuit.id()),
				Some(KeyInfo { owner: ALICE, deposit, references: 0, public_inputs: 3 })
			);
			assert_eq!(Proofs::key_bytes(circuit.id()), Some(bytes));
			assert_eq!(Proofs::public_inputs(&circuit.id()), Some(3));
			assert_eq!(
				take_events(),
				[Event::KeyRegistered {
					key: circuit.id(),
					owner: ALICE,
					public_inputs: 3,
					deposit
				}]
			);
		});
	}

	#[test]
	fn accepts_the_longest_statement() {
		build_and_execute(|| {
			let circuit = Circuit::new(MAX_PUBLIC_INPUTS, 1);
			assert_eq!(circuit.key().len(), MAX_VERIFYING_KEY_SIZE);
			assert_ok!(Proofs::register_key(signed(ALICE), circuit.key()));
		});
	}

	#[test]
	fn adds_up_the_deposits_of_one_owner() {
		build_and_execute(|| {
			let (small, large) = (Circuit::new(1, 1).registered(), Circuit::new(4, 2).registered());
			let bytes = (small.key().len() + large.key().len()) as Balance;
			assert_eq!(held(&ALICE), 2_000 + 10 * bytes);
		});
	}

	#[test]
	fn fails_for_a_key_that_is_registered() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			for who in [ALICE, BOB] {
				assert_noop!(
					Proofs::register_key(signed(who), circuit.key()),
					Error::<Test>::KeyExists
				);
			}
		});
	}

	#[test]
	fn fails_for_a_malformed_key() {
		build_and_execute(|| {
			let key = Circuit::new(2, 1).key().into_inner();
			refused(vec![], Error::MalformedKey);
			refused(key[..key.len() - 1].to_vec(), Error::MalformedKey);
			refused([key.clone(), vec![0]].concat(), Error::MalformedKey);
			let mut uncompressed = key.clone();
			uncompressed[0] &= 0x7f;
			refused(uncompressed, Error::MalformedKey);
			let mut infinite_alpha = key;
			infinite_alpha[..BASE_SIZE].fill(0);
			infinite_alpha[0] = 0xc0;
			refused(infinite_alpha, Error::MalformedKey);
		});
	}

	#[test]
	fn fails_for_a_key_that_leaves_an_input_unconstrained() {
		build_and_execute(|| {
			let key = Circuit::new(2, 1).key().into_inner();
			let (first, second) = (BASES + BASE_SIZE, BASES + 2 * BASE_SIZE);

			let mut zero = key.clone();
			zero[second..].fill(0);
			zero[second] = 0xc0;
			refused(zero, Error::DegenerateKey);

			let mut repeated = key;
			repeated.copy_within(first..second, second);
			refused(repeated.clone(), Error::DegenerateKey);

			// The bit that chooses between a point and its opposite.
			repeated[second] ^= 0x20;
			refused(repeated, Error::DegenerateKey);
		});
	}

	#[test]
	fn fails_for_more_inputs_than_the_chain_verifies() {
		build_and_execute(|| {
			let mut key = Circuit::new(1, 1).key().into_inner();
			key[COUNT..BASES].copy_from_slice(&(MAX_PUBLIC_INPUTS as u64 + 2).to_le_bytes());
			refused(key, Error::KeyTooLarge);
		});
	}

	#[test]
	fn fails_without_funds_for_the_deposit() {
		build_and_execute(|| {
			let key = Circuit::new(1, 1).key();
			assert_noop!(Proofs::register_key(signed(POOR), key), TokenError::FundsUnavailable);
		});
	}

	#[test]
	fn fails_without_a_signature() {
		build_and_execute(|| {
			let key = Circuit::new(1, 1).key();
			assert_noop!(
				Proofs::register_key(RuntimeOrigin::root(), key),
				DispatchError::BadOrigin
			);
		});
	}
}

mod remove_key {
	use super::*;

	#[test]
	fn releases_the_deposit() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			let deposit = held(&ALICE);
			assert_ok!(Proofs::remove_key(signed(ALICE), circuit.id()));
			assert!(deposit > 0);
			assert_eq!(held(&ALICE), 0);
			assert_eq!(Balances::balance(&ALICE), FUNDS);
			assert_eq!(Proofs::key_info(circuit.id()), None);
			assert_eq!(Proofs::key_bytes(circuit.id()), None);
			assert_eq!(take_events(), [Event::KeyRemoved { key: circuit.id(), deposit }]);
		});
	}

	#[test]
	fn makes_room_for_another_owner() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			assert_ok!(Proofs::remove_key(signed(ALICE), circuit.id()));
			assert_ok!(Proofs::register_key(signed(BOB), circuit.key()));
			assert_eq!(Proofs::key_info(circuit.id()).unwrap().owner, BOB);
		});
	}

	#[test]
	fn fails_for_an_unknown_key() {
		build_and_execute(|| {
			let id = Circuit::new(1, 1).id();
			assert_noop!(Proofs::remove_key(signed(ALICE), id), Error::<Test>::KeyUnknown);
		});
	}

	#[test]
	fn fails_for_anyone_but_the_owner() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			assert_noop!(Proofs::remove_key(signed(BOB), circuit.id()), Error::<Test>::NotOwner);
			assert_noop!(
				Proofs::remove_key(RuntimeOrigin::root(), circuit.id()),
				DispatchError::BadOrigin
			);
		});
	}

	#[test]
	fn fails_while_anything_refers_to_the_key() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			let id = circuit.id();
			assert_ok!(Proofs::reference(&id));
			assert_ok!(Proofs::reference(&id));
			Proofs::dereference(&id);
			assert_noop!(Proofs::remove_key(signed(ALICE), id), Error::<Test>::KeyInUse);
			Proofs::dereference(&id);
			assert_ok!(Proofs::remove_key(signed(ALICE), id));
		});
	}
}

mod verify {
	use super::*;

	fn refused(
		key: VerifyingKeyId,
		proof: ProofBytes,
		inputs: impl Into<Vec<Scalar>>,
		error: Error<Test>,
	) {
		let inputs: PublicInputs = inputs.into().try_into().unwrap();
		assert!(Proofs::dry_run(key, proof, inputs.clone()).is_err());
		assert_noop!(Proofs::verify(signed(BOB), key, proof, inputs), error);
	}

	#[test]
	fn accepts_a_true_statement() {
		build_and_execute(|| {
			let circuit = Circuit::new(3, 1).registered();
			let (proof, inputs) = circuit.prove(&[2, 3, 5]);
			assert_eq!(Proofs::dry_run(circuit.id(), proof, inputs.clone()), Ok(()));
			let digest = inputs_digest(&inputs);
			assert_ok!(Proofs::verify(signed(BOB), circuit.id(), proof, inputs));
			assert_eq!(take_events(), [Event::ProofVerified { key: circuit.id(), inputs: digest }]);
		});
	}

	#[test]
	fn charges_by_the_number_of_inputs() {
		let weight = |inputs: usize| {
			let inputs = vec![Scalar([0; 32]); inputs].try_into().unwrap();
			let (key, proof) = (VerifyingKeyId([0; 32]), ProofBytes([0; 192]));
			RuntimeCall::Proofs(Call::verify { key, proof, inputs }).get_dispatch_info().call_weight
		};
		let per_input = weight(1) - weight(0);
		assert!(per_input.ref_time() > 0);
		assert_eq!(
			weight(MAX_PUBLIC_INPUTS) - weight(0),
			per_input.saturating_mul(MAX_PUBLIC_INPUTS as u64)
		);
	}

	#[test]
	fn fails_for_an_unknown_key() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1);
			let (proof, inputs) = circuit.prove(&[2]);
			refused(circuit.id(), proof, inputs, Error::KeyUnknown);
		});
	}

	#[test]
	fn fails_for_another_number_of_inputs() {
		build_and_execute(|| {
			let circuit = Circuit::new(2, 1).registered();
			let (proof, inputs) = circuit.prove(&[2, 3]);
			let zero = Scalar([0; 32]);
			for wrong in [&[][..], &inputs[..1], &[inputs[0], inputs[1], zero]] {
				refused(circuit.id(), proof, wrong, Error::WrongInputCount);
			}
		});
	}

	#[test]
	fn fails_for_an_input_beyond_the_order() {
		build_and_execute(|| {
			let circuit = Circuit::new(2, 1).registered();
			let (proof, inputs) = circuit.prove(&[2, 3]);
			refused(circuit.id(), proof, [inputs[0], Scalar([0xff; 32])], Error::MalformedInput);
		});
	}

	#[test]
	fn fails_for_a_proof_that_is_no_encoding_of_points() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			let (proof, inputs) = circuit.prove(&[2]);
			for offset in [0, 48, 144] {
				let mut infinite = proof;
				let end = if offset == 48 { 144 } else { offset + 48 };
				infinite.0[offset..end].fill(0);
				infinite.0[offset] = 0xc0;
				refused(circuit.id(), infinite, inputs.clone(), Error::MalformedProof);

				let mut uncompressed = proof;
				uncompressed.0[offset] &= 0x7f;
				refused(circuit.id(), uncompressed, inputs.clone(), Error::MalformedProof);
			}
			refused(circuit.id(), ProofBytes([0; 192]), inputs.clone(), Error::MalformedProof);
			refused(circuit.id(), ProofBytes([0xff; 192]), inputs, Error::MalformedProof);
		});
	}

	#[test]
	fn fails_for_a_proof_with_a_point_replaced_by_its_opposite() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			let (proof, inputs) = circuit.prove(&[2]);
			for offset in [0, 48, 144] {
				let mut tampered = proof;
				tampered.0[offset] ^= 0x20;
				refused(circuit.id(), tampered, inputs.clone(), Error::InvalidProof);
			}
		});
	}

	#[test]
	fn fails_for_every_flipped_bit_of_a_byte() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			let (proof, inputs) = circuit.prove(&[2]);
			for index in 0..ProofBytes::SIZE {
				let mut tampered = proof;
				tampered.0[index] ^= 1;
				assert!(Proofs::check(&circuit.id(), &tampered, &inputs).is_err(), "byte {index}");
			}
		});
	}

	#[test]
	fn fails_for_swapped_inputs() {
		build_and_execute(|| {
			let circuit = Circuit::new(2, 1).registered();
			let (proof, inputs) = circuit.prove(&[2, 3]);
			refused(circuit.id(), proof, [inputs[1], inputs[0]], Error::InvalidProof);
		});
	}

	#[test]
	fn fails_for_another_statement_s_proof() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			let (proof, _) = circuit.prove(&[2]);
			let (_, inputs) = circuit.prove(&[3]);
			refused(circuit.id(), proof, inputs, Error::InvalidProof);
		});
	}

	#[test]
	fn fails_under_another_circuit_s_key() {
		build_and_execute(|| {
			let (ours, other) = (Circuit::new(1, 1).registered(), Circuit::new(1, 2).registered());
			let (proof, inputs) = ours.prove(&[2]);
			refused(other.id(), proof, inputs, Error::InvalidProof);
		});
	}

	#[test]
	fn fails_without_a_signature() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			let (proof, inputs) = circuit.prove(&[2]);
			assert_noop!(
				Proofs::verify(RuntimeOrigin::none(), circuit.id(), proof, inputs),
				DispatchError::BadOrigin
			);
		});
	}

	#[test]
	fn fails_when_the_prepared_key_is_corrupt() {
		build_and_execute(|| {
			let circuit = Circuit::new(1, 1).registered();
			let (proof, inputs) = circuit.prove(&[2]);
			let good = Keys::<Test>::get(circuit.id()).unwrap();
			let mut corrupt = good.encode();
			// Coordinates beyond the field's modulus, where the record holds its last base.
			let length = corrupt.len();
			corrupt[length - 96..].fill(0xff);
			frame_support::storage::unhashed::put_raw(
				&Keys::<Test>::hashed_key_for(circuit.id()),
				&corrupt,
			);
			refused(circuit.id(), proof, inputs, Error::VerifierFault);
			assert_eq!(
				Proofs::do_try_state(),
				Err("a prepared key must be what preparing its bytes gives".into())
			);
			Keys::<Test>::insert(circuit.id(), good);
		});
	}
}

mod references {
	use super::*;

	#[test]
	fn are_counted() {
		build_and_execute(|| {
			let id = Circuit::new(1, 1).registered().id();
			assert_ok!(Proofs::reference(&id));
			assert_ok!(Proofs::reference(&id));
			assert_eq!(Proofs::key_info(id).unwrap().references, 2);
			Proofs::dereference(&id);
			assert_eq!(Proofs::key_info(id).unwrap().references, 1);
		});
	}

	#[test]
	fn never_underflow() {
		build_and_execute(|| {
			let id = Circuit::new(1, 1).registered().id();
			Proofs::dereference(&id);
			assert_eq!(Proofs::key_info(id).unwrap().references, 0);
			Proofs::dereference(&VerifyingKeyId([0; 32]));
		});
	}

	#[test]
	fn fail_for_an_unknown_key() {
		build_and_execute(|| {
			assert_noop!(Proofs::reference(&VerifyingKeyId([0; 32])), Error::<Test>::KeyUnknown);
		});
	}

	#[test]
	fn never_overflow() {
		build_and_execute(|| {
			let id = Circuit::new(1, 1).registered().id();
			Keys::<Test>::mutate_extant(id, |record| record.references = u32::MAX);
			assert_noop!(Proofs::reference(&id), Error::<Test>::TooManyReferences);
		});
	}
}

mod explain {
	use super::*;

	fn reason(key: VerifyingKeyId, proof: &ProofBytes, inputs: &[Scalar]) -> String {
		String::from_utf8(Proofs::explain(&key, proof, inputs).unwrap_err()).unwrap()
	}

	#[test]
	fn says_what_was_expected_and_what_was_found() {
		build_and_execute(|| {
			let circuit = Circuit::new(2, 1).registered();
			let (proof, inputs) = circuit.prove(&[2, 3]);
			assert_eq!(Proofs::explain(&circuit.id(), &proof, &inputs), Ok(()));

			let count = reason(circuit.id(), &proof, &inputs[..1]);
			assert!(count.contains('2') && count.contains('1'), "{count}");
			let unknown = VerifyingKeyId([7; 32]);
			assert!(reason(unknown, &proof, &inputs).contains(&unknown.to_string()));
			let long = vec![Scalar([0; 32]); 1_000];
			assert!(reason(circuit.id(), &proof, &long).contains("1000"));
		});
	}
}

mod try_state {
	use super::*;

	fn violated(text: &'static str) {
		assert_eq!(Proofs::do_try_state(), Err(text.into()));
	}

	#[test]
	fn notices_a_deposit_that_is_not_held() {
		build_and_execute(|| {
			let id = Circuit::new(1, 1).registered().id();
			Keys::<Test>::mutate_extant(id, |record| record.deposit += 1);
			violated("what is held from an account must be the sum of its keys' deposits");
			Keys::<Test>::mutate_extant(id, |record| record.deposit -= 1);
		});
	}

	#[test]
	fn notices_a_hold_that_belongs_to_no_key() {
		build_and_execute(|| {
			let reason = HoldReason::KeyDeposit.into();
			assert_ok!(Balances::hold(&reason, &BOB, 5));
			violated("what is held from an account must be the sum of its keys' deposits");
			assert_ok!(Balances::release(&reason, &BOB, 5, Precision::Exact));
		});
	}

	#[test]
	fn notices_canonical_bytes_without_a_prepared_key() {
		build_and_execute(|| {
			let id = VerifyingKeyId([0; 32]);
			KeyBytes::<Test>::insert(id, VerifyingKeyBytes::default());
			violated("there must be as many keys in canonical form as in prepared form");
			KeyBytes::<Test>::remove(id);
		});
	}
}

mod forge {
	use super::*;
	use crate::forge::ForgedKey;
	use proofpod_verifier::encode_scalar;

	fn scalars(values: &[u64]) -> Vec<Scalar> {
		values.iter().map(|value| encode_scalar(&ark_bls12_381::Fr::from(*value))).collect()
	}

	#[test]
	fn makes_keys_that_are_registered_and_proofs_that_hold() {
		build_and_execute(|| {
			for inputs in [0, 1, 5, MAX_PUBLIC_INPUTS as u32] {
				let key = ForgedKey::new(inputs, 1);
				assert_ok!(Proofs::register_key(signed(ALICE), key.verifying_key()));
				assert_eq!(Proofs::public_inputs(&key.id()), Some(inputs));
				let values: Vec<_> = (7..).take(inputs as usize).collect();
				let statement = scalars(&values);
				assert_ok!(Proofs::check(&key.id(), &key.prove(&statement), &statement));
			}
		});
	}

	#[test]
	fn makes_proofs_that_hold_for_nothing_else() {
		build_and_execute(|| {
			let key = ForgedKey::new(2, 1);
			let other = ForgedKey::new(2, 2);
			assert_ok!(Proofs::register_key(signed(ALICE), key.verifying_key()));
			assert_ok!(Proofs::register_key(signed(ALICE), other.verifying_key()));
			let proof = key.prove(&scalars(&[1, 2]));
			assert_ok!(Proofs::check(&key.id(), &proof, &scalars(&[1, 2])));
			for wrong in [[2, 1], [1, 3], [0, 0]] {
				let result = Proofs::check(&key.id(), &proof, &scalars(&wrong));
				assert!(matches!(result, Err(Error::InvalidProof)), "{result:?}");
			}
			let result = Proofs::check(&other.id(), &proof, &scalars(&[1, 2]));
			assert!(matches!(result, Err(Error::InvalidProof)), "{result:?}");
		});
	}

	#[test]
	fn gives_no_key_that_the_chain_could_not_verify() {
		let key = ForgedKey::new(MAX_PUBLIC_INPUTS as u32 + 1, 1);
		assert!(key.verifying_key().is_empty());
	}
}

#[test]
fn a_key_is_charged_for_all_its_points() {
	use crate::forge::ForgedKey;
	for inputs in 0..MAX_PUBLIC_INPUTS as u32 {
		let bytes = ForgedKey::new(inputs, 1).verifying_key().len();
		assert_eq!(crate::inputs_of_key(bytes), inputs);
		assert_eq!(crate::inputs_of_key(bytes + 1), inputs + 1, "rounded up");
	}
	assert_eq!(crate::inputs_of_key(MAX_VERIFYING_KEY_SIZE), MAX_PUBLIC_INPUTS as u32);
	assert_eq!(crate::inputs_of_key(0), 0);
}

#[test]
fn weights_charge_for_storage() {
	use crate::weights::SubstrateWeight;
	let read = <Test as frame_system::Config>::DbWeight::get().reads(1);
	for (with, without) in [
		(SubstrateWeight::<Test>::register_key(5), <()>::register_key(5)),
		(SubstrateWeight::<Test>::remove_key(), <()>::remove_key()),
		(SubstrateWeight::<Test>::verify_proof(5), <()>::verify_proof(5)),
	] {
		assert!(with.all_gte(without + read), "{with:?}");
	}
}
