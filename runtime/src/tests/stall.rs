// SPDX-License-Identifier: Apache-2.0

//! What the council does when finality has stalled, step by step as `docs/validators.md` says.

use super::{
	chain::{begin_block, submit},
	council::{decide, enact, on_staging_chain},
};
use crate::{
	configs::consensus::{ActiveValidators, ValidatorBond},
	AllPalletsWithSystem, BlockNumber, Grandpa, Runtime, RuntimeCall, Session, SessionKeys, System,
	Validators,
};
use codec::Decode;
use frame_support::traits::{Get, OnFinalize};
use sp_consensus_grandpa::{ConsensusLog, GRANDPA_ENGINE_ID};
use sp_keyring::{
	Ed25519Keyring,
	Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie},
};
use sp_runtime::DigestItem;

/// Blocks of a session of the chain `staging`.
const SESSION: BlockNumber = 20;

/// Blocks until the new validators vote.
const DELAY: BlockNumber = 100;

/// Ends the block, and makes those up to this one; gives the changes of GRANDPA's voters that their
/// headers announced. The last block is not ended.
fn go_to(block: BlockNumber) -> Vec<ConsensusLog<BlockNumber>> {
	let mut announced = Vec::new();
	while System::block_number() < block {
		let number = System::block_number();
		AllPalletsWithSystem::on_finalize(number);
		for item in System::digest().logs {
			if let DigestItem::Consensus(GRANDPA_ENGINE_ID, log) = item {
				announced.push(ConsensusLog::decode(&mut &log[..]).unwrap());
			}
		}
		begin_block(number + 1);
	}
	announced
}

/// Registers session keys for an account, which then applies.
fn apply(who: Sr25519Keyring, finalises: Ed25519Keyring) {
	let keys = SessionKeys { aura: who.public().into(), grandpa: finalises.public().into() };
	pallet_session::NextKeys::<Runtime>::insert(who.to_account_id(), keys);
	let bond = ValidatorBond::get();
	let apply = RuntimeCall::Validators(pallet_validators::Call::apply { bond });
	submit(who, apply).unwrap().unwrap();
}

fn voters() -> Vec<Ed25519Keyring> {
	let of = |key: &[u8]| Ed25519Keyring::iter().find(|who| who.public().0 == *key).unwrap();
	Grandpa::grandpa_authorities().iter().map(|(key, _)| of(key.as_ref())).collect()
}

#[test]
fn replaced_validators_vote_after_one_forced_change() {
	use Ed25519Keyring as Voter;
	on_staging_chain(|| {
		let council = |call| assert_eq!(decide(&[Alice, Bob, Charlie], call), Ok(()));
		let account = |who: Sr25519Keyring| who.to_account_id();
		// Charlie and Dave are gone, but Charlie still has the key of its council seat.
		apply(Eve, Voter::Eve);
		apply(Ferdie, Voter::Ferdie);
		for who in [Eve, Ferdie] {
			let account = account(who);
			council(RuntimeCall::Validators(pallet_validators::Call::admit { account }));
		}
		for who in [Charlie, Dave] {
			let account = account(who);
			council(RuntimeCall::Validators(pallet_validators::Call::remove { account }));
		}

		assert!(go_to(SESSION + 1).is_empty());
		let stalled =
			pallet_grandpa::Call::note_stalled { delay: DELAY, best_finalized_block_number: 1 };
		council(enact(RuntimeCall::Grandpa(stalled)));
		assert!(go_to(2 * SESSION).is_empty());
		assert_eq!(Session::validators(), [Alice, Bob, Eve, Ferdie].map(account));
		assert_eq!(voters(), [Voter::Alice, Voter::Bob, Voter::Charlie, Voter::Dave]);

		let announced = go_to(2 * SESSION + DELAY + 1);
		assert!(matches!(announced[..], [ConsensusLog::ForcedChange(1, _)]), "{announced:?}");
		assert_eq!(Grandpa::current_set_id(), 1);
		assert_eq!(voters(), [Voter::Alice, Voter::Bob, Voter::Eve, Voter::Ferdie]);
		assert_eq!(Session::current_index(), 2, "no session has ended meanwhile");
		go_to(2 * SESSION + DELAY + SESSION);
		assert_eq!(Session::current_index(), 3);
		let queued = pallet_session::QueuedKeys::<Runtime>::get();
		assert_eq!(ActiveValidators::get(), queued, "validators and voters are the same again");
		Validators::do_try_state().unwrap();
	});
}
