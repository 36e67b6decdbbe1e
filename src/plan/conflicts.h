// Sites that read the same stored values: they get one result, or the policy says otherwise, or it is an error.
#pragma once

#include <string>
#include <vector>

#include "decide.h"

namespace vetquant::plan {

// All sites of one content, and of its tied copies.
struct Group {
  struct Member {
    int site = -1;
    bool swapped = false;  // it sees the group's view with the last two axes swapped
  };
  int content = -1;  // whose view is the group's
  std::vector<Member> members;
};

// What must be equal for two sites to be served by one stored result, as a comparable text.
std::string storage_key(const Site& site, const Group::Member& member, const Choice& choice);

// Makes the choices of each group equal where that can be. Error{kUsage} naming both rules where two rules ask for
// different things of one tensor (unless the policy says `tied: apart`, or is lenient: then the finer one wins).
// Groups whose copies cannot be unified come apart, with a note.
std::vector<Group> unify(const Decider& decider, std::vector<Choice>& choices, std::vector<std::string>& notes);

}  // namespace vetquant::plan
