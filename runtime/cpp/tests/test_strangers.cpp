// Bundles that strangers wrote: what is no plain file, and what is far too large or too deep, is refused at once.
#include <doctest/doctest.h>

#include <sys/stat.h>

#include <fstream>

#include "card.h"
#include "failure.h"
#include "file.h"
#include "frames.h"

using namespace zsn2m::testing;
namespace core = zsn2m::core;
namespace fs = std::filesystem;

namespace {

const std::string kModel = "sensor" + suffixes().front();

void put_kind(const fs::path &path, const std::string &kind) {
    fs::remove(path);
    if (kind == "pipe") REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    if (kind == "folder") fs::create_directory(path);
    if (kind == "device") fs::create_symlink("/dev/zero", path);
    if (kind == "itself") fs::create_symlink(path.filename(), path);
}

std::string nested(int levels) {
    return std::string(static_cast<std::size_t>(levels), '[') + std::string(static_cast<std::size_t>(levels), ']');
}

std::string refusal(const std::string &text) {
    try {
        core::parse_manifest(text, "manifest.json");
        return "";
    } catch (const core::Failure &failure) {
        CHECK(failure.status() == ZSN2M_BUNDLE);
        return failure.what();
    }
}

} // namespace

TEST_CASE("what is no plain file is refused and never waited for") {
    for (const std::string &name : {std::string("manifest.json"), kModel, std::string("test_input.npy")}) {
        for (const char *kind : {"pipe", "folder", "device", "itself"}) {
            INFO(name, " is a ", kind);
            const TemporaryFolder folder;
            const fs::path copy = copy_bundle("u8_colour", folder);
            put_kind(copy / name, kind);
            zsn2m_denoiser *handle = nullptr;
            zsn2m_status status = zsn2m_open(copy.c_str(), nullptr, nullptr, &handle);
            if (status == ZSN2M_OK) status = zsn2m_self_test(handle, nullptr);
            CHECK(status == ZSN2M_BUNDLE);
            zsn2m_close(handle);
        }
    }
    const TemporaryFolder folder;
    put_kind(folder.path() / kModel, "pipe");
    CHECK(try_open(folder.path() / kModel).status == ZSN2M_BUNDLE);
}

TEST_CASE("links to plain files are files") {
    const TemporaryFolder folder;
    const fs::path copy = copy_bundle("u8_colour", folder);
    fs::rename(copy / kModel, folder.path() / "blob");
    fs::create_symlink("../blob", copy / kModel);
    CHECK(try_open(copy).status == ZSN2M_OK);
}

TEST_CASE("a file that is far too large is refused before it is read") {
    const TemporaryFolder folder;
    const fs::path copy = copy_bundle("u8_colour", folder);
    fs::resize_file(copy / "manifest.json", std::uintmax_t{1} << 40); // of holes
    CHECK(try_open(copy).text.find("at most 8388608 bytes") != std::string::npos);
    std::ofstream(folder.path() / kModel).put('P');
    fs::resize_file(folder.path() / kModel, std::uintmax_t{1} << 40);
    CHECK(try_open(folder.path() / kModel).status == ZSN2M_BUNDLE);
}

TEST_CASE("a document that is nested deeply is refused, wherever it is") {
    for (const int levels : {40, 1000, 1000000}) {
        CHECK(refusal(nested(levels)) != "");
        CHECK(refusal("{\"schema_version\": 1, \"a\": " + nested(levels) + "}").find("nested") != std::string::npos);
        CHECK(refusal("{\"schema_version\": 1, \"models\": [{\"files\": {\"a\": " + nested(levels) + "}}]}") != "");
    }
    CHECK(refusal("{\"schema_version\": 1, \"a\": " + nested(20) + "}").empty());
}

TEST_CASE("endless models and huge files are refused by the manifest") {
    std::string models = "{}";
    for (int i = 0; i < 100; ++i) models += ", {}";
    CHECK(refusal("{\"schema_version\": 1, \"models\": [" + models + "]}").find("100 models") != std::string::npos);
    const TemporaryFolder folder;
    const fs::path copy = copy_bundle("u8_colour", folder);
    const auto size = std::to_string(fs::file_size(copy / kModel));
    replace_in_file(copy / "manifest.json", "\"bytes\": " + size, "\"bytes\": 1099511627776");
    CHECK(try_open(copy).text.find("bytes: expected a whole number") != std::string::npos);
}
