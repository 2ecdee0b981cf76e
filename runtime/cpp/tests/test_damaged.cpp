// Every reader of ours on damaged bytes: it reads them or throws Failure, and AddressSanitizer sees the rest.
#include <doctest/doctest.h>

#include "card.h"
#include "frames.h"
#include "mutator.h"
#include "npy.h"

using namespace zsn2m::testing;
namespace core = zsn2m::core;

TEST_CASE("a thousand damaged manifests are read or refused") {
    const auto read = [](const std::string &text) { core::parse_manifest(text, "manifest.json"); };
    CHECK(refused(read_bytes(bundle("u8_colour") / "manifest.json"), read) > kDamages / 2);
}

TEST_CASE("a thousand damaged NumPy files are read or refused") {
    const std::string vector = read_bytes(bundle("u8_colour") / "test_input.npy");
    const auto read = [](const std::string &bytes) { core::read_npy(bytes, "test_input.npy"); };
    CHECK(refused(vector, read) > kDamages / 4); // those of another length, at least
    const std::string header = vector.substr(0, 128);
    const auto read_whole = [&](const std::string &damaged) { core::read_npy(damaged + vector.substr(128), "npy"); };
    CHECK(refused(header, read_whole) > kDamages / 2);
}
