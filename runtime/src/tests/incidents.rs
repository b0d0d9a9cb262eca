// SPDX-License-Identifier: Apache-2.0

//! Safe mode: who enters it, what it lets through, how it ends, and that a failed migration ends
//! in it.

use super::{
	chain::{balance, begin_block, submit},
	council::{decide, enact, on_staging_chain},
	genesis::state_of,
};
use crate::{
	configs::{accounts::ProxyType, governance::SafeModeDuration},
	units::POD,
	BlockNumber, Executive, Migrations, Runtime, RuntimeCall, RuntimeOrigin, SafeMode, System,
};
use frame_support::{
	migrations::MultiStepMigrator,
	traits::{Contains, Hooks},
};
use pallet_migrations::{ActiveCursor, MigrationCursor};
use pallet_safe_mode::{EnteredUntil, Error, Event, ExitReason};
use proofpod_primitives::{JobId, ModelId, VerifyingKeyId};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve, Ferdie};
use sp_runtime::{DispatchError, DispatchResult};

fn enter() -> RuntimeCall {
	RuntimeCall::SafeMode(pallet_safe_mode::Call::force_enter {})
}

fn exit() -> RuntimeCall {
	RuntimeCall::SafeMode(pallet_safe_mode::Call::force_exit {})
}

/// One token for Ferdie.
fn transfer() -> RuntimeCall {
	RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
		dest: Ferdie.to_account_id().into(),
		value: POD,
	})
}

fn filtered() -> DispatchResult {
	Err(frame_system::Error::<Runtime>::CallFiltered.into())
}

/// Goes to a block, without those before it.
fn go_to(block: BlockNumber) {
	System::set_block_number(block);
	SafeMode::on_initialize(block);
}

#[test]
fn more_than_half_of_the_council_enter_it_and_two_thirds_leave_it() {
	on_staging_chain(|| {
		assert_eq!(submit(Alice, enter()).unwrap(), Err(DispatchError::BadOrigin));
		assert_eq!(decide(&[Alice, Bob], enter()), Err(DispatchError::BadOrigin));
		assert!(!SafeMode::is_entered());
		assert_eq!(decide(&[Alice, Bob, Charlie], enter()), Ok(()));
		assert_eq!(EnteredUntil::<Runtime>::get(), Some(1 + SafeModeDuration::get()));

		assert_eq!(submit(Eve, transfer()).unwrap(), filtered());
		assert_eq!(decide(&[Alice, Bob], exit()), Err(DispatchError::BadOrigin));
		assert_eq!(decide(&[Bob, Charlie, Dave], exit()), Ok(()));
		System::assert_has_event(Event::Exited { reason: ExitReason::Force }.into());
		assert_eq!(submit(Eve, transfer()).unwrap(), Ok(()));
	});
}

#[test]
fn it_ends_by_itself_after_a_day_unless_it_is_extended() {
	on_staging_chain(|| {
		let day = SafeModeDuration::get();
		assert_eq!(decide(&[Alice, Bob, Charlie], enter()), Ok(()));
		let extend = RuntimeCall::SafeMode(pallet_safe_mode::Call::force_extend {});
		assert_eq!(submit(Alice, extend.clone()).unwrap(), Err(DispatchError::BadOrigin));
		assert_eq!(decide(&[Alice, Bob, Charlie], extend), Ok(()));
		go_to(1 + 2 * day);
		assert_eq!(submit(Eve, transfer()).unwrap(), filtered());
		go_to(2 + 2 * day);
		System::assert_has_event(Event::Exited { reason: ExitReason::Timeout }.into());
		assert_eq!(submit(Eve, transfer()).unwrap(), Ok(()));
	});
}

#[test]
fn nobody_buys_an_entry() {
	on_staging_chain(|| {
		let refused = Err(Error::<Runtime>::NotConfigured.into());
		let buy = RuntimeCall::SafeMode(pallet_safe_mode::Call::enter {});
		assert_eq!(submit(Eve, buy).unwrap(), refused);
		SafeMode::force_enter(RuntimeOrigin::root()).unwrap();
		let buy = RuntimeCall::SafeMode(pallet_safe_mode::Call::extend {});
		assert_eq!(submit(Eve, buy).unwrap(), refused);
	});
}

