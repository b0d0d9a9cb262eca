// SPDX-License-Identifier: Apache-2.0

//! What the council may decide on a chain without a sudo key, with how many votes, and that nobody
//! else decides anything.

use super::{
	chain::{begin_block, submit},
	genesis::state_of,
};
use crate::{
	configs::{
		consensus::ValidatorBond,
		governance::{CouncilInstance, MotionDuration},
	},
	AccountId, Council, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, SessionKeys, System,
	Validators,
};
use codec::Encode;
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{EnsureOrigin, Get},
};
use pallet_collective::{Event, RawOrigin};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie};
use sp_runtime::{
	traits::{BlakeTwo256, Hash as _},
	DispatchError, DispatchResult,
};

/// Where [`store`] writes.
const KEY: &[u8] = b"written by root";

/// A call that only root may make.
fn store() -> RuntimeCall {
	RuntimeCall::System(frame_system::Call::set_storage { items: vec![(KEY.into(), vec![1])] })
}

fn stored() -> bool {
	frame_support::storage::unhashed::exists(KEY)
}

/// The call that makes `call` as root.
pub(super) fn enact(call: RuntimeCall) -> RuntimeCall {
	RuntimeCall::Governance(pallet_governance::Call::enact { call: Box::new(call) })
}

pub(super) fn on_staging_chain(test: impl FnOnce()) {
	state_of("staging").execute_with(|| {
		begin_block(1);
		test();
	});
}

/// Moves `call` in the council with as many votes needed as there are `ayes`.
fn propose(ayes: &[Sr25519Keyring], call: &RuntimeCall) {
	let motion = RuntimeCall::Council(pallet_collective::Call::propose {
		threshold: ayes.len() as u32,
		proposal: Box::new(call.clone()),
		length_bound: call.encoded_size() as u32,
	});
	submit(ayes[0], motion).unwrap().unwrap();
}

fn vote(who: Sr25519Keyring, call: &RuntimeCall) -> DispatchResult {
	let vote = RuntimeCall::Council(pallet_collective::Call::vote {
		proposal: BlakeTwo256::hash_of(call),
		index: pallet_collective::ProposalCount::<Runtime, CouncilInstance>::get() - 1,
		approve: true,
	});
	submit(who, vote).unwrap()
}

/// Anybody may close a motion; here Ferdie, who is no member.
fn close(call: &RuntimeCall) -> DispatchResult {
	let close = RuntimeCall::Council(pallet_collective::Call::close {
		proposal_hash: BlakeTwo256::hash_of(call),
		index: pallet_collective::ProposalCount::<Runtime, CouncilInstance>::get() - 1,
		proposal_weight_bound: call.get_dispatch_info().call_weight,
		length_bound: call.encoded_size() as u32 + 4,
	});
	submit(Ferdie, close).unwrap()
}

/// Lets `ayes` carry a motion, and says how the call ended.
pub(super) fn decide(ayes: &[Sr25519Keyring], call: RuntimeCall) -> DispatchResult {
	propose(ayes, &call);
	// A motion that needs one vote only is carried out at once.
	if ayes.len() > 1 {
		for member in ayes {
			vote(*member, &call).unwrap();
		}
		close(&call).unwrap();
	}
	System::events()
		.into_iter()
		.rev()
		.find_map(|record| match record.event {
			RuntimeEvent::Council(Event::Executed { result, .. }) => Some(result),
			_ => None,
		})
		.expect("the motion was carried")
}

#[test]
fn the_heaviest_motion_fits_an_operational_transaction() {
	on_staging_chain(|| {
		let code = vec![0; 1 << 20];
		let exchange = frame_system::Call::set_code_without_checks { code: code.clone() };
		assert_eq!(decide(&[Alice, Bob, Charlie], enact(exchange.into())), Ok(()));
		assert_eq!(sp_io::storage::get(b":code").as_deref(), Some(&code[..]));
	});
}

