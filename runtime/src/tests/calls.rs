// SPDX-License-Identifier: Apache-2.0

//! The indices of pallets and calls, which signed transactions depend on.
//!
//! A row may be added; a changed or removed row breaks every client that has not been rebuilt, and
//! then `transaction_version` must be incremented with it.

use crate::{RuntimeCall, VERSION};
use scale_info::{form::PortableForm, PortableRegistry, Registry, TypeDef, Variant};

/// Pallet's index, pallet's name, and its calls with their indices.
type Row = (u8, &'static str, &'static [(u8, &'static str)]);

/// A [`Row`] as it is found in the types of the runtime.
type Found = (u8, String, Vec<(u8, String)>);

const CALLS: &[Row] = &[
	(
		0,
		"System",
		&[
			(0, "remark"),
			(1, "set_heap_pages"),
			(2, "set_code"),
			(3, "set_code_without_checks"),
			(4, "set_storage"),
			(5, "kill_storage"),
			(6, "kill_prefix"),
			(7, "remark_with_event"),
			(9, "authorize_upgrade"),
			(10, "authorize_upgrade_without_checks"),
			(11, "apply_authorized_upgrade"),
		],
	),
	(1, "Timestamp", &[(0, "set")]),
	(
		3,
		"Grandpa",
		&[(0, "report_equivocation"), (1, "report_equivocation_unsigned"), (2, "note_stalled")],
	),
	(
		5,
		"Balances",
		&[
			(0, "transfer_allow_death"),
			(2, "force_transfer"),
			(3, "transfer_keep_alive"),
			(4, "transfer_all"),
			(5, "force_unreserve"),
			(6, "upgrade_accounts"),
			(8, "force_set_balance"),
			(9, "force_adjust_total_issuance"),
			(10, "burn"),
		],
	),
	(
		6,
		"Validators",
		&[
			(0, "admit"),
			(1, "remove"),
			(2, "resign"),
			(3, "withdraw_keys"),
			(4, "apply"),
			(5, "bond_more"),
			(6, "withdraw_bond"),
			(7, "rejoin"),
			(8, "report_aura_equivocation"),
		],
	),
	(7, "Session", &[(0, "set_keys"), (1, "purge_keys")]),
	(
		9,
		"Utility",
		&[
			(0, "batch"),
			(1, "as_derivative"),
			(2, "batch_all"),
			(3, "dispatch_as"),
			(4, "force_batch"),
			(5, "with_weight"),
			(6, "if_else"),
			(7, "dispatch_as_fallible"),
		],
	),
	(
		10,
		"Proxy",
		&[
			(0, "proxy"),
			(1, "add_proxy"),
			(2, "remove_proxy"),
			(3, "remove_proxies"),
			(4, "create_pure"),
			(5, "kill_pure"),
			(6, "announce"),
			(7, "remove_announcement"),
			(8, "reject_announcement"),
			(9, "proxy_announced"),
			(10, "poke_deposit"),
		],
	),
	(
		11,
		"Multisig",
		&[
			(0, "as_multi_threshold_1"),
			(1, "as_multi"),
			(2, "approve_as_multi"),
			(3, "cancel_as_multi"),
			(4, "poke_deposit"),
		],
	),
	(
		12,
		"Sudo",
		&[
			(0, "sudo"),
			(1, "sudo_unchecked_weight"),
			(2, "set_key"),
			(3, "sudo_as"),
			(4, "remove_key"),
		],
	),
	(
		13,
		"Council",
		&[
			(0, "set_members"),
			(1, "execute"),
			(2, "propose"),
			(3, "vote"),
			(5, "disapprove_proposal"),
			(6, "close"),
			(7, "kill"),
			(8, "release_proposal_cost"),
		],
	),
	(14, "Governance", &[(0, "enact")]),
	(
		15,
		"SafeMode",
		&[
			(0, "enter"),
			(1, "force_enter"),
			(2, "extend"),
			(3, "force_extend"),
			(4, "force_exit"),
			(5, "force_slash_deposit"),
			(6, "release_deposit"),
			(7, "force_release_deposit"),
		],
	),
	(
		16,
		"Migrations",
		&[
			(0, "force_set_cursor"),
			(1, "force_set_active_cursor"),
			(2, "force_onboard_mbms"),
			(3, "clear_historic"),
		],
	),
	(20, "Proofs", &[(0, "register_key"), (1, "remove_key"), (2, "verify")]),
	(21, "Models", &[(0, "register"), (1, "update_uris"), (2, "deprecate"), (3, "remove")]),
	(
		22,
		"Pods",
		&[
			(0, "register"),
			(1, "update"),
			(2, "leave"),
			(3, "withdraw"),
			(4, "set_operator"),
			(5, "bond_more"),
			(6, "heartbeat"),
			(7, "attest"),
			(8, "revoke"),
			(9, "suspend"),
			(10, "reinstate"),
		],
	),
	(
		23,
		"Jobs",
		&[
			(0, "open"),
			(1, "lock"),
			(2, "acknowledge"),
			(3, "submit_result"),
			(4, "cancel"),
			(5, "discard"),
			(6, "release"),
			(7, "poke"),
		],
	),
];

fn variants(types: &PortableRegistry, id: u32) -> &[Variant<PortableForm>] {
	match &types.resolve(id).unwrap().type_def {
		TypeDef::Variant(definition) => &definition.variants,
		other => panic!("expected an enum of calls, found {other:?}"),
	}
}

#[test]
fn indices_are_those_of_the_table() {
	let mut registry = Registry::new();
	let id = registry.register_type(&scale_info::MetaType::new::<RuntimeCall>()).id;
	let types = PortableRegistry::from(registry);
	let found: Vec<Found> = variants(&types, id)
		.iter()
		.map(|pallet| {
			let calls = variants(&types, pallet.fields[0].ty.id)
				.iter()
				.map(|call| (call.index, call.name.clone()))
				.collect();
			(pallet.index, pallet.name.clone(), calls)
		})
		.collect();
	let expected: Vec<Found> = CALLS
		.iter()
		.map(|(index, name, calls)| {
			let calls = calls.iter().map(|(index, name)| (*index, (*name).into())).collect();
			(*index, (*name).into(), calls)
		})
		.collect();
	assert_eq!(found, expected);
	assert_eq!(VERSION.transaction_version, 2);
}

#[test]
fn extensions_stand_in_their_documented_order() {
	use sp_runtime::traits::TransactionExtension;
	let names: Vec<&str> = <crate::TxExtension as TransactionExtension<RuntimeCall>>::metadata()
		.iter()
		.map(|extension| extension.identifier)
		.collect();
	assert_eq!(
		names,
		[
			"AuthorizeCall",
			"CheckNonZeroSender",
			"CheckSpecVersion",
			"CheckTxVersion",
			"CheckGenesis",
			"CheckMortality",
			"CheckNonce",
			"CheckWeight",
			"ChargeTransactionPayment",
			"CheckMetadataHash",
			"WeightReclaim",
		]
	);
}
