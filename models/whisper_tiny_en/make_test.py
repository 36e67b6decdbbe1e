#!/usr/bin/env python3
"""Speaks the sentences of texts/test.txt and packs them: test/<engine>.opus, test/items.csv, terms.txt, test.yaml.

    python models/whisper_tiny_en/make_test.py

Needs numpy, scipy, soundfile (models/langid/requirements.txt) and, from Debian, espeak-ng, mbrola-us2, mbrola-en1,
libttspico-utils and flite. Frames count decoded 16 kHz samples. A clip's cluster is its voice.
"""
import csv
import hashlib
import itertools
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import soundfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "langid"))
import sound
from make_sets import GAP
from speak import RATE

# (engine, voice, clips). Engines that were recorded from people have most clips: the plain model understands a third to a half of
# what espeak-ng says, and little of its British dialects. No variant is a robot or a whisper. The synthesizers' other voices
# (mbrola-us1, us3; flite kal16, rms; espeak-ng's other variants) are free for training.
VOICES = [("mbrola", "mb-us2", 25), ("mbrola", "mb-en1", 25), ("pico", "en-US", 25), ("pico", "en-GB", 25),
          ("flite", "slt", 25), ("flite", "awb", 25)]
VOICES += [("espeak", f"en-us+{variant}", 3) for variant in
           "m3 m7 f2 f5 Andy Gene Henrique Mario anika antonio edward linda michel steph".split()]
SPEED = 0.95  # of the engine's own: dictation is slower than talk
LICENCE = "CC0-1.0 (synthesized sound; see README.md for the voices)"
MARK = re.compile(r"\[([^\]]+)\]")


def sentences():
    """(text, terms) of each line."""
    lines = (HERE / "texts/test.txt").read_text(encoding="utf-8").splitlines()
    return [(MARK.sub(r"\1", line), MARK.findall(line)) for line in lines if line and not line.startswith("#")]


def speak(engine, voice, text):
    """[n] float32 at 16 kHz."""
    if engine != "flite":
        return sound.speak({"engine": engine, "voice": voice, "text": text, "speed": SPEED, "pitch": 1.0})
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", voice, "--setf", f"duration_stretch={1 / SPEED}", "-t", text, "-o", file.name],
                       check=True, timeout=120)
        samples, rate = soundfile.read(file.name, dtype="float32")
    if rate != RATE:
        raise ValueError(f"flite's voice {voice} speaks at {rate} Hz")
    return samples


def clips():
    """(engine, voice, text): all sentences in turn, none twice by one voice."""
    texts = itertools.cycle([text for text, _ in sentences()])
    return [(engine, voice, next(texts)) for engine, voice, count in VOICES for _ in range(count)]


def pack(folder):
    """Writes the sound; rows of items.csv."""
    items = []
    for engine, group in itertools.groupby(clips(), key=lambda clip: clip[0]):
        pieces, position = [np.zeros(GAP, np.float32)], GAP
        for _, voice, text in group:
            clip = speak(engine, voice, text)
            clip = 0.7 * clip / np.abs(clip).max()
            items.append({"file": f"{engine}.opus", "text": text, "start_frame": position, "frames": len(clip),
                          "cluster": f"{engine}:{voice}"})
            pieces += [clip, np.zeros(GAP, np.float32)]
            position += len(clip) + GAP
        pieces.append(np.zeros(RATE // 4, np.float32))  # the coder may drop its last packet's tail
        soundfile.write(folder / f"{engine}.opus", np.concatenate(pieces), RATE, format="OGG", subtype="OPUS",
                        compression_level=0.9)
    return items


def digest(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    sound.start_worker()
    folder = HERE / "test"
    folder.mkdir(exist_ok=True)
    items = pack(folder)
    with open(folder / "items.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, items[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(items)
    terms = sorted({term.lower() for _, marked in sentences() for term in marked})
    (HERE / "terms.txt").write_text("\n".join(terms) + "\n", encoding="utf-8")
    files = "".join(f"  {path.name}: {digest(path)}\n" for path in sorted(folder.glob("*.opus")))
    (HERE / "test.yaml").write_text(f"""version: 1
task: speech
name: dictation-test
license: {LICENCE}
items: test/items.csv     # file, text, start_frame, frames: a slice of the decoded file; cluster: the voice
normalisation: dictation-1
terms: terms.txt
max_tokens: 100
digest: {digest(folder / 'items.csv')}
files:
{files}""", encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{len(items)} clips of {len(VOICES)} voices, {sum(item['frames'] for item in items) / RATE:.0f} s, "
          f"{size / 1e6:.2f} MB, {len(terms)} terms")


if __name__ == "__main__":
    main()
