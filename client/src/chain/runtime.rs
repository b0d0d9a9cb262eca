// SPDX-License-Identifier: Apache-2.0

//! The runtime's calls, storage and events, generated from its metadata.
//!
//! `artifacts/metadata.scale` is written by `cargo run -p proofpod-runtime --example metadata`; a
//! test of the runtime compares the two. Types of `proofpod_primitives` are used as they are.

/// Generated from the runtime's metadata.
#[allow(unreachable_pub)]
#[subxt::subxt(
	runtime_metadata_path = "artifacts/metadata.scale",
	substitute_type(
		path = "proofpod_primitives::ids::Digest",
		with = "::subxt::utils::Static<::proofpod_primitives::Digest>"
	),
	substitute_type(
		path = "proofpod_primitives::ids::ModelId",
		with = "::subxt::utils::Static<::proofpod_primitives::ModelId>"
	),
	substitute_type(
		path = "proofpod_primitives::ids::VerifyingKeyId",
		with = "::subxt::utils::Static<::proofpod_primitives::VerifyingKeyId>"
	),
	substitute_type(
		path = "proofpod_primitives::ids::Scalar",
		with = "::subxt::utils::Static<::proofpod_primitives::Scalar>"
	),
	substitute_type(
		path = "proofpod_primitives::ids::ProofBytes",
		with = "::subxt::utils::Static<::proofpod_primitives::ProofBytes>"
	),
	substitute_type(
		path = "proofpod_primitives::ids::JobId",
		with = "::subxt::utils::Static<::proofpod_primitives::JobId>"
	),
	substitute_type(
		path = "proofpod_primitives::manifest::ModelManifest",
		with = "::subxt::utils::Static<::proofpod_primitives::manifest::ModelManifest>"
	),
	substitute_type(
		path = "proofpod_primitives::pod::PodProfile",
		with = "::subxt::utils::Static<::proofpod_primitives::pod::PodProfile>"
	),
	substitute_type(
		path = "proofpod_primitives::pod::PodState",
		with = "::subxt::utils::Static<::proofpod_primitives::pod::PodState>"
	),
	substitute_type(
		path = "proofpod_primitives::pod::TrackRecord",
		with = "::subxt::utils::Static<::proofpod_primitives::pod::TrackRecord>"
	),
	substitute_type(
		path = "proofpod_primitives::clock::Tick",
		with = "::subxt::utils::Static<::proofpod_primitives::Tick>"
	),
	substitute_type(
		path = "proofpod_primitives::job::request::JobRequest",
		with = "::subxt::utils::Static<crate::JobRequest>"
	),
	substitute_type(
		path = "proofpod_primitives::job::terms::JobTerms",
		with = "::subxt::utils::Static<::proofpod_primitives::job::JobTerms>"
	),
	substitute_type(
		path = "proofpod_primitives::job::Job",
		with = "::subxt::utils::Static<crate::Job>"
	),
	substitute_type(
		path = "proofpod_primitives::job::outcome::Receipt",
		with = "::subxt::utils::Static<crate::Receipt>"
	),
	substitute_type(
		path = "proofpod_primitives::job::outcome::Stage",
		with = "::subxt::utils::Static<::proofpod_primitives::job::Stage>"
	),
	substitute_type(
		path = "proofpod_primitives::job::outcome::Reason",
		with = "::subxt::utils::Static<::proofpod_primitives::job::Reason>"
	)
)]
pub mod generated {}

pub use generated::*;
