"""What a microphone, a room and a line do to a voice, made up from a seeded generator; and the log-mel features.

degrade(sound, rng, strength) -> sound: speed (pitch and formants together), room, equalizer, band limit, noise, codec.
log_mel(sound) -> [frames, 64] natural logarithm of mel power; the ONNX model computes the same inside (net.py).
"""

import io

import numpy as np
import soundfile
from scipy.fft import next_fast_len
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

RATE, WINDOW, HOP, BINS, MELS, PAD = 16000, 400, 160, 200, 64, 160


def mel_weights():
    """[BINS, MELS] triangles from 60 Hz to 7,600 Hz; DFT bin b (0-based) lies at (b + 1) * 40 Hz."""
    mel = lambda hz: 2595 * np.log10(1 + hz / 700)
    edges = 700 * (10 ** (np.linspace(mel(60), mel(7600), MELS + 2) / 2595) - 1)
    hz = (np.arange(BINS) + 1) * RATE / WINDOW
    up = (hz[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[None, 2:] - hz[:, None]) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0, np.minimum(up, down))
    # The lowest triangles are narrower than a bin: let each take its nearest bin.
    for column in np.flatnonzero(weights.sum(axis=0) < 0.3):
        weights[np.argmin(np.abs(hz - edges[column + 1])), column] = 1
    return (weights / np.maximum(weights.sum(axis=0), 1e-9)).astype(np.float32)


def window():
    return (0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)).astype(np.float32)


def log_mel(sound):
    padded = np.pad(sound, PAD)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * window(), axis=1)[:, 1:BINS + 1]
    return np.log(np.abs(spectrum).astype(np.float32) ** 2 @ mel_weights() + 1e-7)


def power(sound):
    return float(np.mean(sound ** 2)) + 1e-10


def coloured_noise(count, exponent, rng):
    """Noise whose power falls with frequency ** -exponent: 0 white, 1 pink, 2 brown."""
    bins = next_fast_len(count) // 2 + 1
    spectrum = rng.standard_normal(bins) + 1j * rng.standard_normal(bins)
    spectrum /= np.maximum(np.arange(bins), count * 30 / RATE) ** (exponent / 2)
    return np.fft.irfft(spectrum, next_fast_len(count))[:count]


def hum(count, rng):
    base, time = rng.choice([50, 60]), np.arange(count) / RATE
    return sum(rng.uniform(0.1, 1) / k * np.sin(2 * np.pi * base * k * time + rng.uniform(0, 6.28)) for k in range(1, 9))


def babble(count, voices, rng):
    """Several other voices at once; voices() returns a random utterance."""
    total = np.zeros(count)
    for _ in range(rng.integers(4, 8)):
        voice = voices()
        total += np.resize(np.roll(voice, rng.integers(len(voice))), count) / np.sqrt(power(voice))
    return total


def room(sound, rng):
    """Early reflections and an exponentially decaying tail; the direct path stays strongest."""
    decay = rng.uniform(0.08, 0.6)
    count = int(RATE * min(decay, 0.45))
    response = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / RATE / decay)
    response *= np.arange(count) > rng.integers(16, 120)
    response *= rng.uniform(0.15, 0.75) / np.sqrt(np.sum(response ** 2) + 1e-9)
    response[0] = 1
    return fftconvolve(sound, response)[:len(sound)]


def equalize(sound, rng, depth_db):
    """A smooth random gain curve over frequency."""
    count = next_fast_len(len(sound), real=True)
    spectrum = np.fft.rfft(sound, count)
    octaves = np.log2(1 + np.arange(len(spectrum)) / len(spectrum) * 80)
    gain_db = np.interp(octaves, np.linspace(0, 6.4, 9), rng.uniform(-depth_db, depth_db, 9))
    return np.fft.irfft(spectrum * 10 ** (gain_db / 20), count)[:len(sound)]


def band_limit(sound, rng):
    kind = rng.integers(3)
    if kind == 0:
        edges, mode = [rng.uniform(200, 350), rng.uniform(3200, 3800)], "band"
    elif kind == 1:
        edges, mode = rng.uniform(3400, 7000), "low"
    else:
        edges, mode = rng.uniform(100, 350), "high"
    return sosfilt(butter(4, edges, mode, fs=RATE, output="sos"), sound)


def opus(sound):
    """Through the Opus coder, as test sets are stored."""
    memory = io.BytesIO()
    soundfile.write(memory, np.clip(sound, -1, 1), RATE, format="OGG", subtype="OPUS")
    memory.seek(0)
    return soundfile.read(memory, dtype="float32")[0]


def mu_law(sound):
    code = np.round(np.sign(sound) * np.log1p(255 * np.abs(np.clip(sound, -1, 1))) / np.log(256) * 127) / 127
    return np.sign(code) * (256 ** np.abs(code) - 1) / 255


def degrade(sound, rng, voices, strength=1.0):
    """strength 1 for training, less for a test set's milder recording conditions."""
    chance = lambda share: rng.random() < share * strength
    sound = resample_poly(sound, 100, round(100 * rng.uniform(1 - 0.12 * strength, 1 + 0.14 * strength)))
    if chance(0.6):
        sound = equalize(sound, rng, 10 * strength)
    if chance(0.45):
        sound = room(sound, rng)
    if chance(0.75):
        kind = rng.integers(5)
        noise = (babble(len(sound), voices, rng) if kind == 4 else hum(len(sound), rng) if kind == 3
                 else coloured_noise(len(sound), kind, rng))
        snr_db = rng.uniform(8 + 7 * (1 - strength), 35)
        sound = sound + noise * np.sqrt(power(sound) / power(noise) * 10 ** (-snr_db / 10))
    if chance(0.35):
        sound = band_limit(sound, rng)
    sound = sound / (np.abs(sound).max() + 1e-9) * 10 ** (rng.uniform(-25, 2) / 20)
    if chance(0.1):
        sound = mu_law(sound)
    elif chance(0.1):
        sound = opus(sound)
    return np.clip(sound, -1, 1).astype(np.float32)
