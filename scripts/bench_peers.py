# SPDX-License-Identifier: Apache-2.0
"""Measures EZKL (github.com/zkonduit/ezkl) from an ONNX file to a verified proof.

For every network NETWORKS/NAME/NAME.onnx, or for those named: settings with the parameters fixed in
the circuit and the output public, calibrated for resources on NETWORKS/NAME/calibration.json; then
setup, witness, proof and verification for the first of these records. Every step runs in a process of
its own, so that its peak memory is known.

Inputs are private: the cheapest that EZKL offers for data that nobody else may see, with nothing that
ties the proof to one input. With ``--input hashed`` the circuit also makes a Poseidon hash of the input
public, as Proofpod's circuits always do.

The structured reference string is made here by ezkl's ``gen_srs``: it takes the place of a download of
a ceremony's, of the same size and use, and its time is no part of the setup's.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import ezkl
import onnx

PARAMETERS, OUTPUT = "fixed", "public"
CALIBRATION_TARGET = "resources"
# Records to calibrate on.
CALIBRATION_RECORDS = 4
# With it, this script runs one step; see `child`.
STEP_OPTION = "--step"


class Files:
    """Where the steps leave what the next ones need; paths as texts, as ezkl takes them."""

    def __init__(self, folder):
        self.folder = folder = pathlib.Path(folder)
        self.network = str(folder / "network.onnx")
        self.calibration = str(folder / "calibration.json")
        self.record = str(folder / "record.json")
        self.settings = str(folder / "settings.json")
        self.circuit = str(folder / "network.compiled")
        self.verifying_key = str(folder / "verifying.key")
        self.proving_key = str(folder / "proving.key")
        self.witness = str(folder / "witness.json")
        self.proof = str(folder / "proof.json")

    @property
    def log_rows(self):
        """Binary logarithm of the number of rows of the circuit; known once calibrated."""
        return json.loads(pathlib.Path(self.settings).read_text())["run_args"]["logrows"]

    @property
    def reference_string(self):
        """One for each size, beside the networks' folders."""
        return str(self.folder.parent / f"{self.log_rows}.srs")


def settings(files, visibility):
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = visibility
    arguments.param_visibility = PARAMETERS
    arguments.output_visibility = OUTPUT
    # One record: every dimension that the file leaves open is 1.
    shape = onnx.load(files.network).graph.input[0].type.tensor_type.shape.dim
    arguments.variables = [(size.dim_param, 1) for size in shape if size.dim_param]
    return ezkl.gen_settings(files.network, files.settings, py_run_args=arguments)


def calibrate(files, _visibility):
    return ezkl.calibrate_settings(
        files.calibration, files.network, files.settings, CALIBRATION_TARGET
    )


def compile(files, _visibility):
    return ezkl.compile_circuit(files.network, files.circuit, files.settings)


def reference_string(files, _visibility):
    if not os.path.exists(files.reference_string):
        ezkl.gen_srs(files.reference_string, files.log_rows)
    return True


def setup(files, _visibility):
    return ezkl.setup(
        files.circuit, files.verifying_key, files.proving_key, srs_path=files.reference_string
    )


def witness(files, _visibility):
    return ezkl.gen_witness(
        files.record,
        files.circuit,
        files.witness,
        vk_path=files.verifying_key,
        srs_path=files.reference_string,
    )


def prove(files, _visibility):
    return ezkl.prove(
        files.witness,
        files.circuit,
        files.proving_key,
        files.proof,
        srs_path=files.reference_string,
    )


def verify(files, _visibility):
    return ezkl.verify(
        files.proof, files.settings, files.verifying_key, srs_path=files.reference_string
    )


STEPS = {
    step.__name__: step
    for step in (settings, calibrate, compile, reference_string, setup, witness, prove, verify)
}


def child(step, folder, visibility):
    """Runs one step; leaves how long it took in a file, ezkl's own messages on the output."""
    start = time.perf_counter()
    done = STEPS[step](Files(folder), visibility)
    seconds = time.perf_counter() - start
    if not done:
        sys.exit(f"{step} gave {done}")
    (pathlib.Path(folder) / f"{step}.seconds").write_text(str(seconds))


def run(step, folder, visibility):
    """Runs a step in a process of its own: its seconds, and its peak memory in bytes."""
    log = folder / f"{step}.log"
    with log.open("wb") as output:
        command = [sys.executable, __file__, STEP_OPTION, step, str(folder), visibility]
        process = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"{step} ended with {code}: {' '.join(last)}")
    seconds = float((folder / f"{step}.seconds").read_text())
    # Linux counts in KiB.
    return seconds, usage.ru_maxrss * 1024


def measure(source, folder, visibility):
    """Every figure of one network."""
    folder.mkdir()
    files = Files(folder)
    shutil.copy(source / f"{source.name}.onnx", files.network)
    records = json.loads((source / "calibration.json").read_text())["input_data"]
    # In ezkl's files a list holds an input, records one after the other.
    several = [value for record in records[:CALIBRATION_RECORDS] for value in record]
    pathlib.Path(files.calibration).write_text(json.dumps({"input_data": [several]}))
    pathlib.Path(files.record).write_text(json.dumps({"input_data": [records[0]]}))

    seconds, peaks = {}, {}
    for step in STEPS:
        seconds[step], peaks[step] = run(step, folder, visibility)
    return {
        "log_rows": files.log_rows,
        "seconds": {step: round(value, 4) for step, value in seconds.items()},
        "peak_bytes": peaks,
        "proving_key_bytes": os.path.getsize(files.proving_key),
        "verifying_key_bytes": os.path.getsize(files.verifying_key),
        "proof_bytes": len(json.loads(pathlib.Path(files.proof).read_text())["proof"]),
    }


def main():
    """Measures network after network; one that fails leaves its error, and the others go on."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", type=pathlib.Path, help="folder of networks' folders")
    parser.add_argument("out", type=pathlib.Path, help="JSON file to write")
    parser.add_argument("names", nargs="*", help="which networks; all, if none is named")
    parser.add_argument("--input", choices=["private", "hashed"], default="private")
    arguments = parser.parse_args()

    if not arguments.networks.exists():
        draw = pathlib.Path(__file__).parent.parent / "models" / "benchmarks.py"
        subprocess.run([sys.executable, draw, "seeded", arguments.networks], check=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    report = {
        "ezkl": ezkl.__version__,
        "input": arguments.input,
        "parameters": PARAMETERS,
        "output": OUTPUT,
        "networks": [],
    }
    found = (path.parent.name for path in arguments.networks.glob("*/calibration.json"))
    with tempfile.TemporaryDirectory(prefix="bench-peers-") as scratch:
        for name in arguments.names or sorted(found):
            print(f"ezkl {ezkl.__version__}: {name}", flush=True)
            folder = pathlib.Path(scratch) / name
            try:
                result = measure(arguments.networks / name, folder, arguments.input)
            except (OSError, RuntimeError, ValueError, KeyError) as error:
                result = {"error": str(error)}
            # Keys can be gigabytes.
            shutil.rmtree(folder, ignore_errors=True)
            print(json.dumps(result, indent=2), flush=True)
            report["networks"].append({"name": name, **result})
            arguments.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    if sys.argv[1:2] == [STEP_OPTION]:
        child(*sys.argv[2:])
    else:
        main()
