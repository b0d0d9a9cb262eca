// SPDX-License-Identifier: Apache-2.0

//! What the players do, and when the rules allow it.

use super::{
	game::{Past, Table},
	ledger::Ledger,
	OFFENDERS, PLAYERS, STRANGER,
};
use crate::{mock::*, Call, Candidate, ChillReason, Event, Status};
use codec::Encode;
use frame_support::traits::{
	fungible::Inspect,
	tokens::{Fortitude, Preservation},
};
use rand::{seq::SliceRandom, Rng};
use sp_core::{
	crypto::key_types::GRANDPA, ed25519, proof_of_possession::ProofOfPossessionGenerator, sr25519,
	Pair,
};
use sp_runtime::AccountId32;
use std::collections::BTreeMap;

/// What keys are generated from that offenders lend one another.
const SHARED: [u8; 3] = [91, 92, 93];

/// What an account's own keys are generated from.
fn own_seeds(number: u8) -> [u8; 3] {
	[number, number + 30, number + 60]
}

/// Whether so much of an account's balance can be held.
fn affords(who: &AccountId32, amount: u128) -> bool {
	Balances::reducible_balance(who, Preservation::Protect, Fortitude::Force) >= amount
}

/// `min(3k / n, 1)²` of a bond, rounded up: what an offence costs.
fn share(bond: u128, (thrice, count): (u128, u128)) -> u128 {
	let thrice = thrice.min(count);
	(bond * thrice * thrice).div_ceil(count * count)
}

/// Whether somebody who signed twice is off the list until it is admitted anew, or will be.
fn is_out(who: &AccountId32) -> bool {
	match ValidatorList::candidate(who.clone()).map(|candidate| candidate.status) {
		Some(Status::Listed) => ValidatorList::chill_due().contains(who),
		Some(Status::Chilled { reason, .. }) => reason == ChillReason::Equivocation,
		Some(Status::Unbonding { .. }) | None => true,
		Some(Status::Applied) => false,
	}
}

impl Table {
	/// Mostly a player that is `fit`, if there is one, sometimes any.
	fn mostly(&mut self, fit: impl Fn(&Ledger, &AccountId32) -> bool) -> u8 {
		let is_fit = |number: &&u8| fit(&self.ledger, &account(**number));
		let all: Vec<_> = PLAYERS.iter().filter(is_fit).collect();
		match all.choose(&mut self.rng) {
			Some(number) if self.rng.gen_bool(0.7) => **number,
			_ => *PLAYERS.choose(&mut self.rng).unwrap(),
		}
	}

	/// Mostly a candidate of whom `fit` holds, if there is one, sometimes anybody.
	fn mostly_candidate(&mut self, fit: impl Fn(&Candidate) -> bool) -> u8 {
		self.mostly(|ledger, who| ledger.candidates.get(who).is_some_and(&fit))
	}

	/// Somebody makes some call.
	pub(super) fn some_call(&mut self) {
		let number = *PLAYERS.choose(&mut self.rng).unwrap();
		match self.rng.gen_range(0..100) {
			0..=13 => {
				let own = own_seeds(number);
				let seeds = if OFFENDERS.contains(&number) && self.rng.gen_bool(0.3) {
					&SHARED
				} else {
					&own
				};
				let seed = *seeds.choose(&mut self.rng).unwrap();
				self.set_keys(number, seed);
			},
			14..=26 => self.apply(),
			27..=38 => self.bond_more(),
			39..=59 => self.admit(),
			60..=63 => self.remove(number),
			64..=68 => self.resign(number),
			69..=76 => self.rejoin(),
			77..=83 => self.withdraw_bond(),
			84..=86 => self.withdraw_keys(number),
			87..=92 => self.report_blocks(),
			93..=98 => self.report_votes(),
			_ => self.note_stalled(),
		}
	}

	fn record(&self, who: &AccountId32) -> Option<Candidate> {
		self.ledger.candidates.get(who).copied()
	}

