#include <doctest/doctest.h>

#include "failure.h"
#include "frames.h"
#include "mutator.h"
#include "zip_check.h"

using namespace zsn2m::testing;
using zsn2m::core::check_zip;
using zsn2m::core::Failure;

TEST_CASE("whole TorchScript files pass as whole zip archives") {
    for (const char *name : kBundles) {
        for (const auto &file : model_files(name, ".ts")) CHECK_NOTHROW(check_zip(read_bytes(file), file.string()));
    }
}

TEST_CASE("a truncated archive is refused") {
    const std::string whole = read_bytes(bundle("u8_colour") / "sensor.ts");
    for (std::size_t length = 0; length < whole.size(); length += 97) {
        CHECK_THROWS_AS(check_zip(whole.substr(0, length), "sensor.ts"), Failure);
    }
    CHECK_THROWS_AS(check_zip(whole.substr(0, whole.size() - 1), "sensor.ts"), Failure);
    CHECK_THROWS_AS(check_zip(whole + '\0', "sensor.ts"), Failure);
}

TEST_CASE("a changed byte of the weights is refused") {
    std::string bytes = read_bytes(bundle("u8_colour") / "sensor.ts");
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1); // weights fill most of the file
    CHECK_THROWS_WITH_AS(check_zip(bytes, "sensor.ts"), doctest::Contains("checksum"), Failure);
}

TEST_CASE("an archive whose directory points anywhere is refused") {
    const std::string whole = read_bytes(bundle("u8_colour") / "sensor.ts");
    const std::size_t directory = whole.rfind(std::string("PK\x01\x02", 4));
    for (std::size_t at = directory; at < whole.size(); ++at) {
        std::string bytes = whole;
        bytes[at] = '\xee'; // only: no crash, no read outside (AddressSanitizer would tell)
        try {
            check_zip(bytes, "sensor.ts");
        } catch (const Failure &) {
        }
    }
}

TEST_CASE("a thousand damaged archives are checked without harm") {
    const std::string whole = read_bytes(bundle("u8_colour") / "sensor.ts");
    CHECK(refused(whole, [](const std::string &bytes) { check_zip(bytes, "sensor.ts"); }) > kDamages / 2);
    const std::string directory = whole.substr(whole.find(std::string("PK\x01\x02", 4)));
    const std::string entries = whole.substr(0, whole.size() - directory.size());
    const auto check = [&](const std::string &damaged) { check_zip(entries + damaged, "sensor.ts"); };
    CHECK(refused(directory, check) > kDamages / 2);
}
