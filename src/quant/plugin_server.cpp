// The plug-in's side of plugin_process.h, alone in its process.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "plugin_process.h"

namespace vetquant {
namespace {

PluginText text_of(const std::string& text) {
  PluginText out{};
  std::copy_n(text.data(), std::min(text.size(), out.size() - 1), out.data());
  return out;
}

void send_message(int socket, const void* message, size_t bytes) {
  ssize_t sent;
  do sent = ::send(socket, message, bytes, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent != static_cast<ssize_t>(bytes)) ::_exit(0);  // nobody listens any more
}

[[noreturn]] void refuse(int socket, const std::string& why) {
  PluginHello hello;
  hello.failed = 1;
  hello.text = text_of(why);
  send_message(socket, &hello, sizeof hello);
  ::_exit(0);
}

// What the parent set up for itself does not concern the plug-in: its handlers, its descriptors, its standard output.
void leave_parent(int socket, int memory) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int fatal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGTERM, SIGPIPE})
    ::signal(fatal, SIG_DFL);
  ::signal(SIGINT, SIG_IGN);  // ^C reaches both; the parent unwinds and ends this process
  const struct rlimit no_core = {0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // stdout is the answer of the run
  unsigned next = 3;
  for (const int keep : {std::min(socket, memory), std::max(socket, memory)}) {
    if (next < static_cast<unsigned>(keep)) ::close_range(next, static_cast<unsigned>(keep) - 1, 0);
    next = static_cast<unsigned>(keep) + 1;
  }
  ::close_range(next, ~0u, 0);
}

const vetquant_plugin& load(const std::string& path, int socket) {
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) refuse(socket, std::string("cannot be loaded: ") + ::dlerror());
  const auto entry = reinterpret_cast<decltype(&vetquant_plugin_entry)>(::dlsym(library, "vetquant_plugin_entry"));
  if (entry == nullptr) refuse(socket, "has no vetquant_plugin_entry: it is not a vetquant plug-in");
  const std::string host = std::to_string(VETQUANT_PLUGIN_ABI);
  const vetquant_plugin* plugin = entry(VETQUANT_PLUGIN_ABI);
  if (plugin == nullptr) refuse(socket, "does not support plug-in interface " + host + "; build it for this vetquant");
  if (plugin->abi != VETQUANT_PLUGIN_ABI) {
    refuse(socket, "was built for plug-in interface " + std::to_string(plugin->abi) + ", this vetquant has " + host +
                       "; rebuild it");
  }
  if (plugin->size != sizeof(vetquant_plugin)) {
    refuse(socket, "describes itself in " + std::to_string(plugin->size) + " bytes where interface " + host + " has " +
                       std::to_string(sizeof(vetquant_plugin)) + "; rebuild it");
  }
  if (plugin->name == nullptr || plugin->name[0] == 0) refuse(socket, "gives no name");
  if (plugin->algorithm_count == 0 || plugin->algorithms == nullptr) refuse(socket, "offers no algorithm");
  if (plugin->algorithm_count > 1000) {
    refuse(socket, "claims to have " + std::to_string(plugin->algorithm_count) + " algorithms");
  }
  for (uint32_t i = 0; i < plugin->algorithm_count; ++i) {
    const vetquant_algorithm& algorithm = plugin->algorithms[i];
    if (algorithm.name == nullptr || algorithm.quantize == nullptr) {
      refuse(socket, "algorithm " + std::to_string(i) + " has no name or no function");
    }
  }
  return *plugin;
}

void serve_call(const vetquant_plugin& plugin, const PluginCall& call, int socket, int memory) {
  const PluginLayout layout(call.groups, call.length);
  PluginReply reply;
  void* map = ::mmap(nullptr, layout.end, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
  if (map == MAP_FAILED) {
    reply.failed = 1;
    reply.text = text_of(std::string("no memory for the call: ") + std::strerror(errno));
  } else {
    auto* base = static_cast<std::byte*>(map);
    reply.failed = plugin.algorithms[call.algorithm].quantize(
        &call.spec, reinterpret_cast<const float*>(base + layout.values), call.groups, call.length,
        reinterpret_cast<float*>(base + layout.scale), reinterpret_cast<float*>(base + layout.zero_point),
        reinterpret_cast<uint8_t*>(base + layout.codes), reply.text.data(), reply.text.size());
    ::munmap(map, layout.end);
  }
  send_message(socket, &reply, sizeof reply);
}

}  // namespace

void serve_plugin(const std::string& path, int socket, int memory) {
  leave_parent(socket, memory);
  const vetquant_plugin& plugin = load(path, socket);
  PluginHello hello;
  hello.algorithms = plugin.algorithm_count;
  hello.text = text_of(plugin.name);
  send_message(socket, &hello, sizeof hello);
  for (uint32_t i = 0; i < plugin.algorithm_count; ++i) {
    const PluginText name = text_of(plugin.algorithms[i].name);
    send_message(socket, &name, sizeof name);
  }
  for (PluginCall call;;) {
    const ssize_t got = ::recv(socket, &call, sizeof call, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != static_cast<ssize_t>(sizeof call)) ::_exit(0);
    serve_call(plugin, call, socket, memory);
  }
}

}  // namespace vetquant
