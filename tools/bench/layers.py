"""Layers as the exporter decomposes them; each function appends nodes to a Graph and returns the name of its result."""
import numpy as np

from graph import Weight


def linear(g, scope, x, name, n_in, n_out, bias=True):
    y = g.node("MatMul", [x, g.weight(Weight(name + ".weight", (n_in, n_out), transposed=True))], scope=scope)
    if bias:
        y = g.node("Add", [g.weight(Weight(name + ".bias", (n_out,), kind="bias")), y], scope=scope)
    return y


def layer_norm(g, scope, x, name, width, shared=None):
    """shared: the name of a normalization with equal values, which the exporter keeps once and renames."""
    scale, shift = (Weight(f"{shared or name}.{part}", (width,), kind=kind)
                    for part, kind in (("weight", "norm"), ("bias", "bias")))
    if shared:
        inputs = [g.rename(scale, name + ".weight"), g.rename(shift, name + ".bias")]
    else:
        inputs = [g.weight(scale), g.weight(shift)]
    return g.node("LayerNormalization", [x, *inputs], scope=scope, axis=-1, epsilon=1e-5)


def gelu(g, scope, x):
    half = g.node("Erf", [g.node("Div", [x, g.const(np.sqrt(2), scope, np.float32)], scope=scope)], scope=scope)
    half = g.node("Add", [half, g.const(1, scope, np.float32)], scope=scope)
    product = g.node("Mul", [x, half], scope=scope)
    return g.node("Mul", [product, g.const(0.5, scope, np.float32)], scope=scope)


def dim(g, scope, x, axis):
    """The length of an axis, a scalar."""
    return g.node("Gather", [g.node("Shape", [x], scope=scope), g.const(axis, scope)], scope=scope, axis=0)


def unsqueeze(g, scope, x, axis):
    return g.node("Unsqueeze", [x, g.const([axis], scope)], scope=scope)


def reshape(g, scope, x, dims):
    """dims: numbers, or names of scalars."""
    parts = [unsqueeze(g, scope, d, 0) if isinstance(d, str) else g.const([d], scope) for d in dims]
    shape = g.node("Concat", parts, scope=scope, axis=0)
    return g.node("Reshape", [x, shape], scope=scope, allowzero=0)


def expand(g, scope, x, dims):
    """Expand with the exporter's detour for -1 (a dimension that stays)."""
    parts = [unsqueeze(g, scope, d, 0) if isinstance(d, str) else g.const([d], scope) for d in dims]
    shape = g.node("Reshape", [g.node("Concat", parts, scope=scope, axis=0), g.const([-1], scope)], scope=scope)
    ones = g.node("ConstantOfShape", [g.node("Shape", [shape], scope=scope)], scope=scope, value=np.array([1], np.int64))
    stays = g.node("Equal", [shape, g.node("Mul", [ones, g.const(-1, scope)], scope=scope)], scope=scope)
    return g.node("Expand", [x, g.node("Where", [stays, ones, shape], scope=scope)], scope=scope)


def arange(g, scope, start, end):
    """start, end: scalars by name or number."""
    start, end = (v if isinstance(v, str) else g.const(v, scope) for v in (start, end))
    return g.node("Range", [start, end, g.const(1, scope)], scope=scope)


def causal_mask(g, scope, batch, past, length):
    """bool [batch, 1, length, past + length]; also returns the positions [length]."""
    whole = g.node("Add", [past, length], scope=scope) if past else length
    positions = arange(g, scope, past or 0, whole)
    rows = unsqueeze(g, scope, unsqueeze(g, scope, unsqueeze(g, scope, positions, 0), 1), 3)
    columns = arange(g, scope, 0, g.node("Cast", [whole], scope=scope, to=7))
    for axis in (0, 1, 2):
        columns = unsqueeze(g, scope, columns, axis)
    seen = g.node("LessOrEqual", [columns, rows], scope=scope)
    return expand(g, scope, seen, [batch, -1, length, whole]), positions


def attend(g, scope, query, key_transposed, value, mask=None, scale=1.0):
    """query [b, h, t, d], key_transposed [b, h, d, s], value [b, h, s, d] -> [b, t, h, d]."""
    root = np.sqrt(scale)
    left = g.node("Mul", [query, g.const(root, scope, np.float32)], scope=scope)
    right = g.node("Mul", [key_transposed, g.const(root, scope, np.float32)], scope=scope)
    scores = g.node("MatMul", [left, right], scope=scope)
    if mask:
        # The mask is cut to the length of the keys, which never changes anything; the exporter does it all the same.
        length = dim(g, scope, value, 2)
        cut = g.node("Slice", [mask, g.const([0], scope), unsqueeze(g, scope, length, 0), g.const([3], scope),
                               g.const([1], scope)], scope=scope)
        added = g.node("Where", [cut, g.const([0], scope, np.float32), g.const([-np.inf], scope, np.float32)], scope=scope)
        scores = g.node("Add", [scores, added], scope=scope)
    shares = g.node("Softmax", [scores], scope=scope, axis=-1)
    if mask:
        nothing = g.node("IsNaN", [shares], scope=scope)
        shares = g.node("Where", [nothing, g.const([0], scope, np.float32), shares], scope=scope)
    mixed = g.node("MatMul", [shares, value], scope=scope)
    return g.node("Transpose", [mixed], scope=scope, perm=[0, 2, 1, 3])
