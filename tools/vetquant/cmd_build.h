// vetquant build, for main.cpp's table.
#pragma once

#include "commands.h"

namespace vetquant::cli {

Run add_build(CLI::App& app, const Globals& globals);

}  // namespace vetquant::cli
