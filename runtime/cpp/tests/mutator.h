// Damage to files, by chance but the same each time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <utility>

#include "failure.h"

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

    // Weights fill most of a file; the last quarter of a TorchScript file holds its program and its directory.
    void flip_in_code(std::string &bytes) {
        const std::size_t at = bytes.size() - 1 - below(bytes.size() / 4);
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
    }

    static constexpr std::size_t kMostAtOnce = 64; // bytes

    std::string whole_;
    std::mt19937 generator_;
};

constexpr int kDamages = 1000;

// How many of a thousand damaged versions of bytes are refused by what reads them; the others are read.
inline int refused(const std::string &whole, const std::function<void(const std::string &)> &read) {
    read(whole);
    Mutator mutator(whole, 0);
    int count = 0;
    for (int i = 0; i < kDamages; ++i) {
        try {
            read(mutator.next());
        } catch (const core::Failure &failure) {
            count += failure.status() == ZSN2M_BUNDLE;
        }
    }
    return count;
}

} // namespace zsn2m::testing