#[test]
fn three_quarters_are_root() {
	on_staging_chain(|| {
		assert_eq!(decide(&[Bob, Charlie, Dave], enact(store())), Ok(()));
		assert!(stored());
	});
}

#[test]
fn fewer_are_not() {
	on_staging_chain(|| {
		for ayes in [&[Alice][..], &[Alice, Bob]] {
			assert_eq!(decide(ayes, enact(store())), Err(DispatchError::BadOrigin));
		}
		// Nor are any, without `enact`.
		let all = [Alice, Bob, Charlie, Dave];
		assert_eq!(decide(&all, store()), Err(DispatchError::BadOrigin));
		assert!(!stored());
	});
}

#[test]
fn a_member_alone_is_not_root() {
	on_staging_chain(|| {
		let alone = enact(store());
		let execute = RuntimeCall::Council(pallet_collective::Call::execute {
			length_bound: alone.encoded_size() as u32,
			proposal: Box::new(alone.clone()),
		});
		submit(Alice, execute).unwrap().unwrap();
		let refused = System::events().into_iter().any(|record| {
			matches!(
				record.event,
				RuntimeEvent::Council(Event::MemberExecuted {
					result: Err(DispatchError::BadOrigin),
					..
				})
			)
		});
		assert!(refused);
		assert_eq!(submit(Alice, alone).unwrap(), Err(DispatchError::BadOrigin));
		assert!(!stored());
	});
}

#[test]
fn nobody_is_root_by_a_key() {
	on_staging_chain(|| {
		for who in [Alice, Bob, Charlie, Dave, Eve, Ferdie] {
			let sudo = RuntimeCall::Sudo(pallet_sudo::Call::sudo { call: Box::new(store()) });
			let refused = submit(who, sudo).unwrap();
			assert_eq!(refused, Err(pallet_sudo::Error::<Runtime>::RequireSudo.into()));
			assert_eq!(submit(who, store()).unwrap(), Err(DispatchError::BadOrigin));
		}
		assert!(!stored());
	});
}

#[test]
fn strangers_neither_move_nor_vote() {
	on_staging_chain(|| {
		let call = enact(store());
		let motion = RuntimeCall::Council(pallet_collective::Call::propose {
			threshold: 2,
			proposal: Box::new(call.clone()),
			length_bound: call.encoded_size() as u32,
		});
		let stranger = Err(pallet_collective::Error::<Runtime, CouncilInstance>::NotMember.into());
		assert_eq!(submit(Eve, motion).unwrap(), stranger);
		propose(&[Alice, Bob, Charlie], &call);
		assert_eq!(vote(Eve, &call), stranger);
	});
}

#[test]
fn silence_is_no_consent_even_with_a_prime() {
	on_staging_chain(|| {
		let members = [Alice, Bob, Charlie, Dave].map(|who| who.to_account_id());
		Council::set_members(
			RuntimeOrigin::root(),
			members.to_vec(),
			Some(Alice.to_account_id()),
			4,
		)
		.unwrap();
		let call = enact(store());
		propose(&[Alice, Bob, Charlie], &call);
		vote(Alice, &call).unwrap();
		vote(Bob, &call).unwrap();
		let early = pallet_collective::Error::<Runtime, CouncilInstance>::TooEarly;
		assert_eq!(close(&call), Err(early.into()));

		System::set_block_number(1 + MotionDuration::get());
		close(&call).unwrap();
		let proposal_hash = BlakeTwo256::hash_of(&call);
		System::assert_has_event(Event::Closed { proposal_hash, yes: 2, no: 2 }.into());
		System::assert_has_event(Event::Disapproved { proposal_hash }.into());
		assert!(!stored());
	});
}

