// SPDX-License-Identifier: Apache-2.0

//! Random sequences of calls and jobs: every invariant holds after each, and a plain model that
//! knows nothing of storage agrees about liveness, suspension, exposure and reputation.

use super::*;
use proofpod_primitives::pod::TrackRecord;
use proptest::prelude::*;

/// What may happen to a pod.
#[derive(Clone, Copy, Debug)]
enum Step {
	Pass(u32),
	Lock(Balance),
	/// The job with this number, modulo how many there are, ends so, at this price.
	End(usize, JobEnd, Balance),
	Beat,
	Suspend(u32),
	Reinstate,
	BondMore(Balance),
	SetOperator(bool),
	Attest(u32),
	Revoke,
	Leave,
	WithdrawAndReturn,
}

fn step() -> impl Strategy<Value = Step> {
	use Step::*;
	let ends = [
		JobEnd::Settled,
		JobEnd::Unacknowledged,
		JobEnd::Discarded,
		JobEnd::Missed,
		JobEnd::Missed,
		JobEnd::Released,
	];
	prop_oneof![
		4 => (1u32..12).prop_map(Pass),
		5 => (0u128..1_500).prop_map(Lock),
		5 => (any::<usize>(), prop::sample::select(ends.to_vec()), 0u128..400)
			.prop_map(|(job, end, price)| End(job, end, price)),
		2 => Just(Beat),
		1 => (0u32..40).prop_map(Suspend),
		1 => Just(Reinstate),
		1 => (0u128..300).prop_map(BondMore),
		1 => any::<bool>().prop_map(SetOperator),
		1 => (0u32..20).prop_map(Attest),
		1 => Just(Revoke),
		1 => Just(Leave),
		1 => Just(WithdrawAndReturn),
	]
}

/// What must hold of the pod.
struct Model {
	now: u32,
	jobs: Vec<Balance>,
	bond: Balance,
	seen: u32,
	suspended_until: u32,
	row: u32,
	dearest: Balance,
	lost: Balance,
	leaves_from: Option<u32>,
	record: TrackRecord,
	operated: bool,
}

impl Model {
	fn new(now: u32, operated: bool) -> Self {
		Self {
			now,
			jobs: Vec::new(),
			bond: 1_000,
			seen: now,
			suspended_until: now,
			row: 0,
			dearest: 0,
			lost: 0,
			leaves_from: None,
			record: TrackRecord::default(),
			operated,
		}
	}

	fn exposure(&self) -> Balance {
		self.jobs.iter().sum()
	}

	fn is_suspended(&self) -> bool {
		self.now < self.suspended_until
	}

	fn admits(&self, bond: Balance) -> bool {
		self.leaves_from.is_none()
			&& !self.is_suspended()
			&& self.exposure() + self.lost + bond <= 3 * self.bond
	}

	fn state(&self) -> PodState {
		match self.leaves_from {
			Some(from) => leaving_from(from),
			None if self.is_suspended() => suspended(self.suspended_until),
			None if self.now - self.seen > 18 => PodState::Silent,
			None => PodState::Live,
		}
	}

	/// Enters the end of a job.
	fn end(&mut self, end: JobEnd, price: Balance, weight: u32) {
		match end {
			JobEnd::Settled => {
				self.record.settled += 1;
				self.record.note(true, weight);
				self.dearest = self.dearest.saturating_sub(price);
				if self.dearest == 0 {
					self.row = 0;
				}
				self.seen = self.now;
			},
			JobEnd::Unacknowledged => self.record.unacknowledged += 1,
			JobEnd::Discarded => {
				self.record.discarded += 1;
				self.record.note(false, weight);
				self.seen = self.now;
				self.fail(price);
			},
			JobEnd::Missed => {
				self.record.missed += 1;
				self.record.note(false, weight);
				self.fail(price);
			},
			JobEnd::Released => self.seen = self.now,
		}
	}

	fn fail(&mut self, price: Balance) {
		if !self.is_suspended() {
			self.row += 1;
			match self.row {
				0 | 1 => {},
				2 => self.suspended_until = self.now + 10,
				3 => self.suspended_until = self.now + 20,
				_ => self.suspended_until = self.now + 35,
			}
		}
		if self.row > 0 {
			self.dearest = self.dearest.max(price);
		}
	}

