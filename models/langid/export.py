"""Writes the trained network as ONNX, node by node: plain names, opset 17, batch normalization folded into its neighbours.

    python export.py --weights model.pt --out langid.onnx

Checks itself: ONNX Runtime's logits equal torch's to 1e-3 on random and on silent sound, for one clip and for several.
"""

import argparse
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from degrade import BINS, HOP, PAD, WINDOW
from net import FLOOR_NATS, SHIFT, LangId

SAMPLES = 48000


class Graph:
    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, name, value, dtype=np.float32):
        value = np.ascontiguousarray(np.asarray(value, dtype))
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def add(self, op, name, inputs, outputs=1, **attributes):
        """A node called name; its outputs are called after it."""
        names = [name] if outputs == 1 else [f"{name}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name="/" + name.replace(".", "/"), **attributes))
        return names[0] if outputs == 1 else names


def folded(conv, norm):
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return conv.weight * gain[:, None, None, None], norm.bias - norm.running_mean * gain


def folded_linear(norm, layer):
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return layer.weight * gain, layer.bias + layer.weight @ (norm.bias - norm.running_mean * gain)


def front_end(g, front):
    sound = g.add("Unsqueeze", "frontend.channel", ["waveform", g.weight("frontend.axis1", [1], np.int64)])
    spectrum = g.add("Conv", "frontend.dft", [sound, g.weight("frontend.dft.weight", front.dft)], strides=[HOP],
                     pads=[PAD, PAD], kernel_shape=[WINDOW])
    square = g.add("Mul", "frontend.square", [spectrum, spectrum])
    real, imaginary = g.add("Split", "frontend.parts", [square, g.weight("frontend.split", [BINS, BINS], np.int64)], 2, axis=1)
    power = g.add("Add", "frontend.power", [real, imaginary])
    # A Conv, not a MatMul: power spans 11 decades, so no tool may be tempted to quantize it on its way to the logarithm.
    mels = g.add("Conv", "frontend.mel", [power, g.weight("frontend.mel.weight", front.mel.T[:, :, None])], kernel_shape=[1])
    mels = g.add("Add", "frontend.offset", [mels, g.weight("frontend.tiny", 1e-7)])
    return g.add("Transpose", "frontend.frames", [g.add("Log", "frontend.log", [mels])], perm=[0, 2, 1])


def levelled(g, x):
    loudest = g.add("ReduceMax", "level.loudest", [x], axes=[1, 2], keepdims=1)
    floor = g.add("Sub", "level.floor", [loudest, g.weight("level.range", FLOOR_NATS)])
    x = g.add("Sub", "level.above_floor", [g.add("Max", "level.floored", [x, floor]), floor])
    energy = g.add("ReduceMean", "level.energy", [x], axes=[2], keepdims=1)
    slope = g.add("Mul", "level.slope", [g.add("Sub", "level.energy_over", [energy, g.weight("level.threshold", 1.5)]),
                                         g.weight("level.steepness", 4.0)])
    mask = g.add("Sigmoid", "level.mask", [slope])
    frames = g.weight("level.axis_time", [1], np.int64)
    total = g.add("ReduceSum", "level.total", [g.add("Mul", "level.masked", [x, mask]), frames], keepdims=1)
    count = g.add("Add", "level.count", [g.add("ReduceSum", "level.mask_sum", [mask, frames], keepdims=1),
                                         g.weight("level.tiny", 1e-3)])
    x = g.add("Sub", "level.centred", [x, g.add("Div", "level.mean", [total, count])])
    return g.add("Mul", "level.scaled", [g.add("Mul", "level.silenced", [x, mask]), g.weight("level.scale", 0.4)])


def twice(g, x):
    """[N, frames, MELS] -> [2N, frames, MELS]: as it is, and SHIFT frames later."""
    padded = g.add("Pad", "twice.padded", [x, g.weight("twice.pads", [0, SHIFT, 0, 0, 0, 0], np.int64)])
    later = g.add("Slice", "twice.later", [padded, g.weight("twice.start", [0], np.int64), g.weight("twice.end", [-SHIFT], np.int64),
                                           g.weight("twice.axis", [1], np.int64)])
    return g.add("Concat", "twice.both", [x, later], axis=0)


def mean_of_both(g, x, classes):
    pairs = g.add("Reshape", "both.pairs", [x, g.weight("both.shape", [2, -1, classes], np.int64)])
    g.nodes.append(helper.make_node("ReduceMean", [pairs], ["logits"], name="/logits/mean", axes=[0], keepdims=0))


def linear(g, name, x, layer):
    product = g.add("MatMul", name, [x, g.weight(f"{name}.weight", layer.weight.T)])
    return g.add("Add", f"{name}.biased", [product, g.weight(f"{name}.bias", layer.bias)])


def conv1d(g, name, x, layer):
    x = g.add("Conv", name, [x, g.weight(f"{name}.weight", layer.weight), g.weight(f"{name}.bias", layer.bias)],
              kernel_shape=[3], strides=list(layer.stride), dilations=list(layer.dilation), pads=2 * list(layer.padding))
    return g.add("Relu", f"{name}.relu", [x])


def gru(g, name, x, layer):
    """torch orders the gates reset, update, new; ONNX update, reset, new."""
    def reorder(tensor):
        reset, update, new = tensor.chunk(3)
        return torch.cat([update, reset, new])

    sides = ("", "_reverse")
    read = lambda kind: [reorder(getattr(layer, f"{kind}_l0{s}")) for s in sides]
    bias = [torch.cat(pair) for pair in zip(read("bias_ih"), read("bias_hh"))]
    hidden = layer.hidden_size
    x = g.add("Transpose", f"{name}.time_first", [x], perm=[2, 0, 1])
    steps, _ = g.add("GRU", name, [x, g.weight(f"{name}.W", torch.stack(read("weight_ih"))),
                                   g.weight(f"{name}.R", torch.stack(read("weight_hh"))),
                                   g.weight(f"{name}.B", torch.stack(bias))], 2,
                     direction="bidirectional", hidden_size=hidden, linear_before_reset=1)
    steps = g.add("Transpose", f"{name}.batch_first", [steps], perm=[2, 0, 1, 3])
    return g.add("Reshape", f"{name}.joined", [steps, g.weight(f"{name}.shape", [0, 0, 2 * hidden], np.int64)])


def pooled(g, x, body):
    weight = linear(g, "pool.score", g.add("Tanh", "pool.tanh", [linear(g, "pool.attend", x, body.attend)]), body.score)
    weight = g.add("Softmax", "pool.softmax", [weight], axis=1)
    steps = g.weight("pool.axis_time", [1], np.int64)
    weighted = g.add("Mul", "pool.weighted", [weight, x])
    mean = g.add("ReduceSum", "pool.mean", [weighted, steps], keepdims=0)
    second = g.add("ReduceSum", "pool.second", [g.add("Mul", "pool.squares", [weighted, x]), steps], keepdims=0)
    variance = g.add("Relu", "pool.variance", [g.add("Sub", "pool.spread", [second, g.add("Mul", "pool.mean_square", [mean, mean])])])
    deviation = g.add("Sqrt", "pool.deviation", [g.add("Add", "pool.offset", [variance, g.weight("pool.tiny", 1e-4)])])
    return g.add("Concat", "pool.both", [mean, deviation], axis=1)


def build(model):
    g, body = Graph(), model.body
    x = twice(g, levelled(g, front_end(g, model.front)))
    x = g.add("Unsqueeze", "stem.channel", [x, "frontend.axis1"])
    for number in range(3):
        conv, norm = body.stem[3 * number], body.stem[3 * number + 1]
        weight, bias = folded(conv, norm)
        x = g.add("Conv", f"stem.{number}", [x, g.weight(f"stem.{number}.weight", weight), g.weight(f"stem.{number}.bias", bias)],
                  kernel_shape=list(conv.kernel_size), strides=list(conv.stride), pads=2 * list(conv.padding))
        x = g.add("Relu", f"stem.{number}.relu", [x])
    x = g.add("Transpose", "project.frames", [x], perm=[0, 2, 1, 3])
    x = g.add("Reshape", "project.flat", [x, g.weight("project.shape", [0, 0, body.project.in_features], np.int64)])
    x = linear(g, "project", x, body.project)
    x = g.add("LayerNormalization", "norm", [x, g.weight("norm.weight", body.norm.weight), g.weight("norm.bias", body.norm.bias)],
              axis=-1, epsilon=body.norm.eps)
    x = g.add("Transpose", "context.rows", [g.add("Relu", "norm.relu", [x])], perm=[0, 2, 1])
    for number, layer in enumerate(body.context):
        x = g.add("Add", f"context.{number}.sum", [x, conv1d(g, f"context.{number}", x, layer)])
    x = pooled(g, gru(g, "gru", conv1d(g, "halve", x, body.halve), body.gru), body)
    weight, bias = folded_linear(body.spread, body.hidden)
    x = g.add("Gemm", "hidden", [x, g.weight("hidden.weight", weight), g.weight("hidden.bias", bias)], transB=1)
    x = g.add("Relu", "hidden.relu", [x])
    x = g.add("Gemm", "each.logits", [x, g.weight("logits.weight", body.logits.weight), g.weight("logits.bias", body.logits.bias)], transB=1)
    mean_of_both(g, x, body.logits.out_features)
    graph = helper.make_graph(g.nodes, "langid", [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["N", SAMPLES])],
                              [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", body.logits.out_features])], g.weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="vetquant models/langid")
    onnx.checker.check_model(made, full_check=True)
    return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    model = LangId()
    model.body.load_state_dict(torch.load(arguments.weights))
    model.eval()
    with torch.no_grad():
        onnx.save(build(model), arguments.out)
        session = onnxruntime.InferenceSession(arguments.out, providers=["CPUExecutionProvider"])
        rng = np.random.default_rng(0)
        for count in (1, 5):
            sound = (0.1 * rng.standard_normal((count, SAMPLES))).astype(np.float32)
            sound[0, 16000:] = 0
            sound[-1] *= 0 if count > 1 else 1
            expected = model(torch.from_numpy(sound)).numpy()
            worst = np.abs(session.run(None, {"waveform": sound})[0] - expected).max()
            assert worst < 1e-3, worst
    print(f"{arguments.out.stat().st_size} bytes, logits equal torch's to {worst:.1e}")


if __name__ == "__main__":
    main()
