// SPDX-License-Identifier: Apache-2.0

//! One module per call or pair of calls; then what the jobs pallet does, invariants, configuration,
//! and random sequences.

mod attest;
mod configuration;
mod heartbeat;
mod invariants;
mod jobs;
mod leave;
mod operator;
mod register;
mod sequences;
mod suspend;
mod update;
mod withdraw;

use crate::{mock::*, EndedJob, JobEnd, PodRecord};
use frame_support::assert_ok;
use proofpod_primitives::{
	pod::{PodProfile, PodState, Region},
	Balance, EncryptionKey, Tick,
};
use sp_runtime::AccountId32;

fn signed(who: AccountId32) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// Makes Carol's account a pod with key 1 that nobody operates.
fn registered() {
	assert_ok!(Pods::register(signed(CAROL), profile(1), None));
	System::reset_events();
}

/// Makes Carol's account a pod with key 1 that the hot account operates.
fn operated() {
	assert_ok!(Pods::register(signed(CAROL), profile(1), Some(HOT)));
	System::reset_events();
}

/// Makes Carol's account a pod that leaves at tick 1: it may withdraw from tick 11.
fn leaving() {
	operated();
	assert_ok!(Pods::leave(signed(CAROL)));
	System::reset_events();
}

/// A job of a pod ends, and takes nothing of its bond.
fn ended(pod: &AccountId32, bond: Balance, end: JobEnd, price: Balance) {
	Pods::job_ended(pod, EndedJob { end, bond, lost: 0, price });
}

fn record() -> PodRecord {
	Pods::pod(CAROL).unwrap()
}

/// Changes Carol's record behind the pallet's back.
fn tamper(change: impl FnOnce(&mut PodRecord)) {
	crate::Pods::<Test>::mutate(CAROL, |record| change(record.as_mut().unwrap()));
}

fn state() -> PodState {
	Pods::pod_view(CAROL).unwrap().state
}

fn suspended(until: u32) -> PodState {
	PodState::Suspended { until: Tick(until) }
}

fn leaving_from(withdrawable_from: u32) -> PodState {
	PodState::Leaving { withdrawable_from: Tick(withdrawable_from) }
}

fn malformed() -> [PodProfile; 4] {
	[
		PodProfile { endpoint: b"pod.example".to_vec().try_into().unwrap(), ..profile(1) },
		PodProfile { encryption_key: EncryptionKey([0; 32]), ..profile(1) },
		PodProfile { regions: vec![Region(*b"c1")].try_into().unwrap(), ..profile(1) },
		PodProfile { tags: vec![tag("GPU")].try_into().unwrap(), ..profile(1) },
	]
}
