// Reading whole files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace zsn2m::core {

// Bytes of a regular file. Throws Failure (ZSN2M_BUNDLE) if it cannot be read.
std::string read_file(const std::filesystem::path &path);

// The same, for a file whose size is known: a file of another size is refused before it is read.
std::string read_file(const std::filesystem::path &path, std::uint64_t expected_bytes);

} // namespace zsn2m::core
