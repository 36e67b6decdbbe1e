#!/usr/bin/env python3
"""Compares the figures of `task: language_model` with those that numpy and ONNX Runtime's Python package give.

    tools/crosscheck/language_model.py build/vetquant [MODEL.onnx ...]

Models are decoder-only exports with at least 1,000 tokens; beside them it makes one with nothing but input_ids and logits.
Each is judged against a copy whose float weights got noise, on documents longer than the window, whole windows at once and (where
it has caches) 7 tokens a run. The reference always reads a window at once with empty caches, in float64.
Needs numpy, onnx, onnxruntime, tokenizers.
"""
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

WINDOW, STRIDE, TOLERANCE = 32, 20, 1e-4
WORDS = "the dog cat horse was given enrofloxacin amoxicillin 5 10 mg/kg twice daily for fever cough lameness é µg".split()
CHOICES = ["enrofloxacin", "amoxicillin", "meloxicam"]


def bare_model():
    rng = np.random.default_rng(3)
    tables = {"embed": (1000, 16), "fc": (16, 16), "head": (16, 1000)}
    weights = [numpy_helper.from_array((0.2 * rng.standard_normal(s)).astype(np.float32), n) for n, s in tables.items()]
    nodes = [helper.make_node("Gather", ["embed", "input_ids"], ["x"]), helper.make_node("MatMul", ["x", "fc"], ["y"]),
             helper.make_node("MatMul", ["y", "head"], ["logits"])]
    graph = helper.make_graph(
        nodes, "bare", [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", 1000])], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def with_noise(model):
    noisy, rng = onnx.ModelProto(), np.random.default_rng(4)
    noisy.CopyFrom(model)
    for tensor in noisy.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype in (np.float32, np.float16) and values.ndim >= 2:
            values = values + 0.05 * values.std() * rng.standard_normal(values.shape)
            tensor.CopyFrom(numpy_helper.from_array(values.astype(numpy_helper.to_array(tensor).dtype), tensor.name))
    return noisy


def train(folder, texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=400, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


class Model:
    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def log_probabilities(self, ids):
        feed = {}
        for info in self.session.get_inputs():
            kind = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(float16)": np.float16}.get(info.type, np.float32)
            if info.name == "input_ids":
                feed[info.name] = np.array([ids], kind)
            elif info.name == "attention_mask":
                feed[info.name] = np.ones((1, len(ids)), kind)
            elif info.name == "position_ids":
                feed[info.name] = np.arange(len(ids), dtype=kind)[None]
            else:
                shape = [d if isinstance(d, int) else 1 if "batch" in d else 0 for d in info.shape]
                feed[info.name] = np.zeros(shape, kind)
        logits = self.session.run(["logits"], feed)[0][0].astype(np.float64)
        logits -= logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


def reference(base, own, tokenizer, texts, cloze):
    nll, tokens, size, words, kl, agreed = 0.0, 0, 0, 0, [], 0
    for text in texts:
        ids = tokenizer.encode(text).ids
        rest = text.encode()[len(tokenizer.decode(ids[:1]).encode()):]
        size, words, done, begin = size + len(rest), words + len(rest.split()), 1, 0
        while done < len(ids):
            fed = ids[begin:min(begin + WINDOW, len(ids) - 1)]
            p, q = base.log_probabilities(fed), own.log_probabilities(fed)
            for target in range(done, begin + len(fed) + 1):
                row = target - begin - 1
                nll, tokens, agreed = nll - q[row, ids[target]], tokens + 1, agreed + (p[row].argmax() == q[row].argmax())
                kl.append((np.exp(p[row]) * (p[row] - q[row])).sum())
            done, begin = max(done, begin + len(fed) + 1), begin + STRIDE
    right = 0
    for text, answer in cloze:
        sums = []
        for choice in CHOICES:
            ids = tokenizer.encode(text.replace("___", choice)).ids
            rows = own.log_probabilities(ids[:-1])
            sums.append(rows[np.arange(len(ids) - 1), ids[1:]].sum())
        right += CHOICES[int(np.argmax(sums))] == answer
    kl.sort(reverse=True)
    return {"token_perplexity": np.exp(nll / tokens), "word_perplexity": np.exp(nll / words),
            "bits_per_byte": nll / np.log(2) / size, "kl_mean": np.mean(kl), "kl_p99": kl[int(0.01 * tokens)],
            "kl_max": kl[0], "top1_agreement": 100 * agreed / tokens, "cloze_accuracy": 100 * right / len(cloze)}


def judge(program, folder, names, tokens_per_run):
    (folder / "set.yaml").write_text(
        f"version: 1\ntask: language_model\ntokenizer: tokenizer.json\ntexts: texts.txt\ncloze: cloze.csv\n"
        f"window: {WINDOW}\nstride: {STRIDE}\ntokens_per_run: {tokens_per_run}\n")
    out = subprocess.run([program, "eval", *names, "--test-set", "set.yaml", "--json", "--runs", "0", "-q", "--no-operators"],
                         cwd=folder, capture_output=True, text=True)
    if out.returncode:
        sys.exit(out.stderr)
    return {metric["key"]: metric["value"] for metric in json.loads(out.stdout)["models"][1]["metrics"]}


def check(program, name, model, texts, cloze):
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        tokenizer = train(folder, texts)
        (folder / "texts.txt").write_text("\n".join(texts) + "\n")
        (folder / "cloze.csv").write_text("text,choices,answer\n" + "".join(
            f"{text},{'|'.join(CHOICES)},{answer}\n" for text, answer in cloze))
        onnx.save(model, folder / "base.onnx")
        onnx.save(with_noise(model), folder / "noisy.onnx")
        expected = reference(Model(folder / "base.onnx"), Model(folder / "noisy.onnx"), tokenizer, texts, cloze)
        worst = 0.0
        cached = any(i.name.startswith("past") for i in model.graph.input)
        for tokens_per_run in [0, 7] if cached else [0]:
            found = judge(program, folder, ["base.onnx", "noisy.onnx"], tokens_per_run)
            for key, value in expected.items():
                error = abs(found[key] - value) / max(abs(value), 1)
                worst = max(worst, error)
                if error > TOLERANCE:
                    print(f"  {key}: vetquant {found[key]}, reference {value}, {tokens_per_run} tokens a run")
        print(f"{name}: perplexity {expected['token_perplexity']:.4f}, mean KL {expected['kl_mean']:.4g}, largest difference "
              f"of any figure {worst:.1e}{', with and without caches' if cached else ''}")
        return worst


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, files = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:]
    random.seed(1)
    texts = [" ".join(random.choice(WORDS) for _ in range(random.randrange(8, 60))) + "." for _ in range(24)]
    cloze = [(f"the {random.choice(WORDS)} was given ___ {random.randrange(1, 20)} mg/kg", random.choice(CHOICES))
             for _ in range(40)]
    worst = [check(program, "bare", bare_model(), texts, cloze)]
    worst += [check(program, pathlib.Path(file).name, onnx.load(file), texts, cloze) for file in files]
    sys.exit(1 if max(worst) > TOLERANCE else 0)


if __name__ == "__main__":
    main()
