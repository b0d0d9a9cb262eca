// SPDX-License-Identifier: Apache-2.0

//! The end of a game: whoever has a job lets it go or does it, time passes, everything reaches its
//! end, everything held is given back, and every pod goes.

use super::game::Table;
use crate::{
	chain::{had_no_room, Signer},
	scenario::poke,
};
use frame_support::traits::fungible::InspectHold;
use proofpod_primitives::Tick;
use proofpod_runtime::{
	configs::market::PodUnbondingPeriod, AccountId, Balances, Clock, Runtime, RuntimeCall, SafeMode,
};
use rand::Rng;

impl Table {
	/// A call that must succeed, in another block if this one has no room.
	fn insist(&mut self, who: &Signer, call: impl Into<RuntimeCall>) {
		let call = call.into();
		let mut result = self.call(who, call.clone());
		if had_no_room(&result) {
			self.block();
			self.block();
			result = self.call(who, call);
		}
		assert_eq!(result, Ok(Ok(())));
	}

	pub(super) fn drain(&mut self) {
		if SafeMode::is_entered() {
			self.block();
			self.block();
			assert!(self.sudo(pallet_safe_mode::Call::force_exit {}.into()));
		}
		while !self.finish_duties() {
			self.block();
		}

		// Time ends what is left; some of it is poked, the rest is swept.
		let poker = self.clients[0].clone();
		for _ in 0..8 {
			self.skip(400);
			for (id, job) in self.jobs() {
				if job.phase(Clock::now()).is_due() && self.rng.gen_bool(0.5) {
					self.insist(&poker, poke(id));
				}
			}
			self.block();
		}
		while self.ledger.live() > 0 {
			self.block();
		}
		assert_eq!(self.ledger.put_in, self.ledger.paid_out + self.ledger.burned_of_jobs);
		assert_eq!(pallet_jobs::Jobs::<Runtime>::iter_keys().count(), 0);
		assert_eq!(pallet_jobs::Agenda::<Runtime>::iter_keys().count(), 0);
		assert_eq!(pallet_jobs::Retries::<Runtime>::iter_keys().count(), 0);
		assert_eq!(pallet_jobs::ClientJobs::<Runtime>::iter_keys().count(), 0);

		self.take_everything_back();
		for who in self.everybody() {
			assert_eq!(Balances::total_balance_on_hold(&who.account), 0, "{}", who.account);
		}
		self.block();
	}

	/// Issuers revoke, publishers remove, pods leave and withdraw.
	fn take_everything_back(&mut self) {
		let signer = |table: &Self, account: &AccountId| {
			table.everybody().into_iter().find(|who| who.account == *account).unwrap()
		};
		let attestations: Vec<_> = pallet_pods::Attestations::<Runtime>::iter_keys().collect();
		for (pod, issuer) in attestations {
			let issuer = signer(self, &issuer);
			self.insist(&issuer, pallet_pods::Call::revoke { pod });
		}
		let models: Vec<_> = pallet_models::Models::<Runtime>::iter().collect();
		for (model, record) in models {
			let owner = signer(self, &record.owner);
			self.insist(&owner, pallet_models::Call::remove { model });
		}
		let keys: Vec<_> = pallet_proofs::Keys::<Runtime>::iter().collect();
		for (id, record) in keys {
			let owner = signer(self, &record.owner);
			self.insist(&owner, pallet_proofs::Call::remove_key { id });
		}
		let pods: Vec<_> = pallet_pods::Pods::<Runtime>::iter().collect();
		for (pod, record) in &pods {
			if record.status == pallet_pods::PodStatus::Active {
				let pod = signer(self, pod);
				self.insist(&pod, pallet_pods::Call::leave {});
			}
		}
		let Tick(before) = Clock::now();
		self.skip(PodUnbondingPeriod::get());
		assert_eq!(Clock::now(), Tick(before + PodUnbondingPeriod::get()));
		for (pod, _) in &pods {
			let pod = signer(self, pod);
			self.insist(&pod, pallet_pods::Call::withdraw {});
		}
		assert_eq!(pallet_pods::Pods::<Runtime>::iter_keys().count(), 0);
		assert_eq!(pallet_pods::Operators::<Runtime>::iter_keys().count(), 0);
	}
}
