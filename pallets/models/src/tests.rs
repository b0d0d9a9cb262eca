// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, pallet, Error, Event, ModelRecord, WeightInfo};
use codec::Encode;
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	manifest::{ArtefactUris, ModelManifest, OutputVisibility},
	Balance, Digest, ModelId, VerifyingKeyId,
};
use sp_runtime::{AccountId32, DispatchError, TokenError};

fn signed(who: AccountId32) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

fn uris(list: &[&str]) -> ArtefactUris {
	list.iter()
		.map(|uri| uri.as_bytes().to_vec().try_into().unwrap())
		.collect::<Vec<_>>()
		.try_into()
		.unwrap()
}

/// A model of Alice's, with its key.
fn registered() -> (ModelId, VerifyingKeyId) {
	let key = register_key(4);
	let manifest = manifest(key);
	assert_ok!(Models::register(signed(ALICE), manifest.clone(), uris(&["file:///srv"]), None));
	System::reset_events();
	(manifest.id(), key)
}

fn references(key: VerifyingKeyId) -> u32 {
	Proofs::key_info(key).unwrap().references
}

mod register {
	use super::*;

	fn refused(manifest: ModelManifest, uris: ArtefactUris, error: Error<Test>) {
		assert_noop!(Models::register(signed(ALICE), manifest, uris, None), error);
	}

	#[test]
	fn stores_the_model_holds_the_deposit_and_refers_to_the_key() {
		build_and_execute(|| {
			let key = register_key(4);
			let manifest = manifest(key);
			let uris = uris(&["https://models.example/digits", "s3://models/digits"]);
			assert_ok!(Models::register(signed(ALICE), manifest.clone(), uris.clone(), None));

			let bytes = manifest.encode().len() + uris.encode().len();
			let deposit = 500 + 10 * bytes as Balance;
			assert_eq!(held(&ALICE), deposit);
			assert_eq!(Models::model_deposit(manifest.clone(), uris.clone()), deposit);
			assert_eq!(references(key), 1);
			let model = manifest.id();
			assert_eq!(Models::manifest(&model), Some(manifest.clone()));
			assert_eq!(
				Models::model(model),
				Some(ModelRecord {
					owner: ALICE,
					deposit,
					version: 1,
					replaces: None,
					replaced_by: None,
					manifest,
					uris,
					deprecated: false,
					jobs: 0
				})
			);
			assert_eq!(
				take_events(),
				[Event::ModelRegistered {
					model,
					owner: ALICE,
					verifying_key: key,
					version: 1,
					replaces: None,
					deposit
				}]
			);
		});
	}

	#[test]
	fn two_models_may_share_a_key() {
		build_and_execute(|| {
			let (_, key) = registered();
			let renamed =
				ModelManifest { name: b"twin".to_vec().try_into().unwrap(), ..manifest(key) };
			assert_ok!(Models::register(signed(BOB), renamed, uris(&[]), None));
			assert_eq!(references(key), 2);
		});
	}

	#[test]
	fn accepts_a_model_with_a_public_output() {
		build_and_execute(|| {
			let key = register_key(3);
			let public = ModelManifest { output: OutputVisibility::Public, ..manifest(key) };
			assert_ok!(Models::register(signed(ALICE), public, uris(&[]), None));
		});
	}

	#[test]
	fn fails_for_a_model_that_is_registered() {
		build_and_execute(|| {
			let (_, key) = registered();
			for who in [ALICE, BOB] {
				assert_noop!(
					Models::register(signed(who), manifest(key), uris(&[]), None),
					Error::<Test>::ModelExists
				);
			}
		});
	}

	#[test]
	fn fails_for_a_malformed_manifest() {
		build_and_execute(|| {
			let good = manifest(register_key(4));
			let nameless = ModelManifest { name: Default::default(), ..good.clone() };
			refused(nameless, uris(&[]), Error::MalformedManifest);
			let future = ModelManifest { version: 2, ..good };
			refused(future, uris(&[]), Error::MalformedManifest);
		});
	}

	#[test]
	fn fails_for_a_malformed_uri() {
		build_and_execute(|| {
			let manifest = manifest(register_key(4));
			refused(manifest, uris(&["file:///srv", "ftp://x"]), Error::MalformedUri);
		});
	}

