// SPDX-License-Identifier: Apache-2.0

//! Every attack on the market of `docs/economics.md`, and what it costs whom, to the last unit.
//!
//! Jobs here cost 10 POD unless a test says otherwise. So their bond is 10 POD, the fee of a lapse
//! 0.1, the slash for a discarded job 2. What transactions cost is counted apart.

mod clients;
mod models;
mod pods;
mod proofs;
mod standing;
mod strangers;

use crate::{
	chain::{begin_block, fees_of, new_chain, take_events, Signer},
	scenario::{acknowledge, lock, model, publish, register, request, sealed_model},
};
use proofpod_primitives::{
	job::{JobRequest, PriceRamp},
	manifest::OutputVisibility,
	JobId,
};
use proofpod_runtime::{
	units::{MILLI_POD, POD},
	AccountId, Balance, Jobs, Models, Pods, Proofs, Runtime, RuntimeCall,
};
use sp_runtime::DispatchResult;
use std::collections::BTreeMap;

/// Price, and bond, of a job.
const PRICE: Balance = 10 * POD;
/// Fee of a lapse.
const LAPSE: Balance = 100 * MILLI_POD;
/// What is taken for a discarded job.
const DISCARD: Balance = 2 * POD;
/// What each test account owns.
const ENDOWMENT: Balance = 10_000 * POD;

/// Who takes part.
struct Parties {
	client: Signer,
	/// Does what it promises.
	pod: Signer,
	/// Registered pods that do what they like.
	rogues: Vec<Signer>,
	/// Neither client nor pod.
	stranger: Signer,
	costs: Costs,
}

/// What each party has lost.
struct Costs {
	before: BTreeMap<AccountId, Balance>,
	fees: BTreeMap<AccountId, Balance>,
}

impl Costs {
	fn from_now(parties: &[Signer]) -> Self {
		let before = parties.iter().map(|who| (who.account.clone(), who.total())).collect();
		Self { before, fees: BTreeMap::new() }
	}

	/// Makes a call; its fee is counted apart. It is paid to the unit, unless the call did what is
	/// free of charge.
	fn send(&mut self, who: &Signer, call: impl Into<RuntimeCall>) -> DispatchResult {
		let call = call.into();
		let fee = who.fee(call.clone());
		take_events();
		let result = who.send(call);
		let paid = fees_of(&who.account, &take_events());
		assert!(paid == fee || paid == 0 && result.is_ok(), "{paid} for {result:?} of {fee}");
		*self.fees.entry(who.account.clone()).or_default() += paid;
		result
	}

	/// What a party has paid for transactions.
	fn fees(&self, who: &Signer) -> Balance {
		self.fees.get(&who.account).copied().unwrap_or_default()
	}

	/// What a party has lost beside fees; less than nothing when it has gained.
	fn lost(&self, who: &Signer) -> i128 {
		let before = self.before[&who.account] as i128;
		before - who.total() as i128 - self.fees(who) as i128
	}
}

impl Parties {
	fn send(&mut self, who: &Signer, call: impl Into<RuntimeCall>) -> DispatchResult {
		self.costs.send(who, call)
	}

	/// A call that is in order.
	fn does(&mut self, who: &Signer, call: impl Into<RuntimeCall>) {
		assert_eq!(self.send(who, call), Ok(()));
	}

	/// A call that is refused, at its full fee.
	fn is_refused(
		&mut self,
		who: &Signer,
		call: impl Into<RuntimeCall>,
		error: impl Into<sp_runtime::DispatchError>,
	) {
		assert_eq!(self.send(who, call), Err(error.into()));
	}

	/// Asserts what parties have lost, fees apart.
	fn have_lost(&self, losses: &[(&Signer, i128)]) {
		for (index, (who, expected)) in losses.iter().enumerate() {
			assert_eq!(self.costs.lost(who), *expected, "party {index}");
		}
	}
}

fn pod_amount(amount: Balance) -> i128 {
	i128::try_from(amount).unwrap()
}

/// A job's price is no ramp.
fn priced(price: Balance, request: JobRequest<AccountId>) -> JobRequest<AccountId> {
	JobRequest { price: PriceRamp { min: price, max: price, ramp: 0 }, ..request }
}

/// The client opens a job, at its cost.
fn opened(parties: &mut Parties, request: JobRequest<AccountId>) -> JobId {
	let client = parties.client.clone();
	let job = pallet_jobs::NextJobId::<Runtime>::get();
	parties.does(&client, pallet_jobs::Call::open { request });
	job
}

/// A pod takes a job as far as to owe its result.
fn take(parties: &mut Parties, pod: &Signer, job: JobId) {
	parties.does(pod, lock(job));
	parties.does(pod, acknowledge(job));
}

/// A job that the honest pod owes until tick `now + 50`.
fn proving(parties: &mut Parties) -> JobId {
	let (job, pod) = (opened(parties, request()), parties.pod.clone());
	take(parties, &pod, job);
	job
}

/// Plays an attack on a chain with models, an honest pod and five rogues, and checks afterwards
/// that every invariant holds.
fn attack(play: impl FnOnce(&mut Parties)) {
	new_chain(16, ENDOWMENT).execute_with(|| {
		begin_block();
		let (client, pod, stranger) = (Signer::new(0), Signer::new(1), Signer::new(2));
		let rogues: Vec<_> = (3..8).map(Signer::new).collect();
		publish(&Signer::new(15), &[sealed_model(), model(2, OutputVisibility::Public)]);
		register(std::slice::from_ref(&pod));
		register(&rogues);
		let mut everybody = vec![client.clone(), pod.clone(), stranger.clone()];
		everybody.extend(rogues.iter().cloned());
		let costs = Costs::from_now(&everybody);
		play(&mut Parties { client, pod, rogues, stranger, costs });
		Jobs::do_try_state().unwrap();
		Pods::do_try_state().unwrap();
		Models::do_try_state().unwrap();
		Proofs::do_try_state().unwrap();
	});
}
