// SPDX-License-Identifier: Apache-2.0

//! What those can try who publish keys and models.

use super::{attack, opened, pod_amount, take, Parties, PRICE};
use crate::{
	chain::{pass_ticks, Signer},
	scenario::{
		key, model, output, prove, public_inputs, request, result, sealed_model, second_key,
	},
};
use codec::Encode;
use pallet_models::Error as ModelsError;
use pallet_proofs::Error as ProofsError;
use proofpod_primitives::{
	job::JobRequest,
	manifest::{ArtefactUris, ModelManifest, OutputVisibility, SetupProvenance},
	Digest, ModelId,
};
use proofpod_runtime::{
	configs::market::{KeyDepositBase, KeyDepositPerByte, ModelDepositBase, ModelDepositPerByte},
	Balance, Models, Proofs, Runtime,
};
use sp_runtime::DispatchError;

fn register(manifest: &ModelManifest, replaces: Option<ModelId>) -> pallet_models::Call<Runtime> {
	pallet_models::Call::register {
		manifest: manifest.clone(),
		uris: ArtefactUris::default(),
		replaces,
	}
}

/// What is held for a model without addresses.
fn deposit(manifest: &ModelManifest) -> Balance {
	let bytes = manifest.encoded_size() + ArtefactUris::default().encoded_size();
	ModelDepositBase::get() + ModelDepositPerByte::get() * bytes as Balance
}

/// Registers [`second_key`], whose trapdoor the attacker knows, and with it a model that is
/// otherwise the honest one; gives what is held for both.
fn publish_backdoor(parties: &mut Parties, who: &Signer, setup: SetupProvenance) -> ModelManifest {
	let verifying_key = second_key().verifying_key();
	let bytes = verifying_key.len() as Balance;
	parties.does(who, pallet_proofs::Call::register_key { verifying_key });
	let manifest = ModelManifest { verifying_key: second_key().id(), setup, ..sealed_model() };
	parties.does(who, register(&manifest, None));
	let of_key = KeyDepositBase::get() + KeyDepositPerByte::get() * bytes;
	assert_eq!(who.held(), of_key + deposit(&manifest));
	manifest
}

#[test]
fn a_backdoored_key_serves_no_job_of_somebody_elses_model() {
	attack(|parties| {
		let (client, forger) = (parties.client.clone(), parties.stranger.clone());
		let pod = parties.rogues[0].clone();
		let lookalike = publish_backdoor(parties, &forger, sealed_model().setup);
		let target = sealed_model().id();
		assert_ne!(lookalike.id(), target, "a model with another key is another model");

		// Neither another key nor a successor can be put under the honest model.
		let verifying_key = key().verifying_key();
		let not_owner = DispatchError::from(ModelsError::<Runtime>::NotOwner);
		let exists = ModelsError::<Runtime>::ModelExists;
		let successor = ModelManifest { interface: Digest([9; 32]), ..lookalike };
		parties.is_refused(&forger, register(&sealed_model(), None), exists);
		parties.is_refused(&forger, register(&successor, Some(target)), not_owner);
		for call in [
			pallet_models::Call::update_uris { model: target, uris: ArtefactUris::default() },
			pallet_models::Call::deprecate { model: target },
			pallet_models::Call::remove { model: target },
		] {
			parties.is_refused(&forger, call, not_owner);
		}
		let call = pallet_proofs::Call::register_key { verifying_key };
		parties.is_refused(&forger, call, ProofsError::<Runtime>::KeyExists);
		let call = pallet_proofs::Call::remove_key { id: key().id() };
		parties.is_refused(&forger, call, ProofsError::<Runtime>::NotOwner);

		// A job names its model, and so its key: what is forged under another is no proof.
		let job = opened(parties, request());
		take(parties, &pod, job);
		let forged = second_key().prove(&public_inputs(job, &pod.account, &output(1)));
		let invalid = ProofsError::<Runtime>::InvalidProof;
		parties.is_refused(&pod, result(job, forged), invalid);
		pass_ticks(51);
		parties.have_lost(&[
			(&forger, 0),
			(&pod, pod_amount(PRICE)),
			(&client, -pod_amount(PRICE / 2)),
		]);
	});
}

#[test]
fn who_asks_for_a_model_of_a_backdoored_key_pays_for_whatever_its_owner_says() {
	attack(|parties| {
		let (client, forger) = (parties.client.clone(), parties.stranger.clone());
		let pod = parties.rogues[0].clone();
		let claimed = SetupProvenance::Ceremony { transcript: Digest([7; 32]) };
		let model = publish_backdoor(parties, &forger, claimed).id();
		// The chain says whose word it is and what it says, and not whether it is true.
		let record = Models::model(model).unwrap();
		assert_eq!((record.owner, record.manifest.setup), (forger.account.clone(), claimed));
		let unclaimed = ModelManifest { setup: sealed_model().setup, ..record.manifest };
		assert_ne!(unclaimed.id(), model, "the provenance is part of what a job names");

		let job = opened(parties, JobRequest { model, ..request() });
		take(parties, &pod, job);
		parties.does(&pod, result(job, prove(job, &pod.account, &output(1))));
		parties.have_lost(&[
			(&forger, 0),
			(&client, pod_amount(PRICE)),
			(&pod, -pod_amount(PRICE - PRICE / 100)),
		]);
	});
}

#[test]
fn a_model_under_somebody_elses_key_keeps_it_while_its_own_deposit_is_held() {
	attack(|parties| {
		let (publisher, stranger) = (Signer::new(15), parties.stranger.clone());
		let remove = |model: &ModelManifest| pallet_models::Call::remove { model: model.id() };
		let remove_key = || pallet_proofs::Call::remove_key { id: key().id() };
		let parasite = model(3, OutputVisibility::Sealed);
		parties.does(&stranger, register(&parasite, None));
		for model in [sealed_model(), model(2, OutputVisibility::Public)] {
			parties.does(&publisher, remove(&model));
		}
		let in_use = ProofsError::<Runtime>::KeyInUse;
		parties.is_refused(&publisher, remove_key(), in_use);
		let kept = Proofs::key_info(key().id()).unwrap().deposit;
		assert_eq!((stranger.held(), publisher.held()), (deposit(&parasite), kept));
		parties.does(&stranger, remove(&parasite));
		parties.does(&publisher, remove_key());
		assert_eq!((stranger.held(), publisher.held()), (0, 0));
		parties.have_lost(&[(&stranger, 0)]);
	});
}

#[test]
fn who_registers_a_manifest_first_holds_its_id_for_the_deposit() {
	attack(|parties| {
		let (publisher, stranger) = (Signer::new(15), parties.stranger.clone());
		let seen = model(3, OutputVisibility::Sealed);
		let id = seen.id();
		parties.does(&stranger, register(&seen, None));
		parties.does(&stranger, pallet_models::Call::deprecate { model: id });
		assert_eq!(stranger.held(), deposit(&seen));
		let exists = ModelsError::<Runtime>::ModelExists;
		parties.is_refused(&publisher, register(&seen, None), exists);
		// Another name is another model.
		let name = b"squares, again".to_vec().try_into().unwrap();
		parties.does(&publisher, register(&ModelManifest { name, ..seen.clone() }, None));
		parties.does(&stranger, pallet_models::Call::remove { model: id });
		parties.does(&publisher, register(&seen, None));
		assert_eq!(stranger.held(), 0);
		parties.have_lost(&[(&stranger, 0)]);
	});
}