	/// Whether a candidate with this bond may be put on the list.
	fn is_listable(&self, who: &AccountId32, bond: u128) -> bool {
		bond >= MIN_BOND
			&& self.ledger.keyed.contains_key(who)
			&& self.ledger.listed() < MAX_VALIDATORS as usize
	}

	/// Mostly the account's own origin, and whether it is that.
	fn signed(&mut self, who: &AccountId32) -> (RuntimeOrigin, bool) {
		match self.rng.gen_range(0..50) {
			0 => (RuntimeOrigin::root(), false),
			1 => (RuntimeOrigin::none(), false),
			_ => (RuntimeOrigin::signed(who.clone()), true),
		}
	}

	/// Mostly the administrators' origin, and whether it is that.
	fn administrators(&mut self) -> (RuntimeOrigin, bool) {
		match self.rng.gen_range(0..20) {
			0 => (RuntimeOrigin::signed(account(1)), false),
			1 => (RuntimeOrigin::none(), false),
			_ => (RuntimeOrigin::root(), true),
		}
	}

	pub(super) fn set_keys(&mut self, number: u8, seed: u8) -> bool {
		let who = account(number);
		let owner = who.encode();
		let proof = (
			sr25519::Pair::from_seed(&[seed; 32]).generate_proof_of_possession(&owner),
			ed25519::Pair::from_seed(&[seed; 32]).generate_proof_of_possession(&owner),
		);
		let call = pallet_session::Call::set_keys { keys: keys(seed), proof: proof.encode() };
		let done = self.call(RuntimeOrigin::signed(who.clone()), call, None);
		if done {
			self.ledger.keyed.entry(who).or_insert(KEY_DEPOSIT);
		}
		done
	}

	fn apply(&mut self) {
		let who = account(self.mostly(|ledger, who| {
			ledger.keyed.contains_key(who) && !ledger.candidates.contains_key(who)
		}));
		let bond = match self.rng.gen_range(0..10) {
			0 => MIN_BOND - 1,
			1 => Balances::free_balance(&who),
			_ => self.rng.gen_range(MIN_BOND..=2 * MIN_BOND),
		};
		let (origin, is_own) = self.signed(&who);
		let allowed = is_own
			&& self.record(&who).is_none()
			&& self.ledger.keyed.contains_key(&who)
			&& bond >= MIN_BOND
			&& affords(&who, bond);
		self.call(origin, Call::apply { bond }, allowed);
	}

	fn bond_more(&mut self) {
		let who = account(self.mostly_candidate(|candidate| candidate.bond < MIN_BOND));
		let amount = match self.rng.gen_range(0..10) {
			0 => 0,
			_ => self.rng.gen_range(1..=2 * MIN_BOND),
		};
		let (origin, is_own) = self.signed(&who);
		let bonded = self.record(&who).is_some_and(|candidate| !candidate.is_unbonding());
		let allowed = is_own && bonded && affords(&who, amount);
		self.call(origin, Call::bond_more { amount }, allowed);
	}

	fn admit(&mut self) {
		let account = account(
			self.mostly_candidate(|candidate| !candidate.is_listed() && !candidate.is_unbonding()),
		);
		let (origin, is_theirs) = self.administrators();
		let allowed = is_theirs
			&& self.record(&account).is_some_and(|candidate| {
				!candidate.is_listed()
					&& !candidate.is_unbonding()
					&& self.is_listable(&account, candidate.bond)
			});
		self.call(origin, Call::admit { account }, allowed);
	}

	fn remove(&mut self, number: u8) {
		let account = account(number);
		let (origin, is_theirs) = self.administrators();
		let listed = self.record(&account).is_some_and(|candidate| candidate.is_listed());
		let allowed = is_theirs && listed && self.ledger.listed() > self.ledger.floor;
		self.call(origin, Call::remove { account }, allowed);
	}

	fn resign(&mut self, number: u8) {
		let who = account(number);
		let (origin, is_own) = self.signed(&who);
		let allowed = is_own
			&& self.record(&who).is_some_and(|candidate| match candidate.status {
				Status::Listed => self.ledger.listed() > self.ledger.floor,
				Status::Unbonding { .. } => false,
				Status::Applied | Status::Chilled { .. } => true,
			});
		self.call(origin, Call::resign {}, allowed);
	}

