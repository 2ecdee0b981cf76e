#include "npy.h"

#include <charconv>
#include <cstddef>
#include <cstring>

#include "failure.h"

namespace zsn2m::core {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);
constexpr std::size_t kVersionEnd = 8; // magic, major and minor version
constexpr std::int64_t kMostValues = std::int64_t{1} << 32;

[[noreturn]] void refuse(const std::string &name, std::string_view what) {
    throw Failure(ZSN2M_BUNDLE, name + ": expected a NumPy array of float32 in C order, but got " + std::string(what) +
                                    "; export again");
}

std::size_t little_endian(std::string_view bytes) {
    std::size_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

// What follows "'key':" in a header such as {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3, 5, 7), }
std::string_view value_of(std::string_view header, std::string_view key, const std::string &name) {
    const std::size_t at = header.find(key);
    if (at == std::string_view::npos) refuse(name, "a header without " + std::string(key));
    std::string_view value = header.substr(at + key.size());
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return value;
}

bool starts_with(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

std::vector<std::int64_t> parse_shape(std::string_view text, const std::string &name) {
    const std::size_t end = text.find(')');
    if (!starts_with(text, "(") || end == std::string_view::npos) refuse(name, "a shape that is no tuple");
    std::vector<std::int64_t> shape;
    const char *at = text.data() + 1;
    const char *const stop = text.data() + end;
    while (at != stop) {
        std::int64_t length = 0;
        const auto [after, error] = std::from_chars(at, stop, length);
        if (error != std::errc() || length < 0) refuse(name, "a shape that is no tuple of lengths");
        shape.push_back(length);
        for (at = after; at != stop && (*at == ',' || *at == ' ');) ++at;
    }
    return shape;
}

std::size_t count_values(const std::vector<std::int64_t> &shape, const std::string &name) {
    std::int64_t count = 1;
    for (const std::int64_t length : shape) {
        if (length > 0 && count > kMostValues / length) refuse(name, "too many values");
        count *= length;
    }
    return static_cast<std::size_t>(count);
}

} // namespace

Array read_npy(std::string_view bytes, const std::string &name) {
    if (bytes.size() < kVersionEnd || !starts_with(bytes, kMagic)) refuse(name, "another file");
    const int major = bytes[kMagic.size()];
    if (major != 1 && major != 2) refuse(name, "format version " + std::to_string(major));
    const std::size_t length_bytes = major == 1 ? 2 : 4;
    if (bytes.size() < kVersionEnd + length_bytes) refuse(name, "a truncated file");
    const std::size_t header_start = kVersionEnd + length_bytes;
    const std::size_t header_bytes = little_endian(bytes.substr(kVersionEnd, length_bytes));
    if (bytes.size() - header_start < header_bytes) refuse(name, "a truncated header");
    const std::string_view header = bytes.substr(header_start, header_bytes);
    const std::string_view data = bytes.substr(header_start + header_bytes);

    if (!starts_with(value_of(header, "'descr':", name), "'<f4'")) refuse(name, "another sample type");
    if (!starts_with(value_of(header, "'fortran_order':", name), "False")) refuse(name, "Fortran order");
    Array array;
    array.shape = parse_shape(value_of(header, "'shape':", name), name);
    const std::size_t count = count_values(array.shape, name);
    if (data.size() != count * sizeof(float)) refuse(name, "a file of another size than its shape");
    array.values.resize(count);
    if (count > 0) std::memcpy(array.values.data(), data.data(), data.size());
    return array;
}

} // namespace zsn2m::core
