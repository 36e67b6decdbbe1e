"""Cuts the test, held-out and dev clips, degrades most of them mildly, packs them as one Opus file per language.

    python make_sets.py --sound CACHE [SET ...]

Writes <set>/<language>.opus, <set>/items.csv and <set>.yaml beside this script. Frames count decoded 16 kHz samples.
"""

import argparse
import csv
import hashlib
import pathlib

import numpy as np
import soundfile

from degrade import RATE, degrade
from voices import LANGUAGES

HERE = pathlib.Path(__file__).parent
SETS = ["dev", "test", "heldout"]
BABBLERS = 60
GAP = 640  # silence between clips in a file, so that the coder doesn't smear one into the next
LICENCE = "CC0-1.0 (synthesized sound; see README.md for the voices)"


def cut(sound, rng):
    """1 to 3 s, not silent: at least 60 % of its 20 ms frames within 35 dB of the utterance's loudest."""
    length = int(RATE * rng.uniform(1, 3))
    if len(sound) <= length:
        return sound
    frames = sound[:len(sound) // 320 * 320].reshape(-1, 320)
    energy = 10 * np.log10(np.mean(frames ** 2, axis=1) + 1e-9)
    active = energy > energy.max() - 35
    for _ in range(30):
        start = rng.integers(0, len(sound) - length + 1)
        if active[start // 320:(start + length) // 320].mean() >= 0.6:
            break
    return sound[start:start + length]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_set(name, plan, sound_folder):
    rng = np.random.default_rng([11, len(name)])
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    read = lambda identity: soundfile.read(sound_folder / f"{identity}.flac", dtype="float32")[0]
    rows = [r for r in plan if r["split"] == name and (sound_folder / f"{r['id']}.flac").exists()]
    babblers = [read(r["id"]) for r in rows[::max(1, len(rows) // BABBLERS)]]
    items = []
    for language in LANGUAGES:
        chosen = [r for r in rows if r["language"] == language]
        if not chosen:
            continue
        pieces, position = [], 0
        for row in chosen:
            clip = cut(read(row["id"]), rng)
            condition = "mild" if rng.random() < 0.6 else "clean"
            if condition == "mild":
                clip = degrade(clip, rng, lambda: babblers[rng.integers(len(babblers))], strength=0.5)[:3 * RATE]
            items.append(dict(file=f"{language}.opus", start_frame=position, frames=len(clip), label=language,
                              cluster=f"{row['engine']}:{row['voice']}", engine=row["engine"], voice=row["voice"],
                              sentence=f"{language}-{row['template']}", condition=condition, utterance=row["id"]))
            pieces += [clip, np.zeros(GAP, np.float32)]
            position += len(clip) + GAP
        pieces.append(np.zeros(RATE // 4, np.float32))  # the coder may drop its last packet's tail
        soundfile.write(folder / f"{language}.opus", np.clip(np.concatenate(pieces), -1, 1), RATE,
                        format="OGG", subtype="OPUS", compression_level=0.93)
    with open(folder / "items.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, items[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(items)
    files = "".join(f"  {p.name}: sha256:{digest(p)}\n" for p in sorted(folder.glob("*.opus")))
    (HERE / f"{name}.yaml").write_text(f"""version: 1
task: classification
name: langid-{name}
license: {LICENCE}
input: waveform
sample_rate: 16000
samples_per_clip: 48000   # shorter clips are followed by zeros, longer ones cut
labels: [{', '.join(LANGUAGES)}]
items: {name}/items.csv   # file, start_frame, frames: a slice of the decoded file; cluster: the voice
digest: sha256:{digest(folder / 'items.csv')}
files:
{files}""", encoding="utf-8")
    size = sum(p.stat().st_size for p in folder.iterdir())
    print(f"{name}: {len(items)} clips, {sum(i['frames'] for i in items) / RATE:.0f} s, {size / 1e6:.2f} MB")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sound", type=pathlib.Path, required=True)
    parser.add_argument("sets", nargs="*", default=SETS)
    arguments = parser.parse_args()
    plan = list(csv.DictReader(open(arguments.sound / "plan.csv", encoding="utf-8")))
    for name in arguments.sets:
        make_set(name, plan, arguments.sound)


if __name__ == "__main__":
    main()
