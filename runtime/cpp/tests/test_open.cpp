#include <doctest/doctest.h>

#include <fstream>

#include "frames.h"
#include "sha256.h"

using namespace zsn2m::testing;
namespace fs = std::filesystem;

namespace {

bool says(const Opened &opened, zsn2m_status status, const char *what) {
    INFO(opened.text);
    CHECK(opened.status == status);
    CHECK(opened.text.find("expected") != std::string::npos);
    CHECK(opened.text.find("; ") != std::string::npos);
    CHECK(opened.text.find(what) != std::string::npos);
    return opened.status == status && opened.text.find(what) != std::string::npos;
}

fs::path single_file(const TemporaryFolder &folder) {
    const fs::path path = folder.path() / "camera.ts";
    fs::copy(bundle("u8_colour") / "mbd.ts", path);
    return path;
}

void flip_bit(const fs::path &path, std::size_t at) {
    std::string bytes = read_bytes(path);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_bytes(path, bytes);
}

} // namespace

TEST_CASE("a bundle gives its default model, or the one asked for, whatever their ids") {
    const std::string path = bundle("u16_colour").string();
    const zsn2m::Denoiser standard(path);
    CHECK(standard.info().model == std::string("pyramid"));
    CHECK(standard.info().stride == 9);
    CHECK(zsn2m::Denoiser(path, "flat").info().model == std::string("flat"));
    CHECK(says(try_open(path, "mbd"), ZSN2M_USAGE, "flat, pyramid"));
}

TEST_CASE("a bundle without a default gives the model asked for only") {
    const TemporaryFolder folder;
    const fs::path copy = copy_bundle("u16_colour", folder);
    replace_in_file(copy / "manifest.json", "\"default\": \"pyramid\"", "\"default\": null");
    CHECK(says(try_open(copy), ZSN2M_USAGE, "flat, pyramid"));
    CHECK(try_open(copy, "flat").status == ZSN2M_OK);
}

TEST_CASE("a denoiser says what it was made for") {
    const zsn2m::Denoiser denoiser(bundle("u16_grey").string(), "mbd");
    const zsn2m_info info = denoiser.info();
    CHECK(info.dtype == ZSN2M_U16);
    CHECK(info.channels == 1);
    CHECK(info.range_low == 0.0);
    CHECK(info.range_high == 1023.0);
    CHECK(info.stride == 1);
    CHECK(info.receptive_radius == 2);
    CHECK(info.precision == std::string("fp32"));
    CHECK(info.scale == 1023.0);
    CHECK(info.noise_sigma > 0.0);
}

TEST_CASE("the test vectors of a bundle are met") {
    for (const char *name : kBundles) {
        for (const fs::path &file : model_files(name)) CHECK(zsn2m::Denoiser(file.string()).self_test() <= 1e-6);
    }
}

TEST_CASE("a self-test with other vectors fails, and one without says so") {
    const TemporaryFolder folder;
    const fs::path path = single_file(folder);
    zsn2m_denoiser *handle = nullptr;
    REQUIRE(zsn2m_open(path.c_str(), nullptr, nullptr, &handle) == ZSN2M_OK);
    double difference = -1;
    CHECK(zsn2m_self_test(handle, &difference) == ZSN2M_BUNDLE);
    CHECK(difference == -1);
    fs::copy(bundle("u8_colour") / "test_input.npy", folder.path());
    fs::copy(bundle("u8_colour") / "test_output_mbd.npy", folder.path());
    CHECK(zsn2m_self_test(handle, nullptr) == ZSN2M_OK);
    flip_bit(folder.path() / "test_output_mbd.npy", 5000 + 2); // the exponent of some value
    flip_bit(folder.path() / "test_output_mbd.npy", 5000 + 3);
    CHECK(zsn2m_self_test(handle, &difference) == ZSN2M_FAILED);
    CHECK(difference > 1e-4);
    fs::copy(bundle("u16_grey") / "test_input.npy", folder.path(), fs::copy_options::overwrite_existing);
    CHECK(zsn2m_self_test(handle, &difference) == ZSN2M_BUNDLE);
    zsn2m_close(handle);
}

TEST_CASE("paths that hold no model are refused") {
    const TemporaryFolder folder;
    CHECK(says(try_open(folder.path()), ZSN2M_BUNDLE, "manifest.json"));
    CHECK(says(try_open(folder.path() / "nowhere.zsn2m"), ZSN2M_BUNDLE, "manifest.json"));
    CHECK(says(try_open(folder.path() / "nowhere.ts"), ZSN2M_BUNDLE, "nowhere.ts"));
    CHECK(says(try_open(bundle("u8_colour") / "test_input.npy"), ZSN2M_BUNDLE, "manifest.json"));
    CHECK(says(try_open(""), ZSN2M_BUNDLE, "manifest.json"));
    fs::create_directory(folder.path() / "folder.ts");
    CHECK(says(try_open(folder.path() / "folder.ts"), ZSN2M_BUNDLE, "manifest.json"));
}

TEST_CASE("versions are those of the header and of LibTorch") {
    const std::string expected = std::to_string(ZSN2M_VERSION_MAJOR) + "." + std::to_string(ZSN2M_VERSION_MINOR) + "." +
                                 std::to_string(ZSN2M_VERSION_PATCH);
    CHECK(zsn2m_version() == expected);
    CHECK(std::string(zsn2m_libtorch_version()).find('.') != std::string::npos);
}

