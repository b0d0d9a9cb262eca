// SPDX-License-Identifier: Apache-2.0

//! Writes the runtime's metadata to the file that is given as the argument:
//! `cargo run -p proofpod-runtime --example metadata -- client/artifacts/metadata.scale`.

use std::{env, fs, process::ExitCode};

fn main() -> ExitCode {
	let mut arguments = env::args_os().skip(1);
	let (Some(path), None) = (arguments.next(), arguments.next()) else {
		eprintln!("expected one argument, the path of the file to write");
		return ExitCode::FAILURE;
	};
	let metadata = proofpod_runtime::metadata();
	match fs::write(&path, &metadata) {
		Ok(()) => {
			println!("{}: {} bytes", path.to_string_lossy(), metadata.len());
			ExitCode::SUCCESS
		},
		Err(error) => {
			eprintln!("cannot write {}: {error}", path.to_string_lossy());
			ExitCode::FAILURE
		},
	}
}
