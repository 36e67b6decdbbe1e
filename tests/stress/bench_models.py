#!/usr/bin/env python3
"""The bench's models at a small scale: ONNX's checker takes them, ONNX Runtime runs them, tied tables hold the same values.

    bench_models.py PROGRAM     exit code 77 (skipped) where numpy, onnx or onnxruntime are missing
"""
import os
import subprocess
import sys
import tempfile

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(SOURCE, "tools/bench"))
try:
    import numpy as np
    import onnx
    import onnxruntime
except ImportError as error:
    print(f"skipped: {error}; see tools/bench/requirements.txt")
    sys.exit(77)

import latency
import lengths
import make_models
import methods
from weights import RandomWeights

SCALE = 16


def expect(holds, what):
    if not holds:
        sys.exit("FAILED: " + what)


def outputs_of(path, label):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    signature = [(i.name, i.type, i.shape) for i in session.get_inputs()]
    at = dict(lengths.lengths_of(os.path.basename(path)))[label]
    results = session.run(None, lengths.make_inputs(signature, {"encoder_sequence_length": 1500 // SCALE, **at}))
    return dict(zip([o.name for o in session.get_outputs()], results))


def check_model(path):
    onnx.checker.check_model(path, full_check=True)
    for label, _ in lengths.lengths_of(os.path.basename(path)):
        for name, value in outputs_of(path, label).items():
            expect(np.isfinite(value).all(), f"{path}, {label}: {name} is not finite")
            # Weights are scaled so that activations keep their size: a dead or exploding graph is no model of anything.
            if name in ("logits", "last_hidden_state"):
                expect(0.3 < value.std() < 3, f"{path}, {label}: {name} deviates by {value.std()}")


def check_ties(path):
    """The head is the table, transposed, to the bit; other tensors of one shape differ."""
    tensors = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    tables = [t for name, t in tensors.items() if "embed_tokens" in name]
    heads = [t for t in tensors.values() if t.ndim == 2 and t.shape == tables[0].shape[::-1]]
    expect(len(heads) == 1 and np.array_equal(heads[0], tables[0].T), f"{path}: the head is not the table")
    matrices = [t for t in tensors.values() if t.ndim == 2 and t.shape[0] == t.shape[1]]
    expect(len({m.tobytes() for m in matrices}) == len(matrices) > 1, f"{path}: weights repeat")


def check_merged(folder):
    """The branch without a cache is the decoder without a cache."""
    plain = outputs_of(os.path.join(folder, "whisper_base_decoder.onnx"), "32 tokens")["logits"]
    merged = outputs_of(os.path.join(folder, "whisper_base_decoder_merged.onnx"), "32 tokens")["logits"]
    expect(np.array_equal(plain, merged), "the merged decoder computes something else than the decoder")


def main():
    program = os.path.abspath(sys.argv[1])
    known = make_models.catalogue(SCALE, 4 << 20)
    with tempfile.TemporaryDirectory(prefix="vetquant-bench-") as folder:
        weights = RandomWeights(1)
        for files in known.values():
            for name, (build, where) in files.items():
                make_models.make(folder, name, build, where, weights)
        models = sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".onnx"))
        expect(len(models) == 11, f"models: {models}")
        for path in models:
            if "sparse" not in path:
                check_model(path)
            output = os.path.join(folder, "out.onnx")
            run = subprocess.run([program, "quantize", path, "-o", output, "-q", "--overwrite"], capture_output=True, text=True)
            expect(run.returncode == 0, f"vetquant on {path}: {run.stderr}")
            methods.remove(output)
        for name in ("whisper_base_decoder", "lm_125m"):
            check_ties(os.path.join(folder, name + ".onnx"))
        check_merged(folder)
    interval = latency.median_interval([float(v) for v in range(1, 101)])
    expect(interval == {"median": 50.5, "low": 41.0, "high": 60.0, "runs": 100}, f"{interval}")
    print(f"{len(models)} models")


if __name__ == "__main__":
    main()
