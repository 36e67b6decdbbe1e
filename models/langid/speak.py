"""espeak-ng (and MBROLA through it) in this process: sound and which phoneme lies where, some 500 times faster than it is spoken.

    speak("de+m3", text, speed=1.1, pitch=0.9) -> sound [n] float32 at 16 kHz, [(second, IPA symbol), ...]

A voice that we made up is written as variant file `made` into a copy of espeak-ng's data that this process owns (Speaker).
"""

import ctypes
import functools
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
from scipy.signal import resample_poly

RATE = 16000
SYNCHRONOUS, PHONEME_EVENTS, IPA, DONT_EXIT, UTF8 = 2, 1, 2, 0x8000, 1  # from speak_lib.h
END_OF_EVENTS, PHONEME_EVENT, PARAMETER_RATE, PARAMETER_PITCH = 0, 7, 1, 3

# Its file of each dialect: by name it would have to list and sort all voices.
FILE = {"cs": "zlw/cs", "de": "gmw/de", "en-us": "gmw/en-US", "en-gb": "gmw/en", "en-gb-x-rp": "gmw/en-GB-x-rp",
        "en-gb-scotland": "gmw/en-GB-scotland", "en-029": "gmw/en-029", "es": "roa/es", "es-419": "roa/es-419",
        "fr-fr": "roa/fr", "fr-be": "roa/fr-BE", "fr-ch": "roa/fr-CH", "it": "roa/it", "pt-br": "roa/pt-BR", "pt": "roa/pt",
        "ru": "zle/ru"}


# espeak-ng 1.51 asks these voices of MBROLA for phonemes that they have by another name: theirs, then espeak-ng's. (Spanish lost each e and o.)
VOWELS = "e e/ o o/ i i/"
CLONES = {"es1": VOWELS, "es2": VOWELS, "mx1": VOWELS, "mx2": VOWELS, "vz1": VOWELS + " L l^",
          "es3": "r R2 x h", "es4": "r R2", "it1": "U U1", "it2": "U U1", "it3": "i i/ s ss ts ts2", "it4": "i i/ s ss ts ts2", "us3": "O O2",
          "pt1": "O oo"}

# Voices of other languages that speak ours with an accent, so that a language is not known by its few voices ("mb-pl1-cs"):
# the likest phoneme that they have, then the name by which espeak-ng asks for another.
LONG, SPANISH = "a a: e e: i i: o o: u u:", VOWELS + " r rr s T b B d D g G l l^"
BORROWED = {"pl1": f"{LONG} x h\\ r r' ts' t' dz' d' {SPANISH} n' J l L "
                   "a a/ s ss ts ts2 w w2 a & o~ &~ u u~ o~ &U~ o oI i iU e eU s' C o OY u UR e W e E: i y: e E2 a A f pF e Y: "
                   "o~ A~ r r/2 z z2 e e- a a- e Y e~ W~ i y- t t2",
            "hu1": f"a: a E e h h\\ r r' J n' E e/ o o/ i i/ r rr s T b B d D g G l l^ l L "
                   "a: a/ r R s ss ts ts2 v w2 a: & a: &~ u u~ o &U~ o oI i iU E eU o o~ h x o OY u UR 2 W e: E: E E2 f pF "
                   "a: A~ o O~ r r/2 z z2 E E~ E e- a: a- v w E W~ y y-",
            "cr1": f"{LONG} x h\\ r r' J n' tS' t' dZ' d' dZ dz {SPANISH} "
                   "a a/ s ss ts ts2 v w2 i y a &~ u u~ o &U~ o oI i iU e eU o o~ S C o OY u UR e W e E: i y: e E2 f pF i Y: "
                   "a A~ o O~ r r/2 z z2 e E~ e e- a a- v w e Y e W~ i y- t t2",
            "ro1": f"{LONG} h x h h\\ r r' C tS T ts J Z n n' t t' d d' G dZ z dz {VOWELS} r rr b B d D g G l l^ l L n J "
                   "a a/ r R s ss T ts2 n n^ @ & @ &~ u u~ o &U~ o o~ a A~ o O~ r r/2 z z2 e E~ e e- a a- @ W e W~ u y- t t2"}