#[test]
fn two_thirds_admit_and_remove_validators() {
	on_staging_chain(|| {
		let eve: AccountId = Eve.to_account_id();
		let keys = SessionKeys {
			aura: Eve.public().into(),
			grandpa: sp_keyring::Ed25519Keyring::Eve.public().into(),
		};
		pallet_session::NextKeys::<Runtime>::insert(&eve, keys);
		let bond = ValidatorBond::get();
		let apply = RuntimeCall::Validators(pallet_validators::Call::apply { bond });
		submit(Eve, apply).unwrap().unwrap();
		let admit =
			|| RuntimeCall::Validators(pallet_validators::Call::admit { account: eve.clone() });
		assert_eq!(decide(&[Alice, Bob], admit()), Err(DispatchError::BadOrigin));
		assert_eq!(decide(&[Alice, Bob, Charlie], admit()), Ok(()));
		assert!(Validators::is_listed(&eve));

		let bob: AccountId = Bob.to_account_id();
		let remove =
			RuntimeCall::Validators(pallet_validators::Call::remove { account: bob.clone() });
		assert_eq!(decide(&[Alice, Charlie, Dave], remove), Ok(()));
		assert!(!Validators::is_listed(&bob));
	});
}

#[test]
fn the_council_exchanges_its_members() {
	on_staging_chain(|| {
		let new = [Bob, Charlie, Dave, Eve].map(|who| who.to_account_id());
		let exchange = RuntimeCall::Council(pallet_collective::Call::set_members {
			new_members: new.to_vec(),
			prime: None,
			old_count: 4,
		});
		assert_eq!(decide(&[Bob, Charlie, Dave], enact(exchange)), Ok(()));
		assert!(!Council::is_member(&Alice.to_account_id()));
		assert_eq!(decide(&[Charlie, Dave, Eve], enact(store())), Ok(()));
		assert!(stored());
	});
}

#[test]
fn each_decision_takes_its_share_of_the_votes() {
	fn may<Origin: EnsureOrigin<RuntimeOrigin>>(ayes: u32, seats: u32) -> bool {
		let origin = RawOrigin::<AccountId, CouncilInstance>::Members(ayes, seats);
		Origin::ensure_origin(origin.into()).is_ok()
	}
	type Governance = <Runtime as pallet_governance::Config>::EnactOrigin;
	type Admission = <Runtime as pallet_validators::Config>::AdminOrigin;
	type Exit = <Runtime as pallet_safe_mode::Config>::ForceExitOrigin;
	type Enter = <Runtime as pallet_safe_mode::Config>::ForceEnterOrigin;
	type Extend = <Runtime as pallet_safe_mode::Config>::ForceExtendOrigin;
	type Disapprove = <Runtime as pallet_collective::Config<CouncilInstance>>::DisapproveOrigin;
	type Kill = <Runtime as pallet_collective::Config<CouncilInstance>>::KillOrigin;
	type Members = <Runtime as pallet_collective::Config<CouncilInstance>>::SetMembersOrigin;
	type Deposits = <Runtime as pallet_safe_mode::Config>::ForceDepositOrigin;

	fn limit<Limit: Get<u32>>() -> u32 {
		Limit::get()
	}
	let most = limit::<<Runtime as pallet_collective::Config<CouncilInstance>>::MaxMembers>();
	for seats in 1..=most {
		for ayes in 0..=seats {
			let case = format!("{ayes} of {seats}");
			assert_eq!(may::<Governance>(ayes, seats), 4 * ayes >= 3 * seats, "{case}");
			let two_thirds = 3 * ayes >= 2 * seats;
			assert_eq!(may::<Admission>(ayes, seats), two_thirds, "{case}");
			assert_eq!(may::<Exit>(ayes, seats), two_thirds, "{case}");
			assert_eq!(may::<Disapprove>(ayes, seats), two_thirds, "{case}");
			assert_eq!(may::<Kill>(ayes, seats), two_thirds, "{case}");
			assert_eq!(may::<Enter>(ayes, seats), 2 * ayes > seats, "{case}");
			assert_eq!(may::<Extend>(ayes, seats), 2 * ayes > seats, "{case}");
			assert!(!may::<Members>(ayes, seats) && !may::<Deposits>(ayes, seats), "{case}");
		}
	}
}
