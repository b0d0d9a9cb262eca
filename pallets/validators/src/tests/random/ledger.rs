// SPDX-License-Identifier: Apache-2.0

//! The books of a game: what every account must own, and where every candidate must stand, by what
//! the events say and by nothing else.

use super::PLAYERS;
use crate::{mock::*, Candidate, Candidates, ChillReason, Event, HoldReason, Status};
use frame_support::{
	ensure,
	traits::fungible::{Inspect, InspectHold},
};
use sp_runtime::AccountId32;
use std::collections::{BTreeMap, BTreeSet};

/// What has happened, and what follows from it.
pub(super) struct Ledger {
	/// Fewest validators that the list may hold.
	pub(super) floor: usize,
	/// All candidates.
	pub(super) candidates: BTreeMap<AccountId32, Candidate>,
	/// Who has session keys, and what is held for them: nothing for those of the genesis.
	pub(super) keyed: BTreeMap<AccountId32, u128>,
	/// Who was proved to have signed twice.
	pub(super) guilty: BTreeSet<AccountId32>,
	/// What everybody owns.
	owned: BTreeMap<AccountId32, u128>,
	/// How often what happened.
	pub(super) seen: BTreeMap<String, u32>,
}

impl Ledger {
	/// The books of a new chain.
	pub(super) fn new(floor: u32) -> Self {
		let total = |who: AccountId32| (who.clone(), Balances::total_balance(&who));
		let free = |who: AccountId32| (who, 0);
		Self {
			floor: floor as usize,
			candidates: Candidates::<Test>::iter().collect(),
			keyed: pallet_session::NextKeys::<Test>::iter_keys().map(free).collect(),
			guilty: BTreeSet::new(),
			owned: frame_system::Account::<Test>::iter_keys().map(total).collect(),
			seen: BTreeMap::new(),
		}
	}

	pub(super) fn count(&mut self, what: impl Into<String>) {
		*self.seen.entry(what.into()).or_default() += 1;
	}

	/// Somebody comes into money from outside.
	pub(super) fn earn(&mut self, who: &AccountId32, amount: u128) {
		*self.owned.get_mut(who).unwrap() += amount;
	}

	/// Money changes hands.
	pub(super) fn transfer(&mut self, from: &AccountId32, to: &AccountId32, amount: u128) {
		*self.owned.get_mut(from).unwrap() -= amount;
		self.earn(to, amount);
	}

	/// How many candidates are on the list.
	pub(super) fn listed(&self) -> usize {
		self.candidates.values().filter(|candidate| candidate.is_listed()).count()
	}

	/// A candidate's record, for an event of it.
	fn of(&mut self, who: &AccountId32) -> &mut Candidate {
		self.candidates.get_mut(who).unwrap_or_else(|| panic!("{who} is no candidate"))
	}

	/// A candidate goes from one status to another.
	fn go(&mut self, who: &AccountId32, from: Status, to: Status) {
		let candidate = self.of(who);
		assert_eq!(candidate.status, from, "{who} is not where the event says");
		candidate.status = to;
	}

	/// Enters the events of a call or a block.
	pub(super) fn enter(&mut self) {
		for event in System::read_events_for_pallet::<Event<Test>>() {
			self.enter_event(event);
		}
		System::reset_events();
	}

