"""Who speaks: every synthesizer voice, the language it speaks and the split it belongs to.

A speaker stands on one side only, also when two engines carry the same person (rab and en1, pc and it3, lp and it4,
slt and slt, aleksandr and aleksandr-hq).
Voices whose licence limits the use of the *sound* or forbids derived works are left out: mbrola-de4, festvox-ellpc11k,
and RHVoice's CC-BY-NC-ND voices. svox pico is held out as a whole: no pico sound is in train, dev or test.
"""

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
ESPEAK_VARIANTS = {
    "train": "m1 m2 m4 m6 m8 f1 f3 klatt klatt2 klatt4 klatt5 klatt6 Alex Alicia Andrea Denis Diogo Gene Henrique Hugo "
             "Jacky Lee Marco Michael Mike adam anika announcer antonio aunty benjamin caleb croak david edward2 grandma "
             "gustave iven iven3 iven4 john kaukovalta marcelo max miguel norbert pablo paul pedro rob sandro shelby "
             "steph steph3 travis victor zac RicishayMax Nguyen".split(),
    "dev": "m5 f4 Annie boris robert".split(),
    "test": "m3 m7 f2 f5 klatt3 Andy Mario belinda edward ed grandpa iven2 linda michel quincy steph2".split(),
}
MBROLA = {
    "train": "cz1 de1 de3 de5 de6 us1 us3 en1 es1 es4 mx1 mx2 vz1 fr1 fr4 fr5 fr6 fr7 ca1 it1 it2 it3 br1 br4 pt1".split(),
    "test": "cz2 de2 de7 us2 es2 es3 fr2 fr3 ca2 it4 br2 br3".split(),
}
MBROLA_LANGUAGE = {"cz": "cs", "de": "de", "us": "en", "en": "en", "es": "es", "mx": "es", "vz": "es", "fr": "fr",
                   "ca": "fr", "it": "it", "br": "pt", "pt": "pt"}
FESTIVAL = {
    "train": {"en": ["kal_diphone", "don_diphone", "rab_diphone", "cmu_us_slt_arctic_hts"], "it": ["pc_diphone"],
              "ru": ["msu_ru_nsh_clunits"], "cs": ["czech_dita", "czech_machac", "czech_krb"]},
    "test": {"en": ["ked_diphone"], "it": ["lp_diphone"], "cs": ["czech_ph"]},
}
RHVOICE = {
    "train": {"en": ["alan", "bdl", "slt"], "pt": ["Letícia-F123"], "ru": ["anna", "irina"]},
    "test": {"en": ["clb"], "ru": ["elena", "aleksandr", "aleksandr-hq"]},
}
PICO = {"en": ["en-US", "en-GB"], "de": ["de-DE"], "es": ["es-ES"], "fr": ["fr-FR"], "it": ["it-IT"]}


def all_voices() -> list[Voice]:
    voices = []
    for split, variants in ESPEAK_VARIANTS.items():
        for language, dialects in ESPEAK_DIALECTS.items():
            for number, variant in enumerate(variants):
                dialect = dialects[number % len(dialects)]
                voices.append(Voice("espeak", language, f"{dialect}+{variant}", split))
    for split, names in MBROLA.items():
        voices += [Voice("mbrola", MBROLA_LANGUAGE[n[:2]], f"mb-{n}", split) for n in names]
    for engine, table in (("festival", FESTIVAL), ("rhvoice", RHVOICE)):
        for split, by_language in table.items():
            voices += [Voice(engine, lang, n, split) for lang, names in by_language.items() for n in names]
    voices += [Voice("pico", lang, n, "heldout") for lang, names in PICO.items() for n in names]
    return voices
