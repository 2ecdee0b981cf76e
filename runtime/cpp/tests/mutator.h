// Damage to files, by chance but the same each time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <utility>

namespace zsn2m::testing {

class Mutator {
public:
    Mutator(std::string whole, unsigned seed) : whole_(std::move(whole)), generator_(seed) {}

    std::string next() {
        std::string bytes = whole_;
        const std::size_t at = below(bytes.size());
        const std::size_t run = 1 + below(std::min(kMostAtOnce, bytes.size() - at));
        switch (below(6)) {
        case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
        case 1:
            std::generate_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), run,
                            [&] { return static_cast<char>(below(256)); });
            break;
        case 2: bytes.resize(at); break;
        case 3: bytes.erase(at, run); break;
        case 4: bytes.insert(at, bytes.substr(below(bytes.size() - run), run)); break;
        default: flip_in_code(bytes); break;
        }
        return bytes == whole_ ? next() : bytes;
    }

private:
    std::size_t below(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most - 1)(generator_); }

    // Weights fill most of a file; its last quarter holds the program and the directory.
    void flip_in_code(std::string &bytes) {
        const std::size_t at = bytes.size() - 1 - below(bytes.size() / 4);
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
    }

    static constexpr std::size_t kMostAtOnce = 64; // bytes

    std::string whole_;
    std::mt19937 generator_;
};

} // namespace zsn2m::testing
