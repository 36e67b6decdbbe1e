#!/usr/bin/env python3
"""Makes the bench's models: real shapes, random weights, written as the usual exporter writes them.

    tools/bench/make_models.py FOLDER                     the usual set
    tools/bench/make_models.py FOLDER whisper_base lm_125m
    tools/bench/make_models.py FOLDER --scale 16 --list   widths divided by 16: for tests

Needs numpy only, a few tens of megabytes of memory, and the time to write the files. Files that are there already are
left alone. The set sparse takes --sparse-bytes: a file of holes, for memory and bookkeeping. The set ggml is the decoder's
weights for whisper-quantize.
"""
import argparse
import os
import sys
import time
from dataclasses import replace

from graph import Graph, Weight
from onnx_stream import FLOAT, ExternalFile
from weights import RandomWeights
import ggml_file
import langid
import llama
import whisper

WHISPER_BASE = whisper.WhisperShape(width=512, heads=8, ffn=2048, encoder_layers=6, decoder_layers=6)
DISTIL_MEDIUM = whisper.WhisperShape(width=1024, heads=16, ffn=4096, encoder_layers=24, decoder_layers=2)
LANGID = whisper.WhisperShape(width=384, heads=6, ffn=1536, encoder_layers=7, decoder_layers=0)
LM_125M = llama.LlamaShape(width=576, heads=9, kv_heads=3, ffn=1536, layers=19, vocabulary=49152, head="twice")
LLAMA_1B = llama.LlamaShape(width=2048, heads=32, kv_heads=8, ffn=8192, layers=16, vocabulary=128256, rope_theta=500000.0)
TINYLLAMA = llama.LlamaShape(width=2048, heads=32, kv_heads=4, ffn=5632, layers=22, vocabulary=32000, head="own")
SPARSE_SIDE = 8192


def sparse_graph(size_bytes, side=SPARSE_SIDE):
    """Square layers one after the other until size_bytes are reached."""
    g = Graph()
    x = g.input("x", FLOAT, ["batch_size", side])
    for i in range(max(1, size_bytes // (4 * side * side))):
        x = g.node("MatMul", [x, g.weight(Weight(f"layers.{i}.weight", (side, side), transposed=True))], scope=f"/layers.{i}")
        x = g.node("Relu", [x], scope=f"/layers.{i}")
    g.node("Identity", [x], name="y", plain=True)
    g.output("y", ["batch_size", side])
    return g


def catalogue(scale, sparse_bytes):
    """{set: {file: (graph builder, where weights go: "inline", "external" or "holes")}}."""
    def less(s, **counts):
        width = s.width // scale // s.heads * s.heads
        names = {"width": max(width, 4 * s.heads), "ffn": max(s.ffn // scale, 16), "vocabulary": max(s.vocabulary // scale, 64)}
        return replace(s, **names, **counts) if scale > 1 else s

    base, medium, lid, lm, big, tiny = (less(s) for s in (WHISPER_BASE, DISTIL_MEDIUM, LANGID, LM_125M, LLAMA_1B, TINYLLAMA))
    if scale > 1:
        base, medium = replace(base, frames=1500 // scale), replace(medium, frames=1500 // scale, encoder_layers=2)
        big, tiny, lm = (replace(s, layers=2) for s in (big, tiny, lm))
    return {
        "whisper_base": {
            "whisper_base_encoder": (lambda: whisper.encoder(base), "inline"),
            "whisper_base_decoder": (lambda: whisper.decoder(base), "inline"),
            "whisper_base_decoder_with_past": (lambda: whisper.decoder_with_past(base), "inline"),
        },
        "whisper_base_merged": {"whisper_base_decoder_merged": (lambda: whisper.decoder_merged(base), "inline")},
        "distil_medium": {
            "distil_medium_encoder": (lambda: whisper.encoder(medium), "inline"),
            "distil_medium_decoder_merged": (lambda: whisper.decoder_merged(medium), "inline"),
        },
        "lm_125m": {"lm_125m": (lambda: llama.decoder(lm), "inline")},
        "langid": {"langid": (lambda: langid.classifier(lid, 107), "inline")},
        "llama_1b": {"llama_1b": (lambda: llama.decoder(big), "external")},
        "tinyllama_1b": {"tinyllama_1b": (lambda: llama.decoder(tiny), "external")},
        "ggml": {"whisper_base_decoder_ggml": (lambda: (base, whisper.decoder(base)), "ggml")},
        "sparse": {"sparse": (lambda: sparse_graph(sparse_bytes, max(SPARSE_SIDE // scale, 64)), "holes")},
    }


USUAL = ["whisper_base", "whisper_base_merged", "distil_medium", "lm_125m", "langid", "llama_1b"]


def size_of(path):
    return sum(os.path.getsize(p) for p in (path, path + "_data") if os.path.exists(p))


def make(folder, name, build, where, weights):
    path = os.path.join(folder, name + (".bin" if where == "ggml" else ".onnx"))
    begin = time.monotonic()
    if os.path.exists(path):
        return path, 0.0
    external = ExternalFile(path + "_data", holes=where == "holes") if where in ("external", "holes") else None
    partial = path + ".part"  # the model gets its name last: what has it is whole
    if where == "ggml":
        ggml_file.write(partial, *build(), weights)
    else:
        build().save(partial, weights, external)
    os.rename(partial, path)
    return path, time.monotonic() - begin


def parameters(built):
    return (built[1] if isinstance(built, tuple) else built).parameters()


def bytes_from(text):
    units = {"K": 10**3, "M": 10**6, "G": 10**9}
    return int(float(text[:-1]) * units[text[-1]]) if text[-1] in units else int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("sets", nargs="*", metavar="SET", help="default: " + " ".join(USUAL))
    parser.add_argument("--scale", type=int, default=1, help="divide widths by this")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sparse-bytes", type=bytes_from, default=bytes_from("100G"))
    parser.add_argument("--list", action="store_true", help="only say what would be made")
    options = parser.parse_intermixed_args()
    known = catalogue(options.scale, options.sparse_bytes)
    unknown = [s for s in options.sets if s not in known]
    if unknown:
        parser.error(f"no set {unknown[0]}; there are: {' '.join(known)}")
    os.makedirs(options.folder, exist_ok=True)
    weights = None if options.list else RandomWeights(options.seed)
    for chosen in options.sets or USUAL:
        for name, (build, where) in known[chosen].items():
            if options.list:
                print(f"{name}: {parameters(build()) / 1e6:.1f} M parameters, {where}")
                continue
            path, seconds = make(options.folder, name, build, where, weights)
            print(f"{path}: {size_of(path) / 1e6:.1f} MB in {seconds:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
