// SHA-256 (FIPS 180-4).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace zsn2m::core {

constexpr std::size_t kSha256Digits = 64;

// Whether a text is a digest as sha256() gives it.
bool is_sha256(std::string_view text);

// Digest of some bytes as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

} // namespace zsn2m::core
