// SPDX-License-Identifier: Apache-2.0

//! Quantised neural networks and their zero-knowledge proofs: from an ONNX file to a Groth16 proof
//! of one inference.
//!
//! The path of a model, and the module of every step:
//!
//! 1. [`onnx`] reads the file, checks it, and gives a [`float::FloatNetwork`];
//! 2. [`quantise`] makes a [`network::QuantisedNetwork`] of it: integers only, with calibrated
//!    power-of-two scales; [`accuracy`] says what that costs;
//! 3. [`circuit`] writes the network, the commitments and the sealing as constraints;
//! 4. [`setup`] makes the keys, [`artefacts`] keeps everything in one folder under digests;
//! 5. [`prover`] proves one inference, whose input and output [`commitment`] hides.
//!
//! [`input`] reads the records that people feed to a model. Nothing here knows of a blockchain.

pub mod accuracy;
pub mod artefacts;
pub mod circuit;
pub mod commitment;
mod curve;
pub mod float;
pub mod forest;
pub mod input;
pub mod network;
pub mod onnx;
pub mod poseidon;
pub mod progress;
pub mod prover;
pub mod quantise;
pub mod setup;
pub mod window;
