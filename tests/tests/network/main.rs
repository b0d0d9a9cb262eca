// SPDX-License-Identifier: Apache-2.0

//! Networks of four validators and their faults. These take minutes: `make test-network` runs
//! them, `make test` does not (`.config/nextest.toml`).

mod equivocation;
mod finality;
mod partition;
mod restart;
mod rotation;
mod takeover;
mod upgrade;
mod watch;
