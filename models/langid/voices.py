"""Who speaks: every synthesizer voice, the language it speaks and the split it belongs to.

espeak-ng speaks all eight languages. Its shipped variants are shared out between train, dev and test by author's family
(iven..iven4, steph..steph3 and the like stand on one side or are left out); besides, training has variants that we make
up (`made_variant`): other formants, pitch, breath, consonants, timbre. So a voice says little about the language.
MBROLA has a few recorded speakers for each language but Russian. Festival has ten of four languages, for training only. svox
pico is held out as a whole: no pico sound is in train, dev or test. mbrola-de4 is left out: its licence limits the use of the sound.
"""

import random
from typing import NamedTuple


class Voice(NamedTuple):
    engine: str
    language: str
    name: str  # what the engine calls it
    split: str  # train, dev, test or heldout


LANGUAGES = ["cs", "de", "en", "es", "fr", "it", "pt", "ru"]

ESPEAK_DIALECTS = {
    "cs": ["cs"], "de": ["de"], "en": ["en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029"],
    "es": ["es", "es-419"], "fr": ["fr-fr", "fr-be", "fr-ch"], "it": ["it"], "pt": ["pt-br", "pt"], "ru": ["ru"],
}
# Robots, whispers and siblings of test voices are nowhere.
ESPEAK_VARIANTS = {
    "train": "m1 m2 m4 m6 m8 f1 f3 klatt klatt2 klatt3 klatt4 klatt5 klatt6 Alex Alicia Andrea Diogo Hugo Marco Michael "
             "Mike Nguyen adam announcer benjamin croak david grandma john kaukovalta marcelo max miguel paul pedro rob "
             "sandro travis".split(),
    "dev": "m5 f4 Annie boris robert Denis norbert aunty".split(),
    "test": "m3 m7 f2 f5 Andy Gene Henrique Jacky Lee Mario RicishayMax anika antonio belinda caleb ed edward grandpa "
            "gustave iven linda michel pablo quincy shelby steph victor zac".split(),
}
ENGINES = ["espeak", "mbrola", "festival"]  # that training hears
# cz1 lacks half of its pairs of phonemes, it1 and it2 some, so that espeak-ng 1.51 stops in the middle or for good: cz1 is nowhere.
# Russian there is none.
MBROLA = {
    "train": "de1 de5 de6 us1 us3 en1 es1 es2 es3 es4 mx1 mx2 vz1 fr1 fr4 fr5 fr6 ca1 it1 it2 it3 it4 br1 br3 pt1".split(),
    "dev": "de3 fr7 br4".split(),
    "test": "cz2 de2 de7 us2 fr2 fr3 ca2 br2".split(),
}
# Foreigners, who speak every language (Russian has none) with an accent, so that no language is known by its few voices; in training
# only; see speak.py. espeak-ng knows their English.
MBROLA_BORROWED = {language: ["pl1", "hu1", "cr1", "ro1"] for language in ("cs", "es", "fr", "it", "pt")}
MBROLA_BORROWED |= {"de": ["pl1", "hu1", "cr1"], "en": ["pl1", "hu1", "ro1"]}
MBROLA_LANGUAGE = {"cz": "cs", "de": "de", "us": "en", "en": "en", "es": "es", "mx": "es", "vz": "es", "fr": "fr", "ca": "fr",
                   "it": "it", "br": "pt", "pt": "pt"}
# Those of Debian whose licence says nothing about the sound and that are not MBROLA's; in training only.
FESTIVAL = {"cs": ["czech_dita", "czech_krb", "czech_machac", "czech_ph"], "en": ["kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts"],
            "it": ["lp_diphone", "pc_diphone"], "ru": ["msu_ru_nsh_clunits"]}
PICO = {"en": ["en-US", "en-GB"], "de": ["de-DE"], "es": ["es-ES"], "fr": ["fr-FR"], "it": ["it-IT"]}


def made_variant(number):
    """The text of an espeak-ng voice variant file; what its lines mean: espeak-ng's docs/voices.md."""
    rng = random.Random(9000 + number)
    maybe = lambda share: rng.random() < share
    pitch = 65 * (390 / 65) ** rng.random()
    # The length of the vocal tract moves all formants together: men, women, children and cartoons.
    tract = rng.uniform(1.2, 1.5) if maybe(0.15) else rng.uniform(0.86, 1.24)
    wild = number % 3 == 0  # authors move formants against each other more than a vocal tract can
    lines = ["language variant", "name made", f"pitch {pitch:.0f} {pitch * rng.uniform(1.1, 1.8):.0f}"]
    for formant in range(9):
        centre = 100 * tract * rng.uniform(0.93, 1.07) if formant else rng.uniform(60, 150)
        height, width = rng.uniform(45, 145) if formant < 4 else rng.uniform(10, 130), rng.uniform(40, 190)
        if wild and 0 < formant and maybe(0.6):
            low, high = [(75, 135), (70, 145), (15, 145)][formant - 1] if formant < 4 else (10, 130)
            centre, height = rng.uniform(low, high), rng.uniform(20, 190)
        lines.append(f"formant {formant} {centre:.0f} {height:.0f} {width:.0f}")
    lines += [f"consonants {rng.uniform(40, 130):.0f} {rng.uniform(40, 130):.0f}",
              f"flutter {rng.choice([0, 1, 2, 4, 8, 14])}", f"roughness {rng.randrange(5)}"]
    if maybe(0.25):
        lines.append(f"klatt {rng.randint(1, 6)}")
    if maybe(0.3):
        lines.append("breath " + " ".join(str(rng.randint(0, 5)) for _ in range(8)))
    if maybe(0.25):
        lines.append(f"echo {rng.randint(20, 150)} {rng.randint(3, 14)}")
    if maybe(0.4):
        lines.append("tone " + " ".join(f"{hz:.0f} {rng.randint(20, 255)}" for hz in
                                        (rng.uniform(100, 600), rng.uniform(700, 1400), rng.uniform(1800, 3500))))
    if maybe(0.3):
        lines.append(f"voicing {30 * (500 / 30) ** rng.random():.0f}")
    if maybe(0.4):
        reach = rng.choice([(-25, 35), (-25, 35), (-40, 170)])
        lines.append("stressAdd " + " ".join(str(rng.randint(*reach)) for _ in range(8)))
    if maybe(0.4):
        lines.append("stressAmp " + " ".join(str(rng.randint(14, 26)) for _ in range(8)))
    if maybe(0.25):
        lines.append(f"intonation {rng.choice([1, 2, 3, 4, 10])}")
    return "\n".join(lines) + "\n"


def all_voices() -> list[Voice]:
    """The voices of the sets; training makes its own (features.py)."""
    voices = []
    for split in ("dev", "test"):
        for language, dialects in ESPEAK_DIALECTS.items():
            for number, variant in enumerate(ESPEAK_VARIANTS[split]):
                voices.append(Voice("espeak", language, f"{dialects[number % len(dialects)]}+{variant}", split))
        voices += [Voice("mbrola", MBROLA_LANGUAGE[n[:2]], f"mb-{n}", split) for n in MBROLA[split]]
    voices += [Voice("pico", lang, n, "heldout") for lang, names in PICO.items() for n in names]
    return voices
