// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! How blocks come about: Aura writes them and GRANDPA makes them final, or, on a development
//! chain, sealing does both.

use super::{
	components::{inherents_now, JUSTIFICATION_PERIOD},
	types::{Block, BlockImport, Client, GrandpaLink, Hash, Pool, SelectChain},
};
use crate::sealing::{self, Sealing};
use futures::channel::mpsc;
use sc_basic_authorship::ProposerFactory;
use sc_consensus_aura::{SlotProportion, StartAuraParams};
use sc_consensus_grandpa::{GrandpaParams, SharedVoterState, VotingRulesBuilder};
use sc_consensus_manual_seal::EngineCommand;
use sc_consensus_slots::BackoffAuthoringOnFinalizedHeadLagging;
use sc_network::{
	service::traits::{NetworkService, NotificationService},
	types::ProtocolName,
};
use sc_network_sync::SyncingService;
use sc_service::{config::PrometheusConfig, error::Error, Role, TaskManager};
use sc_telemetry::TelemetryHandle;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_aura::sr25519::AuthorityPair;
use sp_keystore::KeystorePtr;
use std::{sync::Arc, time::Duration};

/// Share of a slot that an author may spend on its block; the rest is for its way to the others.
const PROPOSAL_SHARE: f32 = 2f32 / 3f32;

/// Time that a GRANDPA vote is given to reach the other voters.
const GOSSIP_DURATION: Duration = Duration::from_millis(333);

/// Task group of whatever writes blocks, as it appears in the task metrics.
const AUTHORING: Option<&str> = Some("block-authoring");

/// What consensus needs of the running node.
pub(super) struct Consensus {
	pub(super) client: Arc<Client>,
	pub(super) pool: Arc<Pool>,
	pub(super) select_chain: SelectChain,
	pub(super) keystore: KeystorePtr,
	pub(super) network: Arc<dyn NetworkService>,
	pub(super) sync: Arc<SyncingService<Block>>,
	pub(super) role: Role,
	pub(super) node_name: String,
	/// Whether to write blocks without peers, and at full pace while finality stalls.
	pub(super) force_authoring: bool,
	pub(super) prometheus: Option<PrometheusConfig>,
	pub(super) telemetry: Option<TelemetryHandle>,
}

impl Consensus {
	fn proposer(&self, task_manager: &TaskManager) -> ProposerFactory<Pool, Client> {
		ProposerFactory::new(
			task_manager.spawn_handle(),
			self.client.clone(),
			self.pool.clone(),
			self.prometheus.as_ref().map(|config| &config.registry),
			self.telemetry.clone(),
		)
	}

	/// Starts writing blocks in the slots whose key this node holds.
	pub(super) fn author(
		&self,
		task_manager: &TaskManager,
		block_import: BlockImport,
	) -> Result<(), Error> {
		let slot_duration = sc_consensus_aura::slot_duration(&*self.client)?;
		let aura = sc_consensus_aura::start_aura::<AuthorityPair, Block, _, _, _, _, _, _, _, _, _>(
			StartAuraParams {
				slot_duration,
				client: self.client.clone(),
				select_chain: self.select_chain.clone(),
				block_import,
				proposer_factory: self.proposer(task_manager),
				sync_oracle: self.sync.clone(),
				justification_sync_link: self.sync.clone(),
				create_inherent_data_providers: move |_, ()| async move {
					Ok(inherents_now(slot_duration))
				},
				force_authoring: self.force_authoring,
				// Slows down while finality stalls, so that the unfinalised part stays short;
				// unless the operator wants blocks all the same, to bring finality back.
				backoff_authoring_blocks: (!self.force_authoring)
					.then(BackoffAuthoringOnFinalizedHeadLagging::default),
				keystore: self.keystore.clone(),
				block_proposal_slot_portion: SlotProportion::new(PROPOSAL_SHARE),
				max_block_proposal_slot_portion: None,
				telemetry: self.telemetry.clone(),
				compatibility_mode: Default::default(),
			},
		)?;
		task_manager.spawn_essential_handle().spawn_blocking("aura", AUTHORING, aura);
		Ok(())
	}

	/// Starts making and finalising blocks alone, at the pace of `sealing`.
	pub(super) fn seal(
		&self,
		task_manager: &TaskManager,
		sealing: Sealing,
		commands: mpsc::Receiver<EngineCommand<Hash>>,
	) -> Result<(), Error> {
		let sealer = sealing::Sealer {
			client: self.client.clone(),
			pool: self.pool.clone(),
			select_chain: self.select_chain.clone(),
			proposer: self.proposer(task_manager),
			slot_duration: sc_consensus_aura::slot_duration(&*self.client)?,
		};
		task_manager.spawn_essential_handle().spawn_blocking(
			"sealing",
			AUTHORING,
			sealer.run(sealing, commands),
		);
		Ok(())
	}

	/// Starts following, and with a key in the keystore casting, the votes that make blocks final.
	pub(super) fn finalise(
		self,
		task_manager: &TaskManager,
		link: GrandpaLink,
		protocol_name: ProtocolName,
		notification_service: Box<dyn NotificationService>,
		shared_voter_state: SharedVoterState,
	) -> Result<(), Error> {
		let keystore = self.role.is_authority().then_some(self.keystore);
		let voter = sc_consensus_grandpa::run_grandpa_voter(GrandpaParams {
			config: sc_consensus_grandpa::Config {
				gossip_duration: GOSSIP_DURATION,
				justification_generation_period: JUSTIFICATION_PERIOD,
				name: Some(self.node_name),
				observer_enabled: false,
				keystore,
				local_role: self.role,
				telemetry: self.telemetry.clone(),
				protocol_name,
			},
			link,
			network: self.network,
			sync: self.sync,
			notification_service,
			voting_rule: VotingRulesBuilder::default().build(),
			prometheus_registry: self.prometheus.map(|config| config.registry),
			shared_voter_state,
			telemetry: self.telemetry,
			offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(self.pool),
		})?;
		task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
		Ok(())
	}
}
