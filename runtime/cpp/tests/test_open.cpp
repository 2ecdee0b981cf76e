#include <doctest/doctest.h>

#include <fstream>

#include "backends.h"
#include "frames.h"
#include "sha256.h"

using namespace zsn2m::testing;
namespace fs = std::filesystem;

namespace {

// A copy of the default network's file, alone in a folder.
fs::path single_file(const TemporaryFolder &folder, const std::string &suffix) {
    const fs::path path = folder.path() / ("camera" + suffix);
    fs::copy_file(bundle("u8_colour") / ("sensor" + suffix), path);
    return path;
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
    const zsn2m::Denoiser denoiser(bundle("u16_grey").string(), "mbd"); // the paper's: two convolutions of 3 x 3
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
        for (const fs::path &file : model_files(name)) {
            INFO(file.string());
            CHECK(zsn2m::Denoiser(file.string()).self_test() <= 1e-5); // a tenth of what the exporter allows
        }
    }
}

TEST_CASE("a self-test with other vectors fails, and one without says so") {
    const TemporaryFolder folder;
    const fs::path path = single_file(folder, suffixes().front());
    zsn2m_denoiser *handle = nullptr;
    REQUIRE(zsn2m_open(path.c_str(), nullptr, nullptr, &handle) == ZSN2M_OK);
    double difference = -1;
    CHECK(zsn2m_self_test(handle, &difference) == ZSN2M_BUNDLE);
    CHECK(difference == -1);
    fs::copy(bundle("u8_colour") / "test_input.npy", folder.path());
    fs::copy(bundle("u8_colour") / "test_output_sensor.npy", folder.path());
    CHECK(zsn2m_self_test(handle, nullptr) == ZSN2M_OK);
    flip_bit(folder.path() / "test_output_sensor.npy", 5000 + 2); // the exponent of some value
    flip_bit(folder.path() / "test_output_sensor.npy", 5000 + 3);
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
    for (const std::string &suffix : suffixes()) {
        CHECK(says(try_open(folder.path() / ("nowhere" + suffix)), ZSN2M_BUNDLE, "nowhere"));
    }
    CHECK(says(try_open(bundle("u8_colour") / "test_input.npy"), ZSN2M_BUNDLE, "manifest.json"));
    CHECK(says(try_open(""), ZSN2M_BUNDLE, "manifest.json"));
    fs::create_directory(folder.path() / "folder.ts");
    CHECK(says(try_open(folder.path() / "folder.ts"), ZSN2M_BUNDLE, "manifest.json"));
}

TEST_CASE("versions are those of the header and of the back ends") {
    const std::string expected = std::to_string(ZSN2M_VERSION_MAJOR) + "." + std::to_string(ZSN2M_VERSION_MINOR) + "." +
                                 std::to_string(ZSN2M_VERSION_PATCH);
    CHECK(zsn2m_version() == expected);
    const auto is_version = [](const std::string &text) { return text.find('.') != std::string::npos; };
    CHECK(is_version(zsn2m_libtorch_version()) == zsn2m::core::kWithLibTorch);
    CHECK(is_version(zsn2m_onnxruntime_version()) == zsn2m::core::kWithOnnxRuntime);
}

TEST_CASE("arguments that are not there are refused") {
    zsn2m_denoiser *handle = reinterpret_cast<zsn2m_denoiser *>(&handle);
    CHECK(zsn2m_open(nullptr, nullptr, nullptr, &handle) == ZSN2M_USAGE);
    CHECK(handle == nullptr);
    CHECK(zsn2m_open(bundle("u8_colour").c_str(), nullptr, nullptr, nullptr) == ZSN2M_USAGE);
    const zsn2m_options options = {-1, 0, {}};
    CHECK(zsn2m_open(bundle("u8_colour").c_str(), nullptr, &options, &handle) == ZSN2M_USAGE);
    CHECK(std::string(zsn2m_last_error()).find("threads") == 0);
    zsn2m_info info;
    CHECK(zsn2m_describe(nullptr, &info) == ZSN2M_USAGE);
    CHECK(zsn2m_self_test(nullptr, nullptr) == ZSN2M_USAGE);
    zsn2m_close(nullptr);
}

TEST_CASE("a file of a bundle that has changed never reaches the runtime") {
    for (const std::string &suffix : suffixes()) {
        const TemporaryFolder folder;
        const fs::path copy = copy_bundle("u8_colour", folder);
        const fs::path file = copy / ("sensor" + suffix);
        const std::string whole = read_bytes(file);
        const auto check = [&](const std::string &what) {
            CHECK(says(try_open(file), ZSN2M_BUNDLE, what));
            if (suffix == suffixes().front()) CHECK(says(try_open(copy), ZSN2M_BUNDLE, what));
        };
        for (const std::size_t at : {std::size_t{0}, whole.size() / 3, whole.size() - 1}) {
            write_bytes(file, whole);
            flip_bit(file, at);
            check("SHA-256");
        }
        for (const std::size_t length : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
            write_bytes(file, whole.substr(0, length));
            check("bytes");
        }
        write_bytes(file, whole + "x");
        check("bytes");
        fs::remove(file);
        check("sensor" + suffix);
    }
}

TEST_CASE("a manifest that does not fit the file is refused") {
    const TemporaryFolder folder;
    const fs::path copy = copy_bundle("u8_colour", folder);
    const fs::path manifest = copy / "manifest.json";
    const std::string whole = read_bytes(manifest);
    const auto with = [&](const std::string &old_text, const std::string &new_text) {
        write_bytes(manifest, whole);
        replace_in_file(manifest, old_text, new_text);
        return try_open(copy);
    };
    const std::string radius = std::to_string(zsn2m::Denoiser(copy.string()).info().receptive_radius);
    CHECK(says(with("\"receptive_radius\": " + radius, "\"receptive_radius\": 1"), ZSN2M_BUNDLE, "receptive_radius"));
    CHECK(says(with("\"scale\": 255.0", "\"scale\": 256.0"), ZSN2M_BUNDLE, "scale"));
    CHECK(says(with("\"schema_version\": 1", "\"schema_version\": 2"), ZSN2M_BUNDLE, "schema version"));
    CHECK(says(with("\"sensor.onnx\"", "\"../sensor.onnx\""), ZSN2M_BUNDLE, "plain name"));
    CHECK(says(with("{", "["), ZSN2M_BUNDLE, "JSON"));
}

TEST_CASE("a single file is checked against its .sha256") {
    for (const std::string &suffix : suffixes()) {
        const TemporaryFolder folder;
        const fs::path path = single_file(folder, suffix);
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
}

TEST_CASE("a single file alone is enough") {
    for (const std::string &suffix : suffixes()) {
        const TemporaryFolder folder;
        const fs::path path = single_file(folder, suffix);
        CHECK(try_open(path).status == ZSN2M_OK);
        CHECK(try_open(path, "sensor").status == ZSN2M_OK);
        CHECK(says(try_open(path, "mbd"), ZSN2M_USAGE, "sensor"));
        write_bytes(path, "");
        CHECK(says(try_open(path), ZSN2M_BUNDLE, path.string()));
    }
}
