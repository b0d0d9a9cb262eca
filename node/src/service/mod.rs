// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! The running node: database, network, transaction pool, consensus and JSON-RPC.

pub(crate) mod components;
mod consensus;
pub(crate) mod types;

use crate::{
	development_keys, rpc,
	sealing::{self, Sealing},
	sole_root,
};
use components::Components;
use consensus::Consensus;
use futures::{channel::mpsc, FutureExt};
use sc_client_api::{Backend as _, BlockBackend};
use sc_consensus_grandpa::{warp_proof, FinalityProofProvider, SharedVoterState};
use sc_network::{config::FullNetworkConfiguration, NetworkBackend};
use sc_offchain::{OffchainWorkerOptions, OffchainWorkers};
use sc_service::{
	error::Error, BuildNetworkParams, Configuration, SpawnTasksParams, TaskManager, WarpSyncConfig,
};
use sc_telemetry::Telemetry;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use std::sync::Arc;
use types::{Block, Hash};

/// Commands over JSON-RPC that may wait for the sealing of a block.
const SEALING_COMMANDS: usize = 64;

/// Starts a node, over the network backend `N`; it runs as long as the returned manager's tasks.
/// With `sealing` it makes and finalises blocks alone, otherwise by Aura and GRANDPA.
///
/// # Errors
///
/// Everything that keeps a node from starting: a database of another chain, occupied ports, a chain
/// grown by sealing that Aura is asked to continue, or well-known keys on a live chain.
pub(crate) fn start<N: NetworkBackend<Block, Hash>>(
	config: Configuration,
	sealing: Option<Sealing>,
) -> Result<TaskManager, Error> {
	let Components {
		client,
		backend,
		keystore,
		mut task_manager,
		select_chain,
		pool,
		block_import,
		grandpa_link,
		import_queue,
		mut telemetry,
	} = Components::build(&config)?;
	development_keys::check_keystore(&*config.chain_spec, &keystore.keystore())?;
	sole_root::warn_of(&*config.chain_spec)?;
	if sealing.is_none() {
		sealing::refuse_unsealed_chain(&*client)?;
	}
	let votes = sealing.is_none() && !config.disable_grandpa;

	let mut net_config = FullNetworkConfiguration::<Block, Hash, N>::new(
		&config.network,
		config.prometheus_registry().cloned(),
	);
	let metrics = N::register_notification_metrics(config.prometheus_registry());
	let genesis_hash = client
		.block_hash(0)?
		.ok_or_else(|| Error::Other("the database has no genesis block".into()))?;
	let grandpa_protocol =
		sc_consensus_grandpa::protocol_standard_name(&genesis_hash, &config.chain_spec);
	let (grandpa_config, grandpa_notifications) =
		sc_consensus_grandpa::grandpa_peers_set_config::<Block, N>(
			grandpa_protocol.clone(),
			metrics.clone(),
			net_config.peer_store_handle(),
		);
	if votes {
		net_config.add_notification_protocol(grandpa_config);
	}

	let authority_set = grandpa_link.shared_authority_set().clone();
	let warp_sync = Arc::new(warp_proof::NetworkProvider::new(
		backend.clone(),
		authority_set.clone(),
		Vec::new(),
	));
	let (network, system_rpc_tx, tx_handler_controller, sync_service, _bitswap) =
		sc_service::build_network(BuildNetworkParams {
			config: &config,
			net_config,
			client: client.clone(),
			transaction_pool: pool.clone(),
			spawn_handle: task_manager.spawn_handle(),
			spawn_essential_handle: task_manager.spawn_essential_handle(),
			import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: Some(WarpSyncConfig::WithProvider(warp_sync)),
			block_relay: None,
			metrics,
			gap_sync_body_policy: None,
		})?;

	if config.offchain_worker.enabled {
		let workers = OffchainWorkers::new(OffchainWorkerOptions {
			runtime_api_provider: client.clone(),
			keystore: Some(keystore.keystore()),
			offchain_db: backend.offchain_storage(),
			transaction_pool: Some(OffchainTransactionPoolFactory::new(pool.clone())),
			network_provider: Arc::new(network.clone()),
			is_validator: config.role.is_authority(),
			// No pallet of this chain fetches anything.
			enable_http_requests: false,
			custom_extensions: |_| vec![],
		})?;
		task_manager.spawn_handle().spawn(
			"offchain-workers-runner",
			Some("offchain-worker"),
			workers.run(client.clone(), task_manager.spawn_handle()).boxed(),
		);
	}

	let (sealing_commands, sealing_receiver) = mpsc::channel(SEALING_COMMANDS);
	let voter_state = SharedVoterState::empty();
	let rpc_builder = {
		let dependencies = rpc::Dependencies {
			client: client.clone(),
			pool: pool.clone(),
			authority_set: authority_set.clone(),
			voter_state: voter_state.clone(),
			justifications: grandpa_link.justification_stream(),
			finality_proofs: FinalityProofProvider::new_for_service(
				backend.clone(),
				Some(authority_set),
			),
			sealing: sealing.map(|_| sealing_commands),
		};
		Box::new(move |executor| {
			rpc::module(&dependencies, executor).map_err(|error| Error::Application(error.into()))
		})
	};

	let consensus = Consensus {
		client: client.clone(),
		pool: pool.clone(),
		select_chain,
		keystore: keystore.keystore(),
		network: network.clone(),
		sync: sync_service.clone(),
		role: config.role,
		node_name: config.network.node_name.clone(),
		force_authoring: config.force_authoring,
		prometheus: config.prometheus_config.clone(),
		telemetry: telemetry.as_ref().map(Telemetry::handle),
	};

	sc_service::spawn_tasks(SpawnTasksParams {
		config,
		client,
		backend,
		task_manager: &mut task_manager,
		keystore: keystore.keystore(),
		transaction_pool: pool,
		rpc_builder,
		network,
		system_rpc_tx,
		tx_handler_controller,
		sync_service,
		telemetry: telemetry.as_mut(),
		tracing_execute_block: None,
	})?;

	if let Some(sealing) = sealing {
		consensus.seal(&task_manager, sealing, sealing_receiver)?;
	} else if consensus.role.is_authority() {
		consensus.author(&task_manager, block_import)?;
	}
	if votes {
		consensus.finalise(
			&task_manager,
			grandpa_link,
			grandpa_protocol,
			grandpa_notifications,
			voter_state,
		)?;
	}
	Ok(task_manager)
}
