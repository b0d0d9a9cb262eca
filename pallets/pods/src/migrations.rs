// SPDX-License-Identifier: Apache-2.0

//! Changes of this pallet's storage layout.
//!
//! Each is a [`SteppedMigration`]: it changes as many entries in a block as the block's weight
//! allows, and goes on after the last one in the next. Until the last, only what makes blocks runs,
//! so nothing ever reads a map of which a part is old. The old layout's types stand in the module
//! of the migration that leaves it, and nowhere else.

pub mod v1;
