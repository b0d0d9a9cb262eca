// SPDX-License-Identifier: Apache-2.0

//! What players do: honest ones what is in their interest, the others anything.

use super::game::{JobRecord, Table};
use crate::{
	chain::{take_events, Signer},
	scenario::{
		acknowledge, cancel, discard, garbage, key, lock, model, output, poke, profile, prove,
		release, sealed_model, second_key, INPUTS,
	},
};
use frame_support::traits::GetCallMetadata;
use pallet_pods::PodRecord;
use proofpod_primitives::{
	job::{JobRequest, Phase, PriceRamp, RequiredTag, Requirements, StoredState, Windows},
	manifest::OutputVisibility,
	pod::{PodProfile, Region, Tag},
	InputCommitment, JobId, ModelId, OutputKeyCommitment, Scalar, Tick,
};
use proofpod_runtime::{
	configs::market::MaxFailoverWindow,
	units::{MILLI_POD, POD},
	AccountId, Balance, Clock, Pods, Runtime, RuntimeCall, RuntimeEvent, SafeMode,
};
use rand::{seq::SliceRandom, Rng};

const TAGS: [&[u8]; 2] = [b"gpu", b"iso-27001"];

fn tag(tag: &[u8]) -> Tag {
	tag.to_vec().try_into().unwrap()
}

/// Whether a pod may lock a job, tags apart.
fn may_lock(job: &JobRecord, pod: &AccountId) -> bool {
	let Some(PodRecord { profile, record, .. }) = Pods::pod(pod.clone()) else { return false };
	let requirements = &job.request.requirements;
	matches!(job.phase(Clock::now()), Phase::Open { .. })
		&& !job.barred.contains(pod)
		&& requirements.admit(pod, &profile.regions, record.reputation(), |_| true)
}

/// What a player may do, with how often it does: the first number is out of their sum.
type Moves<'a> = [(u32, fn(&mut Table, &Signer) -> Option<RuntimeCall>)];

impl Table {
	fn choose(&mut self, moves: &Moves, who: &Signer) -> Option<RuntimeCall> {
		let (_, next) = moves.choose_weighted(&mut self.rng, |(weight, _)| *weight).unwrap();
		next(self, who)
	}

	fn somebody(&mut self) -> Signer {
		let everybody = self.everybody();
		everybody.choose(&mut self.rng).unwrap().clone()
	}

	/// A client opens a job, withdraws one, or tidies; a pod takes one, or says that it is there.
	pub(super) fn honest_move(&mut self) {
		if self.rng.gen_bool(0.55) {
			let index = self.rng.gen_range(0..self.clients.len());
			let client = self.clients[index].clone();
			let moves: &Moves = &[
				(12, |table, _| (!table.is_crowded()).then(|| table.open(true))),
				(1, |table, who| table.cancel_own(who)),
				(1, |table, _| table.poke_due()),
				(1, |table, who| table.forget_jobs(who)),
			];
			if let Some(call) = self.choose(moves, &client) {
				let _ = self.call(&client, call);
			}
			return;
		}
		let index = self.rng.gen_range(0..self.pods.len());
		let pod = self.pods[index].clone();
		if self.rng.gen_bool(0.05) {
			let _ = self.call(&pod, pallet_pods::Call::heartbeat {}.into());
			return;
		}
		let Some((id, job)) = self.some_job(|job| may_lock(job, &pod.account)) else { return };
		let min_price = if self.rng.gen_bool(0.9) { 0 } else { 50 * MILLI_POD };
		let call = pallet_jobs::Call::lock { job: id, min_price };
		if self.call(&pod, call.into()) == Ok(Ok(())) {
			// Honest clients deliver, and that pod has what it needs.
			if !self.is_honest_client(&job.client) && self.rng.gen_bool(0.4) {
				self.ledger.silent.insert((id, pod.account.clone()));
				self.ledger.count("a client did not deliver");
			}
		}
	}

