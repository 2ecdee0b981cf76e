#include "file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "failure.h"

namespace zsn2m::core {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 30; // some systems read no more at once

[[noreturn]] void refuse(const std::filesystem::path &path, const std::string &expected, const std::string &got) {
    throw Failure(ZSN2M_BUNDLE, path.string() + ": expected " + expected + ", but got " + got);
}

// A plain file, open for reading. Its kind is asked again of the open file: the path may have changed in between.
class PlainFile {
public:
    explicit PlainFile(const std::filesystem::path &path) : path_(path) {
        struct stat found = {};
        if (::stat(path.c_str(), &found) != 0) refuse_error(errno);
        check_kind(found.st_mode); // before opening: to open a device can have effects
        descriptor_ =
            ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC); // O_NONBLOCK: a pipe would wait for its writer
        if (descriptor_ < 0) refuse_error(errno);
        if (::fstat(descriptor_, &found) != 0 || !S_ISREG(found.st_mode)) {
            ::close(descriptor_);
            check_kind(S_IFIFO);
        }
        size_ = static_cast<std::uint64_t>(found.st_size);
    }
    ~PlainFile() { ::close(descriptor_); }
    PlainFile(const PlainFile &) = delete;
    PlainFile &operator=(const PlainFile &) = delete;

    std::uint64_t size() const { return size_; }

    std::string read() const {
        std::string bytes(size_, '\0');
        std::size_t at = 0;
        while (at < bytes.size()) {
            const ssize_t count = ::read(descriptor_, bytes.data() + at, std::min(kPiece, bytes.size() - at));
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) refuse_error(errno);
            if (count == 0) {
                refuse(path_, "to read " + std::to_string(size_) + " bytes",
                       std::to_string(at) + "; copy the bundle again");
            }
            at += static_cast<std::size_t>(count);
        }
        return bytes;
    }

private:
    void check_kind(mode_t mode) const {
        if (S_ISREG(mode)) return;
        const char *kind = S_ISDIR(mode) ? "a folder" : S_ISFIFO(mode) ? "a pipe" : "a device or a socket";
        refuse(path_, "a plain file", std::string(kind) + "; copy the bundle again");
    }

    [[noreturn]] void refuse_error(int error) const {
        if (error == ENOENT || error == ENOTDIR) {
            throw Failure(ZSN2M_BUNDLE, path_.string() +
                                            ": expected a file, but there is none; check the path, or copy "
                                            "the whole bundle again");
        }
        refuse(path_, "a file that can be read", std::string(std::strerror(error)) + "; check its permissions");
    }

    const std::filesystem::path &path_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

} // namespace

std::string read_file(const std::filesystem::path &path, std::uint64_t most) {
    const PlainFile file(path);
    if (file.size() > most) {
        refuse(path, "at most " + std::to_string(most) + " bytes", std::to_string(file.size()) + "; export again");
    }
    return file.read();
}

std::string read_file_of_size(const std::filesystem::path &path, std::uint64_t expected_bytes) {
    const PlainFile file(path);
    if (file.size() != expected_bytes) {
        refuse(path, std::to_string(expected_bytes) + " bytes",
               std::to_string(file.size()) + "; copy the bundle again");
    }
    return file.read();
}

} // namespace zsn2m::core
