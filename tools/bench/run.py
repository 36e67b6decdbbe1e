#!/usr/bin/env python3
"""Quantizes models by vetquant and by its peers, interleaved, and says what each took beside the floor of the machine.

    tools/bench/make_models.py models ; tools/bench/run.py models --json run.json --markdown run.md
    tools/bench/run.py models --models whisper_base_decoder --policies int8,int4 --peers none --repeats 9
    tools/bench/run.py models --whisper-quantize PATH/whisper-quantize      (with make_models.py models ggml)

The floor of a result: `cat` of the input, `cp` of the output's bytes and `sync` of the copy. Every repeat runs all methods
once in another order, so that a busy moment hits them alike; what takes longer than --once-above seconds runs once.
Times of Python peers are those of their own call: starting Python and importing is not counted. A peer that fails is a
row, too. Cold runs (--cold N) empty the page cache before each run. Needs tools/bench/requirements.txt for the peers.
"""
import argparse
import os
import random
import shlex
import statistics
import sys
import time

import measure
import methods
import report

DEFAULT_MODELS = ["langid", "whisper_base_encoder", "whisper_base_decoder", "whisper_base_decoder_with_past",
                  "whisper_base_decoder_merged", "lm_125m", "distil_medium_encoder", "distil_medium_decoder_merged", "llama_1b"]


def floor_of(inputs, output, folder):
    """Seconds to read the input with cat, and to write the output's bytes with cp and a sync."""
    copies = os.path.join(folder, "floor")
    methods.fresh_folder(copies)
    sources = methods.files_of(output)
    targets = [os.path.join(copies, os.path.basename(p)) for p in sources]
    lines = "cat " + shlex.join(inputs) + " >/dev/null && cp " + shlex.join(sources) + " " + shlex.quote(copies)
    result = measure.run(["sh", "-c", lines + " && sync " + shlex.join(targets)])
    methods.fresh_folder(copies)
    if result.code != 0:
        raise RuntimeError("the floor could not be measured: " + result.said)
    return result.wall_s


