// SPDX-License-Identifier: Apache-2.0

//! The board: who plays, how calls and blocks go by, and the end of it all.

use super::{ledger::Ledger, OFFENDERS, PLAYERS, STRANGER, SUCCESSORS};
use crate::{mock::*, Call, Status};
use frame_support::{
	dispatch::DispatchResultWithPostInfo,
	traits::{fungible::Mutate, GetCallMetadata},
};
use rand::{rngs::StdRng, seq::SliceRandom, Rng, SeedableRng};
use sp_consensus_aura::sr25519::AuthorityId;
use sp_core::Pair;
use sp_io::TestExternalities;
use sp_runtime::{traits::Dispatchable, AccountId32, BuildStorage, DispatchError, StateVersion};
use std::{
	collections::{BTreeMap, BTreeSet},
	thread,
};

/// Blocks in a session: enough for a full list to be judged.
const SESSION_BLOCKS: u32 = 12;

/// Keys are generated from numbers up to this one.
const HIGHEST_SEED: u8 = 99;

/// A session as it really was.
pub(super) struct Past {
	/// Slot of its first block.
	pub(super) first_slot: u64,
	/// Numbers of its validators, and what their keys were generated from.
	pub(super) holders: Vec<(u8, u8)>,
	/// Number of GRANDPA's set.
	pub(super) set: u64,
	/// The first of the sessions before it, and itself, that have had the same validators and keys.
	pub(super) key_set: u32,
}

/// The state of a game beside the chain.
pub(super) struct Table {
	pub(super) rng: StdRng,
	pub(super) ledger: Ledger,
	/// Who makes no blocks.
	absent: BTreeSet<u8>,
	/// All sessions.
	pub(super) sessions: Vec<Past>,
	/// Session of the last offence that was reported.
	pub(super) scene: usize,
	/// Blocks that were reported: sessions and authors.
	pub(super) reported_blocks: BTreeSet<(u32, u8)>,
	/// Votes that were reported: sets, rounds and voters.
	pub(super) reported_votes: BTreeSet<(u64, u64, u8)>,
	/// For the key sets and validators that were reported: the bond at first, and what was taken.
	pub(super) slashes: BTreeMap<(u32, u8), (u128, u128)>,
	/// What keys were generated from.
	seeds: BTreeMap<AuthorityId, u8>,
	calls: u32,
}

/// A game on its chain.
pub(super) struct Game {
	chain: TestExternalities,
	table: Table,
	seed: u64,
}

/// Says where a game was when it failed.
struct Whereabouts {
	seed: u64,
	floor: usize,
	calls: u32,
}

impl Drop for Whereabouts {
	fn drop(&mut self) {
		if thread::panicking() {
			let Self { seed, floor, calls } = self;
			eprintln!("the game failed: PROOFPOD_SEED={seed}, floor {floor}, after call {calls}");
		}
	}
}

impl Game {
	/// A chain of four validators with this floor.
	pub(super) fn new(seed: u64, floor: u32) -> Self {
		let mut genesis = genesis_of(&[1, 2, 3, 4], Some(floor));
		genesis.validator_list.session_length = Some(SESSION_BLOCKS);
		genesis.balances.balances.extend(SUCCESSORS.map(|number| (account(number), ENDOWMENT)));
		let mut chain = TestExternalities::new(genesis.build_storage().unwrap());
		let table = chain.execute_with(|| {
			make_block(&[]);
			let mut table = Table {
				rng: StdRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(floor.into())),
				ledger: Ledger::new(floor),
				absent: BTreeSet::new(),
				sessions: Vec::new(),
				scene: 0,
				reported_blocks: BTreeSet::new(),
				reported_votes: BTreeSet::new(),
				slashes: BTreeMap::new(),
				seeds: (1..=HIGHEST_SEED).map(|seed| (aura(seed).public(), seed)).collect(),
				calls: 0,
			};
			table.sessions.push(Past { first_slot: 0, ..table.present() });
			table.check();
			table
		});
		Self { chain, table, seed }
	}

	/// Makes so many calls, lets everybody go, and gives how often what happened.
	pub(super) fn play_to_the_end(mut self, calls: u32) -> BTreeMap<String, u32> {
		while self.table.calls < calls {
			self.execute(Table::step);
		}
		self.execute(Table::drain);
		self.table.ledger.seen
	}

	/// Runs something on the game's chain.
	pub(super) fn execute<R>(&mut self, run: impl FnOnce(&mut Table) -> R) -> R {
		let (floor, calls) = (self.table.ledger.floor, self.table.calls);
		let _whereabouts = Whereabouts { seed: self.seed, floor, calls };
		let result = self.chain.execute_with(|| run(&mut self.table));
		self.chain.commit_all().unwrap();
		result
	}
}

/// One word for why a call was refused.
fn reason(error: &DispatchError) -> String {
	match error {
		DispatchError::Module(error) => error.message.unwrap_or("?").into(),
		DispatchError::Token(error) => format!("{error:?}"),
		error => format!("{error:?}"),
	}
}

fn state() -> Vec<u8> {
	sp_io::storage::root(StateVersion::V1)
}

impl Table {
	fn check(&mut self) {
		self.ledger.enter();
		if let Err(error) = self.ledger.verify() {
			panic!("{error}");
		}
	}

	/// The current session.
	fn present(&self) -> Past {
		let seed_of = |key: &AuthorityId| self.seeds[key];
		let authorities = pallet_aura::Authorities::<Test>::get();
		let holders: Vec<_> = active().into_iter().zip(authorities.iter().map(seed_of)).collect();
		let before = self.sessions.last().filter(|before| before.holders == holders);
		Past {
			first_slot: *pallet_aura::CurrentSlot::<Test>::get(),
			key_set: before.map_or(Session::current_index(), |before| before.key_set),
			holders,
			set: changes(),
		}
	}

