// SPDX-License-Identifier: Apache-2.0

mod calls;
mod equivocation;
mod genesis;
mod invariants;
mod migrations;
mod offline;
mod random;
mod sessions;
mod stall;