	/// Somebody else does anything, alone or several things at once.
	pub(super) fn others_move(&mut self) {
		let who = self.others.choose(&mut self.rng).unwrap().clone();
		let call = if self.rng.gen_bool(0.06) {
			let number = self.rng.gen_range(2..=4);
			let calls = (0..number).filter_map(|_| self.any_call(&who)).collect();
			Some(RuntimeCall::Utility(match self.rng.gen_range(0..3) {
				0 => pallet_utility::Call::batch { calls },
				1 => pallet_utility::Call::batch_all { calls },
				_ => pallet_utility::Call::force_batch { calls },
			}))
		} else {
			self.any_call(&who)
		};
		if let Some(call) = call {
			let _ = self.call(&who, call);
		}
	}

	fn any_call(&mut self, who: &Signer) -> Option<RuntimeCall> {
		let moves: &Moves = &[
			(14, |table, _| (!table.is_crowded()).then(|| table.open(false))),
			(26, |table, who| table.lock_any(who)),
			(45, |table, who| table.go_on(who)),
			(3, |table, who| table.cancel_own(who)),
			(3, |table, _| table.poke_due()),
			(4, |table, _| table.meddle()),
			(13, |table, who| Some(table.registry(who))),
			(7, |table, who| Some(table.publish_or_remove(who))),
			(2, |table, who| Some(table.transfer(who))),
		];
		self.choose(moves, who)
	}

	/// The administrators do their work, or halt the market for a while.
	pub(super) fn administer(&mut self) {
		let mut pod = self.somebody().account;
		let until = Clock::now().after(self.rng.gen_range(1..200));
		let choice = self.rng.gen_range(0..8);
		if choice > 0 {
			let now = Clock::now();
			let suspended = pallet_pods::Pods::<Runtime>::iter()
				.find_map(|(pod, record)| record.is_suspended(now).then_some(pod));
			pod = suspended.unwrap_or(pod);
		}
		let call: RuntimeCall = match choice {
			_ if SafeMode::is_entered() => pallet_safe_mode::Call::force_exit {}.into(),
			0 => pallet_pods::Call::suspend { pod, until }.into(),
			1..=6 => pallet_pods::Call::reinstate { pod }.into(),
			_ => pallet_safe_mode::Call::force_enter {}.into(),
		};
		// The call itself is counted where it succeeds inside.
		if self.sudo(call.clone()) {
			let name = call.get_call_metadata();
			self.ledger.count(format!("{}.{}", name.pallet_name, name.function_name));
		}
		// A halt is short, or nothing else would happen.
		if SafeMode::is_entered() && self.rng.gen_bool(0.8) {
			self.block();
			self.sudo(pallet_safe_mode::Call::force_exit {}.into());
		}
	}

	/// Makes a call as root; gives whether it was done.
	pub(super) fn sudo(&mut self, call: RuntimeCall) -> bool {
		let alice = Signer::alice();
		let call = pallet_sudo::Call::sudo { call: Box::new(call) };
		let done = alice.submit(call).is_ok_and(|done| done.is_ok());
		let events = take_events();
		let done = done
			&& events.iter().any(|event| {
				matches!(
					event,
					RuntimeEvent::Sudo(pallet_sudo::Event::Sudid { sudo_result: Ok(()) })
				)
			});
		self.ledger.enter(events);
		self.check();
		done
	}

	fn price(&mut self) -> PriceRamp {
		let scale = [10 * MILLI_POD, 300 * MILLI_POD, 3 * POD, 30 * POD, 300 * POD];
		let min: Balance = self.rng.gen_range(1..=3) * scale.choose(&mut self.rng).unwrap()
			+ self.rng.gen_range(0..1_000);
		PriceRamp {
			min,
			max: min + self.rng.gen_range(0..2) * self.rng.gen_range(0..2 * min),
			ramp: self.rng.gen_range(0..30),
		}
	}

