// SPDX-License-Identifier: Apache-2.0
// open() gives the lowest free number, so filling them in order fills the gaps.
#include "standard_descriptors.h"

#include <cstdlib>
#include <initializer_list>

#include <fcntl.h>
#include <unistd.h>

namespace brt {

void hold_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // What is written to a closed standard output is lost: it fails, as a full disk does.
    const int access = descriptor == STDOUT_FILENO ? O_RDONLY : O_RDWR;
    if (::fcntl(descriptor, F_GETFD) == -1 && ::open("/dev/null", access) != descriptor) {
      std::_Exit(1);  // without /dev/null no file can be written safely, nor a message
    }
  }
}

}  // namespace brt
