// SPDX-License-Identifier: Apache-2.0

//! Random games: accounts that never sign twice, and others that do whenever they can, make every
//! call in any order and from any origin, while sessions go by and some make no blocks. A call
//! succeeds exactly when the rules say so, every invariant holds after each, and no balance moves
//! but by the events. In the end all go, and nothing of theirs stays held.
//!
//! `PROOFPOD_STEPS` is the number of calls in all, `PROOFPOD_SEED` chooses the game; a failure names both.

mod game;
mod ledger;
mod moves;

use crate::{mock::*, Authored, Call, Candidates, ChillReason, HoldReason, Status};
use frame_support::{
	storage::{with_transaction, TransactionOutcome},
	traits::{
		fungible::{Mutate, MutateHold},
		tokens::{Fortitude, Precision},
		GetCallName,
	},
};
use game::Game;
use sp_runtime::DispatchError;
use std::{collections::BTreeMap, env};

/// Calls in the games of all floors together, when nothing else is asked for.
const STEPS: u32 = 5_200;
/// Accounts that play.
const PLAYERS: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
/// Those of them that sign twice.
const OFFENDERS: [u8; 5] = [3, 4, 5, 7, 8];
/// Where others' money goes.
const STRANGER: u8 = 9;
/// Accounts that take the players' places in the end.
const SUCCESSORS: [u8; 4] = [21, 22, 23, 24];

fn number<N: std::str::FromStr>(variable: &str, default: N) -> N {
	match env::var(variable) {
		Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")),
		Err(_) => default,
	}
}

/// What the games must have seen, beside every call.
const HAPPENED: [&str; 11] = [
	"absent",
	"chilled: Equivocation",
	"chilled: Offline",
	"held by the floor: Equivocation",
	"held by the floor: Offline",
	"slashed",
	"slashed while it unbonds",
	"slashed for what another did as well",
	"kept from making blocks",
	"finality stalled",
	"withdrew nothing",
];

/// What must have been refused, by the names of the errors: all of this pallet's, and others'.
const REFUSED: [&str; 20] = [
	"AlreadyCandidate",
	"AlreadyListed",
	"BadOrigin",
	"BondTooSmall",
	"DuplicateReport",
	"DuplicatedKey",
	"FundsUnavailable",
	"InvalidEquivocationProof",
	"IsUnbonding",
	"NoSessionKeys",
	"NotCandidate",
	"NotListed",
	"NotOffline",
	"NotUnbonding",
	"StillChilled",
	"StillListed",
	"StillUnbonding",
	"TooFewValidators",
	"TooManyValidators",
	"UnknownAuthor",
];

#[test]
fn nobody_is_trapped_and_nobody_pays_for_another() {
	let (seed, steps) = (number("PROOFPOD_SEED", 1), number("PROOFPOD_STEPS", STEPS));
	println!("PROOFPOD_SEED={seed} PROOFPOD_STEPS={steps}");
	let mut seen = BTreeMap::<String, u32>::new();
	let each = steps.div_ceil(MAX_VALIDATORS - 1);
	for floor in 1..MAX_VALIDATORS {
		for (what, count) in Game::new(seed, floor).play_to_the_end(each) {
			*seen.entry(what).or_default() += count;
		}
	}
	println!("{seen:#?}");
	if steps < STEPS {
		return;
	}
	// The games would prove nothing if they never got anywhere.
	let calls = Call::<Test>::get_call_names().iter().map(|call| format!("ValidatorList.{call}"));
	let others = ["Session.set_keys", "Grandpa.report_equivocation", "Grandpa.note_stalled"];
	let never: Vec<_> = calls
		.chain(others.map(String::from))
		.chain(HAPPENED.map(String::from))
		.chain(REFUSED.map(|error| format!("refused: {error}")))
		.filter(|what| !seen.contains_key(what))
		.collect();
	assert!(never.is_empty(), "never: {never:?}");
}

#[test]
fn games_are_reproducible() {
	let outcome = |seed| Game::new(seed, 2).play_to_the_end(150);
	let first = outcome(3);
	assert_eq!(outcome(3), first);
	assert_ne!(outcome(4), first);
}

/// Something that must not happen.
type Sabotage = fn();

/// A listed validator.
fn some_validator() -> sp_runtime::AccountId32 {
	crate::Validators::<Test>::get().remove(0)
}

fn burn_of_a_bond() {
	let (bond, exact) = (HoldReason::ValidatorBond.into(), Precision::Exact);
	Balances::burn_held(&bond, &some_validator(), 1, exact, Fortitude::Force).unwrap();
}

#[test]
fn what_is_broken_on_purpose_is_noticed() {
	let sabotages: [(&str, Sabotage, &str); 7] = [
		("a bond burns", burn_of_a_bond, "try_state"),
		(
			"an offence is punished that nobody committed",
			|| {
				burn_of_a_bond();
				Candidates::<Test>::mutate(some_validator(), |candidate| {
					candidate.as_mut().unwrap().bond -= 1;
				});
			},
			"without an event",
		),
		(
			"somebody is chilled in silence",
			|| {
				let status = Status::Chilled { reason: ChillReason::Offline, since: 0 };
				let applied = Candidates::<Test>::iter()
					.find(|(_, candidate)| !candidate.is_listed())
					.unwrap()
					.0;
				Candidates::<Test>::mutate(applied, |candidate| {
					candidate.as_mut().unwrap().status = status;
				});
			},
			"without an event",
		),
		(
			"validators drop out",
			|| {
				pallet_session::Validators::<Test>::mutate(|active| {
					active.retain(|who| Authored::<Test>::contains_key(who));
				});
			},
			"below the floor",
		),
		(
			"money is made",
			|| {
				Balances::mint_into(&account(STRANGER), 1).unwrap();
			},
			"made or lost",
		),
		(
			"somebody is robbed",
			|| {
				let origin = RuntimeOrigin::signed(account(1));
				Balances::transfer_keep_alive(origin, account(STRANGER), 1).unwrap();
			},
			"owns",
		),
		(
			"the deposit for keys is given back early",
			|| {
				let (keys, exact) = (pallet_session::HoldReason::Keys.into(), Precision::Exact);
				Balances::release(&keys, &account(5), 1, exact).unwrap();
			},
			"held, not",
		),
	];
	Game::new(7, 2).execute(|game| {
		game.begin();
		for (what, sabotage, said) in sabotages {
			let noticed = with_transaction(|| -> TransactionOutcome<Result<_, DispatchError>> {
				sabotage();
				TransactionOutcome::Rollback(Ok(game.ledger.verify()))
			});
			let noticed = noticed.unwrap().expect_err(what);
			assert!(noticed.contains(said), "{what}: {noticed}");
		}
		assert_eq!(game.ledger.verify(), Ok(()));
		assert!(game.ledger.verify_gone().unwrap_err().contains("is a candidate"));
	});
}
