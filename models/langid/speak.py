"""espeak-ng (and MBROLA through it) in this process: sound and which phoneme lies where, some 500 times faster than it is spoken.

    speak("de+m3", text, speed=1.1, pitch=0.9) -> sound [n] float32 at 16 kHz, [(second, IPA symbol), ...]

A voice that we made up is written as variant file `made` into a copy of espeak-ng's data that this process owns (Speaker).
"""

import ctypes
import functools
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
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.library.espeak_Initialize(SYNCHRONOUS, 0, self.folder.name.encode(), PHONEME_EVENTS | IPA | DONT_EXIT)
        self.pieces, self.phonemes = [], []
        self.callback = CALLBACK(self.take)  # the library keeps the pointer only
        self.library.espeak_SetSynthCallback(self.callback)

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
        rate = mbrola_rate(voice[3:]) if voice.startswith("mb-") else self.rate
        sound = np.concatenate(self.pieces).astype(np.float32) / 32768
        if rate != RATE:
            sound = resample_poly(sound, RATE, rate).astype(np.float32)
        return sound, [(sample / rate, name) for sample, name in self.phonemes]