	fn requirements(&mut self, honest: bool) -> Requirements<AccountId> {
		let mut pods = Vec::new();
		if self.rng.gen_bool(0.1) {
			pods.extend((0..self.rng.gen_range(1..3)).map(|_| self.somebody().account));
		}
		let regions = match self.rng.gen_range(0..10) {
			0 => vec![Region(*b"CH"), Region(*b"DE")],
			_ => Vec::new(),
		};
		let mut tags = Vec::new();
		if self.rng.gen_bool(0.05) {
			let attested_by = self.rng.gen_bool(0.5).then(|| self.somebody().account);
			tags.push(RequiredTag { tag: tag(TAGS[0]), attested_by });
		}
		Requirements {
			pods: pods.try_into().unwrap(),
			regions: regions.try_into().unwrap(),
			min_reputation: if !honest && self.rng.gen_bool(0.1) { 300 } else { 0 },
			tags: tags.try_into().unwrap(),
			..Requirements::default()
		}
	}

	/// Opens a job that its client means, or one that may be nonsense.
	fn open(&mut self, honest: bool) -> RuntimeCall {
		let rng = &mut self.rng;
		let public = rng.gen_bool(0.3);
		let nonsense = !honest && rng.gen_bool(0.05);
		let lock = rng.gen_range(4..40);
		let acknowledge = rng.gen_range(4..16);
		let prove = rng.gen_range(20..60);
		let least = lock + acknowledge + prove + 4;
		let failover = match rng.gen_bool(0.5) {
			true if nonsense => MaxFailoverWindow::get() + 1,
			true => rng.gen_range(least..300),
			false => 0,
		};
		let model_id = match public {
			true => model(2, OutputVisibility::Public).id(),
			false => sealed_model().id(),
		};
		let foreign = !honest && self.rng.gen_bool(0.2);
		let model = if foreign { self.some_model() } else { model_id };
		let request = JobRequest {
			model,
			input: InputCommitment([if nonsense { 0xff } else { 4 }; 32]),
			output_key: (!public).then_some(OutputKeyCommitment([5; 32])),
			price: self.price(),
			windows: Windows { lock, acknowledge, prove, failover },
			requirements: self.requirements(honest),
		};
		pallet_jobs::Call::open { request }.into()
	}

	/// Any pod of the coalition may try any job, for gain or out of spite.
	fn lock_any(&mut self, who: &Signer) -> Option<RuntimeCall> {
		let pod = Pods::acting(&who.account).unwrap_or_else(|_| who.account.clone());
		// Those that surely may not try now and then only.
		if Pods::admit(&pod, 0).is_err() && self.rng.gen_bool(0.9) {
			return None;
		}
		let again = self.rng.gen_bool(0.15);
		let wanted = |job: &JobRecord| match again {
			true => job.barred.contains(&pod),
			false => may_lock(job, &pod),
		};
		let (job, record) = self.some_job(wanted)?;
		let price = record.price_at(Clock::now());
		let min_price = if self.rng.gen_bool(0.97) { 0 } else { price + 1 };
		Some(pallet_jobs::Call::lock { job, min_price }.into())
	}

	/// What a pod of the coalition does with a job that it has, or with another's.
	fn go_on(&mut self, who: &Signer) -> Option<RuntimeCall> {
		let pod = Pods::acting(&who.account).ok();
		let has_it = |job: &JobRecord| {
			let lock = job.state.lock();
			lock.is_some_and(|lock| Some(&lock.pod) == pod.as_ref())
				&& !matches!(job.phase(Clock::now()), Phase::Open { .. })
		};
		let (id, job) = self.some_job(has_it)?;
		if !has_it(&job) && self.rng.gen_bool(0.8) {
			return None;
		}
		let pod = pod.unwrap_or_else(|| who.account.clone());
		Some(match job.state {
			StoredState::Open => lock(id),
			StoredState::Locked(_) => match self.rng.gen_range(0..10) {
				0..=5 => acknowledge(id),
				6..=7 => release(id),
				_ => self.submit_something(id, &job, &pod),
			},
			StoredState::Proving(_) => match self.rng.gen_range(0..10) {
				0..=1 => discard(id),
				// It lets the time pass, and does something else.
				2..=5 => return None,
				_ => self.submit_something(id, &job, &pod),
			},
		})
	}

