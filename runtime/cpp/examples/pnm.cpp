// Format: netpbm.sourceforge.net/doc/ppm.html. 16-bit samples have their high byte first.
#include "pnm.h"

#include <cctype>
#include <fstream>
#include <limits>
#include <stdexcept>

namespace {

constexpr std::size_t kLongestSide = 1000000;

[[noreturn]] void refuse(const std::string &path, const char *what) {
    throw std::runtime_error(path + ": expected a binary PGM or PPM file, but got " + what);
}

// The next number of the header; comments run from # to the end of the line.
std::size_t read_number(std::istream &stream, const std::string &path, std::size_t most) {
    while (std::isspace(stream.peek()) || stream.peek() == '#') {
        if (stream.get() == '#') stream.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    std::size_t number = 0;
    if (!(stream >> number) || number == 0 || number > most) refuse(path, "a header without a size");
    return number;
}

} // namespace

Pnm read_pnm(const std::string &path) {
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw std::runtime_error(path + ": cannot be opened");
    std::string magic(2, '\0');
    stream.read(magic.data(), 2);
    if (magic != "P5" && magic != "P6") refuse(path, "another one");
    Pnm image;
    image.channels = magic == "P5" ? 1 : 3;
    image.width = read_number(stream, path, kLongestSide);
    image.height = read_number(stream, path, kLongestSide);
    image.white = static_cast<unsigned>(read_number(stream, path, std::numeric_limits<std::uint16_t>::max()));
    stream.get(); // one blank, then samples

    const std::size_t sample_bytes = image.white > 255 ? 2 : 1;
    std::string row(image.width * image.channels * sample_bytes, '\0');
    for (std::size_t y = 0; y < image.height; ++y) {
        if (!stream.read(row.data(), static_cast<std::streamsize>(row.size()))) refuse(path, "a truncated one");
        for (std::size_t i = 0; i < row.size(); i += sample_bytes) {
            const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(row[at]); };
            const unsigned value = sample_bytes == 2 ? byte(i) * 256U + byte(i + 1) : byte(i);
            image.samples.push_back(static_cast<std::uint16_t>(value));
        }
    }
    return image;
}

void write_pnm(const std::string &path, const Pnm &image) {
    std::ofstream stream(path, std::ios::binary);
    stream << (image.channels == 1 ? "P5" : "P6") << '\n'
           << image.width << ' ' << image.height << '\n'
           << image.white << '\n';
    std::string bytes;
    for (const std::uint16_t sample : image.samples) {
        if (image.white > 255) bytes.push_back(static_cast<char>(sample >> 8));
        bytes.push_back(static_cast<char>(sample & 255));
    }
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    stream.close();
    if (!stream) throw std::runtime_error(path + ": cannot be written");
}
