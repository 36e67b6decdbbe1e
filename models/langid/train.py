"""Trains the network on the features and keeps an exponential average of its weights.

    python train.py --features FOLDER --out model.pt [--steps 17000] [--dev dev.yaml]

Each batch draws fresh crops of 1 to 3 s and changes them in the log-mel plane: tempo and formants (affine), harmonics smeared,
noise, equalizer, SpecAugment. The front end's floor and mean removal then run as they do in the model.

Besides the clip's language the net learns to tell, every 40 ms, which phoneme it hears, and every 80 ms the language: eight
classes for a whole clip say little, and a net that knows the phonemes of any voice has less use for knowing voices. Both
heads are thrown away.
"""

import argparse
import pathlib
import time

import numpy as np
import torch
from torch import nn

from degrade import MELS, log_mel
from evaluate import load
from features import UNKNOWN
from net import Body, Levelled
from voices import ENGINES, LANGUAGES

SILENCE = float(np.log(1e-7))
# A voice of espeak-ng speaks every language; those of the others tempt the net to know voices instead of languages.
ENGINE_WEIGHT = {"espeak": 0.68, "mbrola": 0.24, "festival": 0.08}
LOCAL_WEIGHT, PHONEME_WEIGHT = 0.3, 1.0
RARE = 2000  # a phoneme with fewer frames than that is left out


class Clips:
    """All pieces; each batch draws languages evenly, then an engine by weight, then a piece."""

    def __init__(self, folder):
        index = np.load(folder / "index.npy")
        index = index[index[:, 1] > 60]
        self.features = np.memmap(folder / "features.f16", np.float16, "r").reshape(-1, MELS)
        phonemes = np.memmap(folder / "phonemes.u8", np.uint8, "r")
        counts = np.bincount(phonemes, minlength=256)
        counts[UNKNOWN] = 0
        kept = np.flatnonzero(counts >= RARE)
        self.phoneme_of = np.full(256, -100)
        self.phoneme_of[kept] = np.arange(len(kept))
        self.phonemes, self.phoneme_count = phonemes, len(kept)
        self.pools = [[index[(index[:, 2] == language) & (index[:, 3] == engine), :2] for engine in range(len(ENGINES))]
                      for language in range(len(LANGUAGES))]

    def batch(self, size, rng):
        """Raw log-mel [size, frames * 1.2, MELS], phoneme numbers [size, frames * 1.2], how many frames are filled, labels,
        whether its synthesizer has few voices; frames."""
        frames = 300 if rng.random() < 0.25 else 20 * int(rng.integers(5, 12))  # few shapes: each costs the runtime a plan
        reach = int(frames * 1.2) + 2
        block = np.full((size, reach, MELS), SILENCE, np.float32)
        heard = np.full((size, reach), -100)
        held, labels = np.zeros(size, np.float32), np.arange(size) % len(LANGUAGES)
        few = np.zeros(size, bool)
        for row, language in enumerate(labels):
            engine = rng.choice(len(ENGINES), p=[ENGINE_WEIGHT[e] for e in ENGINES])
            engine = engine if len(self.pools[language][engine]) else 0  # MBROLA does not speak every language
            few[row] = engine > 0
            pool = self.pools[language][engine]
            start, count = pool[rng.integers(len(pool))]
            take = min(reach, count)
            offset = start + rng.integers(0, count - take + 1)
            block[row, :take] = self.features[offset:offset + take]
            heard[row, :take] = self.phoneme_of[self.phonemes[offset:offset + take]]
            held[row] = take
        return *map(torch.from_numpy, (block, heard, held, labels, few)), frames


def smooth_curves(count, points, size, deviation, draw):
    return nn.functional.interpolate(torch.randn(count, 1, points, generator=draw) * deviation[:, None, None], size,
                                     mode="linear", align_corners=True)[:, 0]


def disturb(block, heard, held, frames, draw, strength):
    """[N, reach, MELS] raw log-mel -> [N, frames, MELS] crops with every disturbance but the level's, their phonemes
    [N, frames], and where each ends. strength [N] 0 to 1."""
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
    level = loudest - uniform(4.5, 11)[:, None, None] + smooth_curves(count, 4, MELS, torch.ones(count), draw)[:, None]
    noise = torch.empty_like(out[some]).exponential_(1, generator=draw) + 0.05
    out[some] = torch.logaddexp(out[some], level[some] + torch.log(noise))
    # The clip ends: most fill the batch's length, the others are shorter; what follows is silence.
    ends = torch.where(torch.rand(count, generator=draw) < 0.7, torch.full((count,), float(frames)), uniform(100, frames))
    ends = torch.minimum(ends, held / tempo).clamp(min=40)
    inside = torch.arange(frames)[None] < ends[:, None]
    heard = heard.gather(1, time_at.round().long().clamp(max=reach - 1))
    return torch.where(inside[:, :, None], out, torch.tensor(SILENCE)), torch.where(inside, heard, -100), ends


def spec_augment(features, ends, draw, strength):
    """Two bands of mels and two spans of time are silent."""
    count, frames, mels = features.shape
    kept = []
    for size, reach, limit in ((frames, ends, 14), (mels, torch.tensor(float(mels)), 9)):
        at, keep = torch.arange(size)[None], torch.ones(count, size)
        for _ in range(2):
            width = torch.rand(count, generator=draw) * limit * strength
            first = torch.rand(count, generator=draw) * (reach - width)
            keep = keep * ((at < first[:, None]) | (at >= (first + width)[:, None]))
        kept.append(keep)
    return features * kept[0][:, :, None] * kept[1][:, None, :]


