// The child process of a Worker: started, watched, ended.
#pragma once

#include <sys/types.h>

#include <string>

#include "vetquant/runtime/worker.h"

namespace vetquant {

class WorkerProcess {
 public:
  explicit WorkerProcess(const WorkerProgram& program);  // Error{kInternal} where it cannot be started
  ~WorkerProcess();                                      // kills what still runs
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  int take_socket();  // the judge's end; the caller owns it
  pid_t id() const { return id_; }
  void kill();        // and waits for its end
  void begin_kill();  // does not wait
  // Waits for the end and says how it was: "ended by signal 6 (Aborted): <last line of its stderr>", "exit status 3".
  std::string wait_and_describe();

 private:
  std::string last_words() const;
  pid_t id_ = -1;
  bool reaped_ = false;
  int status_ = 0;
  int socket_ = -1;
  int stderr_ = -1;  // a memory file that takes what the child prints
};

}  // namespace vetquant
