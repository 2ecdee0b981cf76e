// Is a TorchScript file, which is a zip archive, whole?
#pragma once

#include <string>
#include <string_view>

namespace zsn2m::core {

// Check an archive's directory, that every entry lies inside it, and the CRC-32 of the entries that are stored as they
// are (a TorchScript file's weights and constants; LibTorch itself checks none).
//
// `name` is how messages call the file. Throws Failure (ZSN2M_BUNDLE) if anything does not hold.
void check_zip(std::string_view bytes, const std::string &name);

} // namespace zsn2m::core