	#[test]
	fn fails_for_an_unknown_key() {
		build_and_execute(|| {
			refused(manifest(VerifyingKeyId([5; 32])), uris(&[]), Error::KeyUnknown);
		});
	}

	#[test]
	fn fails_for_a_key_of_another_statement() {
		build_and_execute(|| {
			let key = register_key(3);
			refused(manifest(key), uris(&[]), Error::WrongInputCount);
			let wide = ModelManifest { output_elements: 2, ..manifest(key) };
			refused(wide, uris(&[]), Error::WrongInputCount);
		});
	}

	#[test]
	fn fails_without_funds_for_the_deposit() {
		build_and_execute(|| {
			let key = register_key(4);
			assert_noop!(
				Models::register(signed(POOR), manifest(key), uris(&[]), None),
				TokenError::FundsUnavailable
			);
		});
	}

	#[test]
	fn fails_without_a_signature() {
		build_and_execute(|| {
			let key = register_key(4);
			assert_noop!(
				Models::register(RuntimeOrigin::root(), manifest(key), uris(&[]), None),
				DispatchError::BadOrigin
			);
		});
	}
}

mod versions {
	use super::*;
	use sp_runtime::DispatchResult;

	/// The manifest of another network, with a key that is registered.
	fn network(interface: u8) -> ModelManifest {
		let key = pallet_proofs::forge::ForgedKey::new(4, 1).id();
		ModelManifest { interface: Digest([interface; 32]), ..manifest(key) }
	}

	/// Registers a network that replaces a model.
	fn replace(who: AccountId32, interface: u8, old: ModelId) -> DispatchResult {
		Models::register(signed(who), network(interface), uris(&[]), Some(old))
	}

	fn id(interface: u8) -> ModelId {
		network(interface).id()
	}

	/// Version, predecessor and successor.
	fn place(model: ModelId) -> (u32, Option<ModelId>, Option<ModelId>) {
		let record = Models::model(model).unwrap();
		(record.version, record.replaces, record.replaced_by)
	}

	#[test]
	fn follow_one_another() {
		build_and_execute(|| {
			let (first, key) = registered();
			assert_ok!(replace(ALICE, 2, first));
			let second = id(2);
			let deposit = held(&ALICE) - Models::model(first).unwrap().deposit;
			assert_eq!(
				take_events(),
				[Event::ModelRegistered {
					model: second,
					owner: ALICE,
					verifying_key: key,
					version: 2,
					replaces: Some(first),
					deposit
				}]
			);
			assert_ok!(replace(ALICE, 3, second));
			assert_eq!(place(first), (1, None, Some(second)));
			assert_eq!(place(second), (2, Some(first), Some(id(3))));
			assert_eq!(place(id(3)), (3, Some(second), None));
			assert_ok!(Models::acquire(&first), network(1));
		});
	}

	#[test]
	fn may_follow_a_deprecated_model() {
		build_and_execute(|| {
			let (first, _) = registered();
			assert_ok!(Models::deprecate(signed(ALICE), first));
			assert_ok!(replace(ALICE, 2, first));
		});
	}

	#[test]
	fn make_room_for_another_when_they_are_removed() {
		build_and_execute(|| {
			let (first, _) = registered();
			assert_ok!(replace(ALICE, 2, first));
			assert_noop!(replace(ALICE, 3, first), Error::<Test>::AlreadyReplaced);
			assert_ok!(Models::remove(signed(ALICE), id(2)));
			assert_eq!(place(first), (1, None, None));
			assert_ok!(replace(ALICE, 3, first));
			assert_eq!(place(first), (1, None, Some(id(3))));
		});
	}

	#[test]
	fn outlive_what_they_replace_and_leave_its_return_alone() {
		build_and_execute(|| {
			let (first, key) = registered();
			assert_ok!(replace(ALICE, 2, first));
			assert_ok!(Models::remove(signed(ALICE), first));
			assert_eq!(place(id(2)), (2, Some(first), None));

			assert_ok!(Models::register(signed(ALICE), manifest(key), uris(&[]), None));
			assert_ok!(replace(ALICE, 3, first));
			assert_ok!(Models::remove(signed(ALICE), id(2)));
			assert_eq!(place(first), (1, None, Some(id(3))));
		});
	}

