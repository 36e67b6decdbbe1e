// Which token a Whisper decoder says next: the likeliest that its settings allow.
#pragma once

#include <span>

#include "speech_settings.h"

namespace vetquant {

// logits [vocabulary]; said: what it has said after the prompt. The settings' end where nothing is allowed.
//
// With timestamps, what the paper (Radford et al. 2022, section 2.4 and appendix) and transformers' WhisperTimeStampLogitsProcessor
// ask for: the first token is a time, at most `latest_start` (where there is one) after the window's beginning; times stand in pairs,
// end and next start, except before the end; they never decrease; and where all times together are likelier than any
// other token, it is a time.
uint32_t next_token(const WhisperSettings& settings, std::span<const float> logits, std::span<const uint32_t> said);

}  // namespace vetquant
