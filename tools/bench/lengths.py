"""Inputs of the lengths that matter, for the graphs that make_models.py makes."""
import re

import numpy as np


# What is measured: name of the length -> {name of a dimension: its length}. Dimensions are named as in the exports.
def lengths_of(model_name):
    """[(label, {dimension: length})] for a model's file name."""
    if "encoder" in model_name:
        return [("30 s of sound", {})]
    if "langid" in model_name:
        return [("3 s of sound", {"frames": 300})]
    if "merged" in model_name:
        return [("1 token, 64 past", {"decoder_sequence_length": 1, "past_decoder_sequence_length": 64, "use_cache": 1}),
                ("32 tokens", {"decoder_sequence_length": 32, "past_decoder_sequence_length": 1, "use_cache": 0})]
    if "with_past" in model_name:
        return [("1 token, 64 past", {"decoder_sequence_length": 1, "past_decoder_sequence_length": 64})]
    if "decoder" in model_name:
        return [("32 tokens", {"decoder_sequence_length": 32})]
    if "lm" in model_name or "llama" in model_name:
        return [("1 token, 64 past", {"sequence_length": 1, "past_sequence_length": 64}),
                ("64 tokens", {"sequence_length": 64, "past_sequence_length": 0}),
                ("512 tokens", {"sequence_length": 512, "past_sequence_length": 0})]
    return [("1 row", {})]


def _length(dim, lengths):
    """dim: a number, None, a name, or names added: `past + length`."""
    if isinstance(dim, int):
        return dim
    total = 0
    for name in re.split(r"\s*\+\s*", dim or "batch_size"):
        total += lengths.get(name, {"batch_size": 1, "encoder_sequence_length": 1500}.get(name, 1))
    return total


def shapes_of(model_name, model):
    """["input_ids=1x32", ...] for the inputs of a loaded model that is run at one length alone; else []."""
    known = lengths_of(model_name)
    if len(known) != 1:
        return []
    shapes = []
    for value in model.graph.input:
        dims = [d.dim_value if d.HasField("dim_value") else d.dim_param for d in value.type.tensor_type.shape.dim]
        shapes.append(f"{value.name}=" + "x".join(str(_length(dim, known[0][1])) for dim in dims))
    return shapes


def make_inputs(signature, lengths, seed=1):
    """signature: [(name, type, dims)] as ONNX Runtime gives it; every name gets an array."""
    source = np.random.default_rng(seed)
    feeds = {}
    for name, kind, dims in signature:
        shape = [_length(dim, lengths) for dim in dims]
        if name == "attention_mask":
            feeds[name] = np.ones(shape, np.int64)
        elif name == "position_ids":
            feeds[name] = np.broadcast_to(np.arange(shape[1]) + lengths.get("past_sequence_length", 0), shape).astype(np.int64)
        elif "int64" in kind:
            feeds[name] = source.integers(0, 50, shape)
        elif "bool" in kind:
            feeds[name] = np.full(shape, bool(lengths.get("use_cache", 0)))
        else:
            feeds[name] = (0.5 * source.standard_normal(shape)).astype(np.float32)
    return feeds
