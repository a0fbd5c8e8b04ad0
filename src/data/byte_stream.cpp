// SPDX-License-Identifier: Apache-2.0
// POSIX reads.
#include "data/byte_stream.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/error.h"

namespace brt {
namespace {

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(const std::filesystem::path& path) : path_(path) {
    if (path_ == "-") {
      path_ = "standard input";
      descriptor_ = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    } else {
      descriptor_ = retried([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); });
    }
    if (descriptor_ < 0) {
      throw DataError(fmt::format("{}: cannot be opened: {}", path_.string(), std::strerror(errno)),
                      "give a file that you may read, or - for standard input");
    }
  }
  ~PlainStream() override { ::close(descriptor_); }
  PlainStream(const PlainStream&) = delete;
  PlainStream& operator=(const PlainStream&) = delete;

  size_t read(char* buffer, size_t size) override {
    const ssize_t got = retried([&] { return ::read(descriptor_, buffer, size); });
    if (got < 0) {
      throw DataError(fmt::format("{}: read failed: {}", path_.string(), std::strerror(errno)),
                      "give a file, or - for standard input");
    }
    bytes_read_ += static_cast<uint64_t>(got);
    return static_cast<size_t>(got);
  }
  bool wait(int milliseconds) override {
    pollfd waiting = {.fd = descriptor_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, milliseconds);
    return ready > 0 || (ready < 0 && errno != EINTR);  // read() tells what is wrong
  }
  uint64_t input_bytes_read() const override { return bytes_read_; }

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t bytes_read_ = 0;
};

}  // namespace

bool ByteStream::wait(int /*milliseconds*/) { return true; }

std::unique_ptr<ByteStream> open_plain_stream(const std::filesystem::path& path) {
  return std::make_unique<PlainStream>(path);
}

}  // namespace brt
