"""Festival in a process beside this one: sound and which phoneme lies where. Its voices are diphones or units cut from people's speech.

    speak("czech_ph", text, speed=1.1) -> sound [n] float32 at 16 kHz, [(second, IPA symbol or UNTOLD), ...]
"""

import pathlib
import subprocess
import tempfile

import soundfile
from scipy.signal import resample_poly

RATE = 16000
ENCODING = {"cs": "iso-8859-2", "en": "latin-1", "it": "latin-1", "ru": "utf-8"}
DONE = b"spoken"
UNTOLD = "untold"

# The voices' phones that espeak-ng writes differently; those of Russian are UNTOLD.
SAME = {phone: phone for phone in "abdefhijklmnopqrstuvwxyz"}
PHONES = {
    "cs": SAME | {"a:": "a", "e": "ɛ", "e:": "ɛ", "i": "i", "i:": "i", "o:": "o", "u:": "u", "c": "ts", "c~": "tʃ", "s~": "ʃ", "z~": "ʒ", "dz": "dz",
                  "dz~": "dʒ", "d~": "ɟ", "t~": "c", "n~": "ɲ", "r~": "r̝", "h": "ɦ", "ch": "x", "g": "ɡ", "N*": "ŋ", "n*": "ŋ"},
    "it": SAME | {"E": "ɛ", "O": "ɔ", "g": "ɡ", "tS": "tʃ", "dZ": "dʒ", "S": "ʃ", "Z": "ʒ", "J": "ɲ", "L": "ʎ", "ts": "ts", "dz": "dz", "ng": "ŋ",
                  "nf": "ɱ"},
    "en": SAME | {"aa": "ɑː", "ae": "æ", "ah": "ʌ", "ao": "ɔː", "aw": "aʊ", "ax": "ə", "axr": "ɚ", "ay": "aɪ", "ch": "tʃ", "dh": "ð", "eh": "ɛ",
                  "er": "ɜː", "ey": "eɪ", "g": "ɡ", "hh": "h", "hv": "h", "ih": "ɪ", "iy": "iː", "jh": "dʒ", "ng": "ŋ", "ow": "oʊ", "oy": "ɔɪ",
                  "r": "ɹ", "sh": "ʃ", "th": "θ", "uh": "ʊ", "uw": "uː", "y": "j", "zh": "ʒ", "dx": "ɾ"},
}
PAUSES = {"#", "pau", "_", "H#", "h#"}


class Festival:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.start()

    def start(self):
        self.process = subprocess.Popen(["festival", "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def speak(self, voice, language, text, speed=1.0):
        wave, phones = (pathlib.Path(self.folder.name) / name for name in ("sound.wav", "phones"))
        wave.unlink(missing_ok=True)
        plain = text.replace("\\", " ").replace('"', " ")
        command = (f"(voice_{voice}) (Parameter.set 'Duration_Stretch {1 / speed:.3f})\n"
                   f'(set! spoken (utt.synth (Utterance Text "{plain}")))\n'
                   f'(utt.save.wave spoken "{wave}" \'riff) (utt.save.segs spoken "{phones}")\n'
                   f'(format t "\\n{DONE.decode()}\\n") (fflush nil)\n').encode(ENCODING[language], "replace")
        if not self.run(command):
            self.start()
            raise ValueError(f"festival's {voice} has ended")
        if not wave.exists():
            raise ValueError(f"{voice} said nothing")
        sound, rate = soundfile.read(wave, dtype="float32")
        return resample_poly(sound, RATE, rate).astype("float32") if rate != RATE else sound, self.phonemes(phones, language)

    def run(self, command):
        """Whether it is done. Some made-up words end Festival."""
        try:
            self.process.stdin.write(command)
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        while (line := self.process.stdout.readline()).strip() != DONE:
            if not line:
                return False
        return True

    @staticmethod
    def phonemes(path, language):
        """A line says where a phone ends: `0.1798 100 p`; stress may follow the phone as a digit."""
        begin, heard = 0.0, []
        for line in path.read_text("latin-1").splitlines():
            if len(fields := line.split()) != 3:
                continue
            phone = fields[2] if fields[2] in PAUSES else fields[2].rstrip("01")
            heard.append((begin, "" if phone in PAUSES else PHONES.get(language, {}).get(phone, UNTOLD)))
            begin = float(fields[0])
        return heard
