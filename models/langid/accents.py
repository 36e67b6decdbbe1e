"""Every MBROLA training voice speaks every language, with its accent, and says where each phone lies.

    python accents.py --out CACHE [--count 640] [--jobs 2]

Natively each voice speaks one language, and a net finds it easier to know 25 voices than 8 languages: trained on native voices
alone it put one unseen synthesizer at 26 %. Here espeak-ng gives the phones, durations and melody of a sentence; they
are mapped to the nearest phones of a random voice, the melody is changed, and MBROLA speaks them. Writes <id>.flac, <id>.npy (one phone number per 10 ms) and accents.csv.
"""

import argparse
import collections
import csv
import math
import pathlib
import random
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soundfile
from scipy.signal import resample_poly

from sound import RATE, SHUFFLED_SHARE, Texts
from voices import LANGUAGES, MBROLA, MBROLA_LANGUAGE

# Vowels: height (0 close, 3 open), back (0 front, 2 back), rounded, nasal.
VOWELS = {
    "i": (0, 0, 0, 0), "I": (.5, .3, 0, 0), "y": (0, 0, 1, 0), "Y": (.5, .3, 1, 0), "1": (.2, 1, 0, 0), "e": (1, 0, 0, 0),
    "2": (1, 0, 1, 0), "E": (2, 0, 0, 0), "9": (2, 0, 1, 0), "{": (2.5, 0, 0, 0), "@": (1.5, 1, 0, 0), "3": (1.7, 1, .3, 0),
    "a": (3, .8, 0, 0), "V": (2.4, 1.2, 0, 0), "A": (3, 2, 0, 0), "O": (2, 2, 1, 0), "o": (1, 2, 1, 0), "U": (.5, 1.7, 1, 0),
    "u": (0, 2, 1, 0), "a~": (3, 1, 0, 1), "e~": (1.5, 0, 0, 1), "9~": (2, 0, 1, 1), "o~": (1.3, 2, 1, 1), "i~": (0, 0, 0, 1),
    "u~": (0, 2, 1, 1),
}
# Consonants, and what stands in for one that a voice lacks, best first.
STAND_IN = {
    "p": "", "b": "B", "t": "t'", "d": "d'", "k": "", "g": "G k", "f": "", "v": "B w f", "T": "s", "D": "d z", "s": "z", "z": "s",
    "S": "s", "Z": "S z s", "C": "S x h s", "x": "h R C k", "h": "x R", "G": "g", "B": "b v", "m": "", "n": "", "J": "n", "N": "n",
    "l": "", "L": "l", "4": "r R l", "r": "4 R r\\", "R": "r 4 r\\ x", "r\\": "4 r R", "j": "i I", "w": "u U v", "ts": "t+s",
    "dz": "d+z", "tS": "t+S", "dZ": "d+Z", "t'": "t", "d'": "d", "r'": "r+Z", "?": "_", "_": "",
}
PHONES = ["_"] + sorted(VOWELS) + sorted(set(STAND_IN) - {"_"})
NUMBER = {phone: number for number, phone in enumerate(PHONES)}

# What the symbols of each language's voices mean; symbols not listed mean themselves, a colon or slash dropped.
MEANING = {
    "cs": {"e": "E", "n'": "J", "h\\": "h"},
    "de": {"6": "V", "aI": "a+I", "aU": "a+U", "OY": "O+Y", "E:": "E"},
    "en": {"r": "r\\", "AI": "a+I", "aI": "a+I", "r=": "3", "EI": "e+I", "eI": "e+I", "@U": "o+U", "OI": "O+I", "aU": "a+U",
           "t_h": "t", "p_h": "p", "k_h": "k", "l=": "@+l", "O2": "A", "Q": "O", "5": "l", "e": "E", "e@": "E+@", "I@": "I+@"},
    "es": {"r": "4", "rr": "r", "jj": "L", "l^": "L", "ny": "J"},
    "fr": {},
    "it": {"E2": "e", "E1": "e", "A2": "a", "A1": "a", "a1": "a", "A": "a", "T": "t", "I": "i", "I2": "i", "i1": "i", "L": "l", "O2": "o",
           "O1": "O", "o1": "o", "e1": "e", "N": "n", "S": "s", "R": "4", "K": "k", "D": "d", "M": "m", "P": "p", "RR": "r", "V": "v", "VV": "v",
           "F": "f", "Z": "z", "U1": "u", "u1": "u", "U": "u", "B": "b", "G": "g", "W": "w", "ss": "S", "ts2": "ts", "ng": "N",
           "nf": "n", "E": "E", "O": "O", "r": "4"},
    "pt": {"em": "e~", "am": "a~", "om": "o~", "im": "i~", "um": "u~", "en": "e~", "an": "a~", "on": "o~", "in": "i~", "un": "u~",
           "s2": "s", "r2": "4", "r": "4", "rr": "x", "ee": "E", "oo": "O", "y": "I", "j": "Z", "x": "S", "nh": "J", "lh": "L",
           "6": "V", "6~": "a~", "6~j~": "a~+j"},
}
MEANING_BY_VOICE = {
    "it3": {"A": "a", "S": "S", "L": "L"}, "pt1": {"x": "x", "r": "4", "R": "R", "y": "y", "j": "j"},
    "us3": {"O2": "A"}, "it1": {"O1": "o"}, "it2": {"O1": "o"},
}
IPA = {"ɑ": "a", "a": "a", "ʌ": "V", "ə": "@", "ɪ": "I", "i": "i", "y": "1", "u": "u", "o": "o", "e": "e", "ɛ": "E", "ɵ": "o",
       "ʑ": "Z", "ʒ": "Z", "ʃ": "S", "ɕ": "S", "tʃ": "tS", "ɭ": "l", "ɡ": "g", "ja": "j+a", "ju": "j+u"}
