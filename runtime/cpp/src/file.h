// Reading whole files that nobody vouches for: plain files only, no waiting, a limit of size.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace zsn2m::core {

// Far above what exports write, as in zsn2m_runtime/manifest.py and model_record.py.
constexpr std::uint64_t kMostManifestBytes = std::uint64_t{8} << 20;
constexpr std::uint64_t kMostModelBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kMostSelfTestBytes = std::uint64_t{16} << 20;

// Bytes of a plain file of at most `most` bytes. Throws Failure (ZSN2M_BUNDLE) if it is none, or cannot be read.
std::string read_file(const std::filesystem::path &path, std::uint64_t most);

// The same, for a file whose size is known: a file of another size is refused before it is read.
std::string read_file_of_size(const std::filesystem::path &path, std::uint64_t expected_bytes);

} // namespace zsn2m::core