	/// Makes a call, which must succeed exactly if it is `allowed`, where that is said, and must
	/// leave nothing behind if it does not.
	pub(super) fn call(
		&mut self,
		origin: RuntimeOrigin,
		call: impl Into<RuntimeCall>,
		allowed: impl Into<Option<bool>>,
	) -> bool {
		let call = call.into();
		let name = call.get_call_metadata();
		let name = format!("{}.{}", name.pallet_name, name.function_name);
		let before = state();
		let result: DispatchResultWithPostInfo = call.clone().dispatch(origin);
		self.calls += 1;
		match &result {
			Ok(_) => self.ledger.count(name),
			Err(failure) => {
				assert_eq!(state(), before, "a refused call left something: {call:?}");
				self.ledger.count(format!("refused: {}", reason(&failure.error)));
			},
		}
		if let Some(allowed) = allowed.into() {
			assert_eq!(result.is_ok(), allowed, "{call:?}: {result:?}");
		}
		result.is_ok()
	}

	/// One thing happens.
	fn step(&mut self) {
		match self.rng.gen_range(0..100) {
			0..=21 => self.pass_time(),
			22..=27 => self.come_or_go_offline(),
			28..=30 => self.earn_or_spend(),
			_ => self.some_call(),
		}
		self.check();
	}

	/// A block is made by somebody who is there.
	fn block(&mut self) {
		let (active, disabled) = (active(), disabled());
		if active.iter().all(|number| self.absent.contains(number) || disabled.contains(number)) {
			self.absent.clear();
		}
		if !disabled.is_empty() {
			self.ledger.count("kept from making blocks");
		}
		let session = Session::current_index();
		make_block(&self.absent.iter().copied().collect::<Vec<_>>());
		if Session::current_index() > session {
			let present = self.present();
			self.sessions.push(present);
		}
		self.check();
	}

	fn pass_time(&mut self) {
		for _ in 0..self.rng.gen_range(1..=SESSION_BLOCKS) {
			self.block();
		}
	}

	/// Some come back, or one goes; mostly as few as can be chilled for it.
	fn come_or_go_offline(&mut self) {
		if self.rng.gen_bool(0.8) {
			self.absent.clear();
		}
		if self.rng.gen_bool(0.8) {
			self.absent.extend(listed().choose(&mut self.rng));
		}
	}

	/// Offenders spend what they can, and those that have little earn something.
	fn earn_or_spend(&mut self) {
		let who = account(*OFFENDERS.choose(&mut self.rng).unwrap());
		let free = Balances::free_balance(&who);
		if free < MIN_BOND {
			let wage = self.rng.gen_range(1..=2 * MIN_BOND);
			Balances::mint_into(&who, wage).unwrap();
			self.ledger.earn(&who, wage);
			return;
		}
		let (to, amount) = (account(STRANGER), self.rng.gen_range(1..=free));
		let origin = RuntimeOrigin::signed(who.clone());
		if Balances::transfer_keep_alive(origin, to.clone(), amount).is_ok() {
			self.ledger.transfer(&who, &to, amount);
		}
	}

	/// A candidate and somebody with keys who is none, for what is to be broken.
	pub(super) fn begin(&mut self) {
		for number in [5, 6] {
			assert!(self.set_keys(number, number));
		}
		let apply = Call::apply { bond: MIN_BOND };
		assert!(self.call(RuntimeOrigin::signed(account(6)), apply, true));
		self.check();
	}

	/// Everybody goes as soon as the floor lets them: others come in their places.
	fn drain(&mut self) {
		self.absent.clear();
		let mut successors = SUCCESSORS.into_iter();
		loop {
			for who in PLAYERS.map(account) {
				let Some(candidate) = self.ledger.candidates.get(&who) else { continue };
				let may_go = !candidate.is_listed() || self.ledger.listed() > self.ledger.floor;
				if may_go && !candidate.is_unbonding() {
					self.insist(&who, Call::resign {});
				}
			}
			if listed().iter().all(|number| !PLAYERS.contains(number)) {
				break;
			}
			let next = successors.next().expect("one takes one's place");
			assert!(self.set_keys(next, next));
			let account = account(next);
			self.insist(&account, Call::apply { bond: MIN_BOND });
			self.call(RuntimeOrigin::root(), Call::admit { account }, true);
			self.check();
		}
		let free_from = |who: &AccountId32| match self.ledger.candidates.get(who)?.status {
			Status::Unbonding { withdrawable_from } => Some(withdrawable_from),
			status => panic!("{who} has not gone: {status:?}"),
		};
		let players = PLAYERS.map(account);
		let last = players.iter().filter_map(free_from).max().unwrap_or_default();
		while Session::current_index() < last {
			self.block();
		}
		for who in &players {
			if self.ledger.candidates.contains_key(who) {
				self.insist(who, Call::withdraw_bond {});
			}
			if self.ledger.keyed.contains_key(who) {
				self.insist(who, Call::withdraw_keys {});
			}
		}
		assert_eq!(self.ledger.verify_gone(), Ok(()));
		for _ in 0..3 * SESSION_BLOCKS {
			self.block();
		}
	}

	/// A call that must succeed.
	fn insist(&mut self, who: &AccountId32, call: Call<Test>) {
		self.call(RuntimeOrigin::signed(who.clone()), call, true);
		self.check();
	}
}
