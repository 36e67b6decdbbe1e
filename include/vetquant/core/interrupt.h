// ^C and SIGTERM end the program at once while it has nothing to remove (loading, planning, inspecting). From hold() on
// they set a flag; long work polls it and unwinds by Error{kInterrupted}, so that temporaries are removed.
#pragma once

namespace vetquant::interrupt {

void install_handlers();  // main only
void hold();              // before the first file or folder that has to be removed is made
bool requested();         // async-signal-safe flag
void request();           // what the handler does; for tests
void clear();             // for tests
void check();             // throws Error{kInterrupted}

}  // namespace vetquant::interrupt
