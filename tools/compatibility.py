#!/usr/bin/env python3
"""Every real model x every preset: quantized by vetquant, loaded by ONNX Runtime, compared with the float model.

A second opinion on purpose: only numpy, onnx and the onnxruntime package look at the results, none of our own code.
    tools/compatibility.py --models DIR [--program build/vetquant] [--target NAME] [--markdown docs/compatibility.md] [--only NAME ...]
Exit 1 if a result does not load, is unchanged without saying so, or came out larger (inputs above 64 KiB).
"""
import argparse
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy as np
import onnx
import onnxruntime as ort

PRESETS = ["int8", "int8-dynamic", "int8-weights", "int4", "fp16"]


def own_target():
    """The profile of this processor: what is made for VNNI saturates without it."""
    flags = pathlib.Path("/proc/cpuinfo").read_text()
    return "ort-cpu-vnni" if "avx512_vnni" in flags or "avx_vnni" in flags else "ort-cpu-avx2"


DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
          "tensor(uint8)": np.uint8, "tensor(bool)": np.bool_, "tensor(double)": np.float64}


def read_wav(path):
    with wave.open(str(path)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), np.int16).astype(np.float32) / 32768


def mnist_images(models, count):
    with gzip.open(models / "data" / "mnist_test_first2000_images.idx.gz") as packed:
        return np.frombuffer(packed.read(), np.uint8, offset=16).reshape(-1, 1, 1, 28, 28)[:count].astype(np.float32)


# Sizes of symbolic dimensions where 1 would not do.
DIMENSIONS = {"sequence_length": 12, "seq_len": 12, "tokens": 12, "length": 24, "T": 8, "U": 5, "sequence": 12, "Sequence": 12,
              "decoder_sequence_length": 4, "encoder_sequence_length": 1500, "past_decoder_sequence_length": 7,
              "past_sequence_length": 6, "past_seq_len": 6, "past_sequence_length + sequence_length": 18,
              "total_seq_len": 18, "p2o.DynamicDimension.1": 320, "p2o.DynamicDimension.2": 320}
PER_MODEL = {
    "silero_vad.onnx": {"input": (1, 576), "state": (2, 1, 128)},
    "silero_vad_16k_op15.onnx": {"input": (1, 576), "state": (2, 1, 128)},
    "wav2vec2_export.onnx": {"input_values": (1, 16000)},
    "qlinear_scan_lstm.onnx": {"input": (9, 3)},
}
SCALARS = {"sr": 16000, "max_length": 20, "min_length": 1, "num_beams": 2, "num_return_sequences": 1, "length": 24,
           "t": 2, "speaker_id": 0}
ONES = {"attention_mask", "length_penalty", "repetition_penalty"}


def feeds_of(session, path, models, count=4):
    """A few feeds: real data where the folder has some, else seeded random."""
    rng = np.random.default_rng(7)
    result = []
    for sample in range(count):
        feed = {}
        for inp in session.get_inputs():
            dtype = DTYPES[inp.type]
            shape = PER_MODEL.get(path.name, {}).get(inp.name)
            if shape is None:
                shape = tuple(d if isinstance(d, int) else DIMENSIONS.get(d, 1) for d in inp.shape)
            if inp.name in SCALARS and np.issubdtype(dtype, np.integer):
                value = np.full(shape, SCALARS[inp.name], dtype)
            elif inp.name in ONES:
                value = np.ones(shape, dtype)
            elif inp.name == "position_ids":
                value = np.broadcast_to(np.arange(shape[-1]), shape).astype(dtype)
            elif inp.name == "token_type_ids":
                value = np.zeros(shape, dtype)
            elif inp.name == "use_cache_branch":
                value = np.full(shape, sample % 2 == 1)
            elif dtype == np.bool_:
                value = np.zeros(shape, dtype)
            elif path.name == "magika.onnx":
                text = pathlib.Path(__file__).read_bytes()
                value = np.frombuffer((text * 3)[sample * 500:sample * 500 + shape[1]], np.uint8).reshape(shape).astype(dtype)
            elif np.issubdtype(dtype, np.integer):
                value = rng.integers(0, 30, shape).astype(dtype)
            elif inp.name == "Input3":
                value = mnist_images(models, count)[sample]
            elif inp.name == "input.1":
                value = (mnist_images(models, count)[sample] / 255 - 0.1307) / 0.3081
            elif path.name.startswith("silero") and inp.name == "input":
                sound = read_wav(models / "data" / "jfk.wav")
                value = sound[20000 + 5000 * sample:][:576].reshape(1, 576)
            elif "cache" in inp.name or inp.name.startswith(("past", "state")):
                value = rng.standard_normal(shape) * 0.1
            else:
                value = rng.standard_normal(shape)
            feed[inp.name] = np.asarray(value, dtype)
        result.append(feed)
    return result


def session_of(path):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 2
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def closeness(reference, value):
    """SQNR in dB over all float outputs, and the share of equal values of the others."""
    signal = noise = 0.0
    equal = total = 0
    for a, b in zip(reference, value):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            return None, 0.0
        if np.issubdtype(a.dtype, np.floating):
            a, b = a.astype(np.float64), b.astype(np.float64)
            keep = np.isfinite(a)
            signal += float(np.sum(a[keep] ** 2))
            noise += float(np.sum((a[keep] - b[keep]) ** 2))
        else:
            equal += int(np.sum(a == b))
            total += a.size
    sqnr = float("inf") if noise == 0 else 10 * np.log10(max(signal, 1e-300) / noise)
    return sqnr, (equal / total if total else None)