	fn rejoin(&mut self) {
		let who = account(self.mostly_candidate(|candidate| {
			matches!(candidate.status, Status::Chilled { reason: ChillReason::Offline, .. })
		}));
		let (origin, is_own) = self.signed(&who);
		let allowed = is_own
			&& self.record(&who).is_some_and(|candidate| match candidate.status {
				Status::Chilled { reason: ChillReason::Offline, since } => {
					Session::current_index() > since + CHILL_SESSIONS
						&& self.is_listable(&who, candidate.bond)
				},
				_ => false,
			});
		self.call(origin, Call::rejoin {}, allowed);
	}

	fn withdraw_bond(&mut self) {
		let who = account(self.mostly_candidate(Candidate::is_unbonding));
		let (origin, is_own) = self.signed(&who);
		let allowed = is_own
			&& self.record(&who).is_some_and(|candidate| match candidate.status {
				Status::Unbonding { withdrawable_from } => {
					Session::current_index() >= withdrawable_from
				},
				_ => false,
			});
		self.call(origin, Call::withdraw_bond {}, allowed);
	}

	fn withdraw_keys(&mut self, number: u8) {
		let who = account(number);
		let (origin, is_own) = self.signed(&who);
		let listed = self.record(&who).is_some_and(|candidate| candidate.is_listed());
		let allowed = is_own && !listed && self.ledger.keyed.contains_key(&who);
		self.call(origin, Call::withdraw_keys {}, allowed);
	}

	/// The oldest session in which an offence can be reported.
	fn oldest(&self) -> usize {
		Session::current_index().saturating_sub(BONDING_SESSIONS) as usize
	}

	/// Keys of an offender in some session that is remembered or just forgotten, or of anybody;
	/// often in the session of the last offence.
	fn some_offender(&mut self) -> (usize, u8) {
		let oldest = self.oldest().saturating_sub(1);
		if self.scene < oldest || self.rng.gen_bool(0.5) {
			self.scene = self.rng.gen_range(oldest..self.sessions.len());
		}
		let session = self.scene;
		let offender = |(number, _): &&(u8, u8)| OFFENDERS.contains(number);
		let holders = &self.sessions[session].holders;
		let seeds: Vec<_> = holders.iter().filter(offender).map(|(_, seed)| *seed).collect();
		let seed = match seeds.choose(&mut self.rng) {
			Some(seed) if self.rng.gen_bool(0.9) => *seed,
			_ => *SHARED.choose(&mut self.rng).unwrap(),
		};
		(session, seed)
	}

	/// Who is to blame for two blocks in a slot, by what has really been.
	fn author(&self, slot: u64, seed: u8) -> Option<(u32, u8)> {
		let oldest = self.oldest();
		let began = |session: &usize| self.sessions[*session].first_slot < slot;
		let session = (oldest..self.sessions.len()).rev().find(began)?;
		[Some(session), session.checked_sub(1)]
			.into_iter()
			.flatten()
			.filter(|session| *session >= oldest)
			.find_map(|session| {
				let holders = &self.sessions[session].holders;
				let (number, _) = holders.iter().find(|(_, key)| *key == seed)?;
				Some((session as u32, *number))
			})
	}

	/// Two blocks of an offender, or what is made to look like two blocks of anybody.
	fn report_blocks(&mut self) {
		let (session, seed) = self.some_offender();
		let slot = self.sessions[session].first_slot + self.rng.gen_range(0..14);
		let stated = match self.rng.gen_range(0..10) {
			0 => *PLAYERS.choose(&mut self.rng).unwrap(),
			_ => seed,
		};
		let mut proof = Box::new(two_blocks(slot, &aura(seed)));
		proof.offender = aura(stated).public();
		let (reporter, may_report) = match self.rng.gen_range(0..10) {
			0 => (frame_system::RawOrigin::Authorized.into(), true),
			_ => self.signed(&account(STRANGER)),
		};
		let fresh = self
			.author(slot, seed)
			.filter(|author| stated == seed && !self.reported_blocks.contains(author));
		let allowed = may_report && fresh.is_some();
		let call = Call::report_aura_equivocation { proof };
		if let (true, Some(author)) = (self.call(reporter, call, allowed), fresh) {
			self.reported_blocks.insert(author);
			let (session, number) = author;
			let together = self.reported_blocks.range((session, 0)..=(session, u8::MAX));
			let together = together.map(|(_, number)| *number).collect();
			self.convict(number, session, together);
		}
	}

