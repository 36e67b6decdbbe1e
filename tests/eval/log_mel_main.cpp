// vetquant_log_mel SOUND: Whisper's features of the first 30 s, float32 [80, 3000] on stdout (tools/crosscheck/whisper.py).
#include <algorithm>
#include <cstdio>
#include <span>

#include "log_mel.h"
#include "vetquant/core/error.h"
#include "vetquant/eval/sound.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const vetquant::LogMel maker({});
    const auto sound = vetquant::read_sound(argv[1], maker.settings().sample_rate);
    const auto features =
        maker.features(std::span(sound.samples).first(std::min(sound.samples.size(), maker.samples())));
    return std::fwrite(features.data(), sizeof(float), features.size(), stdout) == features.size() ? 0 : 5;
  } catch (const vetquant::Error& error) {
    std::fprintf(stderr, "vetquant_log_mel: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}
