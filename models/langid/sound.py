"""Texts to sound: draws sentences, assigns voices, runs the synthesizers; one 16 kHz FLAC per utterance.

    python sound.py --out CACHE [--train 2400] [--jobs 2]

The plan depends on the seed alone; finished utterances are not done again. Synthesizers come from Debian (see make.sh).
"""

import argparse
import csv
import pathlib
import random
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soundfile
from scipy.signal import resample_poly

from voices import LANGUAGES, all_voices

HERE = pathlib.Path(__file__).parent
RATE = 16000
# Share of an utterance count by engine; engines that lack the language leave their share to the others.
ENGINE_SHARE = {"espeak": 0.40, "mbrola": 0.36, "festival": 0.24, "rhvoice": 0.24, "pico": 1.0}
# Sentences in random word order: the net shall learn how a language sounds, not our templates.
SHUFFLED_SHARE = 0.35


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

    def draw(self, split, rng):
        """One sentence and the number of its template."""
        number = rng.randrange(len(self.templates[split]))

        def fill(match):
            slot = "drug" if match[1] == "drug2" else match[1]
            use_fresh = split != "train" and self.unseen[slot] and rng.random() < 0.5
            return rng.choice(self.unseen[slot] if use_fresh else self.seen[slot])

        text = re.sub(r"\{(\w+)\}", fill, self.templates[split][number])
        return text[0].upper() + text[1:], f"{split}{number:02d}"


def make_plan(train_per_language, seed):
    """Rows of (id, split, language, engine, voice, template, speed, pitch, text)."""
    rng = random.Random(seed)
    voices = all_voices()
    count = {"train": train_per_language, "dev": 60, "test": 240, "heldout": 220}
    rows = []
    for language in LANGUAGES:
        texts = Texts(language)
        for split, total in count.items():
            by_engine = {}
            for voice in voices:
                # dev has no voices but espeak's own, so it borrows the train voices of the other engines.
                if voice.language == language and (voice.split == split or (
                        split == "dev" and voice.split == "train" and voice.engine != "espeak")):
                    by_engine.setdefault(voice.engine, []).append(voice)
            share = sum(ENGINE_SHARE[e] for e in by_engine)
            seen_texts = set()
            for engine, pool in by_engine.items():
                for number in range(round(total * ENGINE_SHARE[engine] / share)):
                    voice = pool[number % len(pool)]
                    text_split = "test" if split == "heldout" else split
                    for _ in range(50):
                        text, template = texts.draw(text_split, rng)
                        if split == "train" and rng.random() < SHUFFLED_SHARE:
                            words = (text + " " + texts.draw("train", rng)[0]).rstrip(".").replace(",", "").split()
                            rng.shuffle(words)
                            text, template = " ".join(words[:rng.randint(5, 10)]).lower() + ".", "shuffled"
                        if (voice.name, text) not in seen_texts:
                            break
                    seen_texts.add((voice.name, text))
                    rows.append(dict(id=f"{language}-{split}-{engine}-{number:04d}", split=split, language=language,
                                     engine=engine, voice=voice.name, template=template,
                                     speed=round(rng.uniform(0.8, 1.25), 2), pitch=round(rng.uniform(0.75, 1.3), 2),
                                     text=text))
    return rows


def run(command, **more):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, **more)


def speak(row, wav):
    engine, text = row["engine"], row["text"]
    if engine in ("espeak", "mbrola"):
        pitch = int(50 * row["pitch"]) if engine == "espeak" else 50
        run(["espeak-ng", "-v", row["voice"], "-s", str(int(165 * row["speed"])), "-p", str(pitch), "-w", wav, text])
    elif engine == "rhvoice":
        run(["RHVoice-test", "-p", row["voice"], "-r", str(int(100 * row["speed"])), "-t", str(int(100 * row["pitch"])),
             "-o", wav], input=text.encode())
    elif engine == "pico":
        run(["pico2wave", "-l", row["voice"], "-w", wav,
             f'<speed level="{int(100 * row["speed"])}"><pitch level="{int(100 * row["pitch"])}">{text}</pitch></speed>'])
    else:
        raise ValueError(engine)


def save(wav, flac):
    sound, rate = soundfile.read(wav, dtype="float32")
    if sound.ndim > 1:
        sound = sound.mean(axis=1)
    if rate != RATE:
        sound = resample_poly(sound, RATE, rate)
    loud = np.flatnonzero(np.abs(sound) > 0.01 * max(1e-6, np.abs(sound).max()))
    sound = sound[max(0, loud[0] - 800):loud[-1] + 800] if len(loud) else sound[:0]
    if len(sound) < RATE // 2:
        raise ValueError("too short")
    sound = 0.7 * sound / np.abs(sound).max()
    partial = flac.with_suffix(".part")
    soundfile.write(partial, sound, RATE, format="FLAC", subtype="PCM_16")
    partial.rename(flac)


def make_one(row, out):
    flac = out / f"{row['id']}.flac"
    if flac.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        try:
            speak(row, f"{folder}/a.wav")
            save(f"{folder}/a.wav", flac)
        except (subprocess.SubprocessError, ValueError, RuntimeError) as error:
            return f"{row['id']}: {type(error).__name__} {str(error)[-200:]}"
    return None


def make_festival(rows, out):
    """Festival starts slowly: one process speaks many sentences of one voice."""
    rows = [r for r in rows if not (out / f"{r['id']}.flac").exists()]
    problems = []
    if not rows:
        return problems
    coding = "iso-8859-2" if rows[0]["language"] == "cs" else "iso-8859-15" if rows[0]["language"] == "it" else "utf-8"
    with tempfile.TemporaryDirectory() as folder:
        script = [f"(voice_{rows[0]['voice']})"]
        for number, row in enumerate(rows):
            text = row["text"].replace('"', "")
            script.append(f"(Parameter.set 'Duration_Stretch {1 / row['speed']:.2f})")
            script.append(f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{folder}/{number}.wav" \'riff)')
        pathlib.Path(f"{folder}/say.scm").write_bytes("\n".join(script).encode(coding, "ignore"))
        try:
            run(["festival", "-b", f"{folder}/say.scm"])
        except subprocess.SubprocessError as error:
            problems.append(f"{rows[0]['voice']}: {error}"[:200])
        for number, row in enumerate(rows):
            try:
                save(f"{folder}/{number}.wav", out / f"{row['id']}.flac")
            except (ValueError, RuntimeError) as error:
                problems.append(f"{row['id']}: {error}"[:200])
    return problems


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--train", type=int, default=2400, help="utterances per language")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=20)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = make_plan(arguments.train, arguments.seed)
    with open(arguments.out / "plan.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    festival = {}
    for row in rows:
        if row["engine"] == "festival":
            festival.setdefault(row["voice"], []).append(row)
    batches = [b[i:i + 25] for b in festival.values() for i in range(0, len(b), 25)]
    others = [r for r in rows if r["engine"] != "festival"]
    random.Random(1).shuffle(others)
    problems = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for number, problem in enumerate(pool.map(lambda r: make_one(r, arguments.out), others)):
            if problem:
                problems.append(problem)
            if number % 500 == 0:
                print(f"{number}/{len(others)} utterances, {len(problems)} problems", flush=True)
        for batch in pool.map(lambda b: make_festival(b, arguments.out), batches):
            problems += batch
    (arguments.out / "problems.txt").write_text("\n".join(problems))
    print(f"{len(rows)} planned, {len(problems)} problems", flush=True)


if __name__ == "__main__":
    main()
