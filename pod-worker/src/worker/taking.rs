// SPDX-License-Identifier: Apache-2.0

//! Which jobs the pod takes: those that it can finish in time beside the jobs that it holds.

use super::{guard, Worker, NEVER};
use crate::{error::Result, models::ServedModel};
use proofpod_client::{
	amount::{Amount, POD},
	chain::{PodView, View},
	AccountId, Job, Lock,
};
use proofpod_primitives::{
	job::{Phase, StoredState, Windows},
	pod::PrivacyTier,
	Balance, JobId, Tick, Ticks,
};
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::{atomic::Ordering, Arc},
	time::Duration,
};

/// Ticks of the acknowledgement's window that are not the proof's: in them the client sees the lock
/// and delivers, and the acknowledgement gets into a block.
const DELIVERY_TICKS: Ticks = 4;
/// Those of them in which the acknowledgement gets into a block.
const ACKNOWLEDGE_TICKS: Ticks = 2;
/// Left on the account, beside a job's bond, for fees.
const FEE_RESERVE: Balance = POD / 10;

/// What a job takes that is being locked.
pub(super) struct Taken {
	claim: Claim,
	/// Not yet held on the chain.
	bond: Balance,
}

/// What a job asks of this pod.
#[derive(Clone, Copy)]
pub(super) struct Claim {
	/// How long its proof, if it is not there yet, takes here.
	prove_time: Duration,
	/// Last tick for the proof.
	until: Tick,
	/// Whether the bond is at risk, and not a lapse fee alone.
	at_risk: bool,
}

impl Claim {
	/// Nothing more.
	pub(super) const NONE: Self = Self { prove_time: Duration::ZERO, until: NEVER, at_risk: false };
}

/// How proofs, made one after the other, fit the time.
pub(super) struct Schedule {
	/// Time between two blocks.
	pub(super) block_time: Duration,
	/// How many times as long as measured proofs may take.
	pub(super) margin: u32,
}

impl Schedule {
	/// Whether so much work can be done in so many ticks: each lasts a block at least.
	fn fits(&self, work: Duration, ticks: Ticks) -> bool {
		work <= self.block_time.saturating_mul(ticks)
	}

	/// Whether a proof that begins now is ready in time for the acknowledgement.
	pub(super) fn leaves_time(&self, prove_time: Duration, lock: &Lock, now: Tick) -> bool {
		let ticks = lock.acknowledge_by.since(now).saturating_sub(ACKNOWLEDGE_TICKS);
		self.fits(prove_time, ticks)
	}

	/// Whether all proofs fit the new job's window, and what is left of the others' time: with the
	/// margin, where a bond is at risk.
	fn has_room(
		&self,
		new: &Claim,
		window: Ticks,
		held: &BTreeMap<JobId, Claim>,
		now: Tick,
	) -> bool {
		let held_up: Duration = held.values().map(|claim| claim.prove_time).sum();
		let all = held_up.saturating_add(new.prove_time);
		let with_margin = all.saturating_mul(self.margin);
		self.fits(with_margin, window)
			&& held.values().all(|claim| {
				let needed = if claim.at_risk { with_margin } else { all };
				self.fits(needed, claim.until.since(now))
			})
	}
}

impl Worker {
	/// Says which models leave no job that this pod would take.
	pub(super) fn warn_of_slow_models(&self) {
		let most = self.work.max_acknowledge_window.saturating_sub(DELIVERY_TICKS);
		for model in self.models.values() {
			let needed = model.prove_time.saturating_mul(self.schedule.margin);
			if !model.trusted_key && !self.schedule.fits(needed, most) {
				tracing::warn!(
					model = model.name(),
					seconds = model.prove_time.as_secs(),
					"no job leaves the time to prove before the acknowledgement: raise \
					 work.max_acknowledge_window, or set trusted_key if you trust the model's key"
				);
			}
		}
	}

