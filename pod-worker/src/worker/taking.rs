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
}

impl Claim {
	/// Nothing more.
	pub(super) const NONE: Self = Self { prove_time: Duration::ZERO, until: NEVER };
}

impl Worker {
	/// Says which models leave no job that this pod would take.
	pub(super) fn warn_of_slow_models(&self) {
		let most = self.work.max_acknowledge_window.saturating_sub(DELIVERY_TICKS);
		for model in self.models.values() {
			let needed = model.prove_time.saturating_mul(self.work.time_margin);
			if !model.trusted_key && !self.fits(needed, most) {
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
				&& !guard(&self.declined).contains_key(id)
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
			if self.can_finish(&claim, window, &held, now) {
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
		let until = match step {
			_ if is_over => None,
			"proving" => Some(lock.prove_by),
			"locked" if model.trusted_key => Some(lock.prove_by),
			// What its client delivers too late is not proved any more.
			"locked" if self.fits(model.prove_time, lock.acknowledge_by.since(now)) => {
				Some(lock.acknowledge_by)
			},
			_ => None,
		};
		until.map(|until| Claim { prove_time: model.prove_time, until })
	}

	/// Whether so much work can be done in so many ticks: each lasts a block at least.
	pub(super) fn fits(&self, work: Duration, ticks: Ticks) -> bool {
		work <= self.block_time.saturating_mul(ticks)
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
		let claim = Claim { prove_time: model.prove_time, until };
		(job.price_at(now) >= model.min_price).then_some((claim, window))
	}

	/// Whether all proofs, made one after the other, fit the new job's window and what is left of
	/// the others' time, with the configured margin.
	fn can_finish(
		&self,
		new: &Claim,
		window: Ticks,
		held: &BTreeMap<JobId, Claim>,
		now: Tick,
	) -> bool {
		let proofs: Duration = held.values().map(|claim| claim.prove_time).sum();
		let needed = proofs.saturating_add(new.prove_time).saturating_mul(self.work.time_margin);
		self.fits(needed, window)
			&& held.values().all(|claim| self.fits(needed, claim.until.since(now)))
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
	use super::is_lost_to;

	#[test]
	fn losses_are_named_only_for_jobs_that_they_keep_away() {
		assert!(is_lost_to(10, 9, 1));
		assert!(!is_lost_to(10, 10, 1), "it fits");
		assert!(!is_lost_to(11, 9, 1), "it would not fit anyway");
		assert!(!is_lost_to(10, 9, 0));
	}
}
