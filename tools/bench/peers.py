"""One run of a peer: peers.py METHOD MODEL OUTPUT. Says how long its own call took, imports and start of Python left out."""
import logging
import os
import sys
import time

EXTERNAL_ABOVE = 1 << 31


def is_large(model):
    sidecar = model + "_data"
    return os.path.getsize(model) + (os.path.getsize(sidecar) if os.path.exists(sidecar) else 0) >= EXTERNAL_ABOVE


def ort_dynamic(model, output, weight_type, per_channel):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    kind = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}[weight_type]
    return lambda: quantize_dynamic(model, output, weight_type=kind, per_channel=per_channel,
                                    use_external_data_format=is_large(model),
                                    extra_options={"EnableSubgraph": True})


def ort_nbits(model, output, bits):
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    def call():
        # accuracy_level 4 is the fast one, and what vetquant's presets ask for
        quantizer = MatMulNBitsQuantizer(onnx.load(model), block_size=32, is_symmetric=True, accuracy_level=4, bits=bits)
        quantizer.process()
        quantizer.model.save_model_to_file(output, is_large(model))
    return call


def occ_fp16(model, output):
    import onnx
    from onnxconverter_common import float16

    def call():
        large = is_large(model)
        half = float16.convert_float_to_float16(onnx.load(model), keep_io_types=True, disable_shape_infer=large)
        onnx.save(half, output, save_as_external_data=large, location=os.path.basename(output) + "_data")
    return call


METHODS = {
    "ort-uint8": lambda m, o: ort_dynamic(m, o, "uint8", False),
    "ort-int8-channel": lambda m, o: ort_dynamic(m, o, "int8", True),
    "ort-nbits4": lambda m, o: ort_nbits(m, o, 4),
    "ort-nbits8": lambda m, o: ort_nbits(m, o, 8),
    "occ-fp16": occ_fp16,
}


def main():
    logging.disable(logging.WARNING)
    method, model, output = sys.argv[1:]
    call = METHODS[method](model, output)
    begin = time.monotonic()
    call()
    print(f"bench.call_s={time.monotonic() - begin:.4f}")


if __name__ == "__main__":
    main()