	/// Locks what the pod can finish beside the jobs that it holds.
	pub(super) async fn take_jobs(
		self: &Arc<Self>,
		view: &View,
		pod: &PodView,
		jobs: &[(JobId, Job)],
		opened: &BTreeSet<JobId>,
		mut held: BTreeMap<JobId, Claim>,
		driven: &BTreeSet<JobId>,
	) -> Result<()> {
		if !pod.state.takes_jobs() || self.spare(view, self.signer.account()).await? == 0 {
			return Ok(());
		}
		let (now, profile) = (pod.now, &pod.record.profile);
		self.warn_of_losses(pod, jobs);
		let risk = self.work.max_bond.map_or(Balance::MAX, |limit| limit.0);
		let mut free = self.spare(view, self.account).await?.min(pod.headroom);
		// Locks that are on their way count as if they were there.
		for (id, taken) in guard(&self.taken).iter() {
			if held.insert(*id, taken.claim).is_none() {
				free = free.saturating_sub(taken.bond);
			}
		}
		for (id, job) in jobs {
			if held.len() >= self.work.jobs as usize {
				break;
			}
			let wanted = opened.contains(id)
				&& matches!(job.phase(now), Phase::Open { .. })
				&& !driven.contains(id)
				&& !self.has_declined(id)
				&& job.terms.bond <= free.min(risk)
				&& job.request.windows.acknowledge <= self.work.max_acknowledge_window
				&& self.suits_tier(job)
				&& !job.barred.contains(&self.account)
				&& !self.has_failed(job)
				&& job.request.requirements.admit(
					&self.account,
					&profile.regions,
					pod.reputation,
					// Whether somebody attests it is the chain's to say.
					|tag| tag.attested_by.is_some() || profile.tags.contains(&tag.tag),
				);
			let Some((claim, window)) = wanted.then(|| self.claim(job, now)).flatten() else {
				continue;
			};
			if self.schedule.has_room(&claim, window, &held, now) {
				let bond = job.terms.bond;
				free = free.saturating_sub(bond);
				held.insert(*id, claim);
				guard(&self.taken).insert(*id, Taken { claim, bond });
				self.spawn_drive(*id);
			}
		}
		Ok(())
	}

	/// Says once, and again when it comes back, that losses keep the pod from jobs: only its owner
	/// can change that.
	fn warn_of_losses(&self, pod: &PodView, jobs: &[(JobId, Job)]) {
		let kept_from = |job: &Job| {
			matches!(job.phase(pod.now), Phase::Open { .. })
				&& is_lost_to(job.terms.bond, pod.headroom, pod.record.lost)
		};
		let capped = jobs.iter().any(|(_, job)| kept_from(job));
		if capped && !self.capped.swap(capped, Ordering::Relaxed) {
			tracing::warn!(
				lost = %Amount(pod.record.lost),
				left = %Amount(pod.headroom),
				"what this pod's jobs have lost counts against its cap, and it cannot take some jobs: \
				 find out why they failed; then its owner's account sends `proofpod pods bond 0`, or \
				 `proofpod pods operator` with the same operator or another"
			);
		}
		self.capped.store(capped, Ordering::Relaxed);
	}

	/// What an account can spend beside fees.
	async fn spare(&self, view: &View, account: AccountId) -> Result<Balance> {
		Ok(view.balance(account).await?.free.saturating_sub(FEE_RESERVE))
	}

	/// What a held job still asks of the prover, if anything.
	pub(super) fn claim_of(
		&self,
		id: JobId,
		model: &ServedModel,
		lock: &Lock,
		step: &str,
		now: Tick,
	) -> Option<Claim> {
		let is_over = guard(&self.proofs).contains_key(&id) || guard(&self.unproved).contains(&id);
		let prove_time = model.prove_time;
		match step {
			_ if is_over => None,
			"proving" => Some(Claim { prove_time, until: lock.prove_by, at_risk: true }),
			"locked" if model.trusted_key => {
				Some(Claim { prove_time, until: lock.prove_by, at_risk: true })
			},
			// What its client delivers too late is not proved any more.
			"locked" if self.schedule.leaves_time(prove_time, lock, now) => {
				Some(Claim { prove_time, until: lock.acknowledge_by, at_risk: false })
			},
			_ => None,
		}
	}

	/// Whether the pod does not ask for a job: it has had it, or was refused. But a proof that came
	/// too late for one lock is there for the next.
	pub(super) fn has_declined(&self, id: &JobId) -> bool {
		guard(&self.declined).contains_key(id) && !guard(&self.proofs).contains_key(id)
	}