	#[test]
	fn fail_after_somebody_elses_model() {
		build_and_execute(|| {
			let (first, _) = registered();
			assert_noop!(replace(BOB, 2, first), Error::<Test>::NotOwner);
		});
	}

	#[test]
	fn fail_after_an_unknown_model() {
		build_and_execute(|| {
			registered();
			assert_noop!(replace(ALICE, 2, ModelId([0; 32])), Error::<Test>::ModelUnknown);
			assert_noop!(replace(ALICE, 2, id(2)), Error::<Test>::ModelUnknown);
		});
	}

	#[test]
	fn stop_at_their_end() {
		build_and_execute(|| {
			let (first, _) = registered();
			pallet::Models::<Test>::mutate_extant(first, |record| record.version = u32::MAX);
			assert_ok!(replace(ALICE, 2, first));
			assert_eq!(place(id(2)).0, u32::MAX);
		});
	}
}

mod update_uris {
	use super::*;

	#[test]
	fn takes_a_larger_deposit_for_a_longer_list() {
		build_and_execute(|| {
			let (model, _) = registered();
			let from = held(&ALICE);
			let longer = uris(&["https://models.example/digits", "file:///srv"]);
			let growth = longer.encode().len() - uris(&["file:///srv"]).encode().len();
			assert_ok!(Models::update_uris(signed(ALICE), model, longer.clone()));

			let to = from + 10 * growth as Balance;
			assert_eq!(held(&ALICE), to);
			let record = Models::model(model).unwrap();
			assert_eq!((record.uris, record.deposit), (longer, to));
			assert_eq!(take_events(), [Event::UrisUpdated { model, from, to }]);
		});
	}

	#[test]
	fn gives_the_difference_back_for_a_shorter_list() {
		build_and_execute(|| {
			let (model, _) = registered();
			let before = held(&ALICE);
			assert_ok!(Models::update_uris(signed(ALICE), model, uris(&[])));
			let shrinkage = uris(&["file:///srv"]).encode().len() - uris(&[]).encode().len();
			assert_eq!(held(&ALICE), before - 10 * shrinkage as Balance);
		});
	}

	#[test]
	fn leaves_the_deposit_of_a_list_of_the_same_size() {
		build_and_execute(|| {
			let (model, _) = registered();
			let before = held(&ALICE);
			assert_ok!(Models::update_uris(signed(ALICE), model, uris(&["file:///mnt"])));
			assert_eq!(held(&ALICE), before);
		});
	}

	#[test]
	fn charges_the_price_of_the_day() {
		build_and_execute(|| {
			let (model, _) = registered();
			DepositPerByte::set(20);
			assert_ok!(Models::update_uris(signed(ALICE), model, uris(&["file:///srv"])));
			let record = Models::model(model).unwrap();
			assert_eq!(record.deposit, Models::deposit_for(&record.manifest, &record.uris));
			assert_eq!(held(&ALICE), record.deposit);
		});
	}

	#[test]
	fn works_for_a_deprecated_model_with_jobs() {
		build_and_execute(|| {
			let (model, _) = registered();
			assert_ok!(Models::acquire(&model));
			assert_ok!(Models::deprecate(signed(ALICE), model));
			assert_ok!(Models::update_uris(signed(ALICE), model, uris(&["file:///mnt"])));
		});
	}

	#[test]
	fn fails_for_a_malformed_uri() {
		build_and_execute(|| {
			let (model, _) = registered();
			assert_noop!(
				Models::update_uris(signed(ALICE), model, uris(&["https://"])),
				Error::<Test>::MalformedUri
			);
		});
	}

	#[test]
	fn fails_for_an_unknown_model() {
		build_and_execute(|| {
			assert_noop!(
				Models::update_uris(signed(ALICE), ModelId([0; 32]), uris(&[])),
				Error::<Test>::ModelUnknown
			);
		});
	}

