// SPDX-License-Identifier: Apache-2.0

//! What this chain decides for each pallet.
//!
//! * [`system`]: blocks and their limits;
//! * [`consensus`]: who makes and finalises blocks;
//! * [`money`]: balances and fees;
//! * [`accounts`]: batches, proxies, multisignatures, sudo;
//! * [`clock`]: which blocks count for the market's windows;
//! * [`governance`]: the council, incidents, migrations of storage;
//! * [`market`]: keys, models, pods and jobs.

pub mod accounts;
pub mod clock;
pub mod consensus;
pub mod governance;
pub mod market;
pub mod money;
#[cfg(feature = "rehearsal")]
pub mod rehearsal;
pub mod system;
