// One stored tensor for uses that would each take a form of their own.
#pragma once

#include <optional>
#include <vector>

#include "conflicts.h"

namespace vetquant::plan {

enum class SharedForms {
  kBlocks,  // MatMulNBits for products and GatherBlockQuantized for look-ups, from one block tensor
  kFolded,  // one fold_at_load chain that everybody reads as float
};

// Choices for the members, in order; nullopt where a member cannot, or was asked for something else.
std::optional<std::vector<Choice>> shared_choices(const Decider& decider, const Group& group,
                                                  const std::vector<Choice>& choices, SharedForms attempt);

// The layout as the same tensor with its last two axes swapped has it.
ScaleLayout swapped_layout(const ScaleLayout& layout, int rank);

}  // namespace vetquant::plan
