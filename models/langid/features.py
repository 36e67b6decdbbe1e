"""Training utterances as log-mel features, in pieces of 4 s: all as they are, every fourth degraded as well.

    python features.py --sound CACHE --out FOLDER [--jobs 2]

FOLDER/features<part>.f16 [frames, 64]; index<part>.npy [pieces, 4]: start, frames, language, engine. Part 0: as they are, 1: degraded.
"""

import argparse
import csv
import functools
import pathlib
from multiprocessing import Pool

import numpy as np
import soundfile

from degrade import RATE, degrade, log_mel
from voices import LANGUAGES

ENGINES = ["espeak", "mbrola"]
PIECE = 4 * RATE
EVERY = (1, 4)  # of the pieces, by part
BABBLERS = 60


@functools.cache
def babblers(folder, files):
    """Some utterances that stay in memory."""
    return [soundfile.read(folder / f"{file}.flac", dtype="float32")[0][:6 * RATE] for file in files]


def one(job):
    """The features of an utterance's pieces."""
    number, part, folder, identity, others = job
    rng = np.random.default_rng([7, number, part])
    voices = babblers(folder, others) if part else []
    sound, _ = soundfile.read(folder / f"{identity}.flac", dtype="float32")
    pieces = [sound[at:at + PIECE] for at in range(0, max(1, len(sound) - 2 * RATE), PIECE)]
    made = []
    for piece in pieces[number % EVERY[part]::EVERY[part]]:
        if part:
            piece = degrade(piece, rng, lambda: voices[rng.integers(len(voices))], rng.uniform(0.4, 1))
        made.append(log_mel(piece).astype(np.float16))
    return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sound", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--parts", type=int, nargs="*", default=[0, 1])
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = [r for r in csv.DictReader(open(arguments.sound / "plan.csv", encoding="utf-8"))
            if r["split"] == "train" and (arguments.sound / f"{r['id']}.flac").exists()]
    others = tuple(r["id"] for r in rows[::max(1, len(rows) // BABBLERS)])
    with Pool(arguments.jobs) as pool:
        for part in arguments.parts:
            if (arguments.out / f"index{part}.npy").exists():
                continue
            index, position = [], 0
            jobs = [(number, part, arguments.sound, r["id"], others) for number, r in enumerate(rows)]
            with open(arguments.out / f"features{part}.f16", "wb") as file:
                for row, pieces in zip(rows, pool.imap(one, jobs, chunksize=16)):
                    for piece in pieces:
                        file.write(piece.tobytes())
                        index.append((position, len(piece), LANGUAGES.index(row["language"]), ENGINES.index(row["engine"])))
                        position += len(piece)
            np.save(arguments.out / f"index{part}.npy", np.array(index))
            print(f"part {part}: {len(index)} pieces, {position / 360000:.1f} hours", flush=True)


if __name__ == "__main__":
    main()