class Bench:
    def __init__(self, options):
        self.options = options
        self.order = random.Random(options.seed)
        self.begin = time.monotonic()

    def say(self, line):
        print(f"[{time.monotonic() - self.begin:6.1f} s] {line}", file=sys.stderr, flush=True)

    def output(self, method):
        name = "".join(c if c.isalnum() else "_" for c in method.name)
        suffix = ".bin" if method.name.startswith("whisper-quantize") else ".onnx"
        return os.path.join(self.options.work, name + suffix)

    def one(self, method, model, cache):
        """One run, its floor with it: {field: value}."""
        output = self.output(method)
        inputs = methods.files_of(model)
        methods.remove(output)
        how = measure.forget(inputs) if cache == "cold" else ""
        result = measure.run(method.argv(model, output), limit_s=self.options.limit)
        sample = {"wall_s": result.wall_s, "call_s": float(result.facts.get("call_s", result.wall_s)),
                  "cpu_s": result.cpu_s, "peak_mib": result.peak_mib, "own_mib": result.own_mib}
        if result.code != 0 or not os.path.exists(output):
            said = [line for line in result.said.strip().splitlines() if line.strip()] or ["no message"]
            return {**sample, "fails": f"exit {result.code}: {said[-1][:160]}"}
        sample["output_bytes"] = methods.bytes_of(output)
        if method.group == "vetquant":  # the floor belongs to this output's bytes and to this moment
            if cache == "cold":
                how = measure.forget(inputs)
            sample["floor_s"] = floor_of(inputs, output, self.options.work)
        sample["how_cold"] = how
        methods.remove(output)
        return sample

    def model(self, model, chosen, cache, repeats):
        samples = {method.name: [] for method in chosen}
        for repeat in range(repeats):
            order = list(chosen)
            self.order.shuffle(order)
            for method in order:
                had = samples[method.name]
                if had and ("fails" in had[-1] or had[-1]["call_s"] > self.options.once_above):
                    continue
                had.append(self.one(method, model, cache))
                told = had[-1].get("fails") or f"{had[-1]['call_s']:.2f} s"
                self.say(f"{os.path.basename(model)} {cache} {repeat + 1}/{repeats} {method.name}: {told}")
        return [self.row(method, samples[method.name]) for method in chosen]

    @staticmethod
    def row(method, samples):
        row = {"method": method.name, "group": method.group, "kind": method.kind, "runs": len(samples)}
        failed = next((s for s in samples if "fails" in s), None)
        if failed:
            return {**row, **{k: failed[k] for k in ("fails", "wall_s", "peak_mib", "own_mib")}}
        for key in ("wall_s", "call_s", "cpu_s", "floor_s"):
            values = [s[key] for s in samples if key in s]
            if values:
                row[key] = {"median": statistics.median(values), "least": min(values), "most": max(values)}
        if "floor_s" in row:  # paired: each run against the floor measured right after it
            row["to_floor"] = statistics.median(s["call_s"] / s["floor_s"] for s in samples)
        for key in ("peak_mib", "own_mib"):
            row[key] = max(s[key] for s in samples)
        return {**row, "output_bytes": samples[-1]["output_bytes"]}

    def planning(self, model):
        """inspect and plan, which read no weights: medians in seconds."""
        times = {}
        for command in ("inspect", "plan"):
            runs = [measure.run([self.options.vetquant, command, model, "-q"]) for _ in range(self.options.repeats)]
            bad = next((r for r in runs if r.code != 0), None)
            times[command] = {"fails": f"exit {bad.code}: {bad.said[-160:].strip()}"} if bad else {"median": statistics.median(r.wall_s for r in runs),
                                                                     "peak_mib": max(r.peak_mib for r in runs)}
        return times


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = methods.HERE
    parser.add_argument("folder", help="where make_models.py put the models")
    parser.add_argument("--models", help="names, by commas; default: all that are there")
    parser.add_argument("--vetquant", default=os.path.join(here, "../../build/vetquant"))
    parser.add_argument("--policies", default="int8,int4,fp16," + os.path.join(here, "policies/int4_rtn.yaml"),
                        help="presets or files, by commas; or none")
    parser.add_argument("--peers", default="ort-uint8,ort-int8-channel,ort-nbits4,occ-fp16",
                        help="by commas, or none: " + " ".join(methods.PEERS))
    parser.add_argument("--whisper-quantize", metavar="PROGRAM", help="whisper.cpp's, built elsewhere")
    parser.add_argument("--ggml", metavar="FILE", help="default: whisper_base_decoder_ggml.bin beside the models")
    parser.add_argument("--threads", type=int, default=2, help="for vetquant; the peers use what they like")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--cold", type=int, default=0, metavar="N", help="also N runs with a cold page cache")
    parser.add_argument("--once-above", type=float, default=12, metavar="SECONDS")
    parser.add_argument("--limit", type=float, default=900, metavar="SECONDS", help="a run is ended after this")
    parser.add_argument("--work", default="bench-work", help="a folder for outputs, emptied")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def listed(text):
    return [] if text in ("none", "") else text.split(",")


def main():
    options = arguments()
    methods.fresh_folder(options.work)
    bench = Bench(options)
    chosen = methods.vetquant(options.vetquant, listed(options.policies), options.threads)
    chosen += methods.peers(listed(options.peers))
    wanted = listed(options.models or "") or [m for m in DEFAULT_MODELS
                                              if os.path.exists(os.path.join(options.folder, m + ".onnx"))]
    jobs = [(os.path.join(options.folder, name + ".onnx"), chosen) for name in wanted]
    ggml = options.ggml or os.path.join(options.folder, "whisper_base_decoder_ggml.bin")
    if options.whisper_quantize and os.path.exists(ggml):
        jobs.append((ggml, methods.whisper_quantize(options.whisper_quantize)))
    document = {"schema": "vetquant-bench-run/1", "machine": measure.machine(), "threads": options.threads, "models": []}
    for model, ways in jobs:
        for path in methods.files_of(model):  # warm: read once
            measure.run(["sh", "-c", 'cat "$0" >/dev/null', path])
        entry = {"model": os.path.splitext(os.path.basename(model))[0], "input_bytes": methods.bytes_of(model),
                 "rows": bench.model(model, ways, "warm", options.repeats)}
        if options.cold:
            entry["cold_rows"] = bench.model(model, ways, "cold", options.cold)
        if model.endswith(".onnx"):
            entry["planning"] = bench.planning(model)
        document["models"].append(entry)
    document["machine"]["load_average_at_end"] = round(os.getloadavg()[0], 2)
    document["seconds"] = round(time.monotonic() - bench.begin)
    text = report.run_markdown(document)
    report.publish(document, text, options)
    methods.fresh_folder(options.work)


if __name__ == "__main__":
    main()