def follow(averages, currents, count):
    """An exponential average that forgets the first steps sooner."""
    keep = min(0.998, (1 + float(count)) / (20 + float(count)))
    if averages[0].is_floating_point():
        torch._foreach_lerp_(averages, currents, 1 - keep)
    else:
        torch._foreach_copy_(averages, currents)


def risen_and_fallen(progress, warm):
    """The learning rate's share: a straight rise, then half a cosine down."""
    return progress / warm + 1e-3 if progress < warm else 0.5 + 0.5 * np.cos(np.pi * min(1, (progress - warm) / (1 - warm)))


class Dev:
    """Watched only: nothing is chosen by it while training runs."""

    def __init__(self, yaml):
        labels, items, clips = load(yaml)
        self.features = torch.from_numpy(np.stack([log_mel(c) for c in clips]))
        self.truth = torch.tensor([labels.index(i["label"]) for i in items])
        self.engines = np.array([i["engine"] for i in items])

    def told(self, body, level):
        body.eval()
        with torch.no_grad():
            right = torch.cat([body(level(part)).argmax(1) for part in self.features.split(48)]) == self.truth
        body.train()
        by_engine = ", ".join(f"{e} {right.numpy()[self.engines == e].mean():.3f}" for e in sorted(set(self.engines)))
        return f" dev {right.float().mean():.4f} ({by_engine})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=17000)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--dev", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, help="run by the clock, not by steps: for a machine shared with others")
    parser.add_argument("--start", type=pathlib.Path, help="weights to go on from")
    parser.add_argument("--warm", type=float, default=0.1, help="share of the steps in which the rate rises")
    parser.add_argument("--strength", type=float, default=0.75, help="of the disturbances, once the net has got the idea")
    parser.add_argument("--strength-few", type=float, default=0.75, help="likewise for synthesizers with few voices")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # repeatable, and the layers are too small to share
    torch.manual_seed(arguments.seed)
    draw = torch.Generator().manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    clips, level, body = Clips(arguments.features), Levelled(), Body(len(LANGUAGES))
    if arguments.start:
        body.load_state_dict(torch.load(arguments.start))
    body.stem[:6].to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(body, multi_avg_fn=follow, use_buffers=True)
    dev = Dev(arguments.dev) if arguments.dev else None
    local = nn.Linear(body.halve.out_channels, len(LANGUAGES))
    phoneme = nn.Linear(body.halve.in_channels, clips.phoneme_count)
    trained = [*body.parameters(), *local.parameters(), *phoneme.parameters()]
    optimizer = torch.optim.AdamW(trained, lr=arguments.rate, weight_decay=0.02)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.05)
    begun, losses, rights = time.time(), [], []
    step, progress = 0, 0.0
    while progress < 1:
        block, heard, held, labels, few, frames = clips.batch(arguments.batch, rng)
        strength = torch.where(few, arguments.strength_few, arguments.strength).clamp(max=1 if arguments.start else 0.15 + 1.5 * progress)
        features, heard, ends = disturb(block, heard, held, frames, draw, strength)
        rows = body.listen(spec_augment(level(features), ends, draw, strength))
        steps = body.slow(rows)
        logits = body.decide(steps)
        guesses = local(steps).transpose(1, 2)  # [N, languages, steps]
        inside = torch.arange(guesses.shape[2])[None] * 8 < ends[:, None]
        sounds = phoneme(rows.transpose(1, 2)).transpose(1, 2)  # [N, phonemes, rows]
        language_loss = loss_of(logits, labels)
        phoneme_loss = nn.functional.cross_entropy(sounds, heard[:, ::4][:, :sounds.shape[2]], ignore_index=-100)
        local_loss = nn.functional.cross_entropy(guesses, torch.where(inside, labels[:, None], -100), ignore_index=-100)
        loss = language_loss + LOCAL_WEIGHT * local_loss + PHONEME_WEIGHT * phoneme_loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 2.0)
        for group in optimizer.param_groups:
            group["lr"] = arguments.rate * risen_and_fallen(progress, arguments.warm)
        optimizer.step()
        average.update_parameters(body)
        losses.append((language_loss.item(), phoneme_loss.item()))
        rights.append((logits.argmax(1) == labels).float().mean().item())
        if not np.all(np.isfinite(losses[-1])):
            raise SystemExit(f"the loss is {losses[-1]} at step {step}")
        step += 1
        progress = (time.time() - begun) / 60 / arguments.minutes if arguments.minutes else step / arguments.steps
        last = progress >= 1
        if last or step % 50 == 0:
            told = dev.told(average.module, level) if dev and (last or step % 500 == 0) else ""
            loss, phoneme_loss = np.mean(losses[-50:], axis=0)
            print(f"step {step} loss {loss:.3f} phonemes {phoneme_loss:.3f} train {np.mean(rights[-50:]):.4f}{told} "
                  f"{time.time() - begun:.0f} s", flush=True)
            if last or step % 500 == 0:
                torch.save(average.module.state_dict(), arguments.out)


if __name__ == "__main__":
    main()