# By which table espeak-ng names their phonemes: that of the language, else the voice's own.
PHONEMES = {"cs": "cs_phtrans", "es": "es_phtrans"}


class Identity(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("unique", ctypes.c_uint), ("text_position", ctypes.c_int), ("length", ctypes.c_int),
                ("milliseconds", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", Identity)]


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


@functools.cache
def mbrola_rate(voice):
    """An MBROLA voice has a rate of its own, 16,000 or 22,050 Hz; it stands in the header of its file."""
    with open(f"/usr/share/mbrola/{voice}/{voice}", "rb") as file:
        header = file.read(25)
    assert header[:6] == b"MBROLA"
    return int.from_bytes(header[23:25], "little")


class Speaker:
    """One for each process: the library has one state."""

    def __init__(self):
        told = subprocess.run(["espeak-ng", "--version"], capture_output=True, text=True, check=True).stdout
        self.folder = tempfile.TemporaryDirectory()
        self.data = f"{self.folder.name}/espeak-ng-data"
        shutil.copytree(told.split("Data at: ")[1].strip(), self.data)
        self.wrap_mbrola(shutil.which("mbrola"))
        for voice in BORROWED:
            for language in ("cs", "de", "es", "fr", "it", "pt"):
                table = PHONEMES.get(language, f"{voice}_phtrans")
                path = pathlib.Path(self.data, "voices", "mb", f"mb-{voice}-{language}")
                path.write_text(f"name {voice}-{language}\nlanguage {language}\ngender male\nmbrola {voice} {table}\n", encoding="utf-8")
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.library.espeak_Initialize(SYNCHRONOUS, 0, self.folder.name.encode(), PHONEME_EVENTS | IPA | DONT_EXIT)
        self.pieces, self.phonemes = [], []
        self.callback = CALLBACK(self.take)  # the library keeps the pointer only
        self.library.espeak_SetSynthCallback(self.callback)

    def wrap_mbrola(self, program):
        """espeak-ng runs the mbrola that it finds in PATH: a script that gives the voice its missing names."""
        if not program:
            return
        cases = "".join(f"*/{voice}) exec {program} -C \"{names}\" \"$@\" ;;\n" for voice, names in (CLONES | BORROWED).items())
        script = pathlib.Path(self.folder.name, "mbrola")
        script.write_text(f'#!/bin/sh\nfor last; do case "$last" in\n{cases}esac; done\nexec {program} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        os.environ["PATH"] = f"{self.folder.name}:{os.environ['PATH']}"

    def take(self, samples, count, events):
        if count > 0:
            self.pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        at = 0
        while events[at].type != END_OF_EVENTS:
            if events[at].type == PHONEME_EVENT:
                self.phonemes.append((events[at].sample, events[at].id.string.decode("utf-8", "ignore")))
            at += 1
        return 0

    def speak(self, voice, text, speed=1.0, pitch=1.0, variant=None):
        if variant:
            with open(f"{self.data}/voices/!v/made", "w", encoding="utf-8") as file:
                file.write(variant)
        dialect, plus, kind = voice.partition("+")
        if self.library.espeak_SetVoiceByName((FILE.get(dialect, dialect) + plus + kind).encode()):
            raise ValueError(f"espeak-ng has no voice {voice}")
        self.library.espeak_SetParameter(PARAMETER_RATE, int(165 * speed), 0)
        self.library.espeak_SetParameter(PARAMETER_PITCH, int(50 * pitch), 0)
        self.pieces.clear()
        self.phonemes.clear()
        encoded = text.encode()
        self.library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, UTF8, None, None)
        if not self.pieces:
            raise ValueError(f"{voice} said nothing")
        rate = mbrola_rate(voice.split("-")[1]) if voice.startswith("mb-") else self.rate
        sound = np.concatenate(self.pieces).astype(np.float32) / 32768
        if rate != RATE:
            sound = resample_poly(sound, RATE, rate).astype(np.float32)
        return sound, [(sample / rate, name) for sample, name in self.phonemes]