#[test]
fn the_market_halts_while_blocks_votes_and_repairs_go_on() {
	let remark = || RuntimeCall::System(frame_system::Call::remark { remark: Vec::new() });
	let halted: [RuntimeCall; 7] = [
		transfer(),
		remark(),
		pallet_jobs::Call::lock { job: JobId(0), min_price: 0 }.into(),
		pallet_jobs::Call::poke { job: JobId(0) }.into(),
		pallet_pods::Call::leave {}.into(),
		pallet_models::Call::remove { model: ModelId([0; 32]) }.into(),
		pallet_proofs::Call::remove_key { id: VerifyingKeyId([0; 32]) }.into(),
	];
	let essential: [RuntimeCall; 11] = [
		pallet_timestamp::Call::set { now: 0 }.into(),
		pallet_grandpa::Call::note_stalled { delay: 1, best_finalized_block_number: 1 }.into(),
		pallet_validators::Call::resign {}.into(),
		pallet_sudo::Call::remove_key {}.into(),
		pallet_collective::Call::<_, pallet_collective::Instance1>::kill {
			proposal_hash: Default::default(),
		}
		.into(),
		enact(remark()),
		exit(),
		pallet_migrations::Call::force_onboard_mbms {}.into(),
		frame_system::Call::apply_authorized_upgrade { code: Vec::new() }.into(),
		pallet_session::Call::set_keys {
			keys: crate::SessionKeys {
				aura: Alice.public().into(),
				grandpa: sp_keyring::Ed25519Keyring::Alice.public().into(),
			},
			proof: Vec::new(),
		}
		.into(),
		pallet_utility::Call::batch { calls: Vec::new() }.into(),
	];
	let purge = RuntimeCall::Session(pallet_session::Call::purge_keys {});
	let passes = <Runtime as frame_system::Config>::BaseCallFilter::contains;
	on_staging_chain(|| {
		assert!(halted.iter().chain(&essential).all(passes));
		assert!(!passes(&purge));
		SafeMode::force_enter(RuntimeOrigin::root()).unwrap();
		for call in &halted {
			assert!(!passes(call), "{call:?}");
		}
		for call in &essential {
			assert!(passes(call), "{call:?}");
		}
		assert!(!passes(&purge), "what is closed at all times is closed in safe mode");

		// Blocks are made, with the timestamp that each must have.
		let _ = Executive::finalize_block();
		begin_block(2);
		assert_eq!(submit(Eve, transfer()).unwrap(), filtered());
	});
}

#[test]
fn wrappers_let_nothing_else_through() {
	on_staging_chain(|| {
		let eve = Eve.to_account_id();
		let appoint = RuntimeCall::Proxy(pallet_proxy::Call::add_proxy {
			delegate: Bob.to_account_id().into(),
			proxy_type: ProxyType::Any,
			delay: 0,
		});
		submit(Eve, appoint).unwrap().unwrap();
		let mut members = [eve.clone(), Bob.to_account_id()];
		members.sort();
		let together = pallet_multisig::Pallet::<Runtime>::multi_account_id(&members, 1);
		let endow = RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
			dest: together.into(),
			value: 10 * POD,
		});
		submit(Eve, endow).unwrap().unwrap();

		let as_proxy = || {
			RuntimeCall::Proxy(pallet_proxy::Call::proxy {
				real: eve.clone().into(),
				force_proxy_type: None,
				call: Box::new(transfer()),
			})
		};
		let as_multi = || {
			RuntimeCall::Multisig(pallet_multisig::Call::as_multi_threshold_1 {
				other_signatories: vec![eve.clone()],
				call: Box::new(transfer()),
			})
		};
		let as_batch =
			|| RuntimeCall::Utility(pallet_utility::Call::force_batch { calls: vec![transfer()] });
		let before = balance(Ferdie);
		SafeMode::force_enter(RuntimeOrigin::root()).unwrap();
		let _ = submit(Bob, as_proxy()).unwrap();
		let _ = submit(Bob, as_multi()).unwrap();
		let _ = submit(Bob, as_batch()).unwrap();
		assert_eq!(balance(Ferdie), before);

		SafeMode::force_exit(RuntimeOrigin::root()).unwrap();
		submit(Bob, as_proxy()).unwrap().unwrap();
		submit(Bob, as_multi()).unwrap().unwrap();
		submit(Bob, as_batch()).unwrap().unwrap();
		assert_eq!(balance(Ferdie), before + 3 * POD);
	});
}

/// A chain whose migrations fail in its first block: an upgrade finds another one's migrations
/// unfinished, which is a failure of whatever migrations a runtime has.
fn on_chain_with_failed_migration(safe_mode: Option<BlockNumber>, test: impl FnOnce()) {
	state_of("staging").execute_with(|| {
		EnteredUntil::<Runtime>::set(safe_mode);
		pallet_migrations::Cursor::<Runtime>::put(MigrationCursor::Active(ActiveCursor {
			index: 0,
			inner_cursor: None,
			started_at: 0,
		}));
		frame_system::LastRuntimeUpgrade::<Runtime>::kill();
		begin_block(1);
		test();
	});
}

#[test]
fn a_failed_migration_ends_in_safe_mode_until_the_council_has_repaired_it() {
	on_chain_with_failed_migration(None, || {
		assert_eq!(EnteredUntil::<Runtime>::get(), Some(BlockNumber::MAX));
		assert!(!Migrations::ongoing(), "no transaction would be let in");
		assert_eq!(submit(Eve, transfer()).unwrap(), filtered());

		let repair = RuntimeCall::System(frame_system::Call::set_storage {
			items: vec![(b"half migrated".to_vec(), b"repaired".to_vec())],
		});
		assert_eq!(decide(&[Alice, Bob, Charlie], enact(repair)), Ok(()));
		assert_eq!(
			frame_support::storage::unhashed::get_raw(b"half migrated"),
			Some(b"repaired".to_vec())
		);
		assert_eq!(decide(&[Alice, Bob, Charlie], exit()), Ok(()));
		assert_eq!(submit(Eve, transfer()).unwrap(), Ok(()));
	});
}

#[test]
fn a_migration_that_fails_in_safe_mode_keeps_it() {
	on_chain_with_failed_migration(Some(7), || {
		assert_eq!(EnteredUntil::<Runtime>::get(), Some(BlockNumber::MAX));
		assert!(!Migrations::ongoing());
	});
}
