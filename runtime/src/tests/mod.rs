// SPDX-License-Identifier: Apache-2.0

mod calls;
mod chain;
mod council;
mod genesis;
mod incidents;
mod limits;
mod proxies;
mod upgrades;
