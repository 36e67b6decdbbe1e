"""Training speech as log-mel features in pieces of 4 s, a part of them degraded, with the phoneme that each frame lies in.

    python features.py --out FOLDER [--utterances 20000] [--jobs 2]

Every utterance has a voice of its own: most are made up (voices.py), the others are those of espeak-ng, MBROLA and Festival for training.
FOLDER/features.f16 [frames, 64]; phonemes.u8 [frames]; index.npy [pieces, 4]: start, frames, language, engine;
phonemes.txt: the symbols' names, line by line. Nothing but the number of utterances decides what comes out.
"""

import argparse
import pathlib
import random
from multiprocessing import Pool

import numpy as np
from scipy.signal import resample_poly

from degrade import HOP, RATE, degrade, log_mel
from festival import UNTOLD, Festival
from sound import Texts
from speak import Speaker
from voices import ENGINES, ESPEAK_DIALECTS, ESPEAK_VARIANTS, FESTIVAL, LANGUAGES, MBROLA, MBROLA_BORROWED, MBROLA_LANGUAGE, made_variant

PIECE = 4 * RATE
SENTENCES = 3
SHIPPED_SHARE, DEGRADED_SHARE = 0.2, 0.4
BABBLERS = 24
# Of 20 utterances. The few speakers of MBROLA and Festival become many by vocal tracts of other lengths.
TURNS = ["espeak"] * 12 + ["mbrola"] * 5 + ["festival"] * 3
WARPS = 1.35
UNKNOWN = 255

MBROLA_TRAINED = {language: [f"mb-{name}-{language}" for name in names] for language, names in MBROLA_BORROWED.items()}
for name in MBROLA["train"]:
    MBROLA_TRAINED.setdefault(MBROLA_LANGUAGE[name[:2]], []).append(f"mb-{name}")

state = {}


def start_worker():
    state["speaker"], state["festival"] = Speaker(), Festival()
    state["texts"] = {language: Texts(language) for language in LANGUAGES}
    state["babblers"] = [speak(-20 * (1 + number))[0][:6 * RATE] for number in range(BABBLERS)]


def speak(number):
    """Utterance `number`: its sound, phonemes, language, engine."""
    rng = random.Random(f"langid {number}")
    engine = TURNS[number % len(TURNS)]
    speakers = {"espeak": LANGUAGES, "mbrola": MBROLA_TRAINED, "festival": FESTIVAL}[engine]
    language = rng.choice(sorted(speakers))
    text = " ".join(state["texts"][language].draw_for_training(rng) for _ in range(SENTENCES))
    speed, pitch = rng.uniform(0.75, 1.3), rng.uniform(0.7, 1.35)
    warp = 1.0 if engine == "espeak" else WARPS ** rng.uniform(-1, 1)
    if engine == "espeak":
        shipped = rng.random() < SHIPPED_SHARE
        variant = None if shipped else made_variant(number)
        voice = rng.choice(ESPEAK_DIALECTS[language]) + "+" + (rng.choice(ESPEAK_VARIANTS["train"]) if shipped else "made")
        sound, phonemes = state["speaker"].speak(voice, text, speed, pitch, variant)
    elif engine == "mbrola":
        sound, phonemes = state["speaker"].speak(rng.choice(MBROLA_TRAINED[language]), text, speed / warp, pitch / warp)
    else:
        sound, phonemes = state["festival"].speak(rng.choice(FESTIVAL[language]), language, text, speed / warp)
    if warp != 1:  # a vocal tract shorter by that much, at the speed (and MBROLA's pitch) that was asked for
        sound = resample_poly(sound, 100, round(100 * warp))
        phonemes = [(second / warp, name) for second, name in phonemes]
    return 0.7 * sound / (np.abs(sound).max() + 1e-6), phonemes, language, engine


def base(symbol):
    """An IPA symbol without length, gaps and espeak-ng's own marks; language switches are nothing."""
    return "" if symbol.startswith("(") else symbol.strip("ː:-_\"?ˈˌ")


def one(number):
    """Pieces: (features, a name for each frame's phoneme), language, engine."""
    rng = np.random.default_rng([7, number])
    try:
        sound, phonemes, language, engine = speak(number)
    except ValueError:
        return [], 0, 0
    starts = np.array([second for second, _ in phonemes])
    names = np.array([base(symbol) for _, symbol in phonemes] or [""])
    pieces = []
    for at in range(0, max(1, len(sound) - 2 * RATE), PIECE):
        piece, stretch = sound[at:at + PIECE], 1.0
        if rng.random() < DEGRADED_SHARE:
            before = len(piece)
            piece = degrade(piece, rng, lambda: state["babblers"][rng.integers(BABBLERS)], rng.uniform(0.4, 1))
            stretch = before / len(piece)
        features = log_mel(piece).astype(np.float16)
        seconds = at / RATE + np.arange(len(features)) * HOP / RATE * stretch
        pieces.append((features, names[np.maximum(np.searchsorted(starts, seconds, "right") - 1, 0)]))
    return pieces, LANGUAGES.index(language), ENGINES.index(engine)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--utterances", type=int, default=20000)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    if (arguments.out / "index.npy").exists():
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    index, position, symbols = [], 0, {}
    with Pool(arguments.jobs, start_worker) as pool, open(arguments.out / "features.f16", "wb") as features_file, \
            open(arguments.out / "phonemes.u8", "wb") as phonemes_file:
        for number, (pieces, language, engine) in enumerate(pool.imap(one, range(arguments.utterances), chunksize=8)):
            for features, names in pieces:
                features_file.write(features.tobytes())
                unique, at = np.unique(names, return_inverse=True)
                codes = np.array([UNKNOWN if name == UNTOLD else min(UNKNOWN, symbols.setdefault(name, len(symbols))) for name in unique], np.uint8)
                phonemes_file.write(codes[at].tobytes())
                index.append((position, len(features), language, engine))
                position += len(features)
            if number % 500 == 0:
                print(f"{number} utterances, {position / 360000:.1f} hours, {len(symbols)} phonemes", flush=True)
    (arguments.out / "phonemes.txt").write_text("".join(name + "\n" for name in symbols), encoding="utf-8")
    np.save(arguments.out / "index.npy", np.array(index))


if __name__ == "__main__":
    main()
