#include "file.h"

#include <fstream>
#include <system_error>

#include "failure.h"

namespace zsn2m::core {
namespace {

std::uint64_t regular_file_size(const std::filesystem::path &path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        throw Failure(ZSN2M_BUNDLE, path.string() + ": expected a file, but there is none; check the path, or copy the "
                                                    "whole bundle again");
    }
    const auto size = std::filesystem::file_size(path, error);
    if (error) throw Failure(ZSN2M_BUNDLE, path.string() + ": expected its size, but got: " + error.message());
    return size;
}

std::string read_bytes(const std::filesystem::path &path, std::uint64_t size) {
    std::ifstream stream(path, std::ios::binary);
    std::string bytes(size, '\0');
    stream.read(bytes.data(), static_cast<std::streamsize>(size));
    if (!stream || static_cast<std::uint64_t>(stream.gcount()) != size) {
        throw Failure(ZSN2M_BUNDLE, path.string() + ": expected to read " + std::to_string(size) + " bytes, but got " +
                                        std::to_string(stream.gcount()) + "; check the file's permissions");
    }
    return bytes;
}

} // namespace

std::string read_file(const std::filesystem::path &path) { return read_bytes(path, regular_file_size(path)); }

std::string read_file(const std::filesystem::path &path, std::uint64_t expected_bytes) {
    const std::uint64_t size = regular_file_size(path);
    if (size != expected_bytes) {
        throw Failure(ZSN2M_BUNDLE, path.string() + ": expected " + std::to_string(expected_bytes) +
                                        " bytes, but got " + std::to_string(size) + "; copy the bundle again");
    }
    return read_bytes(path, size);
}

} // namespace zsn2m::core