# Voices whose symbols don't say what they stand for speak natively only.
SPEAKERS = [v for v in MBROLA["train"] if v not in ("es4", "vz1")]
SOURCES = {"cs": ["cz1"], "de": ["de5", "de6"], "en": ["us1", "us3", "en1"], "es": ["es1", "mx1"], "fr": ["fr1", "ca1"],
           "it": ["it3"], "pt": ["br1", "pt1"]}


def meaning(voice, symbol):
    """The phones of one symbol of a voice."""
    table = MEANING[MBROLA_LANGUAGE[voice[:2]]]
    for key in (symbol, symbol.rstrip(":/")):
        found = MEANING_BY_VOICE.get(voice, {}).get(key) or table.get(key)
        if found:
            return found.split("+")
    plain = symbol.rstrip(":/")
    return [plain] if plain in NUMBER else ["_"]


def phones_of(voice, text):
    """[(symbol, milliseconds, [(per cent, Hz), ...])] as espeak-ng would send to MBROLA."""
    told = subprocess.run(["espeak-ng", "-v", f"mb-{voice}", "-s", "150", "-q", "--pho"], input=text, capture_output=True,
                          text=True, check=True, timeout=60).stdout
    rows = []
    for line in told.splitlines():
        symbol, _, rest = line.partition("\t")
        numbers = [float(n) for n in rest.split()]
        if numbers:
            rows.append((symbol, numbers[0], list(zip(numbers[1::2], numbers[2::2]))))
    return rows


def russian_phones(text, rng):
    """Phones from espeak-ng's IPA; durations and melody of our own, MBROLA having no Russian voice."""
    told = subprocess.run(["espeak-ng", "-v", "ru", "-q", "--ipa", "--sep=_"], input=text, capture_output=True, text=True,
                          check=True, timeout=60).stdout
    rows, symbols = [], [s for word in told.split() for s in word.split("_") + [" "] if s]
    for place, symbol in enumerate(symbols):
        if symbol == " ":
            continue
        pitch = 125 * (1 - 0.25 * place / len(symbols))
        plain = symbol.replace("ˈ", "").replace('"', "")
        soft, plain = "ʲ" in plain, plain.replace("ʲ", "")
        for phone in IPA.get(plain, plain).split("+"):
            if phone in VOWELS:
                stressed = "ˈ" in symbol
                rows.append(([phone], rng.uniform(95, 130) if stressed else rng.uniform(50, 75),
                             [(50, pitch * (rng.uniform(1.05, 1.25) if stressed else 1))]))
            elif phone in STAND_IN:
                rows.append(([phone], rng.uniform(60, 95), []))
        if soft and plain not in ("tʃ",) and place + 1 < len(symbols) and rng.random() < 0.8:
            rows.append((["j"], rng.uniform(25, 40), []))
    return rows


class Speaker:
    """A voice: which symbol it has for each phone, its level of pitch."""

    def __init__(self, name):
        self.name = name
        language = MBROLA_LANGUAGE[name[:2]]
        rng = random.Random(1)
        texts = Texts(language)
        rows = phones_of(name, "\n".join(texts.draw("train", rng)[0] for _ in range(60)))
        use = collections.Counter(symbol for symbol, _, _ in rows if symbol != "_")
        self.symbol = {}
        for symbol, _ in use.most_common():
            self.symbol.setdefault("+".join(meaning(name, symbol)), symbol)
        pitches = [hz for _, _, contour in rows for _, hz in contour]
        self.pitch = sum(pitches) / len(pitches)

    def say(self, phone, depth=0):
        """[(symbol, phone), ...] that this voice can say in place of a phone."""
        if phone in self.symbol:
            return [(self.symbol[phone], phone)]
        if phone in VOWELS:
            known = [p for p in self.symbol if p in VOWELS]
            distance = lambda p: sum(w * (a - b) ** 2 for w, a, b in zip((1, 1, .8, .7), VOWELS[phone], VOWELS[p]))
            best = min(known, key=distance)
            return [(self.symbol[best], best)]
        for stand_in in STAND_IN.get(phone, "").split():
            parts = stand_in.split("+")
            if len(parts) > 1 or stand_in in self.symbol:
                return [pair for part in parts for pair in self.say(part, depth + 1)]
        return [("_", "_")]


