#!/usr/bin/env python3
"""Compares our conversion of Whisper tiny.en with the exporter's own result: the encoder's states and every logit.

    tools/crosscheck/whisper_logits.py FOLDER [REFERENCE] [SOUND]

FOLDER: what models/fetch.sh made. REFERENCE: the exporter's folder, default $VETQUANT_REAL_MODELS/whisper_tiny_en; SOUND:
16 kHz, default $VETQUANT_REAL_MODELS/data/jfk.wav. A greedy transcript is decoded with the reference, and at each step
both models get the same tokens, each its own encoder's states and caches. Exit status 1 where anything differs by more than
1e-3. Needs numpy, onnxruntime, soundfile, transformers (for the features).
"""
import os
import pathlib
import sys

import numpy as np
import onnxruntime
import soundfile
from transformers import WhisperFeatureExtractor

TOLERANCE, STEPS = 1e-3, 40
START, END = [50257, 50362], 50256


class Whisper:
    def __init__(self, folder):
        self.encoder, self.decoder = (
            onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
            for name in ("encoder_model.onnx", "decoder_model_merged.onnx"))

    def listen(self, features):
        self.hidden = self.encoder.run(None, {"input_features": features})[0]
        self.past = {i.name: np.zeros([1, *(d if isinstance(d, int) else 0 for d in i.shape[1:])], np.float32)
                     for i in self.decoder.get_inputs() if i.name.startswith("past")}
        self.cached = False
        return self.hidden

    def step(self, ids):
        feed = {"input_ids": np.array([ids]), "encoder_hidden_states": self.hidden,
                "use_cache_branch": np.array([self.cached]), **self.past}
        out = dict(zip([o.name for o in self.decoder.get_outputs()], self.decoder.run(None, feed)))
        for name in self.past:
            if not (self.cached and ".encoder." in name):
                self.past[name] = out[name.replace("past_key_values", "present")]
        self.cached = True
        return out["logits"][0]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    real = pathlib.Path(os.environ.get("VETQUANT_REAL_MODELS", ""))
    given = [pathlib.Path(argument) for argument in sys.argv[1:]]
    folder, reference, sound = given + [real / "whisper_tiny_en", real / "data/jfk.wav"][len(given) - 1:]
    samples, rate = soundfile.read(sound, dtype="float32")
    extractor = WhisperFeatureExtractor.from_pretrained(reference)
    features = extractor(samples, sampling_rate=rate, return_tensors="np").input_features
    own, exported = Whisper(folder), Whisper(reference)
    states = float(np.abs(own.listen(features) - exported.listen(features)).max())
    ids, worst, largest, steps = START, 0.0, 0.0, 0
    while steps < STEPS and ids != [END]:
        a, b = own.step(ids), exported.step(ids)
        worst, largest = max(worst, float(np.abs(a - b).max())), max(largest, float(np.abs(b).max()))
        choice = b[-1].copy()
        choice[END + 1:] = -np.inf
        ids, steps = [int(choice.argmax())], steps + 1
    print(f"{steps} steps: states differ by at most {states:.1e}, logits (up to {largest:.1f}) by {worst:.1e}")
    sys.exit(max(states, worst) > TOLERANCE)


if __name__ == "__main__":
    main()
