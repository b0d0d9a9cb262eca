// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! The parts of a node that work without a network; subcommands on the database need no more.

use super::types::{Backend, Block, BlockImport, Client, Executor, GrandpaLink, Pool, SelectChain};
use crate::equivocation::{Watch, WatchedImport};
use sc_consensus::DefaultImportQueue;
use sc_consensus_aura::{CheckForEquivocation, ImportQueueParams, SlotDuration};
use sc_consensus_grandpa::GrandpaPruningFilter;
use sc_service::{error::Error, Configuration, KeystoreContainer, TaskManager};
use sc_telemetry::{Telemetry, TelemetryWorker};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_aura::sr25519::AuthorityPair;
use std::sync::Arc;

/// Most blocks between two justifications that are kept: a light client or an auditor downloads
/// at most this many headers to reach one.
pub(crate) const JUSTIFICATION_PERIOD: u32 = 512;

/// Messages to telemetry that may wait while a server is slow.
const TELEMETRY_BUFFER: usize = 16;

/// A node without its network.
pub(crate) struct Components {
	pub(crate) client: Arc<Client>,
	pub(crate) backend: Arc<Backend>,
	pub(crate) keystore: KeystoreContainer,
	pub(crate) task_manager: TaskManager,
	pub(crate) select_chain: SelectChain,
	pub(crate) pool: Arc<Pool>,
	pub(crate) block_import: BlockImport,
	pub(crate) grandpa_link: GrandpaLink,
	pub(crate) import_queue: DefaultImportQueue<Block>,
	pub(crate) telemetry: Option<Telemetry>,
}

impl Components {
	/// Opens the database, writing the genesis block when it is new, and starts the transaction
	/// pool and the import queue.
	///
	/// # Errors
	///
	/// A database that cannot be opened or belongs to another chain, or a runtime without Aura.
	pub(crate) fn build(config: &Configuration) -> Result<Self, Error> {
		let telemetry = config
			.telemetry_endpoints
			.clone()
			.filter(|endpoints| !endpoints.is_empty())
			.map(|endpoints| -> Result<_, sc_telemetry::Error> {
				let worker = TelemetryWorker::new(TELEMETRY_BUFFER)?;
				let telemetry = worker.handle().new_telemetry(endpoints);
				Ok((worker, telemetry))
			})
			.transpose()?;

		let executor: Executor = sc_service::new_wasm_executor(&config.executor);
		let (client, backend, keystore, task_manager) = sc_service::new_full_parts(
			config,
			telemetry.as_ref().map(|(_, telemetry)| telemetry.handle()),
			executor,
			// Warp sync proves its way along these blocks, so pruning must leave them.
			vec![Arc::new(GrandpaPruningFilter)],
		)?;
		let client: Arc<Client> = Arc::new(client);

		let telemetry = telemetry.map(|(worker, telemetry)| {
			task_manager.spawn_handle().spawn("telemetry", None, worker.run());
			telemetry
		});
		let telemetry_handle = telemetry.as_ref().map(Telemetry::handle);

		let select_chain = SelectChain::new(backend.clone());
		let pool = Arc::new(
			sc_transaction_pool::Builder::new(
				task_manager.spawn_essential_handle(),
				client.clone(),
				config.role.is_authority().into(),
			)
			.with_options(config.transaction_pool.clone())
			.with_prometheus(config.prometheus_registry())
			.build(),
		);

		let (grandpa_import, grandpa_link) = sc_consensus_grandpa::block_import(
			client.clone(),
			JUSTIFICATION_PERIOD,
			&client,
			select_chain.clone(),
			telemetry_handle.clone(),
		)?;

		let slot_duration = sc_consensus_aura::slot_duration(&*client)?;
		let block_import = WatchedImport::new(
			grandpa_import.clone(),
			Watch {
				client: client.clone(),
				pool: config
					.role
					.is_authority()
					.then(|| OffchainTransactionPoolFactory::new(pool.clone())),
				keystore: keystore.keystore(),
				slot_duration,
			},
		);
		let import_queue =
			sc_consensus_aura::import_queue::<AuthorityPair, _, _, _, _, _>(ImportQueueParams {
				block_import: block_import.clone(),
				justification_import: Some(Box::new(grandpa_import)),
				client: client.clone(),
				create_inherent_data_providers: move |_, ()| async move {
					Ok(inherents_now(slot_duration))
				},
				spawner: &task_manager.spawn_essential_handle(),
				registry: config.prometheus_registry(),
				// The watch does, with evidence.
				check_for_equivocation: CheckForEquivocation::No,
				telemetry: telemetry_handle,
				compatibility_mode: Default::default(),
			})?;

		Ok(Self {
			client,
			backend,
			keystore,
			task_manager,
			select_chain,
			pool,
			block_import,
			grandpa_link,
			import_queue,
			telemetry,
		})
	}
}

/// What a block's author states about the present: the slot and the time.
pub(crate) fn inherents_now(
	slot_duration: SlotDuration,
) -> (sp_consensus_aura::inherents::InherentDataProvider, sp_timestamp::InherentDataProvider) {
	let timestamp = sp_timestamp::InherentDataProvider::from_system_time();
	let slot = sp_consensus_aura::inherents::InherentDataProvider::from_timestamp_and_slot_duration(
		*timestamp,
		slot_duration,
	);
	(slot, timestamp)
}