	#[test]
	fn fails_for_anyone_but_the_owner() {
		build_and_execute(|| {
			let (model, _) = registered();
			assert_noop!(
				Models::update_uris(signed(BOB), model, uris(&[])),
				Error::<Test>::NotOwner
			);
			assert_noop!(
				Models::update_uris(RuntimeOrigin::root(), model, uris(&[])),
				DispatchError::BadOrigin
			);
		});
	}

	#[test]
	fn fails_without_funds_for_the_larger_deposit() {
		build_and_execute(|| {
			let (model, _) = registered();
			DepositPerByte::set(FUNDS);
			assert_noop!(
				Models::update_uris(signed(ALICE), model, uris(&["file:///srv/digits"])),
				TokenError::FundsUnavailable
			);
		});
	}
}

mod deprecate {
	use super::*;

	#[test]
	fn closes_the_model_to_new_jobs_only() {
		build_and_execute(|| {
			let (model, _) = registered();
			assert_ok!(Models::acquire(&model));
			assert_ok!(Models::deprecate(signed(ALICE), model));
			assert_eq!(take_events(), [Event::ModelDeprecated { model }]);
			assert_noop!(Models::acquire(&model), Error::<Test>::ModelDeprecated);
			assert!(Models::manifest(&model).is_some());
			Models::release(&model);
			assert_eq!(Models::model(model).unwrap().jobs, 0);
		});
	}

	#[test]
	fn fails_twice() {
		build_and_execute(|| {
			let (model, _) = registered();
			assert_ok!(Models::deprecate(signed(ALICE), model));
			assert_noop!(Models::deprecate(signed(ALICE), model), Error::<Test>::ModelDeprecated);
		});
	}

	#[test]
	fn fails_for_an_unknown_model() {
		build_and_execute(|| {
			assert_noop!(
				Models::deprecate(signed(ALICE), ModelId([0; 32])),
				Error::<Test>::ModelUnknown
			);
		});
	}

	#[test]
	fn fails_for_anyone_but_the_owner() {
		build_and_execute(|| {
			let (model, _) = registered();
			assert_noop!(Models::deprecate(signed(BOB), model), Error::<Test>::NotOwner);
			assert_noop!(Models::deprecate(RuntimeOrigin::none(), model), DispatchError::BadOrigin);
		});
	}
}

mod remove {
	use super::*;

	#[test]
	fn releases_the_deposit_and_the_key() {
		build_and_execute(|| {
			let (model, key) = registered();
			let deposit = held(&ALICE);
			assert!(deposit > 0);
			assert_ok!(Models::remove(signed(ALICE), model));
			assert_eq!(held(&ALICE), 0);
			assert_eq!(Balances::free_balance(ALICE), FUNDS);
			assert_eq!(Models::model(model), None);
			assert_eq!(take_events(), [Event::ModelRemoved { model, deposit }]);
			assert_eq!(references(key), 0);
			assert_ok!(Proofs::remove_key(signed(SETTER), key));
		});
	}

	#[test]
	fn keeps_the_key_while_another_model_needs_it() {
		build_and_execute(|| {
			let (model, key) = registered();
			let twin = ModelManifest { interface: Digest([8; 32]), ..manifest(key) };
			assert_ok!(Models::register(signed(ALICE), twin, uris(&[]), None));
			assert_ok!(Models::remove(signed(ALICE), model));
			assert_noop!(
				Proofs::remove_key(signed(SETTER), key),
				pallet_proofs::Error::<Test>::KeyInUse
			);
		});
	}

	#[test]
	fn gives_back_what_was_held_even_after_a_change_of_price() {
		build_and_execute(|| {
			let (model, _) = registered();
			DepositPerByte::set(1);
			assert_ok!(Models::remove(signed(ALICE), model));
			assert_eq!(held(&ALICE), 0);
		});
	}

	#[test]
	fn fails_while_a_job_needs_the_model() {
		build_and_execute(|| {
			let (model, _) = registered();
			assert_ok!(Models::acquire(&model));
			assert_noop!(Models::remove(signed(ALICE), model), Error::<Test>::ModelInUse);
			Models::release(&model);
			assert_ok!(Models::remove(signed(ALICE), model));
		});
	}

	#[test]
	fn fails_for_an_unknown_model() {
		build_and_execute(|| {
			assert_noop!(
				Models::remove(signed(ALICE), ModelId([0; 32])),
				Error::<Test>::ModelUnknown
			);
		});
	}

