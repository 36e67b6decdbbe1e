#!/usr/bin/env python3
"""The dictation system at full size: speech, language model and language identification by the policies of models/policies.

    tools/bench/make_models.py models distil_medium lm_125m langid
    tools/bench/system.py models --json system.json --markdown system.md

Each of `hybrid`, `small` and `tiny` quantizes all parts (medians over --repeats interleaved runs of time, most of memory);
then the parts run beside float, as latency.py runs them. Weights are random: sizes, time and memory mean something,
accuracy does not. The bench's language identifier has other node names than ours, so its policies are presets.
"""
import argparse
import os
import random
import statistics
import sys
import time

import latency
import measure
import methods
import report

POLICIES = os.path.join(methods.HERE, "../../models/policies")
PARTS = {"distil_medium_encoder": "speech", "distil_medium_decoder_merged": "speech", "lm_125m": "language", "langid": "langid"}
SYSTEMS = {
    "hybrid": {"speech": "whisper_hybrid.yaml", "language": "smollm2_hybrid.yaml", "langid": "int8"},
    "small": {"speech": "whisper_small.yaml", "language": "smollm2_small.yaml", "langid": "int8"},
    "tiny": {"speech": "whisper_tiny.yaml", "language": "smollm2_tiny.yaml", "langid": "int4"},
}


def policy_of(system, part):
    policy = SYSTEMS[system][PARTS[part]]
    return os.path.join(POLICIES, policy) if policy.endswith(".yaml") else policy


def quantize(options, system, part):
    """The run, and the output's path."""
    output = os.path.join(options.work, f"{part}.{system}.onnx")
    methods.remove(output)
    result = measure.run([options.vetquant, "quantize", os.path.join(options.folder, part + ".onnx"), "-o", output, "--policy",
                          policy_of(system, part), "--threads", "2", "--overwrite", "-q"])
    if result.code != 0:
        sys.exit(f"system.py: {part} by {system} fails: {result.said.strip()}")
    return result, output


def quantize_all(options, order):
    """{system: {part: {"wall_s": [...], "own_mib", "bytes", "path"}}}"""
    made = {system: {part: {"wall_s": [], "own_mib": 0.0} for part in PARTS} for system in SYSTEMS}
    for _ in range(options.repeats):
        jobs = [(system, part) for system in SYSTEMS for part in PARTS]
        order.shuffle(jobs)
        for system, part in jobs:
            result, output = quantize(options, system, part)
            entry = made[system][part]
            entry["wall_s"].append(result.wall_s)
            entry["own_mib"] = max(entry["own_mib"], result.own_mib)
            entry.update(path=output, bytes=methods.bytes_of(output))
    return made


def sizes_table(options, made):
    before = {part: methods.bytes_of(os.path.join(options.folder, part + ".onnx")) for part in PARTS}
    total = sum(before.values())
    rows = [["float", *(report.megabytes(b) for b in before.values()), report.megabytes(total), "", "", ""]]
    for system, parts in made.items():
        size = sum(p["bytes"] for p in parts.values())
        rows.append([system, *(report.megabytes(p["bytes"]) for p in parts.values()), report.megabytes(size), f"{100 * size / total:.1f} %",
                     report.seconds(sum(statistics.median(p["wall_s"]) for p in parts.values())),
                     f"{max(p['own_mib'] for p in parts.values()):.0f}"])
    header = ["system", *(part + " MB" for part in PARTS), "together MB", "of float", "seconds to quantize", "own MiB"]
    return report.table(header, rows, "-" + ">" * (len(header) - 1))


def run_all(options, made, order):
    document = []
    for part in PARTS:
        variants = [("float", os.path.join(options.folder, part + ".onnx"))] + [(system, made[system][part]["path"]) for system in made]
        document.append({"model": part, "rows": latency.measure_model(options, part, variants, 1, order)})
    return document


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="where make_models.py put the models")
    parser.add_argument("--vetquant", default=os.path.join(methods.HERE, "../../build/vetquant"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5, help="of running each part; 0: sizes and quantizing only")
    parser.add_argument("--work", default="bench-work", help="a folder for the outputs, emptied")
    parser.add_argument("--json")
    parser.add_argument("--markdown")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main():
    options = arguments()
    methods.fresh_folder(options.work)
    begin, order, machine = time.monotonic(), random.Random(options.seed), measure.machine()
    made = quantize_all(options, order)
    parts = [sizes_table(options, made)]
    document = {"schema": "vetquant-bench-system/1", "machine": machine, "systems": made}
    if options.rounds:
        import onnxruntime
        latency.empty_model(os.path.join(options.work, "empty.onnx"))
        document.update(onnxruntime=onnxruntime.__version__, threads=[1], models=run_all(options, made, order))
    document["machine"]["load_average_at_end"] = round(os.getloadavg()[0], 2)
    document["seconds"] = round(time.monotonic() - begin)
    parts += [report.latency_markdown(document) if options.rounds else report.machine_line(document["machine"])]
    text = "\n\n".join(parts)
    report.publish(document, text, options)
    methods.fresh_folder(options.work)


if __name__ == "__main__":
    main()
