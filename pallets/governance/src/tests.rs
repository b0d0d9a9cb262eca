// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Call, Event, WeightInfo};
use codec::Encode;
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchClass, GetDispatchInfo, Pays},
	traits::Get,
};
use frame_system::{limits::BlockWeights, Call as SystemCall};
use sp_runtime::{
	traits::{BlakeTwo256, Dispatchable, Hash},
	DispatchError,
};

mod enact {
	use super::*;

	/// A call that only root may make, and that leaves a trace.
	fn store() -> RuntimeCall {
		SystemCall::set_storage { items: vec![(b"key".to_vec(), b"value".to_vec())] }.into()
	}

	fn stored() -> Option<Vec<u8>> {
		frame_support::storage::unhashed::get_raw(b"key")
	}

	fn enact(call: RuntimeCall) -> RuntimeCall {
		Call::enact { call: Box::new(call) }.into()
	}

	#[test]
	fn carries_a_call_out_as_root() {
		on_chain(|| {
			assert_ok!(enact(store()).dispatch(RuntimeOrigin::signed(1)));
			assert_eq!(stored(), Some(b"value".to_vec()));
			let call = BlakeTwo256::hash(&store().encode());
			System::assert_last_event(Event::Enacted { call }.into());
		});
	}

	#[test]
	fn passes_the_filter() {
		on_chain(|| {
			assert_noop!(
				store().dispatch(RuntimeOrigin::signed(1)),
				frame_system::Error::<Test>::CallFiltered
			);
			assert_ok!(Governance::enact(RuntimeOrigin::signed(1), Box::new(store())));
		});
	}

	#[test]
	fn is_refused_to_everybody_else() {
		on_chain(|| {
			for origin in [RuntimeOrigin::signed(2), RuntimeOrigin::none(), RuntimeOrigin::root()] {
				assert_noop!(
					Governance::enact(origin, Box::new(store())),
					DispatchError::BadOrigin
				);
			}
			assert_eq!(stored(), None);
		});
	}

	#[test]
	fn fails_as_the_call_fails_and_changes_nothing() {
		on_chain(|| {
			let enact_as_body = |call: RuntimeCall| {
				Governance::enact(RuntimeOrigin::signed(1), Box::new(call))
					.map_err(|failure| failure.error)
			};
			assert_noop!(
				enact_as_body(SystemCall::apply_authorized_upgrade { code: Vec::new() }.into()),
				frame_system::Error::<Test>::NothingAuthorized
			);
			// Enacting is for the body: root, by whom the inner call is made, is none.
			assert_noop!(enact_as_body(enact(store())), DispatchError::BadOrigin);
			assert!(System::events().is_empty());
		});
	}

	#[test]
	fn weighs_what_the_call_weighs() {
		let own = |call: RuntimeCall| <() as WeightInfo>::enact(call.encoded_size() as u32);
		let declared = enact(store()).get_dispatch_info();
		assert_eq!(declared.call_weight, own(store()) + store().get_dispatch_info().call_weight);
		assert_eq!((declared.class, declared.pays_fee), (DispatchClass::Operational, Pays::Yes));
		on_chain(|| {
			let spent = enact(store()).dispatch(RuntimeOrigin::signed(1)).unwrap();
			assert_eq!(spent.actual_weight, Some(declared.call_weight));
			let code: RuntimeCall =
				SystemCall::set_code_without_checks { code: b"code".to_vec() }.into();
			let spent = enact(code.clone()).dispatch(RuntimeOrigin::signed(1)).unwrap();
			let limits: BlockWeights = <Test as frame_system::Config>::BlockWeights::get();
			let block = own(code).saturating_add(limits.max_block);
			assert_eq!(spent.actual_weight, Some(block), "nothing else fits into the block");
		});
	}
}
