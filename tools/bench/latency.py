#!/usr/bin/env python3
"""How fast and how large in memory the results are in ONNX Runtime: float, vetquant's presets and the peers' outputs.

    tools/bench/latency.py models --models whisper_base_encoder,langid --json latency.json --markdown latency.md
    tools/bench/latency.py models --variants none --outputs FOLDER    also every FOLDER/<model>.<variant>.onnx

Each session lives in a child process of its own. In every round all variants of a model run once at every input length, in
another order, so that a busy moment hits them alike; a run is timed inside its child, and threads do not spin on after it.
vetquant is told the length (--shape) of a model that is run at one length alone.
Memory is what the child is resident in beyond a child with an empty session: after loading, and at most. Variants are
made first, by the same commands as run.py's. Needs tools/bench/requirements.txt.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time

import lengths
import measure
import methods
import report

DEFAULT_MODELS = ["langid", "whisper_base_encoder", "whisper_base_decoder", "whisper_base_decoder_with_past", "lm_125m"]
CALLS_MS = 60  # a visit repeats short runs until this long


# -- the child ------------------------------------------------------------------------------------------------------
def serve(model, threads):
    """Answers lines: {"lengths": {...}} by {"ms": [...]}, {"memory": 1} by KiB; the first answer is about loading."""
    import onnxruntime

    def answer(**values):
        print(json.dumps(values), flush=True)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the message is the answer
        return answer(fails=str(error).splitlines()[0][:200])
    signature = [(i.name, i.type, i.shape) for i in session.get_inputs()]
    answer(resident=measure.status(os.getpid(), "VmRSS")[0], version=onnxruntime.__version__)
    feeds = {}
    for line in sys.stdin:
        asked = json.loads(line)
        if "memory" in asked:
            answer(peak=measure.status(os.getpid(), "VmHWM")[0])
            continue
        key = json.dumps(asked["lengths"])
        try:
            if key not in feeds:
                feeds[key] = lengths.make_inputs(signature, asked["lengths"])
                session.run(None, feeds[key])  # the first run allocates
            times = []
            while not times or sum(times) < CALLS_MS:
                begin = time.perf_counter()
                session.run(None, feeds[key])
                times.append(1000 * (time.perf_counter() - begin))
            answer(ms=times)
        except Exception as error:
            return answer(fails=str(error).splitlines()[0][:200])


class Child:
    def __init__(self, variant, model, threads):
        self.variant, self.model, self.threads = variant, model, threads
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--serve", model, str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.loaded = self.read()
        self.fails = self.loaded.get("fails")
        self.ms = {}

    def read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"fails": f"the process ended with {self.process.wait()}"}

    def ask(self, **question):
        if self.fails:
            return {}
        print(json.dumps(question), file=self.process.stdin, flush=True)
        answer = self.read()
        self.fails = answer.get("fails")
        return answer

    def visit(self, label, at):
        self.ms.setdefault(label, []).extend(self.ask(lengths=at).get("ms", []))

    def close(self):
        peak = self.ask(memory=1).get("peak", 0)
        self.process.stdin.close()
        self.process.wait()
        return peak


# -- the parent -----------------------------------------------------------------------------------------------------
def median_interval(values):
    """Median, and the 95 % interval that order statistics give (binomial, normal approximation)."""
    ordered = sorted(values)
    n = len(ordered)
    reach = 0.98 * n**0.5
    low, high = max(0, int(n / 2 - reach)), min(n - 1, int(n / 2 + reach))
    return {"median": statistics.median(ordered), "low": ordered[low], "high": ordered[high], "runs": n}


def empty_model(path):
    from graph import Graph
    from onnx_stream import FLOAT
    g = Graph()
    g.input("x", FLOAT, [1])
    g.node("Identity", ["x"], name="y", plain=True)
    g.output("y", [1])
    g.save(path, None)


def make_variants(options, name):
    """[(variant, path)]; a variant that could not be made has the reason in place of a path."""
    source = os.path.join(options.folder, name + ".onnx")
    variants = [("float", source)]
    import onnx
    shapes = lengths.shapes_of(name, onnx.load(source, load_external_data=False))
    ways = methods.vetquant(options.vetquant, listed(options.policies), 2, shapes) + methods.peers(listed(options.peers))
    for way in ways:
        output = os.path.join(options.work, f"{name}.{way.name.replace(' ', '_').replace('/', '_')}.onnx")
        result = measure.run(way.argv(source, output))
        said = (result.said.strip().splitlines() or ["no message"])[-1][:160]
        variants.append((way.name, output) if result.code == 0 else (way.name, ValueError(said)))
    for found in sorted(os.listdir(options.outputs)) if options.outputs else []:
        if found.startswith(name + ".") and found.endswith(".onnx"):
            variants.append((found[len(name) + 1 : -5], os.path.join(options.outputs, found)))
    return variants


def measure_model(options, name, variants, threads, order):
    empty = Child("", os.path.join(options.work, "empty.onnx"), threads)
    nothing_kib = empty.loaded["resident"]
    empty.close()
    children = [Child(variant, path, threads) for variant, path in variants if isinstance(path, str)]
    for _ in range(options.rounds):
        for label, at in lengths.lengths_of(name):
            order.shuffle(children)
            for child in children:
                child.visit(label, at)
    by_variant = {child.variant: child for child in children}
    rows = []
    for variant, path in variants:
        row = {"variant": variant, "threads": threads}
        child = by_variant.get(variant)
        peak_kib = child.close() if child else 0
        if child is None or child.fails:
            rows.append({**row, "fails": child.fails if child else "not made: " + str(path)})
            continue
        rows.append({**row, "file_bytes": methods.bytes_of(path),
                     "ms": {label: median_interval(ms) for label, ms in child.ms.items()},
                     "loaded_mib": (child.loaded["resident"] - nothing_kib) / 1024, "peak_mib": (peak_kib - nothing_kib) / 1024})
    return rows


def listed(text):
    return [] if text in ("none", "") else text.split(",")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="where make_models.py put the models")
    parser.add_argument("--models", default=",".join(DEFAULT_MODELS), help="names, by commas")
    parser.add_argument("--vetquant", default=os.path.join(methods.HERE, "../../build/vetquant"))
    parser.add_argument("--policies", default="int8,int8-dynamic,int8-weights,int4,hybrid,fp16", help="by commas, or none")
    parser.add_argument("--peers", default="ort-uint8,ort-int8-channel,ort-nbits4,occ-fp16", help="by commas, or none")
    parser.add_argument("--outputs", help="a folder with further variants, <model>.<variant>.onnx")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--work", default="bench-work", help="a folder for the variants, emptied")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    if sys.argv[1:2] == ["--serve"]:
        return serve(sys.argv[2], int(sys.argv[3]))
    options = arguments()
    methods.fresh_folder(options.work)
    empty_model(os.path.join(options.work, "empty.onnx"))
    begin, order = time.monotonic(), random.Random(options.seed)
    threads = [int(t) for t in options.threads.split(",")]
    import onnxruntime
    document = {"schema": "vetquant-bench-latency/1", "machine": measure.machine(), "onnxruntime": onnxruntime.__version__,
                "threads": threads, "models": []}
    for name in listed(options.models):
        variants = make_variants(options, name)
        rows = []
        for count in threads:
            rows += measure_model(options, name, variants, count, order)
            print(f"[{time.monotonic() - begin:6.1f} s] {name}, {count} threads", file=sys.stderr, flush=True)
        document["models"].append({"model": name, "rows": rows})
        for _, path in variants[1:]:
            if isinstance(path, str) and path.startswith(options.work):
                methods.remove(path)
    document["machine"]["load_average_at_end"] = round(os.getloadavg()[0], 2)
    document["seconds"] = round(time.monotonic() - begin)
    text = report.latency_markdown(document)
    report.publish(document, text, options)
    methods.fresh_folder(options.work)


if __name__ == "__main__":
    main()
