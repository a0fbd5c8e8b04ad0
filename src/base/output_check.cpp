// SPDX-License-Identifier: Apache-2.0
// Finds the output's place and tries whether its folder takes a file.
#include "base/output_check.h"

#include <cerrno>

#include <fcntl.h>

#include "base/descriptor.h"
#include "base/file_errors.h"
#include "base/output_place.h"
#include "base/temporaries.h"

namespace brt {

void check_output_file(const std::filesystem::path& path) {
  const OutputPlace place = find_output_place(path);
  if (place.kind == OutputPlace::Kind::kThrough) {
    return;
  }
  // A file without a name: it shows whether the folder takes one, and is gone with the descriptor.
  const Descriptor trial(retried(
      [&] { return ::open(place.folder().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600); }));
  const bool is_unsupported = errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT;
  if (!trial.is_open() && !is_unsupported) {
    throw_unwritable(path, "cannot be written", errno);
  }
  remove_dead_temporaries_of(place.path);
}

}  // namespace brt
