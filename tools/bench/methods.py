"""What is compared: for each method a command that turns a model into an output file."""
import os
import shutil
import sys
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass(frozen=True)
class Method:
    name: str
    group: str  # vetquant, peer
    kind: str  # int8, int4, fp16: what it is compared with
    command: tuple  # with {model} and {output}

    def argv(self, model, output):
        return [part.format(model=model, output=output) for part in self.command]


PRESETS = {"int8": "int8", "int8-dynamic": "int8", "int8-weights": "int8", "int4": "int4", "fp16": "fp16", "hybrid": "int4"}


def vetquant(program, policies, threads, shapes=()):
    """policies: names of presets, or files; a file's kind is the beginning of its name (int4_rtn.yaml). shapes: INPUT=DIMS."""
    methods = []
    for policy in policies:
        stem = os.path.splitext(os.path.basename(policy))[0]
        kind = PRESETS.get(policy) or stem.split("_")[0]
        command = (program, "quantize", "{model}", "-o", "{output}", "--policy", policy, "--threads", str(threads),
                   "--overwrite", "-q", *(word for shape in shapes for word in ("--shape", shape)))
        methods.append(Method(f"vetquant {stem}", "vetquant", kind, command))
    return methods


PEERS = {
    "ort-uint8": ("ONNX Runtime dynamic uint8", "int8"),
    "ort-int8-channel": ("ONNX Runtime dynamic int8 per channel", "int8"),
    "ort-nbits4": ("ONNX Runtime MatMulNBits 4-bit", "int4"),
    "ort-nbits8": ("ONNX Runtime MatMulNBits 8-bit", "int8"),
    "occ-fp16": ("onnxconverter-common fp16", "fp16"),
}


def peers(names):
    script = os.path.join(HERE, "peers.py")
    return [Method(PEERS[name][0], "peer", PEERS[name][1], (sys.executable, script, name, "{model}", "{output}"))
            for name in names]


def whisper_quantize(program):
    return [Method(f"whisper-quantize {kind}", "peer", group, (program, "{model}", "{output}", kind))
            for kind, group in (("q8_0", "int8"), ("q4_0", "int4"))]


def files_of(model):
    """The model and what belongs to it: sidecars `NAME_data`, `NAME.data`, `STEM.<digest>.weights`."""
    folder, name = os.path.split(os.path.abspath(model))
    stem = os.path.splitext(name)[0]
    return [os.path.join(folder, f) for f in sorted(os.listdir(folder))
            if f == name or f.startswith(name + "_data") or f == name + ".data"
            or (f.startswith(stem + ".") and f.endswith(".weights"))]


def bytes_of(model):
    return sum(os.path.getsize(f) for f in files_of(model))


def remove(model):
    if not os.path.isdir(os.path.dirname(os.path.abspath(model))):
        return
    for path in files_of(model):
        os.remove(path)


def fresh_folder(path):
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
