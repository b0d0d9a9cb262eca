// SPDX-License-Identifier: Apache-2.0

//! The daemon that pod operators run.
//!
//! * [`config`]: the operator's decisions;
//! * [`service`]: starts everything, stops everything;
//! * [`worker`]: the loop that drives jobs: lock, acknowledge, prove, submit;
//! * [`keyring`]: the keys that open inputs;
//! * [`deliveries`] and [`journal`]: sealed inputs, checked on arrival and kept until the end;
//! * [`models`]: the models that the pod serves;
//! * [`http`]: delivery for clients, status and metrics for the operator;
//! * [`metrics`] and [`error`]: names and codes, in one place each.
//!
//! What the worker does on the chain, it does through `proofpod_client`.

pub mod config;
pub mod deliveries;
pub mod error;
pub mod http;
pub mod journal;
pub mod keyring;
pub mod metrics;
pub mod models;
pub mod service;
pub mod worker;