	fn enter_event(&mut self, event: Event<Test>) {
		match event {
			Event::Applied { candidate, to, bond } => {
				assert_eq!(to, Status::Applied);
				assert!(self
					.candidates
					.insert(candidate, Candidate { bond, status: to })
					.is_none());
			},
			Event::BondIncreased { candidate, from, to } => {
				assert!(from < to);
				let record = self.of(&candidate);
				assert_eq!(record.bond, from);
				record.bond = to;
			},
			Event::Admitted { validator, from, to } => {
				assert!(matches!(from, Status::Applied | Status::Chilled { .. }));
				assert_eq!(to, Status::Listed);
				self.go(&validator, from, to);
			},
			Event::Removed { validator, from, to } => {
				assert_eq!((from, to), (Status::Listed, Status::Applied));
				self.go(&validator, from, to);
			},
			Event::Resigned { validator, from, to, bond } => {
				let withdrawable_from = Session::current_index() + 2 + BONDING_SESSIONS;
				assert_eq!(to, Status::Unbonding { withdrawable_from });
				self.go(&validator, from, to);
				assert_eq!(self.of(&validator).bond, bond);
			},
			Event::BondWithdrawn { candidate, from, bond } => {
				assert!(matches!(from, Status::Unbonding { .. }));
				let gone = self.candidates.remove(&candidate);
				assert_eq!(gone, Some(Candidate { bond, status: from }));
				if bond == 0 {
					self.count("withdrew nothing");
				}
			},
			Event::KeysWithdrawn { account, deposit } => {
				assert_eq!(self.keyed.remove(&account), Some(deposit));
			},
			Event::Rejoined { validator, from, to } => {
				assert!(matches!(from, Status::Chilled { reason: ChillReason::Offline, .. }));
				assert_eq!(to, Status::Listed);
				self.go(&validator, from, to);
			},
			Event::Absent { validator, misses } => {
				assert!(misses > 0 && self.of(&validator).is_listed());
				self.count("absent");
			},
			Event::Chilled { validator, from, to, reason } => {
				let since = match reason {
					// In the block that ends a session, before the next one begins.
					ChillReason::Offline => Session::current_index() - 1,
					ChillReason::Equivocation => Session::current_index(),
				};
				assert_eq!(to, Status::Chilled { reason, since });
				assert!(from != to && !matches!(from, Status::Unbonding { .. }));
				if reason == ChillReason::Equivocation {
					assert!(self.guilty.contains(&validator), "{validator} never signed twice");
				}
				self.count(format!("chilled: {reason:?}"));
				self.go(&validator, from, to);
			},
			Event::FloorHeld { validator, reason } => {
				assert!(self.of(&validator).is_listed());
				assert_eq!(self.listed(), self.floor, "it could have gone");
				self.count(format!("held by the floor: {reason:?}"));
			},
			Event::Slashed { validator, reason, from, to, burned, session: _ } => {
				assert_eq!(reason, ChillReason::Equivocation);
				assert_eq!(from, to + burned);
				assert!(burned > 0);
				assert!(self.guilty.contains(&validator), "{validator} never signed twice");
				let record = self.of(&validator);
				assert_eq!(record.bond, from);
				record.bond = to;
				if record.is_unbonding() {
					self.count("slashed while it unbonds");
				}
				self.count("slashed");
				*self.owned.get_mut(&validator).unwrap() -= burned;
			},
			Event::__Ignore(..) => unreachable!(),
		}
	}

	/// Whether the chain is as the books say, and everything holds that must.
	pub(super) fn verify(&self) -> Result<(), String> {
		ValidatorList::do_try_state().map_err(|error| format!("try_state: {error:?}"))?;
		let stored: BTreeMap<_, _> = Candidates::<Test>::iter().collect();
		ensure!(stored == self.candidates, "a candidate has changed without an event");
		let least = active().len().min(listed().len());
		ensure!(least >= self.floor, format!("{least} validators are below the floor"));

		let total: u128 = self.owned.values().sum();
		ensure!(Balances::total_issuance() == total, "money was made or lost");
		for (who, owned) in &self.owned {
			let has = Balances::total_balance(who);
			ensure!(has == *owned, format!("{who} owns {has} instead of {owned}"));
			let bond = self.candidates.get(who).map_or(0, |candidate| candidate.bond);
			let deposit = self.keyed.get(who).copied().unwrap_or_default();
			let obligations: [(RuntimeHoldReason, u128); 2] = [
				(HoldReason::ValidatorBond.into(), bond),
				(pallet_session::HoldReason::Keys.into(), deposit),
			];
			for (reason, amount) in obligations {
				let held = Balances::balance_on_hold(&reason, who);
				ensure!(held == amount, format!("{who}: {held} held, not {amount}: {reason:?}"));
			}
			let held = Balances::total_balance_on_hold(who);
			ensure!(held == bond + deposit, format!("{who}: {held} held in all"));
		}
		Ok(())
	}

	/// Whether nothing is left of any player's part in the game.
	pub(super) fn verify_gone(&self) -> Result<(), String> {
		for who in PLAYERS.map(account) {
			ensure!(!Candidates::<Test>::contains_key(&who), format!("{who} is a candidate"));
			let held = Balances::total_balance_on_hold(&who);
			ensure!(held == 0, format!("{who}: {held} held at the end"));
			ensure!(System::consumers(&who) == 0, format!("{who} cannot be emptied"));
		}
		Ok(())
	}
}
