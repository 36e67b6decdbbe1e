#!/usr/bin/env python3
"""Everything that vetquant prints as JSON against the JSON Schemas that it ships, judged by a validator of other people.

    tests/cli/schemas.py PROGRAM MODELS SCHEMAS

Runs the commands on the models of the golden runs, in an empty folder. Fails where a document does not fit its schema, where
--report differs from --json, where a schema was used by no run, and where a schema is so loose that it would pass anything:
each object must name its keys, and each document must be refused as soon as a key is added or taken away.

Without Python's jsonschema (Debian: python3-jsonschema) it exits with 77: skipped. VETQUANT_TESTS_COMPLETE=1, which
tools/test.sh sets, makes that a failure.
"""
import copy
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

try:
    import jsonschema
except ImportError:
    print("skipped: no Python module jsonschema; tools/setup.sh --tests installs python3-jsonschema")
    sys.exit(1 if os.environ.get("VETQUANT_TESTS_COMPLETE") == "1" else 77)

PROGRAM, MODELS, SCHEMAS = (Path(argument).resolve() for argument in sys.argv[1:4])
PRESETS = ["int8", "int8-dynamic", "int8-weights", "int4", "fp16", "hybrid"]
PLAIN_MODELS = ["mlp", "tied", "branches", "convolution", "peculiar", "external"]

failures = []
used = set()  # the schema names that occurred


def fail(text):
    failures.append(text)
    print("FAILED:", text)


def load_schemas():
    """By the name that documents carry, such as vetquant.plan/1: the schema's file and content."""
    found = {}
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        check_strict(schema, path.name, written_by_us=path.name not in ("system.schema.json", "profile.schema.json"))
        for name in names_in(schema):
            found[name] = (path.name, schema)
    return found


def names_in(node):
    if isinstance(node, dict):
        const = node.get("const")
        if isinstance(const, str) and const.startswith("vetquant."):
            yield const
        for child in node.values():
            yield from names_in(child)
    elif isinstance(node, list):
        for child in node:
            yield from names_in(child)


def check_strict(node, where, written_by_us=True):
    """Every object says which keys it has and, in what we write, which of them are always there. Parts of an allOf are
    closed by the whole."""
    if isinstance(node, list):
        for i, child in enumerate(node):
            check_strict(child, f"{where}/{i}", written_by_us)
        return
    if not isinstance(node, dict):
        return
    is_part = where.endswith("/$defs/estimate")
    if node.get("type") == "object" and not is_part:
        if "additionalProperties" not in node and node.get("unevaluatedProperties") is not False:
            fail(f"{where}: takes any key")
        if node.get("additionalProperties") is True:
            fail(f"{where}: takes any key")
        if written_by_us and "properties" in node and "required" not in node:
            fail(f"{where}: requires no key")
    for key, child in node.items():
        check_strict(child, f"{where}/{key}", written_by_us)


def run(folder, *arguments, code=0):
    done = subprocess.run([str(PROGRAM), *arguments], cwd=folder, capture_output=True, text=True)
    if done.returncode != code:
        fail(f"vetquant {' '.join(arguments)}: exit code {done.returncode} where {code} was expected\n{done.stderr}")
        return None
    return done.stdout


def problems_of(document, schema):
    return list(jsonschema.Draft202012Validator(schema).iter_errors(document))


def check(what, document, schemas):
    name = document.get("schema")
    if name not in schemas:
        return fail(f"{what}: no schema is shipped for {name!r}")
    used.add(name)
    schema = schemas[name][1]
    for problem in problems_of(document, schema):
        fail(f"{what}: {'/'.join(map(str, problem.absolute_path))}: {problem.message[:300]}")
    # Could it fail at all?
    if not problems_of({**document, "a key that nobody knows": 1}, schema):
        fail(f"{what}: {schemas[name][0]} passes unknown keys")
    for key in document:
        less = copy.copy(document)
        del less[key]
        optional = {"outputs", "warnings", "ranges", "self_check"}
        if key not in optional and not problems_of(less, schema):
            fail(f"{what}: {schemas[name][0]} does not miss {key!r}")


def check_run(folder, schemas, *arguments, code=0):
    """--json and --report give one and the same document."""
    what = "vetquant " + " ".join(arguments)
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    printed = run(folder, *arguments, "--json", "--report", report.name, "-q", code=code)
    if printed is None:
        return None
    document = json.loads(printed)
    check(what, document, schemas)
    if json.loads(report.read_text()) != document:
        fail(f"{what}: --report and --json differ")
    return document


