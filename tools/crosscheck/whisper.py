"""Checks the task `speech` against transformers: features to 1e-4, greedy transcripts, without and with timestamps, word for word.

    python tools/crosscheck/whisper.py MODEL_FOLDER SOUND... [--build build]

MODEL_FOLDER: an English-only Whisper as the usual exporter writes it. Needs transformers, optimum-onnx[onnxruntime], soundfile
(PyPI); the build needs its tests (build/tests/vetquant_log_mel). Sounds: mono, 16 kHz, at most 30 s. Exit status 1 where
anything differs.
"""

import argparse
import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import soundfile
from optimum.onnxruntime import ORTModelForSpeechSeq2Seq
from transformers import PreTrainedTokenizerFast, WhisperFeatureExtractor

TOLERANCE = 1e-4


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("sounds", type=pathlib.Path, nargs="+")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"))
    arguments = parser.parse_args()

    extractor = WhisperFeatureExtractor.from_pretrained(arguments.model)
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(arguments.model / "tokenizer.json"))
    model = ORTModelForSpeechSeq2Seq.from_pretrained(arguments.model)
    settings = model.generation_config
    settings.no_timestamps_token_id = tokenizer.convert_tokens_to_ids("<|notimestamps|>")
    settings.is_multilingual, settings.return_timestamps, settings.max_length = False, False, 448

    worst, features = 0.0, []
    for path in arguments.sounds:
        sound, rate = soundfile.read(path, dtype="float32")
        features.append(extractor(sound, sampling_rate=rate, return_tensors="pt").input_features)
        told = subprocess.run([arguments.build / "tests/vetquant_log_mel", path], capture_output=True, check=True).stdout
        own = np.frombuffer(told, np.float32).reshape(80, 3000)
        worst = max(worst, float(np.abs(own - features[-1][0].numpy()).max()))
    print(f"{len(features)} sounds: features differ by at most {worst:.2e}")
    differs = worst > TOLERANCE
    for timestamps in (False, True):
        settings.return_timestamps = timestamps
        said = [model.generate(one, generation_config=settings)[0] for one in features]
        # Times are no words.
        texts = [tokenizer.decode([i for i in ids if i <= settings.no_timestamps_token_id], skip_special_tokens=True) for ids in said]
        wer, cer = heard(arguments, texts, timestamps)
        times = sum(int(i > settings.no_timestamps_token_id) for ids in said for i in ids)
        print(f"timestamps {'on' if timestamps else 'off'} ({times} said in {sum(map(bool, texts))} texts): words differ by {wer:.2f} %, characters by {cer:.2f} %")
        differs |= wer > 0 or cer > 0
    sys.exit(differs)


def heard(arguments, texts, timestamps):
    """Word and character errors of `vetquant eval` against these texts; a set has no place for clips in which nothing is said."""
    rows = [(path.resolve(), text) for path, text in zip(arguments.sounds, texts) if any(map(str.isalnum, text))]
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/items.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("file", "text"), *rows])
        pathlib.Path(f"{folder}/set.yaml").write_text(
            f"version: 1\ntask: speech\nitems: items.csv\nnormalisation: none\ntimestamps: {str(timestamps).lower()}\n", encoding="utf-8")
        told = subprocess.run([arguments.build / "vetquant", "eval", arguments.model, "--test-set", f"{folder}/set.yaml",
                               "--runs", "0", "--json"], capture_output=True, check=True).stdout
    metrics = {metric["key"]: metric["value"] for metric in json.loads(told)["models"][0]["metrics"]}
    return metrics["wer"], metrics["cer"]


if __name__ == "__main__":
    main()
