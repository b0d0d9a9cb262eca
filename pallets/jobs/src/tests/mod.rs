// SPDX-License-Identifier: Apache-2.0

//! One module per call; then the sweep, the views, the configuration, and random sequences.

mod acknowledge;
mod agenda;
mod cancel;
pub(crate) mod circuit;
mod configuration;
mod discard;
mod invariants;
mod lock;
mod open;
mod poke;
mod release;
mod sequences;
mod submit_result;
mod views;