def write_test_sets(folder):
    (folder / "noise.yaml").write_text("version: 1\ntask: tensors\nname: noise\nrandom: {seed: 1, samples: 4}\n")
    (folder / "policy.yaml").write_text(
        "version: 1\nextends: int8\nrules:\n  - name: second\n    match: {node: '**/fc2/**'}\n    use: {weights: int4}\n")
    (folder / "language.yaml").write_text(
        "version: 1\ntask: language_model\ntokenizer: four_tokens.json\ntexts: texts.txt\ncloze: gaps.csv\n")
    (folder / "texts.txt").write_text("ab ab\nbab cab\nabc ab\ncab\nab bab\naab\n")
    (folder / "gaps.csv").write_text("text,choices,answer\na___,b|c,b\nba___,c|b,b\n")


    write_speech(folder)


def write_speech(folder):
    (folder / "speech.yaml").write_text("version: 1\ntask: speech\nitems: said.csv\nterms: [hi]\n")
    (folder / "said.csv").write_text("file,text\nsaid.wav,hi\n")
    (folder / "vocab.json").write_text('{"<pad>": 0, "h": 1, "i": 2}\n')
    (folder / "preprocessor_config.json").write_text('{"do_normalize": false}\n')
    with wave.open(str(folder / "said.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes(struct.pack("<3h", 1, 0, 2))


def small_commands(folder, schemas):
    check_run(folder, schemas, "version")
    check_run(folder, schemas, "presets")
    check_run(folder, schemas, "targets")
    for preset in PRESETS:
        check_run(folder, schemas, "presets", preset)
        check_run(folder, schemas, "policy", "check", preset)
    for target in ["ort-cpu", "ort-cpu-avx2", "qnn-htp"]:
        check_run(folder, schemas, "targets", target)
    check_run(folder, schemas, "policy", "check", "policy.yaml", "mlp.onnx")
    schema = json.loads(run(folder, "policy", "schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    check_strict(schema, "vetquant policy schema", written_by_us=False)


def model_commands(folder, schemas):
    for model in PLAIN_MODELS + ["tiny"]:
        check_run(folder, schemas, "inspect", model + ".onnx")
        check_run(folder, schemas, "inspect", model + ".onnx", "--nodes")
    for model in PLAIN_MODELS:
        for preset in PRESETS:
            arguments = (model + ".onnx", "--policy", preset)
            plan = check_run(folder, schemas, "plan", *arguments)
            lock = f"{model}.{preset}.lock"
            if plan is None or run(folder, "plan", *arguments, "--lock", lock, "-q") is None:
                continue
            check(f"the lock of {model} by {preset}", json.loads((folder / lock).read_text()), schemas)
            made = check_run(folder, schemas, "quantize", *arguments, "-o", f"{model}.{preset}.onnx")
            if made is not None and made["output"]["bytes"] != plan["bytes"]["after"]:
                fail(f"{model} by {preset}: planned {plan['bytes']}, written {made['output']}")
    check_run(folder, schemas, "quantize", "tied.onnx", "-o", "beside.onnx", "--sidecar", "always")
    check_run(folder, schemas, "plan", "mlp.onnx", "--explain", "encoder.fc2.weight")
    static_commands(folder, schemas)


def static_commands(folder, schemas):
    (folder / "ranges.yaml").write_text(
        "vetquant_statistics: 1\ntensors:\n" + "".join(f'  "{name}": {{range: [-9, 9]}}\n' for name in ("x", "fc1", "fc1_biased", "y")))
    arguments = ("mlp.onnx", "--policy", "int8-static", "--calibration", "ranges.yaml")
    check_run(folder, schemas, "plan", *arguments)  # relu has no range: float
    check_run(folder, schemas, "quantize", *arguments, "-o", "static.onnx")
    if run(folder, "plan", *arguments, "--lock", "static.lock", "-q") is not None:
        check("the lock of a static plan", json.loads((folder / "static.lock").read_text()), schemas)
    (folder / "checked.yaml").write_text("version: 1\nextends: int8-static\nself_check: {target_db: 60, most_nodes: 1, samples: 1}\n")
    (folder / "samples.yaml").write_text("version: 1\ntask: tensors\nrandom: {seed: 3, samples: 2}\n")
    checked = ("mlp.onnx", "--policy", "checked.yaml", "--calibration", "samples.yaml")
    if run(folder, "plan", *checked, "--lock", "checked.lock", "-q") is not None:
        lock = json.loads((folder / "checked.lock").read_text())
        check("the lock of a plan with self-check", lock, schemas)
        if not lock["self_check"]["put_back"]:
            fail("the self-check put nothing back: its schema was not tried")


def judging_commands(folder, schemas):
    judging = ("--test-set", "noise.yaml")
    check_run(folder, schemas, "eval", "mlp.onnx", "mlp.int8.onnx", "mlp.int4.onnx", *judging, "--gate", "file_bytes<=0.9x")
    check_run(folder, schemas, "eval", "mlp.onnx", "mlp.int8.onnx", *judging, "--gate", "file_bytes<=1kB", code=6)
    check_run(folder, schemas, "eval", "mlp.onnx", "truncated.onnx", *judging, code=6)  # one that does not load
    check_run(folder, schemas, "eval", "bigram.onnx", "uniform.onnx", "--test-set", "language.yaml")
    check_run(folder, schemas, "eval", "speller.onnx", "misspeller.onnx", "--test-set", "speech.yaml")
    check_run(folder, schemas, "compare", "mlp.onnx", "mlp.int8.onnx")
    check_run(folder, schemas, "compare", "tied.onnx", "tied.int4.onnx", "--weights-only")
    check_run(folder, schemas, "compare", "mlp.onnx", "mlp.fp16.onnx", *judging)
    run(folder, "eval", "mlp.onnx", "mlp.int8.onnx", *judging, "--report", "before.json", "-q")
    run(folder, "eval", "mlp.onnx", "mlp.int8.onnx", *judging, "--report", "after.json", "-q")
    check_run(folder, schemas, "report", "diff", "before.json", "after.json")


def calibration_commands(folder, schemas):
    """What people write by hand fits the file's schema; JSON is YAML, and Python has no YAML of its own."""
    check_run(folder, schemas, "calibrate", "branches.onnx", "--samples", "noise.yaml", "-o", "stats.yaml")
    check_run(folder, schemas, "inspect", "stats.yaml")
    tensors = {"y": {"range": [-1, 2.5]}, "z": {"values": 0}}
    schema = json.loads((SCHEMAS / "statistics.schema.json").read_text())
    for problem in problems_of({"vetquant_statistics": 1, "tensors": tensors}, schema):
        fail(f"statistics.schema.json: {problem.message[:300]}")
    (folder / "by_hand.yaml").write_text(f"vetquant_statistics: 1\ntensors: {json.dumps(tensors)}\n")
    check_run(folder, schemas, "inspect", "by_hand.yaml")
    for tensors in [{"y": {"range": [1]}}, {"y": {"mean": 0}}, {"y": {"values": -1}}, {"y": {"values": 1, "least": 0}}]:
        if not problems_of({"vetquant_statistics": 1, "tensors": tensors}, schema):
            fail(f"statistics.schema.json takes {tensors}")
        (folder / "bad.yaml").write_text(f"vetquant_statistics: 1\ntensors: {json.dumps(tensors)}\n")
        run(folder, "inspect", "bad.yaml", code=2)


def system_of(**keys):
    return {"version": 1, "name": "two", **keys}


def check_commands(folder, schemas):
    """A profile is YAML, and so is JSON: what its schema takes, the program takes."""
    check_run(folder, schemas, "check", "mlp.onnx", "--target", "qnn-htp")
    check_run(folder, schemas, "check", "static.onnx", "--target", "xnnpack", "--shape", "x=1x64")
    check_run(folder, schemas, "check", "branches.onnx", "--target", "ort-cpu")
    check_run(folder, schemas, "check", "peculiar.onnx", "--target", "qnn-htp", code=3)
    schema = json.loads((SCHEMAS / "profile.schema.json").read_text())
    row = {"ops": ["MatMul"], "types": ["fp32"], "codes": ["uint8"], "weights": {"types": ["int8"], "granularity": ["tensor"], "symmetric": "always"},
           "input_types": {"1": ["fp32"]}, "attributes": {"alpha": [1]}, "output_scale": {"uint8": {"scale": 0.5, "zero_point": 0}}, "source": "me"}
    chip = {"name": "Chip", "cpu_fallback": False, "fixed_shapes": True, "open_batch": True, "max_rank": 4, "source": "me"}
    base = {"version": 1, "extends": "ort-cpu", "status": "untested"}
    for profile, good in [({"accelerator": chip, "operators": [row]}, True), ({"accelerator": {"name": "Chip"}}, False),
                          ({"accelerator": chip, "operators": [{"ops": ["MatMul"], "source": "me"}]}, False), ({"status": "tested"}, False),
                          ({"accelerator": chip, "operators": [{**row, "codes": ["uint7"]}]}, False), ({"accelerators": chip}, False)]:
        if bool(problems_of({**base, **profile}, schema)) == good:
            fail(f"profile.schema.json {'refuses' if good else 'takes'} {profile}")
        (folder / "profile.yaml").write_text(json.dumps({**base, **profile}))
        run(folder, "check", "tiny.onnx", "--target", "./profile.yaml", code=0 if good else 2)


def build_commands(folder, schemas):
    """A system file is YAML, and so is JSON: what its schema takes, the program takes."""
    judged = {"model": "mlp.onnx", "policy": "int4", "test_set": "noise.yaml", "gates": ["file_bytes<=0.9x"], "quick": 2}
    pair = folder / "pair"
    pair.mkdir(exist_ok=True)
    for name in ["mlp", "tied"]:
        shutil.copy(folder / (name + ".onnx"), pair)
    (pair / "config.json").write_text("{}")
    parts = {"mlp": judged, "tied": {"model": "tied.onnx", "sidecar": "always", "shapes": {}},
             "pair": {"model": "pair", "graphs": ["mlp.onnx", "tied.onnx"], "policies": {"tied.onnx": "int4"}}}
    schema = json.loads((SCHEMAS / "system.schema.json").read_text())
    good = {
        "good.yaml": (system_of(models=parts, target="ort-cpu-avx2", budget={"max_bytes": "1 MB", "max_share": "60 %"}), 0),
        "failing.yaml": (system_of(models={"mlp": {**judged, "gates": ["file_bytes<=1kB"]}}), 6),
        "over.yaml": (system_of(models=parts, budget={"max_bytes": 1000}), 7),
    }
    for name, (system, code) in good.items():
        for problem in problems_of(system, schema):
            fail(f"{name}: {problem.message[:300]}")
        (folder / name).write_text(json.dumps(system))
        options = (name, "-o", "dist-" + name, "--runs", "0", "--no-operators")
        check_run(folder, schemas, "build", *options, "--dry-run", code=7 if code == 7 else 0)
        if code != 7:
            check_run(folder, schemas, "build", *options, "--quick", "--only", "mlp", code=code)
        check_run(folder, schemas, "build", *options, code=code)
        manifest = folder / ("dist-" + name) / "manifest.json"
        if code != 7:
            check(f"the manifest of {name}", json.loads(manifest.read_text()), schemas)
    bad = [
        system_of(models={"pair": {"model": "pair", "graphs": []}}), system_of(models={"mlp": {"model": "mlp.onnx", "sidecar": "no"}}),
        system_of(models={"pair": {"model": "pair", "graphs": ["../mlp.onnx"]}}),
        system_of(models={"mlp": {"model": "mlp.onnx", "shapes": {"x": "1x2"}}}),
        system_of(models={}), system_of(models=parts, budget={}), system_of(models=parts, budget={"max_share": "26"}),
        system_of(models=parts, extra=1), system_of(models={"../up": {"model": "mlp.onnx"}}),
        system_of(models={"mlp": {"policy": "int8"}}), system_of(models={"mlp": {"model": "mlp.onnx", "quick": 2}}),
        system_of(models={"mlp": {"model": "mlp.onnx", "gates": ["top1>=1"]}}), {"models": parts},
    ]
    for system in bad:
        if not problems_of(system, schema):
            fail(f"system.schema.json takes {system}")
        (folder / "bad.yaml").write_text(json.dumps(system))
        run(folder, "build", "bad.yaml", "-o", "dist-bad", code=2)


def main():
    schemas = load_schemas()
    with tempfile.TemporaryDirectory(prefix="vetquant-schemas-") as name:
        folder = Path(name)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        for path in MODELS.iterdir():
            shutil.copy(path, folder)
        write_test_sets(folder)
        small_commands(folder, schemas)
        model_commands(folder, schemas)
        judging_commands(folder, schemas)
        check_commands(folder, schemas)
        build_commands(folder, schemas)
        calibration_commands(folder, schemas)
    for name in sorted(set(schemas) - used):
        fail(f"{schemas[name][0]}: no run gave a document of {name}")
    print(f"{len(used)} kinds of documents, {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
