/* An example plug-in: the range of a group is a multiple of its mean magnitude, so that single outliers are clipped
 * instead of coarsening the whole group (compare BitNet b1.58, Ma et al. 2024, which takes the mean magnitude itself).
 * Symmetric codes only; the policy says `algorithm: absmean, symmetric: true`. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "vetquant/plugin.h"

static const double kRange = 4.0; /* mean magnitudes; of normally distributed values, 0.14 % are clipped */

static int quantize(const vetquant_quant_spec* spec, const float* values, int64_t groups, int64_t length, float* scale,
                    float* zero_point, uint8_t* codes, char* error, size_t error_size) {
  if (spec->size != sizeof *spec || !spec->symmetric || spec->half_scale) {
    snprintf(error, error_size, "absmean gives symmetric codes with float scales only; say `symmetric: true, scales: fp32`");
    return 1;
  }
  const double middle = spec->symmetric_zero_point;
  const unsigned mask = spec->bits == 4 ? 0x0F : 0xFF;
  for (int64_t g = 0; g < groups; ++g) {
    const float* from = values + g * length;
    double sum = 0, largest = 0;
    for (int64_t i = 0; i < length; ++i) {
      sum += fabs(from[i]);
      largest = fmax(largest, fabs(from[i]));
    }
    const double range = length == 0 ? 0 : fmin(largest, kRange * sum / (double)length);
    scale[g] = range > 0 ? (float)fmax(range / (spec->code_max - middle), FLT_MIN) : 1.0f;
    zero_point[g] = (float)middle;
    for (int64_t i = 0; i < length; ++i) {
      const double code = nearbyint(from[i] / scale[g]) + middle;
      codes[g * length + i] = (uint8_t)((unsigned)(int)fmin(fmax(code, spec->code_min), spec->code_max) & mask);
    }
  }
  return 0;
}

static const vetquant_algorithm kAlgorithms[] = {{"absmean", quantize}};
static const vetquant_plugin kPlugin = {VETQUANT_PLUGIN_ABI, sizeof(vetquant_plugin), "absmean example", 1, kAlgorithms};

const vetquant_plugin* vetquant_plugin_entry(uint32_t host_abi) {
  return host_abi == VETQUANT_PLUGIN_ABI ? &kPlugin : NULL;
}
