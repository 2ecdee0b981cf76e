#include <doctest/doctest.h>

#include "failure.h"
#include "frames.h"
#include "zip_check.h"

using namespace zsn2m::testing;
using zsn2m::core::check_zip;
using zsn2m::core::Failure;

TEST_CASE("whole TorchScript files pass as whole zip archives") {
    for (const char *name : kBundles) {
        for (const auto &file : model_files(name)) CHECK_NOTHROW(check_zip(read_bytes(file), file.string()));
    }
}

TEST_CASE("a truncated archive is refused") {
    const std::string whole = read_bytes(bundle("u8_colour") / "mbd.ts");
    for (std::size_t length = 0; length < whole.size(); length += 97) {
        CHECK_THROWS_AS(check_zip(whole.substr(0, length), "mbd.ts"), Failure);
    }
    CHECK_THROWS_AS(check_zip(whole.substr(0, whole.size() - 1), "mbd.ts"), Failure);
    CHECK_THROWS_AS(check_zip(whole + '\0', "mbd.ts"), Failure);
}

TEST_CASE("a changed byte of the weights is refused") {
    std::string bytes = read_bytes(bundle("u8_colour") / "mbd.ts");
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1); // weights fill most of the file
    CHECK_THROWS_WITH_AS(check_zip(bytes, "mbd.ts"), doctest::Contains("checksum"), Failure);
}

TEST_CASE("an archive whose directory points anywhere is refused") {
    const std::string whole = read_bytes(bundle("u8_colour") / "mbd.ts");
    const std::size_t directory = whole.rfind(std::string("PK\x01\x02", 4));
    for (std::size_t at = directory; at < whole.size(); ++at) {
        std::string bytes = whole;
        bytes[at] = '\xee'; // only: no crash, no read outside (AddressSanitizer would tell)
        try {
            check_zip(bytes, "mbd.ts");
        } catch (const Failure &) {
        }
    }
}
