/* Quantization algorithms compiled elsewhere: the C interface of a vetquant plug-in. docs/plugins.md tells the story.
 *
 * A plug-in is a shared library that exports vetquant_plugin_entry. vetquant loads it into a process of its own, so that
 * a crash costs the run and nothing else, and checks every result (see vetquant_quantize). This header is all it needs. */
#ifndef VETQUANT_PLUGIN_H
#define VETQUANT_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define VETQUANT_PLUGIN_ABI 1u

#ifdef __cplusplus
extern "C" {
#endif

/* What codes are wanted: value ~ scale * (code - zero_point), code_min <= code <= code_max. */
typedef struct vetquant_quant_spec {
  uint32_t size;            /* of this struct */
  int32_t bits;             /* 4 or 8 */
  int32_t is_signed;        /* 1: codes are two's complement */
  int32_t symmetric;        /* 1: every zero point is symmetric_zero_point */
  int32_t float_zero_point; /* 1: zero points need not be integral; else integral, within the range of the codes */
  int32_t half_scale;       /* 1: every scale must be representable as an IEEE 754 half */
  int32_t code_min, code_max;
  int32_t symmetric_zero_point;
} vetquant_quant_spec;

/* Quantizes `groups` runs of `length` values, one scale each.
 *
 *   values      [groups * length] finite
 *   scale       [groups] finite and > 0
 *   zero_point  [groups]
 *   codes       [groups * length] one a byte; signed 4-bit codes as the low nibble of two's complement, high nibble 0
 *
 * Returns 0, or anything else after writing one line of text, ending in NUL, to error[error_size]. Calls come one at a
 * time; equal values must give equal bytes, however the groups are divided among calls. */
typedef int (*vetquant_quantize)(const vetquant_quant_spec* spec, const float* values, int64_t groups, int64_t length,
                                 float* scale, float* zero_point, uint8_t* codes, char* error, size_t error_size);

typedef struct vetquant_algorithm {
  const char* name; /* as in the policy: 1 to 63 of a-z, 0-9, '_', '-' */
  vetquant_quantize quantize;
} vetquant_algorithm;

typedef struct vetquant_plugin {
  uint32_t abi;  /* VETQUANT_PLUGIN_ABI the plug-in was compiled with */
  uint32_t size; /* sizeof(vetquant_plugin) */
  const char* name;
  uint32_t algorithm_count;
  const vetquant_algorithm* algorithms;
} vetquant_plugin;

/* The one exported function. The result lives as long as the library; NULL: this host_abi is not supported. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const vetquant_plugin*
vetquant_plugin_entry(uint32_t host_abi);

#ifdef __cplusplus
}
#endif

#endif
