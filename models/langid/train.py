"""Trains the network on the features and keeps an exponential average of its weights.

    python train.py --features FOLDER --out model.pt [--epochs 14]

Each batch draws fresh crops of 1 to 3 s and changes them in the log-mel plane: tempo and formants (affine), harmonics smeared,
noise, equalizer, SpecAugment. A second head reads the phones of the accented utterances: what is said, by whom it doesn't matter. The front end's floor and mean removal then run as they do in the model.
"""

import argparse
import pathlib
import time

import numpy as np
import torch
from torch import nn

from accents import PHONES
from degrade import MELS
from features import ENGINES, UNKNOWN
from net import FLOOR_NATS, Body, Levelled
from voices import LANGUAGES

SILENCE = float(np.log(1e-7))
# Accented and espeak's voices say every language; the others tempt the net to know voices instead of languages.
ENGINE_WEIGHT = {"accent": 0.40, "espeak": 0.35, "mbrola": 0.13, "festival": 0.07, "rhvoice": 0.05}
PHONE_WEIGHT = 0.5


class Clips:
    """All utterances; each batch draws languages evenly, then an engine by weight, then an utterance."""

    def __init__(self, folder):
        parts = range(len(list(folder.glob("index*.npy"))))
        self.index = [np.load(folder / f"index{p}.npy") for p in parts]
        self.features = [np.fromfile(folder / f"features{p}.f16", np.float16).reshape(-1, MELS) for p in parts]
        self.phones = [np.fromfile(folder / f"phones{p}.u8", np.uint8) for p in parts]
        rows = np.concatenate([np.column_stack([np.full(len(i), p), np.arange(len(i)), i[:, 2:4]])
                               for p, i in enumerate(self.index)])
        self.groups = []
        for language in range(len(LANGUAGES)):
            here = {e: rows[(rows[:, 2] == language) & (rows[:, 3] == n)] for n, e in enumerate(ENGINES)}
            weights = np.array([ENGINE_WEIGHT[e] * (len(here[e]) > 0) for e in ENGINES])
            self.groups.append((list(here.values()), weights / weights.sum()))
        self.count = len(self.index[0])

    def batches(self, size, rng):
        for _ in range(self.count // size):
            chosen = []
            for number in range(size):
                engines, weights = self.groups[number % len(LANGUAGES)]
                pool = engines[rng.choice(len(engines), p=weights)]
                chosen.append(pool[rng.integers(len(pool))])
            frames = 300 if rng.random() < 0.15 else int(rng.integers(100, 231))
            yield self.batch(chosen, frames, rng)

    def batch(self, chosen, frames, rng):
        reach = int(frames * 1.2) + 2
        block = np.full((len(chosen), reach, MELS), SILENCE, np.float32)
        phones = np.full((len(chosen), reach), UNKNOWN, np.int64)
        held, labels = np.zeros(len(chosen), np.float32), np.zeros(len(chosen), np.int64)
        for row, (part, number, language, _) in enumerate(chosen):
            start, count = self.index[part][number][:2]
            take = min(reach, count)
            offset = start + rng.integers(0, count - take + 1)
            block[row, :take] = self.features[part][offset:offset + take]
            phones[row, :take] = self.phones[part][offset:offset + take]
            held[row], labels[row] = take, language
        return torch.from_numpy(block), torch.from_numpy(phones), torch.from_numpy(held), torch.from_numpy(labels), frames


def smooth_curves(count, points, size, deviation, draw):
    return nn.functional.interpolate(torch.randn(count, 1, points, generator=draw) * deviation, size,
                                     mode="linear", align_corners=True)[:, 0]


def disturb(block, phones, held, frames, draw, strength):
    """[N, reach, MELS] raw log-mel -> [N, frames, MELS] crops with every disturbance but the level's, and the phone of each
    fourth frame. strength 0 to 1."""
    count, reach, _ = block.shape
    uniform = lambda low, high: low + (high - low) * torch.rand(count, generator=draw)
    tempo, stretch, shift = (middle + strength * uniform(-reach_of, reach_of)
                             for middle, reach_of in ((1, 0.2), (1, 0.07), (0, 2.5)))
    # Output frame t reads input frame t * tempo; output mel m reads m * stretch + shift.
    time_at = torch.arange(frames)[None] * tempo[:, None]
    mel_at = torch.arange(MELS)[None] * stretch[:, None] + shift[:, None]
    grid = torch.stack([(2 * mel_at / (MELS - 1) - 1)[:, None, :].expand(-1, frames, -1),
                        (2 * time_at / (reach - 1) - 1)[:, :, None].expand(-1, -1, MELS)], dim=3)
    out = nn.functional.grid_sample(block[:, None], grid, padding_mode="border", align_corners=True)[:, 0]
    phones = torch.gather(phones, 1, time_at[:, ::4].long().clamp(max=reach - 1))
    # Smear harmonics on half of the clips.
    some = torch.rand(count, generator=draw) < 0.5 * strength
    deviation = uniform(0.4, 1.6)[some]
    taps = torch.exp(-0.5 * (torch.arange(-3, 4)[None] / deviation[:, None]) ** 2)
    taps = taps / taps.sum(1, keepdim=True)
    padded = nn.functional.pad(out[some], (3, 3), mode="replicate")
    out[some] = sum(taps[:, k, None, None] * padded[:, :, k:k + MELS] for k in range(7))
    out = out + smooth_curves(count, 6, MELS, 0.9 * strength, draw)[:, None]
    loudest = out.amax(dim=(1, 2), keepdim=True)
    # Contrast: engines differ in how deep their valleys are.
    out = loudest + (out - loudest) * (1 + strength * uniform(-0.15, 0.2))[:, None, None]
    some = torch.rand(count, generator=draw) < 0.5 * strength
    level = loudest - uniform(4.5, 11)[:, None, None] + smooth_curves(count, 4, MELS, 1.0, draw)[:, None]
    noise = torch.empty_like(out[some]).exponential_(1, generator=draw) + 0.05
    out[some] = torch.logaddexp(out[some], level[some] + torch.log(noise))
    # The clip ends: half fill the batch's length, the others are shorter; what follows is silence.
    ends = torch.where(torch.rand(count, generator=draw) < 0.5, torch.full((count,), float(frames)), uniform(100, frames))
    ends = torch.minimum(ends, held / tempo).clamp(min=40)
    return torch.where(torch.arange(frames)[None, :, None] < ends[:, None, None], out, torch.tensor(SILENCE)), phones, ends


def spec_augment(features, ends, draw, strength):
    count, frames, mels = features.shape
    for size, axis, times, limit in ((mels, 2, 2, 9), (frames, 1, 2, 14)):
        for _ in range(times):
            width = torch.rand(count, generator=draw) * limit * strength
            first = torch.rand(count, generator=draw) * ((ends if axis == 1 else size) - width)
            at = torch.arange(size)[None]
            hit = (at >= first[:, None]) & (at < (first + width)[:, None])
            features = features.masked_fill(hit[:, None, :] if axis == 2 else hit[:, :, None], 0.0)
    return features


def dev_accuracy(body, level, dev):
    body.eval()
    with torch.no_grad():
        guesses = torch.cat([body(level(part)).argmax(1) for part in dev[0].split(50)])
    body.train()
    return float((guesses == dev[1]).float().mean())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--dev", type=pathlib.Path, help="npz with features [n, 300, 64] and labels, only watched")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # repeatable, and the layers are too small to share
    torch.manual_seed(arguments.seed)
    draw = torch.Generator().manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    clips, level, body = Clips(arguments.features), Levelled(), Body(len(LANGUAGES))
    body.stem.to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(
        body, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True)
    dev = None
    if arguments.dev:
        stored = np.load(arguments.dev)
        dev = torch.from_numpy(stored["features"].astype(np.float32)), torch.from_numpy(stored["labels"])
    phone_head = nn.Linear(body.project.out_features, len(PHONES))
    steps = arguments.epochs * (clips.count // arguments.batch)
    trained = [*body.parameters(), *phone_head.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=arguments.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, arguments.rate, total_steps=steps, pct_start=0.15)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    begun = time.time()
    step = 0
    for epoch in range(arguments.epochs):
        total = phone_total = right = seen = 0
        for block, phones, held, labels, frames in clips.batches(arguments.batch, rng):
            strength = min(1.0, 0.15 + step / steps / 0.35)  # the language first, then what hides it
            step += 1
            features, phones, ends = disturb(block, phones, held, frames, draw, strength)
            features = spec_augment(level(features), ends, draw, strength)
            with torch.autocast("cpu", torch.bfloat16):
                rows = body.hear(features)
                logits, said = body.decide(rows), phone_head(rows.transpose(1, 2))
            phone_loss = nn.functional.cross_entropy(said.float().flatten(0, 1), phones.flatten(), ignore_index=UNKNOWN)
            loss = loss_of(logits.float(), labels) + PHONE_WEIGHT * phone_loss
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(trained, 2.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(body)
            if not torch.isfinite(loss):
                raise SystemExit(f"the loss is {loss.item()} after {seen} clips of epoch {epoch + 1}")
            total += loss.item() * len(labels)
            phone_total += phone_loss.item() * len(labels)
            right += (logits.argmax(1) == labels).sum().item()
            seen += len(labels)
            if seen // arguments.batch % 50 == 0:
                print(f"  {seen} loss {total / seen:.3f} phones {phone_total / seen:.3f} train {right / seen:.4f} {time.time() - begun:.0f} s", flush=True)
        told = f" dev {dev_accuracy(average.module, level, dev):.4f}" if dev else ""
        print(f"epoch {epoch + 1} loss {total / seen:.3f} phones {phone_total / seen:.3f} train {right / seen:.4f}{told} {time.time() - begun:.0f} s", flush=True)
        torch.save(average.module.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