	/// Does a step on the chain and in the model.
	fn take(&mut self, step: Step) {
		let root = RuntimeOrigin::root;
		match step {
			Step::Pass(ticks) => {
				self.now += ticks;
				go_to(self.now);
			},
			Step::Lock(bond) => {
				let is_admitted = Pods::admit(&CAROL, bond).is_ok();
				assert_eq!(is_admitted, self.admits(bond));
				if is_admitted {
					Pods::job_locked(&CAROL, bond);
					self.jobs.push(bond);
					self.seen = self.now;
				}
			},
			Step::End(job, end, price) if !self.jobs.is_empty() => {
				let bond = self.jobs.swap_remove(job % self.jobs.len());
				let weight = TrackRecord::weight(price, crate::AveragePrice::<Test>::get());
				let lost = if end == JobEnd::Settled { 0 } else { bond.min(price) };
				Pods::job_ended(&CAROL, EndedJob { end, bond, lost, price });
				self.lost += lost;
				self.end(end, price, weight);
			},
			Step::End(..) => {},
			Step::Beat => {
				let signer = if self.operated { HOT } else { CAROL };
				let beats = Pods::heartbeat(signed(signer)).is_ok();
				assert_eq!(beats, self.now - self.seen >= 5);
				if beats {
					self.seen = self.now;
				}
			},
			Step::Suspend(ticks) => {
				let until = self.now + ticks;
				assert_eq!(Pods::suspend(root(), CAROL, Tick(until)).is_ok(), ticks > 0);
				if ticks > 0 {
					self.suspended_until = until;
				}
			},
			Step::Reinstate => {
				assert_eq!(Pods::reinstate(root(), CAROL).is_ok(), self.is_suspended());
				if self.is_suspended() {
					self.suspended_until = self.now;
					(self.row, self.dearest) = (0, 0);
				}
			},
			Step::BondMore(amount) => {
				let done = Pods::bond_more(signed(CAROL), amount).is_ok();
				assert!(!done || self.leaves_from.is_none());
				if done {
					self.bond += amount;
					self.lost = 0;
				}
			},
			Step::SetOperator(operated) => {
				let operator = operated.then_some(HOT);
				assert_ok!(Pods::set_operator(signed(CAROL), operator));
				self.operated = operated;
				self.lost = 0;
			},
			Step::Attest(ticks) => {
				let tags = vec![tag("a"); 1 + ticks as usize % 3].try_into().unwrap();
				let expires = Tick(self.now + ticks);
				assert_eq!(Pods::attest(signed(ISSUER), CAROL, tags, expires).is_ok(), ticks > 0);
			},
			Step::Revoke => {
				let is_there = Pods::attestation(CAROL, ISSUER).is_some();
				assert_eq!(Pods::revoke(signed(ISSUER), CAROL).is_ok(), is_there);
			},
			Step::Leave => {
				assert_eq!(Pods::leave(signed(CAROL)).is_ok(), self.leaves_from.is_none());
				self.leaves_from.get_or_insert(self.now + 10);
			},
			Step::WithdrawAndReturn => {
				let may = self.leaves_from.is_some_and(|from| self.now >= from);
				let done = Pods::withdraw(signed(CAROL)).is_ok();
				assert_eq!(done, may && self.jobs.is_empty());
				if done {
					assert_eq!(Balances::free_balance(CAROL), FUNDS);
					operated();
					*self = Self::new(self.now, true);
				}
			},
		}
	}

	/// Compares.
	fn check(&self) {
		let view = Pods::pod_view(CAROL).unwrap();
		assert_eq!(view.state, self.state());
		assert_eq!(view.reputation, self.record.reputation());
		assert_eq!(view.headroom, 3 * self.bond - self.exposure() - self.lost);
		assert_eq!(view.heartbeat_due, Tick(self.seen + 9));
		assert_eq!(view.record.record, self.record);
		assert_eq!(view.record.live_jobs as usize, self.jobs.len());
		assert_eq!((view.record.exposure, view.record.lost), (self.exposure(), self.lost));
		assert_eq!(held(&CAROL), self.bond);
		assert_eq!(Pods::acting(&HOT).is_ok(), self.operated);
		Pods::do_try_state().unwrap();
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	#[test]
	fn the_record_agrees_with_a_plain_model(steps in prop::collection::vec(step(), 0..120)) {
		build_and_execute(|| {
			operated();
			let mut model = Model::new(1, true);
			for step in steps {
				model.take(step);
				model.check();
			}
		});
	}
}
