#!/usr/bin/env python3
"""What `vetquant check --target qnn-htp` predicts beside what Qualcomm's HTP compiler says, node by node.

    python3 -m venv v && v/bin/pip install onnx==1.23.2 onnxruntime==1.32.0 onnxruntime-qnn==2.7.0
    v/bin/python tools/crosscheck/qnn.py build/vetquant MODEL.onnx...

onnxruntime-qnn brings the compiler and a simulator for x86-64 (glibc 2.35 or newer; its licence covers use, not redistribution).
Models must have fixed shapes. Prints a table of nodes by prediction and verdict, then the nodes on which the two differ; exit code 1
where any differ. Nodes that the runtime has fused or folded are not compared."""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx

ARCHITECTURE = "79"  # Snapdragon 8 Elite

SESSION = """
import sys, onnxruntime, onnxruntime_qnn
onnxruntime.set_default_logger_severity(0)
onnxruntime.register_execution_provider_library("QNN", onnxruntime_qnn.get_library_path())
options = onnxruntime.SessionOptions()
options.log_severity_level = 0
options.add_session_config_entry("ep.context_enable", "1")
options.add_session_config_entry("ep.context_file_path", sys.argv[2])
devices = [device for device in onnxruntime.get_ep_devices() if "QNN" in device.ep_name]
options.add_provider_for_devices(devices[:1], {"backend_path": onnxruntime_qnn.get_qnn_htp_path(), "htp_arch": sys.argv[3]})
onnxruntime.InferenceSession(sys.argv[1], options)
"""

VERDICT = re.compile(r"Validation (PASSED|FAILED) for \d+ nodes in \S+ \(\S+\) :\n((?:\t.*\n)+)")
NODE = re.compile(r"Operator type: (\S+) Node name: (.*?) Node index")


def compiled(model):
    """By node name: (taken, reason). Layout-sensitive operators are asked twice; the second answer, under a longer name, counts."""
    with tempfile.TemporaryDirectory(prefix="vetquant-qnn-") as folder:
        context = Path(folder) / "context.onnx"
        done = subprocess.run([sys.executable, "-c", SESSION, str(model), str(context), ARCHITECTURE],
                              capture_output=True, text=True, errors="replace", timeout=1800)
    log = done.stdout + done.stderr
    verdicts = {}
    for outcome, lines in VERDICT.findall(log):
        reason = re.search(r"REASON : (.*)", lines)
        for operator, name in NODE.findall(lines):
            if operator not in ("QuantizeLinear", "DequantizeLinear"):
                verdicts[re.sub(r"_token_\d+$", "", name).lstrip("/")] = (outcome == "PASSED", reason[1] if reason else "")
    if done.returncode != 0:
        errors = re.findall(r"onnxruntime_pybind11_state\.\w+: (.*)", log)
        print(f"{model.name}: the session failed: {errors[-1][:300] if errors else done.returncode}")
    return verdicts


def predicted(program, model):
    """By node name: (taken, reason)."""
    done = subprocess.run([program, "check", str(model), "--target", "qnn-htp", "--json"], capture_output=True, text=True)
    if done.returncode not in (0, 3):
        sys.exit(done.stderr.strip())
    units = json.loads(done.stdout)["units"]
    skipped = ("QuantizeLinear", "DequantizeLinear")
    return {unit["node"].lstrip("/"): (unit["place"] == "accelerator", unit["op"], unit.get("cause", {}).get("text", ""))
            for unit in units if unit["place"] != "folded" and unit["op"].split(":")[-1] not in skipped}


def named(model, folder):
    """A copy in which every node has a name, by which verdicts are told apart."""
    proto = onnx.load(model)
    for number, node in enumerate(proto.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    path = Path(folder) / model.name
    onnx.save(proto, path)
    return path


def compare(program, model):
    with tempfile.TemporaryDirectory(prefix="vetquant-qnn-") as folder:
        copy = named(model, folder)
        truth, guess = compiled(copy), predicted(program, copy)
    both = [name for name in guess if name in truth]
    agree = sum(guess[name][0] == truth[name][0] for name in both)
    taken = sum(truth[name][0] for name in both)
    print(f"{model.name}: {len(guess)} units predicted, {len(both)} compared, {taken} taken by the compiler, {agree} alike")
    for name in both:
        if guess[name][0] != truth[name][0]:
            said = truth[name][1] or "taken"
            print(f"  {guess[name][1]} {name}: predicted {'taken' if guess[name][0] else guess[name][2]}; the compiler: {said[:120]}")
    return agree == len(both)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    results = [compare(sys.argv[1], Path(model)) for model in sys.argv[2:]]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
