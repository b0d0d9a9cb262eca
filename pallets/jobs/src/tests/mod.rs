// SPDX-License-Identifier: Apache-2.0

//! One module per call; then the sweep, failover, the views, the configuration, whether moments
//! matter, and random sequences.

mod acknowledge;
mod agenda;
mod cancel;
pub(crate) mod circuit;
mod configuration;
mod discard;
mod failover;
mod invariants;
mod lock;
mod moments;
mod open;
mod poke;
mod release;
mod sequences;
mod submit_result;
mod views;