def accented(language, text, speaker, rng):
    """A MBROLA score and its phones: [(symbol, phone, ms, contour)]."""
    if language == "ru":
        rows = russian_phones(text, rng)
    else:
        source = rng.choice(SOURCES[language])
        rows = [(meaning(source, s), ms, contour) for s, ms, contour in phones_of(source, text)]
    pitches = [hz for _, _, contour in rows for _, hz in contour] or [120]
    middle = sum(pitches) / len(pitches)
    level, spread, pace = rng.uniform(0.75, 1.3), rng.uniform(0.3, 1.5), rng.uniform(0.85, 1.35)
    if language == "fr":
        pace *= 1.2  # espeak's French is hasty
    score = []
    for phones, ms, contour in rows:
        pairs = [pair for phone in phones for pair in speaker.say(phone)]
        joined = speaker.symbol.get("+".join(phones))
        ms = min(ms, 150 if phones == ["_"] else 400) * pace * rng.lognormvariate(0, 0.12)
        contour = [(at, speaker.pitch * level * (hz / middle) ** spread) for at, hz in contour]
        if joined and len(phones) > 1:
            score.append((joined, phones, ms, contour))
        else:
            for place, (symbol, phone) in enumerate(pairs):
                score.append((symbol, [phone], ms / len(pairs), contour if place == 0 else []))
    while score and score[0][0] == "_":
        score.pop(0)
    return [("_", ["_"], 40, [])] + score


def make(row, speakers, out):
    flac = out / f"{row['id']}.flac"
    if flac.exists():
        return None
    rng = random.Random(row["id"])
    score = accented(row["language"], row["text"], speakers[row["voice"]], rng)
    lines = [f"{symbol}\t{max(8, round(ms))} " + " ".join(f"{at:.0f} {hz:.0f}" for at, hz in contour)
             for symbol, _, ms, contour in score]
    frames = []
    for _, phones, ms, _ in score:
        for phone in phones:
            frames += [(max(8, round(ms)) / len(phones), NUMBER[phone])]
    ends = np.cumsum([ms for ms, _ in frames])
    base = f"/usr/share/mbrola/{row['voice']}/{row['voice']}"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mbrola", "-e", "-l", str(int(RATE * rng.uniform(0.88, 1.14))), base, "-", f"{folder}/a.wav"],
                              input="\n".join(lines + ["_\t60"]) + "\n", capture_output=True, text=True, timeout=60)
        missing = len(set(re.findall(r"Warning: (\S+) unknown", done.stderr + done.stdout)))
        if done.returncode or missing > 0.3 * len(score):
            return f"{row['id']}: {missing} diphones of {len(score)} missing"
        sound, rate = soundfile.read(f"{folder}/a.wav", dtype="float32")
    sound = resample_poly(sound, RATE, rate) if rate != RATE else sound
    centres = np.arange(math.ceil(len(sound) / 160)) * 10 + 5
    place = np.minimum(np.searchsorted(ends, centres), len(frames) - 1)
    labels = np.where(centres < ends[-1], np.array([n for _, n in frames])[place], 0).astype(np.uint8)
    np.save(out / f"{row['id']}.npy", labels)
    partial = flac.with_suffix(".part")
    soundfile.write(partial, 0.7 * sound / (np.abs(sound).max() + 1e-9), RATE, format="FLAC", subtype="PCM_16")
    partial.rename(flac)
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=640, help="utterances per language")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=21)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    speakers = {name: Speaker(name) for name in SPEAKERS}
    rng, rows = random.Random(arguments.seed), []
    for language in LANGUAGES:
        texts = Texts(language)
        for number in range(arguments.count):
            text = texts.draw("train", rng)[0]
            if rng.random() < SHUFFLED_SHARE:
                words = (text + " " + texts.draw("train", rng)[0]).rstrip(".").replace(",", "").split()
                rng.shuffle(words)
                text = " ".join(words[:rng.randint(5, 10)]).lower() + "."
            rows.append(dict(id=f"{language}-accent-{number:04d}", split="train", language=language, engine="accent",
                             voice=SPEAKERS[number % len(SPEAKERS)], text=text))
    with ThreadPoolExecutor(arguments.jobs) as pool:
        problems = [p for p in pool.map(lambda r: make(r, speakers, arguments.out), rows) if p]
    with open(arguments.out / "accents.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(r for r in rows if (arguments.out / f"{r['id']}.flac").exists())
    (arguments.out / "accents-problems.txt").write_text("\n".join(problems))
    print(f"{len(rows)} planned, {len(problems)} problems", flush=True)


if __name__ == "__main__":
    main()
