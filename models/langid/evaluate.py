"""Accuracy of ONNX models on a set, with intervals; a second opinion on what `vetquant eval` says.

    python evaluate.py test.yaml langid.onnx [more.onnx ...]
"""

import argparse
import collections
import csv
import hashlib
import pathlib
import re

import numpy as np
import onnxruntime
import soundfile
from scipy.stats import beta, t


def interval(right, clusters):
    """Clopper-Pearson at 95 % for the effective number of clips (Korn and Graubard): all clips of a voice go together."""
    right, count = np.asarray(right, float), len(right)
    share = right.mean()
    sums = {}
    for cluster, hit in zip(clusters, right):
        sums.setdefault(cluster, []).append(hit - share)
    if 0 < share < 1 and len(sums) > 1:
        variance = len(sums) / (len(sums) - 1) * sum(sum(s) ** 2 for s in sums.values()) / count ** 2
        effective = share * (1 - share) / variance * (t.ppf(0.975, count - 1) / t.ppf(0.975, len(sums) - 1)) ** 2
        count = min(count, effective)
    low = beta.ppf(0.025, share * count, count - share * count + 1) if share else 0.0
    high = beta.ppf(0.975, share * count + 1, count - share * count) if share < 1 else 1.0
    return low, high


def told(right, clusters):
    low, high = interval(right, clusters)
    wrong = len(right) - int(np.sum(right))
    return (f"{100 * np.mean(right):6.2f} % [{100 * low:.2f}, {100 * high:.2f}]  {wrong} wrong of {len(right)}, "
            f"{len(set(clusters))} voices")


def load(yaml_path):
    """The set's labels, its items and its clips [n, 48000]; digests are checked."""
    text = yaml_path.read_text(encoding="utf-8")
    labels = re.search(r"^labels: \[(.*)\]", text, re.M)[1].split(", ")
    samples = int(re.search(r"^samples_per_clip: (\d+)", text, re.M)[1])
    listing = yaml_path.parent / re.search(r"^items: (\S+)", text, re.M)[1]
    digests = dict(re.findall(r"^  (\S+): sha256:(\w+)", text, re.M))
    assert hashlib.sha256(listing.read_bytes()).hexdigest() == re.search(r"^digest: sha256:(\w+)", text, re.M)[1]
    sounds = {}
    for name, digest in digests.items():
        assert hashlib.sha256((listing.parent / name).read_bytes()).hexdigest() == digest, name
        sounds[name], rate = soundfile.read(listing.parent / name, dtype="float32")
        assert rate == 16000
    items = list(csv.DictReader(open(listing, encoding="utf-8")))
    clips = np.zeros((len(items), samples), np.float32)
    for clip, item in zip(clips, items):
        start, frames = int(item["start_frame"]), min(samples, int(item["frames"]))
        assert start + frames <= len(sounds[item["file"]])
        clip[:frames] = sounds[item["file"]][start:start + frames]
    return labels, items, clips


def logits_of(model, clips, threads=2):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {session.get_inputs()[0].name: clips[i:i + 8]})[0] for i in range(0, len(clips), 8)])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("set", type=pathlib.Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--wrong", action="store_true", help="list the clips that went wrong")
    arguments = parser.parse_args()
    labels, items, clips = load(arguments.set)
    voices = np.array([i["cluster"] for i in items])
    truth = np.array([labels.index(i["label"]) for i in items])
    for model in arguments.models:
        logits = logits_of(model, clips)
        guess = logits.argmax(axis=1)
        right = guess == truth
        print(f"{model} on {arguments.set.name}: {told(right, voices)}")
        seconds = [int(i["frames"]) / 16000 for i in items]
        groups = {"label": [i["label"] for i in items], "engine": [i["engine"] for i in items],
                  "condition": [i["condition"] for i in items],
                  "length": ["below 1.5 s" if s < 1.5 else "1.5 to 2.2 s" if s < 2.2 else "above 2.2 s" for s in seconds]}
        for kind, keys in groups.items():
            for key in sorted(set(keys)):
                here = np.array(keys) == key
                print(f"  {kind:9} {key:13} {told(right[here], voices[here])}")
        confusion = collections.Counter((labels[t], labels[p]) for t, p in zip(truth, guess) if t != p)
        print("  confused:", ", ".join(f"{a}->{b} {n}" for (a, b), n in confusion.most_common(12)))
        if arguments.wrong:
            for item, hit, p in zip(items, right, guess):
                if not hit:
                    print(f"  {item['utterance']} {item['cluster']} {int(item['frames']) / 16000:.1f} s -> {labels[p]}")


if __name__ == "__main__":
    main()
