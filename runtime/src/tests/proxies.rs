// SPDX-License-Identifier: Apache-2.0

//! What each kind of proxy may do, and what nobody may.

use crate::{
	configs::{accounts::ProxyType, system::PublicCalls},
	RuntimeCall, SessionKeys,
};
use frame_support::traits::{Contains, InstanceFilter};
use proofpod_primitives::{
	job::{JobRequest, PriceRamp, Requirements, Windows},
	pod::PodProfile,
	EncryptionKey, InputCommitment, JobId, ModelId,
};
use sp_keyring::Sr25519Keyring::Bob;

fn transfer() -> RuntimeCall {
	RuntimeCall::Balances(pallet_balances::Call::transfer_all {
		dest: Bob.to_account_id().into(),
		keep_alive: false,
	})
}

fn open_job() -> RuntimeCall {
	RuntimeCall::Jobs(pallet_jobs::Call::open {
		request: JobRequest {
			model: ModelId([0; 32]),
			input: InputCommitment([0; 32]),
			output_key: None,
			price: PriceRamp { min: 1, max: 1, ramp: 0 },
			windows: Windows { lock: 1, acknowledge: 1, prove: 1, failover: 0 },
			requirements: Requirements::default(),
		},
	})
}

fn lock_job() -> RuntimeCall {
	RuntimeCall::Jobs(pallet_jobs::Call::lock { job: JobId(0), min_price: 0 })
}

fn cancel_job() -> RuntimeCall {
	RuntimeCall::Jobs(pallet_jobs::Call::cancel { job: JobId(0) })
}

fn remark() -> RuntimeCall {
	RuntimeCall::System(frame_system::Call::remark { remark: Vec::new() })
}

fn leave() -> RuntimeCall {
	RuntimeCall::Pods(pallet_pods::Call::leave {})
}

fn name_operator() -> RuntimeCall {
	RuntimeCall::Pods(pallet_pods::Call::set_operator { operator: Some(Bob.to_account_id()) })
}

fn heartbeat() -> RuntimeCall {
	RuntimeCall::Pods(pallet_pods::Call::heartbeat {})
}

fn profile() -> PodProfile {
	PodProfile {
		endpoint: Default::default(),
		encryption_key: EncryptionKey([1; 32]),
		regions: Default::default(),
		models: Default::default(),
		tags: Default::default(),
	}
}

fn publish_key() -> RuntimeCall {
	RuntimeCall::Pods(pallet_pods::Call::update { profile: profile() })
}

/// After leaving and withdrawing, it would make the chain forget what the pod has lost.
fn register_pod() -> RuntimeCall {
	RuntimeCall::Pods(pallet_pods::Call::register { profile: profile(), operator: None })
}

fn bond_more_for_a_pod() -> RuntimeCall {
	RuntimeCall::Pods(pallet_pods::Call::bond_more { amount: 1 })
}

fn release_job() -> RuntimeCall {
	RuntimeCall::Jobs(pallet_jobs::Call::release { job: JobId(0) })
}

fn rejoin() -> RuntimeCall {
	RuntimeCall::Validators(pallet_validators::Call::rejoin {})
}

fn approve_together() -> RuntimeCall {
	RuntimeCall::Multisig(pallet_multisig::Call::as_multi_threshold_1 {
		other_signatories: vec![Bob.to_account_id()],
		call: Box::new(transfer()),
	})
}

fn become_root() -> RuntimeCall {
	RuntimeCall::Sudo(pallet_sudo::Call::sudo { call: Box::new(remark()) })
}

fn vote() -> RuntimeCall {
	RuntimeCall::Council(pallet_collective::Call::vote {
		proposal: Default::default(),
		index: 0,
		approve: true,
	})
}

fn bond() -> RuntimeCall {
	RuntimeCall::Validators(pallet_validators::Call::apply { bond: 1 })
}

fn sign_as_validator() -> RuntimeCall {
	RuntimeCall::Session(pallet_session::Call::set_keys {
		keys: SessionKeys {
			aura: Bob.public().into(),
			grandpa: sp_keyring::Ed25519Keyring::Bob.public().into(),
		},
		proof: Vec::new(),
	})
}

fn resign() -> RuntimeCall {
	RuntimeCall::Validators(pallet_validators::Call::resign {})
}

fn batch() -> RuntimeCall {
	RuntimeCall::Utility(pallet_utility::Call::batch { calls: vec![lock_job(), leave()] })
}

#[test]
fn each_type_allows_its_calls() {
	use ProxyType::{Any, NonTransfer, PodOperator};
	let table = [
		(transfer(), [true, false, false]),
		(become_root(), [true, false, false]),
		(vote(), [true, false, false]),
		(open_job(), [true, false, false]),
		(bond(), [true, false, false]),
		(sign_as_validator(), [true, false, false]),
		(resign(), [true, true, false]),
		(cancel_job(), [true, true, false]),
		(remark(), [true, true, false]),
		(lock_job(), [true, false, true]),
		(leave(), [true, true, true]),
		(heartbeat(), [true, true, true]),
		(name_operator(), [true, false, false]),
		(publish_key(), [true, false, true]),
		(register_pod(), [true, false, false]),
		(bond_more_for_a_pod(), [true, false, false]),
		(release_job(), [true, false, true]),
		(rejoin(), [true, false, false]),
		(approve_together(), [true, false, false]),
		(batch(), [true, true, true]),
	];
	for (call, expected) in table {
		let allowed = [Any, NonTransfer, PodOperator].map(|kind| kind.filter(&call));
		assert_eq!(allowed, expected, "{call:?}");
	}
}

#[test]
fn supersets_allow_all_that_their_subsets_do() {
	let kinds = [ProxyType::Any, ProxyType::NonTransfer, ProxyType::PodOperator];
	let calls = [
		transfer(),
		become_root(),
		vote(),
		open_job(),
		bond(),
		sign_as_validator(),
		resign(),
		cancel_job(),
		remark(),
		lock_job(),
		leave(),
		heartbeat(),
		name_operator(),
		publish_key(),
		register_pod(),
		bond_more_for_a_pod(),
		release_job(),
		rejoin(),
		approve_together(),
		batch(),
	];
	for upper in kinds {
		for lower in kinds {
			let covers = calls.iter().all(|call| !lower.filter(call) || upper.filter(call));
			assert_eq!(upper.is_superset(&lower), covers, "{upper:?} over {lower:?}");
		}
	}
}

#[test]
fn session_keys_cannot_be_purged_past_the_floor() {
	assert!(!PublicCalls::contains(&RuntimeCall::Session(pallet_session::Call::purge_keys {})));
	assert!(PublicCalls::contains(&RuntimeCall::Validators(
		pallet_validators::Call::withdraw_keys {}
	)));
	assert!(PublicCalls::contains(&transfer()));
}