	/// A valid result, a copied one, one of another job, or garbage.
	fn submit_something(&mut self, id: JobId, job: &JobRecord, pod: &AccountId) -> RuntimeCall {
		match self.rng.gen_range(0..10) {
			0..=4 => self.valid_result(id, job, pod),
			5..=6 if !self.results.is_empty() => {
				self.results.choose(&mut self.rng).unwrap().clone()
			},
			7 => {
				// Were it the pod itself, the result would be valid.
				let other = Signer::alice().account;
				let (proof, output) = (prove(id, &other, &output(1)), output(1));
				pallet_jobs::Call::submit_result { job: id, proof, output }.into()
			},
			_ => {
				let elements = self.rng.gen_range(1..3);
				let (proof, output) = (garbage(), output(elements));
				pallet_jobs::Call::submit_result { job: id, proof, output }.into()
			},
		}
	}

	fn cancel_own(&mut self, who: &Signer) -> Option<RuntimeCall> {
		let (id, _) = self.some_job(|job| {
			job.client == who.account && matches!(job.phase(Clock::now()), Phase::Open { .. })
		})?;
		Some(cancel(id))
	}

	/// A publisher would remove what it forgets that jobs need.
	fn forget_jobs(&mut self, who: &Signer) -> Option<RuntimeCall> {
		let model = sealed_model().id();
		let record = pallet_models::Models::<Runtime>::get(model)?;
		(record.owner == who.account && record.jobs > 0).then(|| {
			if self.rng.gen_bool(0.5) {
				pallet_models::Call::remove { model }.into()
			} else {
				pallet_proofs::Call::remove_key { id: key().id() }.into()
			}
		})
	}

	/// Pokes a job of which something is due, or any.
	fn poke_due(&mut self) -> Option<RuntimeCall> {
		let (id, _) = self.some_job(|job| job.phase(Clock::now()).is_due())?;
		Some(poke(id))
	}

	/// Does something to a job that is somebody else's, or none.
	fn meddle(&mut self) -> Option<RuntimeCall> {
		let (id, _) = self.some_job(|job| job.state.lock().is_some())?;
		let copied = self.results.choose(&mut self.rng).cloned();
		Some(match self.rng.gen_range(0..7) {
			0 => acknowledge(id),
			1 => release(id),
			2 => discard(id),
			3 => cancel(id),
			4 => poke(JobId(u64::MAX)),
			_ => return copied,
		})
	}

	fn some_profile(&mut self) -> PodProfile {
		let mut profile = profile(self.rng.gen_range(9..40));
		if self.rng.gen_bool(0.2) {
			profile.regions = vec![Region(*b"DE"), Region(*b"FR")].try_into().unwrap();
		}
		if self.rng.gen_bool(0.2) {
			profile.tags = vec![tag(TAGS[0])].try_into().unwrap();
		}
		if self.rng.gen_bool(0.03) {
			profile.endpoint = b"ftp://pod.example".to_vec().try_into().unwrap();
		}
		profile
	}

	/// What pods and those around them do in their registry.
	fn registry(&mut self, who: &Signer) -> RuntimeCall {
		use pallet_pods::Call;
		let is_pod = pallet_pods::Pods::<Runtime>::contains_key(&who.account);
		let pod = self.somebody().account;
		let until = Clock::now().after(self.rng.gen_range(0..100));
		if !is_pod && self.rng.gen_bool(0.6) {
			let operator = self.rng.gen_bool(0.2).then(|| self.somebody().account);
			return Call::register { profile: self.some_profile(), operator }.into();
		}
		match self.rng.gen_range(0..24) {
			0..=2 => Call::update { profile: self.some_profile() },
			3 if self.rng.gen_bool(0.25) => Call::leave {},
			4..=9 => Call::withdraw {},
			10 => Call::set_operator { operator: Some(pod) },
			11 => Call::set_operator { operator: None },
			12 => Call::bond_more { amount: self.rng.gen_range(1..20) * POD },
			13..=15 => Call::heartbeat {},
			16..=18 => {
				let tags = TAGS.iter().take(self.rng.gen_range(0..3)).map(|text| tag(text));
				let tags = tags.collect::<Vec<_>>().try_into().unwrap();
				Call::attest { pod, tags, expires: until }
			},
			19..=21 => {
				let mine = pallet_pods::Attestations::<Runtime>::iter_keys()
					.find(|(_, issuer)| *issuer == who.account);
				Call::revoke { pod: mine.map_or(pod, |(of, _)| of) }
			},
			22 => Call::suspend { pod, until: Tick(u32::MAX) },
			_ => Call::reinstate { pod },
		}
		.into()
	}

