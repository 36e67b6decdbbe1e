// vetquant check (the table of subcommands is in main.cpp).
#pragma once

#include "commands.h"

namespace vetquant::cli {

Run add_check(CLI::App& app, const Globals& globals);

}  // namespace vetquant::cli