TEST_CASE("arguments that are not there are refused") {
    zsn2m_denoiser *handle = reinterpret_cast<zsn2m_denoiser *>(&handle);
    CHECK(zsn2m_open(nullptr, nullptr, nullptr, &handle) == ZSN2M_USAGE);
    CHECK(handle == nullptr);
    CHECK(zsn2m_open(bundle("u8_colour").c_str(), nullptr, nullptr, nullptr) == ZSN2M_USAGE);
    const zsn2m_options options = {-1, 0};
    CHECK(zsn2m_open(bundle("u8_colour").c_str(), nullptr, &options, &handle) == ZSN2M_USAGE);
    CHECK(std::string(zsn2m_last_error()).find("threads") == 0);
    zsn2m_info info;
    CHECK(zsn2m_describe(nullptr, &info) == ZSN2M_USAGE);
    CHECK(zsn2m_self_test(nullptr, nullptr) == ZSN2M_USAGE);
    zsn2m_close(nullptr);
}

TEST_CASE("a file of a bundle that has changed never reaches LibTorch") {
    const TemporaryFolder folder;
    const fs::path copy = copy_bundle("u8_colour", folder);
    const fs::path file = copy / "mbd.ts";
    const std::string whole = read_bytes(file);
    for (const std::size_t at : {std::size_t{0}, whole.size() / 3, whole.size() - 1}) {
        write_bytes(file, whole);
        flip_bit(file, at);
        CHECK(says(try_open(copy, "mbd"), ZSN2M_BUNDLE, "SHA-256"));
        CHECK(says(try_open(file), ZSN2M_BUNDLE, "SHA-256"));
    }
    for (const std::size_t length : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
        write_bytes(file, whole.substr(0, length));
        CHECK(says(try_open(copy, "mbd"), ZSN2M_BUNDLE, "bytes"));
    }
    write_bytes(file, whole + "x");
    CHECK(says(try_open(copy, "mbd"), ZSN2M_BUNDLE, "bytes"));
    fs::remove(file);
    CHECK(says(try_open(copy, "mbd"), ZSN2M_BUNDLE, "mbd.ts"));
}

TEST_CASE("a manifest that does not fit the file is refused") {
    const TemporaryFolder folder;
    const fs::path copy = copy_bundle("u8_colour", folder);
    const fs::path manifest = copy / "manifest.json";
    const std::string whole = read_bytes(manifest);
    const auto with = [&](const std::string &old_text, const std::string &new_text) {
        write_bytes(manifest, whole);
        replace_in_file(manifest, old_text, new_text);
        return try_open(copy, "mbd");
    };
    CHECK(says(with("\"receptive_radius\": 2", "\"receptive_radius\": 1"), ZSN2M_BUNDLE, "receptive_radius"));
    CHECK(says(with("\"scale\": 255.0", "\"scale\": 256.0"), ZSN2M_BUNDLE, "scale"));
    CHECK(says(with("\"schema_version\": 1", "\"schema_version\": 2"), ZSN2M_BUNDLE, "schema version"));
    CHECK(says(with("\"mbd.ts\"", "\"../mbd.ts\""), ZSN2M_BUNDLE, "plain name"));
    CHECK(says(with("{", "["), ZSN2M_BUNDLE, "JSON"));
}

TEST_CASE("a single file is checked against its .sha256") {
    const TemporaryFolder folder;
    const fs::path path = single_file(folder);
    const fs::path sidecar = path.string() + ".sha256";
    const std::string digest = zsn2m::core::sha256(read_bytes(path));
    for (const std::string &text : {digest + "  camera.ts\n", digest + " *models/camera.ts\n", digest}) {
        write_bytes(sidecar, text);
        CHECK(try_open(path).status == ZSN2M_OK);
    }
    for (const std::string &text : {std::string(), digest.substr(1) + "  camera.ts\n", digest + "0  camera.ts\n"}) {
        write_bytes(sidecar, text);
        CHECK(says(try_open(path), ZSN2M_BUNDLE, "sha256sum"));
    }
    write_bytes(sidecar, digest + "  camera.ts\n");
    flip_bit(path, 1000);
    CHECK(says(try_open(path), ZSN2M_BUNDLE, "SHA-256"));
}

TEST_CASE("a single file alone is enough, and damage to it is found") {
    const TemporaryFolder folder;
    const fs::path path = single_file(folder);
    CHECK(try_open(path).status == ZSN2M_OK);
    CHECK(try_open(path, "mbd").status == ZSN2M_OK);
    CHECK(says(try_open(path, "grd"), ZSN2M_USAGE, "mbd"));
    const std::string whole = read_bytes(path);
    flip_bit(path, whole.size() / 2);
    CHECK(says(try_open(path), ZSN2M_BUNDLE, "checksum"));
    write_bytes(path, whole.substr(0, whole.size() - 10));
    CHECK(says(try_open(path), ZSN2M_BUNDLE, "zip"));
    write_bytes(path, "");
    CHECK(says(try_open(path), ZSN2M_BUNDLE, "zip"));
    write_bytes(path, "text, and no model at all, in more bytes than the end of an archive has");
    CHECK(says(try_open(path), ZSN2M_BUNDLE, "zip"));
    // An empty archive is whole: LibTorch is the one to refuse it.
    write_bytes(path, std::string("PK\x05\x06", 4) + std::string(18, '\0'));
    CHECK(says(try_open(path), ZSN2M_BUNDLE, "LibTorch"));
}
