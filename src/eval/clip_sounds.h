// The sound of clips, each file read once where clips of one file follow each other.
#pragma once

#include <span>

#include "vetquant/eval/sound.h"
#include "vetquant/eval/speech.h"

namespace vetquant {

class ClipSounds {
 public:
  // Valid until the next call. Error{kUsage} at the clip's place in the listing: unreadable, of another rate, too short.
  std::span<const float> of(const SpeechClip& clip, int sample_rate);
  int sample_rate() const { return sound_.sample_rate; }  // of what was given last

 private:
  void load(const SpeechClip& clip, int sample_rate);
  std::filesystem::path loaded_;
  Sound sound_;
};

}  // namespace vetquant
