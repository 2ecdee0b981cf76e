// Binary PGM (P5) and PPM (P6) files of 8 and 16 bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct Pnm {
    std::size_t height = 0;
    std::size_t width = 0;
    std::size_t channels = 0;           // 1 grey, 3 RGB
    unsigned white = 0;                 // the file's largest value; above 255, samples have 16 bits
    std::vector<std::uint16_t> samples; // packed rows of pixels
};

// Both throw std::runtime_error.
Pnm read_pnm(const std::string &path);
void write_pnm(const std::string &path, const Pnm &image);
