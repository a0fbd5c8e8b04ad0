// SPDX-License-Identifier: Apache-2.0
// Bounds how long the threads of LibTorch spin while they wait for each other.
//
// Its OpenMP library lets a waiting thread spin for 300,000 looks, some milliseconds, before it
// sleeps. Beside other programs that is time in which the thread that is waited for has no core.
// The library reads the bound from the environment when it is loaded, before anything of this
// program runs, but for what stands in .preinit_array. There the environment can still be read and
// not be changed, so the program starts itself again with one variable more. That takes some
// milliseconds: no library has been initialised yet. Where it fails, only the bound is missing.
#include <array>
#include <cstring>

#include <unistd.h>

#if defined(__GLIBC__)
namespace {

/// About half a millisecond: longer than nearly all waits of a team that has its cores.
constexpr const char* kBound = "GOMP_SPINCOUNT=20000";

bool starts_with(const char* text, const char* beginning) {
  return std::strncmp(text, beginning, std::strlen(beginning)) == 0;
}

/// Verbs that compute with LibTorch's threads.
bool is_for_libtorch(int count, char** arguments) {
  constexpr std::array<const char*, 4> kVerbs = {"train", "eval", "bench", "selftest"};
  for (int i = 1; i < count; ++i) {
    for (const char* verb : kVerbs) {
      if (std::strcmp(arguments[i], verb) == 0) {
        return true;
      }
    }
  }
  return false;
}

/// Before any library is initialised: nothing here may take memory.
void bound_waiting(int argc, char** argv, char** environment) {
  constexpr size_t kMostVariables = 4096;
  static std::array<char*, kMostVariables + 2> enlarged;
  static std::array<char, 64> bound;
  static std::array<char, 4096> program;
  size_t count = 0;
  for (; environment[count] != nullptr; ++count) {
    if (count == kMostVariables || starts_with(environment[count], "GOMP_SPINCOUNT=") ||
        starts_with(environment[count], "OMP_WAIT_POLICY=")) {
      return;  // the user has chosen, or this is the second start
    }
    enlarged[count] = environment[count];
  }
  if (!is_for_libtorch(argc, argv)) {
    return;
  }
  std::strcpy(bound.data(), kBound);
  enlarged[count] = bound.data();
  enlarged[count + 1] = nullptr;
  const ssize_t length = ::readlink("/proc/self/exe", program.data(), program.size() - 1);
  if (length > 0) {
    ::execve(program.data(), argv, enlarged.data());
  }
}

__attribute__((section(".preinit_array"),
               used)) void (*const bound_waiting_entry)(int, char**, char**) = bound_waiting;

}  // namespace
#endif
