"""Degraded copies of every training utterance as log-mel features.

    python features.py --sound CACHE --out FOLDER [--jobs 2]

FOLDER/features<part>.f16 [frames, 64]; index<part>.npy [utterances, 4]: start, frames, language, engine; phones<part>.u8
[frames], 255 where unknown. Parts 0 and 1 are two copies of the plain utterances, part 2 the accented ones.
"""

import argparse
import csv
import pathlib
from multiprocessing import Pool

import numpy as np
import soundfile

from degrade import degrade, drawn_speed, log_mel
from voices import LANGUAGES

ENGINES = ["espeak", "mbrola", "festival", "rhvoice", "accent"]
UNKNOWN = 255
STATE = {}


def start(sound, files):
    STATE.update(sound=sound, files=files)


def one(job):
    number, copy, identity = job
    rng = np.random.default_rng([7, number, copy])
    pick = lambda: soundfile.read(STATE["sound"] / f"{rng.choice(STATE['files'])}.flac", dtype="float32")[0]
    sound, _ = soundfile.read(STATE["sound"] / f"{identity}.flac", dtype="float32")
    factor = drawn_speed(np.random.default_rng([7, number, copy]), 1.0)
    features = log_mel(degrade(sound[:16000 * 6], rng, pick)).astype(np.float16)
    phones = np.full(len(features), UNKNOWN, np.uint8)
    known = STATE["sound"] / f"{identity}.npy"
    if known.exists():
        original = np.load(known)
        phones = original[np.minimum((np.arange(len(features)) * factor).astype(int), len(original) - 1)]
    return features, phones


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sound", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)

    def rows_of(plan):
        return [r for r in csv.DictReader(open(arguments.sound / plan, encoding="utf-8"))
                if r["split"] == "train" and (arguments.sound / f"{r['id']}.flac").exists()]

    plain, accented = rows_of("plan.csv"), rows_of("accents.csv")
    with Pool(arguments.jobs, start, (arguments.sound, [r["id"] for r in plain])) as pool:
        for part, rows in enumerate((plain, plain, accented)):
            if (arguments.out / f"index{part}.npy").exists():
                continue
            index, position = [], 0
            jobs = [(number, part, r["id"]) for number, r in enumerate(rows)]
            with open(arguments.out / f"features{part}.f16", "wb") as file, open(arguments.out / f"phones{part}.u8", "wb") as labels:
                for row, (features, phones) in zip(rows, pool.imap(one, jobs, chunksize=32)):
                    file.write(features.tobytes())
                    labels.write(phones.tobytes())
                    index.append((position, len(features), LANGUAGES.index(row["language"]), ENGINES.index(row["engine"])))
                    position += len(features)
            np.save(arguments.out / f"index{part}.npy", np.array(index))
            print(f"part {part}: {position} frames", flush=True)


if __name__ == "__main__":
    main()
