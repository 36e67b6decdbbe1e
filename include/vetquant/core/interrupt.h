// ^C and SIGTERM set a flag; long work polls it and unwinds by Error{kInterrupted}, so that temporaries are removed.
#pragma once

namespace vetquant::interrupt {

void install_handlers();  // main only
bool requested();         // async-signal-safe flag
void request();           // what the handler does; for tests
void clear();             // for tests
void check();             // throws Error{kInterrupted}

}  // namespace vetquant::interrupt
