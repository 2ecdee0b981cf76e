// Every reader of ours on damaged bytes: it reads them or throws Failure, and AddressSanitizer sees the rest.
#include <doctest/doctest.h>

#include <functional>

#include "card.h"
#include "failure.h"
#include "frames.h"
#include "mutator.h"
#include "npy.h"
#include "zip_check.h"

using namespace zsn2m::testing;
namespace core = zsn2m::core;

namespace {

constexpr int kCount = 1000;

// How many of a thousand damaged versions are refused.
int refused(const std::string &whole, const std::function<void(const std::string &)> &read) {
    CHECK_NOTHROW(read(whole));
    Mutator mutator(whole, 0);
    int count = 0;
    for (int i = 0; i < kCount; ++i) {
        try {
            read(mutator.next());
        } catch (const core::Failure &failure) {
            CHECK(failure.status() == ZSN2M_BUNDLE);
            ++count;
        }
    }
    return count;
}

} // namespace

TEST_CASE("a thousand damaged manifests are read or refused") {
    const auto read = [](const std::string &text) { core::parse_manifest(text, "manifest.json"); };
    CHECK(refused(read_bytes(bundle("u8_colour") / "manifest.json"), read) > kCount / 2);
}

TEST_CASE("a thousand damaged NumPy files are read or refused") {
    const std::string vector = read_bytes(bundle("u8_colour") / "test_input.npy");
    const auto read = [](const std::string &bytes) { core::read_npy(bytes, "test_input.npy"); };
    CHECK(refused(vector, read) > kCount / 4); // those of another length, at least
    const std::string header = vector.substr(0, 128);
    const auto read_whole = [&](const std::string &damaged) { core::read_npy(damaged + vector.substr(128), "npy"); };
    CHECK(refused(header, read_whole) > kCount / 2);
}

TEST_CASE("a thousand damaged archives are checked without harm") {
    const std::string whole = read_bytes(bundle("u8_colour") / "mbd.ts");
    CHECK(refused(whole, [](const std::string &bytes) { core::check_zip(bytes, "mbd.ts"); }) > kCount / 2);
    const std::string directory = whole.substr(whole.find(std::string("PK\x01\x02", 4)));
    const std::string entries = whole.substr(0, whole.size() - directory.size());
    const auto check = [&](const std::string &damaged) { core::check_zip(entries + damaged, "mbd.ts"); };
    CHECK(refused(directory, check) > kCount / 2);
}
