"""The tensors of a graph in ggml's file format, for whisper-quantize: the same sizes, the same kind of values.

Layout as whisper.cpp reads it: magic, eleven int32 hyperparameters, mel filters, vocabulary, then for every tensor
(dimensions, length of the name, type 0 = float32, dimensions from the fastest, name, values).
"""
import struct
from dataclasses import replace

import numpy as np

MAGIC = 0x67676D6C


def write(path, shape, graph, weights):
    """shape: a whisper.WhisperShape; graph: what its weights are taken from. Matrices are stored as checkpoints have them."""
    with open(path, "wb") as file:
        file.write(struct.pack("<12i", MAGIC, shape.vocabulary, shape.frames, shape.width, shape.heads,
                               shape.encoder_layers, shape.positions, shape.width, shape.heads, shape.decoder_layers,
                               shape.mels, 0))
        file.write(struct.pack("<2i", shape.mels, 201) + np.zeros(shape.mels * 201, "<f4").tobytes())
        file.write(struct.pack("<2i", 1, 1) + b"a")
        for number, weight in enumerate(graph.weights()):
            if weight.transposed:
                weight = replace(weight, shape=weight.shape[::-1], transposed=False, name=f"{number}.{weight.name}")
            name = weight.name.encode()
            file.write(struct.pack("<3i", len(weight.shape), len(name), 0))
            file.write(struct.pack(f"<{len(weight.shape)}i", *weight.shape[::-1]) + name)
            for block in weights(weight):
                file.write(memoryview(np.ascontiguousarray(block)).cast("B"))