	fn some_model(&mut self) -> ModelId {
		let mut models: Vec<_> = pallet_models::Models::<Runtime>::iter_keys().collect();
		models.sort();
		*models.choose(&mut self.rng).unwrap()
	}

	/// One of somebody's own models, or any.
	fn model_of(&mut self, who: &Signer) -> ModelId {
		let own = |(id, record): (ModelId, pallet_models::ModelRecord)| {
			(record.owner == who.account).then_some(id)
		};
		let own = pallet_models::Models::<Runtime>::iter().filter_map(own).min();
		own.unwrap_or_else(|| self.some_model())
	}

	/// Keys and models come and go; each of these calls may be nonsense.
	fn publish_or_remove(&mut self, who: &Signer) -> RuntimeCall {
		use pallet_models::Call as Models;
		use pallet_proofs::Call as Proofs;
		let number = self.rng.gen_range(10..16);
		if self.rng.gen_bool(0.1) {
			// Somebody tries to remove what others need.
			return Models::remove { model: self.some_model() }.into();
		}
		let replaces = self.rng.gen_bool(0.3).then(|| self.model_of(who));
		let uri = b"https://models.example/squares".to_vec().try_into().unwrap();
		let uris = vec![uri; self.rng.gen_range(0..3)].try_into().unwrap();
		let mut manifest = model(number, OutputVisibility::Sealed);
		if pallet_proofs::Keys::<Runtime>::contains_key(second_key().id()) {
			manifest.verifying_key = second_key().id();
		}
		match self.rng.gen_range(0..14) {
			0..=2 => Models::register { manifest, uris, replaces }.into(),
			3..=4 => Models::update_uris { model: self.model_of(who), uris }.into(),
			5..=6 => Models::deprecate { model: self.model_of(who) }.into(),
			7 => Models::remove { model: self.model_of(who) }.into(),
			8..=9 => Proofs::register_key { verifying_key: second_key().verifying_key() }.into(),
			10 => Proofs::remove_key { id: second_key().id() }.into(),
			11 => Proofs::remove_key { id: key().id() }.into(),
			12 => {
				let inputs = vec![Scalar([3; 32]); INPUTS as usize];
				let (proof, inputs) = (key().prove(&inputs), inputs.try_into().unwrap());
				Proofs::verify { key: key().id(), proof, inputs }.into()
			},
			_ => {
				let inputs = vec![Scalar([2; 32]); INPUTS as usize].try_into().unwrap();
				Proofs::verify { key: key().id(), proof: garbage(), inputs }.into()
			},
		}
	}

	fn transfer(&mut self, who: &Signer) -> RuntimeCall {
		let dest = self.somebody().account.into();
		let value = self.rng.gen_range(0..3 * POD);
		match self.rng.gen_range(0..4) {
			0..=1 => pallet_balances::Call::transfer_keep_alive { dest, value },
			2 => pallet_balances::Call::transfer_allow_death { dest, value },
			// Nearly all: what it may have at risk must not be needed elsewhere.
			_ => {
				let value = who.total().saturating_sub(who.held() + POD) * self.rng.gen_range(0..2);
				let dest = self.others[0].account.clone().into();
				pallet_balances::Call::transfer_allow_death { dest, value: value / 50 }
			},
		}
		.into()
	}
}