	#[test]
	fn fails_for_anyone_but_the_owner() {
		build_and_execute(|| {
			let (model, _) = registered();
			assert_noop!(Models::remove(signed(BOB), model), Error::<Test>::NotOwner);
			assert_noop!(Models::remove(RuntimeOrigin::root(), model), DispatchError::BadOrigin);
		});
	}
}

mod jobs {
	use super::*;

	#[test]
	fn acquiring_gives_the_manifest_and_counts() {
		build_and_execute(|| {
			let (model, key) = registered();
			assert_eq!(Models::acquire(&model), Ok(manifest(key)));
			assert_ok!(Models::acquire(&model));
			assert_eq!(Models::model(model).unwrap().jobs, 2);
			Models::release(&model);
			assert_eq!(Models::model(model).unwrap().jobs, 1);
		});
	}

	#[test]
	fn acquiring_fails_for_an_unknown_model() {
		build_and_execute(|| {
			assert_noop!(Models::acquire(&ModelId([0; 32])), Error::<Test>::ModelUnknown);
			assert_eq!(Models::manifest(&ModelId([0; 32])), None);
		});
	}

	#[test]
	fn counting_never_overflows() {
		build_and_execute(|| {
			let (model, _) = registered();
			pallet::Models::<Test>::mutate_extant(model, |record| record.jobs = u32::MAX);
			assert_noop!(Models::acquire(&model), Error::<Test>::TooManyJobs);
		});
	}

	#[test]
	fn counting_never_underflows() {
		build_and_execute(|| {
			let (model, _) = registered();
			Models::release(&model);
			Models::release(&ModelId([0; 32]));
			assert_eq!(Models::model(model).unwrap().jobs, 0);
		});
	}
}

mod try_state {
	use super::*;

	#[test]
	fn notices_a_deposit_that_is_not_held() {
		build_and_execute(|| {
			let (model, _) = registered();
			pallet::Models::<Test>::mutate_extant(model, |record| record.deposit += 1);
			assert_eq!(
				Models::do_try_state(),
				Err("what is held from an account must be the sum of its models' deposits".into())
			);
			pallet::Models::<Test>::mutate_extant(model, |record| record.deposit -= 1);
		});
	}

	#[test]
	fn notices_a_missing_reference() {
		build_and_execute(|| {
			let (_, key) = registered();
			Proofs::dereference(&key);
			assert_eq!(
				Models::do_try_state(),
				Err("a verifying key must have a reference for each of its models".into())
			);
			assert_ok!(Proofs::reference(&key));
		});
	}

	#[test]
	fn notices_a_successor_that_is_none() {
		build_and_execute(|| {
			let (model, _) = registered();
			let succeed =
				|by| pallet::Models::<Test>::mutate_extant(model, |record| record.replaced_by = by);
			for wrong in [model, ModelId([0; 32])] {
				succeed(Some(wrong));
				assert_eq!(
					Models::do_try_state(),
					Err("a successor must be registered, name its predecessor, and be its owner's"
						.into())
				);
			}
			succeed(None);
		});
	}

	#[test]
	fn notices_a_changed_manifest() {
		build_and_execute(|| {
			let (model, _) = registered();
			let swap = |len| {
				pallet::Models::<Test>::mutate_extant(model, |record| {
					record.manifest.input_len = len
				})
			};
			swap(65);
			assert_eq!(Models::do_try_state(), Err("a model's id must be its manifest's".into()));
			swap(64);
		});
	}
}

#[test]
fn weights_charge_for_storage() {
	use crate::weights::SubstrateWeight;
	let write = <Test as frame_system::Config>::DbWeight::get().reads_writes(1, 1);
	for (with, without) in [
		(SubstrateWeight::<Test>::register(), <()>::register()),
		(SubstrateWeight::<Test>::update_uris(), <()>::update_uris()),
		(SubstrateWeight::<Test>::deprecate(), <()>::deprecate()),
		(SubstrateWeight::<Test>::remove(), <()>::remove()),
	] {
		assert!(with.all_gte(without + write), "{with:?}");
	}
}
