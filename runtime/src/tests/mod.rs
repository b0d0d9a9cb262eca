// SPDX-License-Identifier: Apache-2.0

mod calls;
mod chain;
mod council;
mod equivocations;
mod genesis;
mod incidents;
mod limits;
mod proxies;
mod stall;
mod upgrades;