def size_of(path):
    """A model and its external files."""
    total = path.stat().st_size
    model = onnx.load(str(path), load_external_data=False)
    files = {e.value for t in model.graph.initializer for e in t.external_data if e.key == "location"}
    return total + sum((path.parent / f).stat().st_size for f in files)


def expected_of(model, models):
    """Feeds and the float model's outputs; (None, None) where the float model itself does not run."""
    try:
        base = session_of(model)
        feeds = feeds_of(base, model, models)
        return feeds, [base.run(None, f) for f in feeds]
    except Exception:  # a model that others made and that this runtime refuses
        return None, None


def judge(program, model, preset, target, folder, models, cache):
    out = pathlib.Path(folder) / f"{model.stem}.{preset}.onnx"
    run = subprocess.run([program, "quantize", str(model), "-o", str(out), "--policy", preset, "--target", target,
                          "--json"],
                         capture_output=True, text=True, check=False)
    row = {"model": model.name, "preset": preset, "exit": run.returncode, "before": size_of(model)}
    if run.returncode != 0:
        row["refused"] = run.stderr.strip().splitlines()[-1] if run.stderr.strip() else "no message"
        row["ok"] = run.returncode in (2, 3) and bool(run.stderr.strip())
        return row
    row["after"] = size_of(out)
    try:
        session = session_of(out)
        if model not in cache:
            cache[model] = expected_of(model, models)
        feeds, expected = cache[model]
        if feeds is None:
            row.update(sqnr_db=None, ok=row["after"] <= row["before"], float_fails=True)
            return row
        results = [closeness(e, session.run(None, f)) for e, f in zip(expected, feeds)]
        row["sqnr_db"] = min((r[0] for r in results if r[0] is not None), default=None)
        row["shapes_differ"] = any(r[0] is None for r in results)
        shares = [r[1] for r in results if r[1] is not None]
        row["equal"] = min(shares) if shares else None
        row["ok"] = not row["shapes_differ"] and (row["before"] <= 65536 or row["after"] <= row["before"])
    except Exception as error:  # what the runtime says is the result
        row["ok"] = False
        row["runtime"] = str(error).replace("\n", " ")[:300]
    finally:
        remove(out)
    return row


def remove(out):
    out.unlink()
    for extra in out.parent.glob(out.stem + ".*"):
        extra.unlink()


def cell(row):
    if row["exit"] != 0:
        return "refused ¹" if row["ok"] else f"**exit {row['exit']}**"
    if "runtime" in row:
        return "**does not run**"
    text = f"{100 * row['after'] / row['before']:.1f} %"
    if row.get("float_fails"):
        return text + ", float does not run"
    if row.get("shapes_differ"):
        return text + " **shapes differ**"
    if row["sqnr_db"] == float("inf"):
        return text + ", equal"
    return text + f", {row['sqnr_db']:.0f} dB"


def markdown(rows, target, models):
    lines = ["# Compatibility", "",
             "Made by `tools/compatibility.py` (numpy, onnx " + onnx.__version__ + " and onnxruntime " + ort.__version__ +
             " only; no code of vetquant looks at the results).",
             f"Target: `{target}`, as the table was made on a processor of that kind.",
             "Each cell: size of the result against the float model, and the worst signal-to-noise ratio of the outputs over four",
             "feeds (real data where there is some, else seeded random). Random inputs say that a graph computes the same thing,",
             "not how accurate a model stays on its task: that is what `vetquant eval` is for. (Low figures of detectors, ppocrv3 and",
             "yolox, come from noise as input: their outputs are then next to nothing.)", "",
             "| model | size | " + " | ".join(PRESETS) + " |", "|---|---|" + "---|" * len(PRESETS)]
    by_model = {}
    for row in rows:
        by_model.setdefault(row["model"], {})[row["preset"]] = row
    for name, presets in by_model.items():
        before = next(iter(presets.values()))["before"]
        lines.append(f"| {name} | {before / 1000:,.0f} KB | " +
                     " | ".join(cell(presets[p]) if p in presets else "" for p in PRESETS) + " |")
    def message(row):  # the same for every preset but for its name
        text = row["refused"].replace(str(models) + "/", "").removeprefix("vetquant: ")
        return text.replace(f"'{row['preset']}'", "'...'")

    refused = sorted({(row["model"], message(row)) for row in rows if "refused" in row})
    if refused:
        lines += ["", "¹ Refused, with this message (exit code 2 or 3):", ""]
        lines += [f"* `{text}`" for _, text in refused]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--program", default="build/vetquant")
    parser.add_argument("--target", default=own_target(), help="default: the profile of this processor")
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--presets", nargs="+", default=PRESETS)
    parser.add_argument("--only", nargs="+", default=[])
    args = parser.parse_args()
    found = [p for folder in ("trained", "structure", "whisper_tiny_en") for p in sorted((args.models / folder).glob("*.onnx"))]
    if args.only:
        found = [p for p in found if any(word in p.name for word in args.only)]
    rows, cache = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for model in found:
            for preset in args.presets:
                row = judge(args.program, model, preset, args.target, folder, args.models, cache)
                rows.append(row)
                note = row.get("refused") or row.get("runtime") or ""
                print(f"{'ok  ' if row['ok'] else 'FAIL'} {model.name:38} {preset:13} {cell(row):24} {note}", flush=True)
            cache.pop(model, None)
    if args.markdown:
        args.markdown.write_text(markdown(rows, args.target, args.models))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1, default=str))
    failed = [r for r in rows if not r["ok"]]
    print(f"{len(rows) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
