// SPDX-License-Identifier: Apache-2.0

//! What views and the runtime API answer, and the chain's identity.

use crate::{mock::*, Jobs, Receipts};
use proofpod_primitives::{
	job::{Stage, StoredState},
	JobId, Tick,
};
use sp_runtime::testing::H256;

fn phase(job: JobId) -> String {
	String::from_utf8(JobMarket::phase(job).unwrap()).unwrap()
}

#[test]
fn phase_is_what_holds_and_not_what_is_stored() {
	ext().execute_with(|| {
		let job = open();
		assert_eq!(phase(job), "open");
		lock(pod(), job).unwrap();
		assert_eq!(phase(job), "locked");
		go_to(7);
		assert_eq!(phase(job), "open");
		go_to(22);
		assert_eq!(phase(job), "expired");
		JobMarket::poke(RuntimeOrigin::signed(client()), job).unwrap();
		assert_eq!(phase(job), "expired");

		let job = proving();
		assert_eq!(phase(job), "proving");
		go_to(58);
		assert_eq!(phase(job), "failed");
		JobMarket::poke(RuntimeOrigin::signed(client()), job).unwrap();
		assert_eq!(phase(job), "failed");

		let job = open();
		JobMarket::cancel(RuntimeOrigin::signed(client()), job).unwrap();
		assert_eq!(phase(job), "cancelled");

		let job = proving();
		let valid = proof(job, &pod(), &output());
		JobMarket::submit_result(RuntimeOrigin::signed(pod()), job, valid, output()).unwrap();
		assert_eq!(phase(job), "settled");
		assert_eq!(JobMarket::phase(JobId(7)), None);
	});
}

#[test]
fn a_view_tells_what_holds_beside_the_record() {
	ext().execute_with(|| {
		let job = open_with(request_with_failover());
		take(pod(), job);
		go_to(37);
		let view = JobMarket::view(job).unwrap();
		assert_eq!(view.job, Jobs::<Test>::get(job).unwrap());
		assert!(matches!(view.job.state, StoredState::Proving(_)));
		assert_eq!((view.id, view.stage, view.now), (job, Stage::Open, Tick(37)));
		assert_eq!((view.price, view.deposit_held), (200, DEPOSIT));
		assert_eq!((view.open_until, view.failover_until), (Tick(81), Some(Tick(81))));
		assert_eq!(view.due_from, Tick(82), "as if it had been carried out");
		lock(rival(), job).unwrap();
		let view = JobMarket::view(job).unwrap();
		assert_eq!((view.stage, view.open_until), (Stage::Locked, Tick(81)));
		go_to(82);
		poke(job).unwrap();
		assert_eq!(JobMarket::view(job), None);
	});
}

#[test]
fn live_jobs_are_counted_for_their_client() {
	ext().execute_with(|| {
		assert_eq!(JobMarket::live_of(client()), 0);
		let jobs = [open(), open()];
		assert_eq!((JobMarket::live_of(client()), JobMarket::live_of(pod())), (2, 0));
		for job in jobs {
			JobMarket::cancel(RuntimeOrigin::signed(client()), job).unwrap();
		}
		assert_eq!(JobMarket::live_of(client()), 0);
		assert_eq!(crate::ClientJobs::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_job_has_a_record_and_then_a_receipt() {
	ext().execute_with(|| {
		let job = open();
		assert_eq!(JobMarket::job(job), Jobs::<Test>::get(job));
		assert!(JobMarket::job(job).is_some());
		assert_eq!(JobMarket::receipt(job), None);
		JobMarket::cancel(RuntimeOrigin::signed(client()), job).unwrap();
		assert_eq!(JobMarket::job(job), None);
		assert_eq!(JobMarket::receipt(job), Receipts::<Test>::get(job));
		assert!(JobMarket::receipt(job).is_some());
	});
}

#[test]
fn genesis_hash_outlives_the_pruning_of_block_hashes() {
	ext().execute_with(|| {
		assert_eq!(JobMarket::genesis_hash(), GENESIS);
		System::set_block_number(1);
		for block in 2..40u32 {
			System::finalize();
			System::initialize(&block, &H256([block as u8; 32]), &Default::default());
		}
		assert_eq!(System::block_hash(1), H256::zero(), "other hashes are pruned");
		assert_eq!(JobMarket::genesis_hash(), GENESIS);
	});
}
