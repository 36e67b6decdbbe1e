"""A spoken-language identifier: Whisper's stem, transformer layers, mean and deviation over time, one linear layer."""
import numpy as np

from graph import Graph, Weight
from layers import gelu
from onnx_stream import FLOAT
import whisper


def classifier(s, languages):
    """s: a WhisperShape, of which the stem and the encoder's layers are used; logits [batch, languages]."""
    g = Graph()
    x = g.input("input_features", FLOAT, ["batch_size", s.mels, "frames"])
    for index, (n_in, stride) in enumerate(((s.mels, 1), (s.width, 2)), 1):
        name = f"conv{index}"
        x = g.node("Conv", [x, g.weight(Weight(name + ".weight", (s.width, n_in, 3))),
                            g.weight(Weight(name + ".bias", (s.width,), kind="bias"))], scope=f"/conv{index}",
                   dilations=[1], group=1, kernel_shape=[3], pads=[1, 1], strides=[stride])
        x = gelu(g, "", x)
    x = g.node("Transpose", [x], perm=[0, 2, 1])
    x = whisper.encoder_layers(g, s, x, "layers")
    mean = g.node("ReduceMean", [x, g.const([1], "/pool")], scope="/pool", keepdims=1)
    square = g.node("Pow", [g.node("Sub", [x, mean], scope="/pool"), g.const(2, "/pool", np.float32)], scope="/pool")
    spread = g.node("Sqrt", [g.node("ReduceMean", [square, g.const([1], "/pool")], scope="/pool", keepdims=0)], scope="/pool")
    mean = g.node("Squeeze", [mean, g.const([1], "/pool")], scope="/pool")
    pooled = g.node("Concat", [mean, spread], scope="/pool", axis=-1)
    g.node("Gemm", [pooled, g.weight(Weight("classifier.weight", (languages, 2 * s.width))),
                    g.weight(Weight("classifier.bias", (languages,), kind="bias"))], scope="/classifier", name="logits",
           alpha=1.0, beta=1.0, transB=1)
    g.output("logits", ["batch_size", languages])
    return g
