/* Plug-ins that misbehave, one per LIE, chosen when compiled. What a lie does at load stands in the entry point; what it
 * does when called stands in quantize(). */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vetquant/plugin.h"

#define HONEST 0
#define WRONG_ABI 1
#define WRONG_SIZE 2
#define NULL_PLUGIN 3
#define NO_ALGORITHM 4
#define TAKEN_NAME 5
#define BAD_NAME 6
#define NO_NAME 7
#define CRASH_AT_LOAD 8
#define EXIT_AT_LOAD 9

static int quantize(const vetquant_quant_spec* spec, const float* values, int64_t groups, int64_t length, float* scale,
                    float* zero_point, uint8_t* codes, char* error, size_t error_size) {
  /* The first value says what to do: one library, many lies. */
  const int order = groups * length > 0 ? (int)values[0] : 0;
  for (int64_t g = 0; g < groups; ++g) {
    scale[g] = 0.5f;
    zero_point[g] = (float)spec->symmetric_zero_point;
  }
  for (int64_t i = 0; i < groups * length; ++i) codes[i] = (uint8_t)spec->symmetric_zero_point;
  switch (order) {
    case 101: scale[groups - 1] = NAN; break;
    case 102: scale[0] = 0; break;
    case 103: scale[0] = -1; break;
    case 104: scale[0] = INFINITY; break;
    case 105: scale[0] = 0.1f; break; /* no half */
    case 106: zero_point[0] = NAN; break;
    case 107: zero_point[0] = 0.5f; break;
    case 108: zero_point[0] = 300; break;
    case 109: zero_point[0] = (float)spec->symmetric_zero_point + 1; break;
    case 110: codes[groups * length - 1] = 0x80; break;
    case 111: codes[0] = 0x1F; break;
    case 112: codes[groups * length] = 1; break;
    case 113: scale[groups] = 1; break;
    case 114: zero_point[groups] = 1; break;
    case 115: ((float*)values)[groups * length] = 1; break;
    case 120: raise(11); break;
    case 121: abort();
    case 122: codes[1000000000] = 1; break;
    case 123: exit(7);
    case 124: _exit(0);
    case 130: snprintf(error, error_size, "the stars\nare wrong"); return 5;
    case 131: memset(error, 'x', error_size); return 1;
    case 132: return 1;
    case 133: printf("a plug-in prints on its standard output\n"); fflush(stdout); break;
    case 140: for (;;) pause();
    default: break;
  }
  return 0;
}

const vetquant_plugin* vetquant_plugin_entry(uint32_t host_abi) {
  static vetquant_algorithm algorithms[] = {{"lying", quantize}, {"lying-too", quantize}};
  static vetquant_plugin plugin = {VETQUANT_PLUGIN_ABI, sizeof(vetquant_plugin), "liar", 2, algorithms};
  (void)host_abi;
  switch (LIE) {
    case WRONG_ABI: plugin.abi = 99; break;
    case WRONG_SIZE: plugin.size = 8; break;
    case NULL_PLUGIN: return NULL;
    case NO_ALGORITHM: plugin.algorithm_count = 0; break;
    case TAKEN_NAME: algorithms[1].name = "mse"; break;
    case BAD_NAME: algorithms[1].name = "two words"; break;
    case NO_NAME: algorithms[1].name = NULL; break;
    case CRASH_AT_LOAD: plugin.algorithms = (const vetquant_algorithm*)16; break;
    case EXIT_AT_LOAD: exit(3);
    default: break;
  }
  return &plugin;
}
