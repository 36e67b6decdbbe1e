"""langid.onnx as weights that training can go on from.

    python read_back.py --features FOLDER --out model.pt

The export folds each batch normalisation into the layer beside it. Training normalises by the batch, so the norms are given the
means and deviations that batches of training speech have there: the net then says in training what it says when it runs.
"""

import argparse
import pathlib

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from evaluate import load, logits_of
from net import LangId
from train import Clips, disturb, spec_augment

BATCHES, SIZE, STRENGTH = 24, 48, 0.6


def gates_of_torch(tensor):
    """ONNX orders the gates update, reset, new; torch reset, update, new."""
    update, reset, new = tensor.chunk(3)
    return torch.cat([reset, update, new])


def copy_layers(body, weights):
    def copy(layer, name, transposed=False):
        weight = weights[f"{name}.weight"]
        layer.weight.copy_(weight.T if transposed else weight)
        layer.bias.copy_(weights[f"{name}.bias"])

    for number in range(3):
        body.stem[3 * number].weight.copy_(weights[f"stem.{number}.weight"])
    for layer, name in ((body.project, "project"), (body.attend, "pool.attend"), (body.score, "pool.score")):
        copy(layer, name, transposed=True)
    for layer, name in ((body.norm, "norm"), (body.halve, "halve"), (body.hidden, "hidden"), (body.logits, "logits")):
        copy(layer, name)
    for number, layer in enumerate(body.context):
        copy(layer, f"context.{number}")
    for side, suffix in enumerate(("", "_reverse")):
        for kind, name in (("weight_ih", "gru.W"), ("weight_hh", "gru.R")):
            getattr(body.gru, f"{kind}_l0{suffix}").copy_(gates_of_torch(weights[name][side]))
        for kind, bias in zip(("bias_ih", "bias_hh"), weights["gru.B"][side].chunk(2)):
            getattr(body.gru, f"{kind}_l0{suffix}").copy_(gates_of_torch(bias))


def batches(model, folder):
    clips, rng, draw = Clips(folder), np.random.default_rng(11), torch.Generator().manual_seed(11)
    strength = torch.full((SIZE,), STRENGTH)
    for _ in range(BATCHES):
        block, heard, held, _, _, frames = clips.batch(SIZE, rng)
        features, _, ends = disturb(block, heard, held, frames, draw, strength)
        yield spec_augment(model.level(features), ends, draw, strength)


def set_norm(norm, inputs, axes, bias):
    """The norm does nothing but add `bias`, for batches like these."""
    mean = sum(x.mean(axes) for x in inputs) / len(inputs)
    variance = sum(x.var(axes) for x in inputs) / len(inputs)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_(torch.sqrt(variance + norm.eps))
    norm.bias.copy_(mean + bias)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path("langid.onnx"))
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    weights = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in onnx.load(arguments.model).graph.initializer}
    model = LangId()
    body = model.body
    model.eval()
    with torch.no_grad():
        copy_layers(body, weights)
        heard = list(batches(model, arguments.features))
        maps = [features.unsqueeze(1) for features in heard]
        for number in range(3):
            maps = [body.stem[3 * number](x) for x in maps]
            norm = body.stem[3 * number + 1]
            set_norm(norm, maps, (0, 2, 3), weights[f"stem.{number}.bias"])
            maps = [torch.relu(norm(x)) for x in maps]
        set_norm(body.spread, [body.pool(body.slow(body.listen(features))) for features in heard], 0, 0)
        labels, _, clips = load(pathlib.Path("dev.yaml"))
        worst = np.abs(logits_of(str(arguments.model), clips[:64]) - model(torch.from_numpy(clips[:64])).numpy()).max()
        assert worst < 1e-3, worst
    torch.save(body.state_dict(), arguments.out)
    print(f"{len(labels)} languages, logits equal the model's to {worst:.1e}")


if __name__ == "__main__":
    main()
