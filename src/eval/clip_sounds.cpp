#include "clip_sounds.h"

#include <algorithm>

#include "vetquant/core/error.h"

namespace vetquant {

void ClipSounds::load(const SpeechClip& clip, int sample_rate) {
  try {
    sound_ = read_sound(clip.file, 0);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUsage) throw;
    throw Error(ErrorCode::kUsage, "'" + clip.file.filename().string() + "' " + error.message(), clip.name);
  }
  loaded_ = clip.file;
  if (sound_.sample_rate != sample_rate)
    throw Error(ErrorCode::kUsage,
                "'" + clip.file.filename().string() + "' has a sample rate of " + std::to_string(sound_.sample_rate) +
                    " Hz; the baseline hears " + std::to_string(sample_rate) + " Hz",
                clip.name);
}

std::span<const float> ClipSounds::of(const SpeechClip& clip, int sample_rate) {
  if (clip.file != loaded_) load(clip, sample_rate);
  const uint64_t all = sound_.samples.size();
  const uint64_t frames = clip.frames > 0 ? clip.frames : all - std::min(all, clip.start_frame);
  if (frames == 0 || clip.start_frame > all || frames > all - clip.start_frame)
    throw Error(ErrorCode::kUsage,
                "the clip asks for frames " + std::to_string(clip.start_frame) + " to " +
                    std::to_string(clip.start_frame + frames) + " of '" + clip.file.filename().string() +
                    "', which has " + std::to_string(all),
                clip.name);
  return std::span(sound_.samples).subspan(clip.start_frame, frames);
}

}  // namespace vetquant
