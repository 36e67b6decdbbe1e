"""The sentences of the test sets to sound: draws them, assigns voices, runs the synthesizers; one 16 kHz FLAC per utterance.

    python sound.py --out CACHE [--jobs 2]

The plan depends on the seed alone; finished utterances are not done again. Synthesizers come from Debian (see make.sh).
features.py takes the sentences for training from here, too.
"""

import argparse
import collections
import csv
import functools
import pathlib
import random
import re
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import soundfile

from speak import RATE, Speaker
from voices import LANGUAGES, all_voices

HERE = pathlib.Path(__file__).parent
# Utterances for each voice and language. Every test voice gets the same number: a synthesizer counts as much as it has voices.
PER_VOICE = {("dev", "espeak"): 6, ("dev", "mbrola"): 16, ("test", "espeak"): 16, ("test", "mbrola"): 16, ("heldout", "pico"): 120}
# The net shall learn how a language sounds, not our templates: sentences in random word order, and made-up words.
SHUFFLED_SHARE, MADE_UP_SHARE = 0.35, 0.25


class Texts:
    """Templates and fillers of one language. Fillers after || are for dev and test only."""

    def __init__(self, language):
        self.seen, self.unseen, self.templates = {}, {}, {}
        part = None
        for line in (HERE / "texts" / f"{language}.txt").read_text(encoding="utf-8").splitlines():
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line in ("train:", "dev:", "test:"):
                part = self.templates.setdefault(line[:-1], [])
            elif part is None:
                slot, fillers = line.split(":", 1)
                known, _, fresh = fillers.partition("||")
                self.seen[slot] = [f.strip() for f in known.split("|")]
                self.unseen[slot] = [f.strip() for f in fresh.split("|") if f.strip()]
            else:
                part.append(line)
        self.after = self.spelling()

    def spelling(self):
        """Which letters follow which three in the training texts, ^ before a word and $ after it."""
        lines = self.templates["train"] + [f for fillers in self.seen.values() for f in fillers]
        after = collections.defaultdict(list)
        for word in re.findall(r"[^\W\d_]+", re.sub(r"\{\w+\}", "", " ".join(lines)).lower()):
            letters = f"^^^{word}$"
            for at in range(3, len(letters)):
                after[letters[at - 3:at]].append(letters[at])
        return after

    def draw(self, split, rng):
        """One sentence and the number of its template."""
        number = rng.randrange(len(self.templates[split]))

        def fill(match):
            slot = "drug" if match[1] == "drug2" else match[1]
            use_fresh = split != "train" and self.unseen[slot] and rng.random() < 0.5
            return rng.choice(self.unseen[slot] if use_fresh else self.seen[slot])

        text = re.sub(r"\{(\w+)\}", fill, self.templates[split][number])
        return text[0].upper() + text[1:], f"{split}{number:02d}"

    def made_up_word(self, rng):
        while True:
            letters = "^^^"
            while letters[-1] != "$" and len(letters) < 16:
                letters += rng.choice(self.after[letters[-3:]])
            if 6 <= len(letters) and letters[-1] == "$":
                return letters[3:-1]

    def draw_for_training(self, rng):
        text, kind = self.draw("train", rng)[0], rng.random()
        words = (text + " " + self.draw("train", rng)[0]).replace(".", "").replace(",", "").split()
        if kind < SHUFFLED_SHARE:
            rng.shuffle(words)
            text = " ".join(words[:rng.randint(5, 10)]).lower() + "."
        elif kind < SHUFFLED_SHARE + MADE_UP_SHARE:
            words = rng.sample(words, 2) + [self.made_up_word(rng) for _ in range(rng.randint(4, 7))]
            rng.shuffle(words)
            text = " ".join(words).lower() + "."
        return text


def make_plan(seed):
    """Rows of (id, split, language, engine, voice, template, speed, pitch, text)."""
    rng = random.Random(seed)
    texts = {language: Texts(language) for language in LANGUAGES}
    count, seen = collections.Counter(), set()
    rows = []
    for voice in all_voices():
        for _ in range(PER_VOICE[voice.split, voice.engine]):
            for _ in range(50):
                text, template = texts[voice.language].draw("test" if voice.split == "heldout" else voice.split, rng)
                if (voice.name, text) not in seen:
                    break
            seen.add((voice.name, text))
            kind = f"{voice.language}-{voice.split}-{voice.engine}"
            rows.append(dict(id=f"{kind}-{count[kind]:04d}", split=voice.split, language=voice.language, engine=voice.engine,
                             voice=voice.name, template=template, speed=round(rng.uniform(0.8, 1.25), 2),
                             pitch=round(rng.uniform(0.75, 1.3), 2), text=text))
            count[kind] += 1
    return rows



worker = {}


def start_worker():
    worker["speaker"] = Speaker()


def speak(row):
    """[n] float32 at 16 kHz."""
    if row["engine"] != "pico":
        return worker["speaker"].speak(row["voice"], row["text"], row["speed"], row["pitch"])[0]
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        text = f'<speed level="{int(100 * row["speed"])}"><pitch level="{int(100 * row["pitch"])}">{row["text"]}</pitch></speed>'
        subprocess.run(["pico2wave", "-l", row["voice"], "-w", file.name, text], check=True, timeout=120)
        return soundfile.read(file.name, dtype="float32")[0]


def make_one(row, out):
    flac = out / f"{row['id']}.flac"
    if flac.exists():
        return None
    try:
        sound = speak(row)
        loud = np.flatnonzero(np.abs(sound) > 0.01 * max(1e-6, np.abs(sound).max()))
        sound = sound[max(0, loud[0] - 800):loud[-1] + 800] if len(loud) else sound[:0]
        if len(sound) < RATE // 2:
            raise ValueError("too short")
    except (subprocess.SubprocessError, ValueError, RuntimeError) as error:
        return f"{row['id']}: {type(error).__name__} {str(error)[-200:]}"
    partial = flac.with_suffix(".part")
    soundfile.write(partial, 0.7 * sound / np.abs(sound).max(), RATE, format="FLAC", subtype="PCM_16", compression_level=0.0)
    partial.rename(flac)
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = make_plan(arguments.seed)
    with open(arguments.out / "plan.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    with ProcessPoolExecutor(arguments.jobs, initializer=start_worker) as pool:
        made = pool.map(functools.partial(make_one, out=arguments.out), rows, chunksize=8)
        problems = [problem for problem in made if problem]
    print(f"{len(rows)} planned, {len(problems)} problems", *problems, sep="\n", flush=True)


if __name__ == "__main__":
    main()