	/// Two votes of an offender, with a proof that the keys were its own.
	fn report_votes(&mut self) {
		let (session, seed) = self.some_offender();
		let past = &self.sessions[session];
		let set = past.set;
		let holder = past.holders.iter().find(|(_, key)| *key == seed);
		let holder = holder.map(|(number, _)| *number);
		let key = grandpa(seed);
		let ownership = ValidatorList::prove_in(session as u32, GRANDPA, key.public().as_ref());
		let remembered = session >= self.oldest();
		assert_eq!(ownership.is_some(), remembered && holder.is_some());
		let (Some(number), Some(key_owner_proof)) = (holder, ownership) else { return };

		let round = self.rng.gen_range(1..4);
		let vote = (set, round, number);
		let is_new = !self.reported_votes.contains(&vote);
		let (reporter, may_report) = self.signed(&account(STRANGER));
		let equivocation_proof = Box::new(two_votes(set, round, &key));
		let call =
			pallet_grandpa::Call::report_equivocation { equivocation_proof, key_owner_proof };
		// GRANDPA remembers the sessions of six sets, and needs that of the one before.
		let is_kept = set + u64::from(BONDING_SESSIONS) > changes() + 1;
		if self.call(reporter, call, is_kept.then_some(may_report && is_new)) {
			self.reported_votes.insert(vote);
			let together = self.reported_votes.range((set, round, 0)..=(set, round, u8::MAX));
			let together = together.map(|(_, _, number)| *number).collect();
			self.convict(number, session as u32, together);
		}
	}

	/// Somebody was reported for a session, as one of those that signed twice `together`. All of
	/// them must have paid what that costs, and nobody else anything.
	fn convict(&mut self, number: u8, session: u32, together: Vec<u8>) {
		self.ledger.guilty.insert(account(number));
		let Past { holders, key_set, .. } = &self.sessions[session as usize];
		let key_set = *key_set;
		let ratio = (3 * together.len() as u128, holders.len() as u128);
		let mut due = BTreeMap::new();
		for offender in together {
			let who = account(offender);
			let Some(Candidate { bond, .. }) = self.record(&who) else { continue };
			let is_first = !self.slashes.contains_key(&(key_set, offender));
			let (at_stake, taken) = self.slashes.entry((key_set, offender)).or_insert((bond, 0));
			let burned = share(*at_stake, ratio).saturating_sub(*taken).min(bond);
			*taken += burned;
			assert!(taken <= at_stake, "{who} has lost more than its bond");
			if burned > 0 {
				due.insert(who.clone(), (key_set, burned));
				if offender != number {
					self.ledger.count("slashed for what another did as well");
				}
			}
			if is_first {
				assert!(is_out(&who), "{who} goes on as if nothing had been");
			}
		}
		let slashed = |event: Event<Test>| match event {
			Event::Slashed { validator, session, burned, .. } => {
				Some((validator, (session, burned)))
			},
			_ => None,
		};
		let events = System::read_events_for_pallet().into_iter().filter_map(slashed);
		assert_eq!(events.collect::<BTreeMap<_, _>>(), due);
	}

	fn note_stalled(&mut self) {
		let (origin, is_theirs) = self.administrators();
		let delay = self.rng.gen_range(1..20);
		let best_finalized_block_number = System::block_number();
		let call = pallet_grandpa::Call::note_stalled { delay, best_finalized_block_number };
		if self.call(origin, call, is_theirs) {
			self.ledger.count("finality stalled");
		}
	}
}