	/// What the job would ask of this pod if it locked it now, and the ticks that it allows for the
	/// proof; nothing when the model is not served, its key is spoilt, or the price too low.
	fn claim(&self, job: &Job, now: Tick) -> Option<(Claim, Ticks)> {
		let model = self.models.get(&job.request.model)?;
		if guard(&self.spoilt).contains(&job.request.model) {
			return None;
		}
		let Windows { acknowledge, prove, .. } = job.request.windows;
		let acknowledge_by = now.after(acknowledge);
		let (until, window) = if model.trusted_key {
			(acknowledge_by.after(prove), prove)
		} else {
			// And once more after a restart, should the proof be lost.
			(acknowledge_by, acknowledge.saturating_sub(DELIVERY_TICKS).min(prove))
		};
		let claim = Claim { prove_time: model.prove_time, until, at_risk: model.trusted_key };
		(job.price_at(now) >= model.min_price).then_some((claim, window))
	}

	/// Whether this pod is the last that did not prove the job. Clients that name their pods let
	/// them try again; what failed once would cost a bond each time.
	fn has_failed(&self, job: &Job) -> bool {
		let overdue = match &job.state {
			StoredState::Proving(lock) => Some(lock.pod),
			_ => None,
		};
		let failed = job.failure.as_ref().map(|failure| failure.pod);
		overdue.or(failed) == Some(self.account)
	}

	/// A job that must stay on its owner's machine names that machine's pod.
	fn suits_tier(&self, job: &Job) -> bool {
		match job.request.requirements.tier {
			PrivacyTier::Local => !job.request.requirements.pods.is_empty(),
			PrivacyTier::Sealed => true,
		}
	}
}

/// Whether a job with this bond would fit what a pod may still take, had it lost nothing.
fn is_lost_to(bond: Balance, headroom: Balance, lost: Balance) -> bool {
	bond > headroom && bond <= headroom.saturating_add(lost)
}

#[cfg(test)]
mod tests {
	use super::*;
	use proofpod_primitives::EncryptionKey;

	const SCHEDULE: Schedule = Schedule { block_time: Duration::from_secs(3), margin: 3 };

	fn claim(seconds: u64, until: u32, at_risk: bool) -> Claim {
		Claim { prove_time: Duration::from_secs(seconds), until: Tick(until), at_risk }
	}

	#[test]
	fn jobs_are_taken_while_their_proofs_fit() {
		let has_room = |new: u64, window, held: &[Claim]| {
			let held = (0..).map(JobId).zip(held.iter().copied()).collect();
			SCHEDULE.has_room(&claim(new, 0, false), window, &held, Tick(100))
		};
		assert!(has_room(36, 36, &[]) && !has_room(37, 36, &[]), "three times as long as measured");
		assert!(has_room(12, 36, &[claim(24, 136, true)]), "one after the other");
		assert!(!has_room(12, 36, &[claim(24, 135, true)]), "nor may the other's bond be lost");
		assert!(has_room(12, 36, &[claim(24, 112, false)]), "where it is a fee, it may be tight");
		assert!(!has_room(12, 36, &[claim(24, 111, false)]));
		assert!(has_room(36, 36, &[Claim::NONE]));
	}

	#[test]
	fn a_proof_begins_only_if_its_acknowledgement_comes_in_time() {
		let lock = Lock {
			pod: AccountId::from([1; 32]),
			price: 1,
			key_epoch: 0,
			encryption_key: EncryptionKey([2; 32]),
			acknowledge_by: Tick(20),
			prove_by: Tick(40),
		};
		let leaves_time = |now| SCHEDULE.leaves_time(Duration::from_secs(9), &lock, Tick(now));
		assert!(leaves_time(15) && !leaves_time(16) && !leaves_time(20) && !leaves_time(21));
	}

	#[test]
	fn losses_are_named_only_for_jobs_that_they_keep_away() {
		assert!(is_lost_to(10, 9, 1));
		assert!(!is_lost_to(10, 10, 1), "it fits");
		assert!(!is_lost_to(11, 9, 1), "it would not fit anyway");
		assert!(!is_lost_to(10, 9, 0));
	}
}
