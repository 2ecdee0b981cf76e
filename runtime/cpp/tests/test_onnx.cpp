// ONNX files: the pixels of the TorchScript ones where libzsn2m is built with onnxruntime, a clear error elsewhere.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "frames.h"
#include "sha256.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;
namespace fs = std::filesystem;

namespace {

// A copy of a bundle whose first model has an ONNX file only, as lower precisions have.
fs::path first_with_onnx_only(const char *name, const TemporaryFolder &folder) {
    const fs::path copy = copy_bundle(name, folder);
    replace_in_file(copy / "manifest.json", "\"torchscript\": {", "\"later\": {");
    return copy;
}

#ifdef ZSN2M_WITH_ONNXRUNTIME

const zsn2m_size kSizes[] = {{1, 1, 0}, {1, 7, 0}, {13, 17, 0}, {61, 97, 0}};

fs::path without_suffix(fs::path path) { return path.replace_extension(); }

template <typename Sample>
void check_onnx(const char *name, double white, double tolerance) {
    for (const fs::path &file : model_files(name, ".onnx")) {
        const Denoiser onnx(file.string(), "", {1, 0});
        const Denoiser script(without_suffix(file).string() + ".ts", "", {1, 0});
        CHECK(onnx.self_test() <= 1e-5);
        CHECK(onnx.info().receptive_radius == script.info().receptive_radius);
        for (zsn2m_size size : kSizes) {
            INFO(file.string(), ": ", size.height, " x ", size.width);
            size.channels = static_cast<std::size_t>(onnx.info().channels);
            const auto noisy = noisy_frame<Sample>(size, white);
            CHECK(largest_difference(denoise(script, noisy, size), denoise(onnx, noisy, size)) <= tolerance);
        }
    }
}

#endif

} // namespace

#ifdef ZSN2M_WITH_ONNXRUNTIME

TEST_CASE("ONNX files give the pixels of the TorchScript files") {
    check_onnx<std::uint8_t>("u8_colour", 255, 1);
    check_onnx<std::uint16_t>("u16_grey", 1023, 1);
    check_onnx<std::uint16_t>("u16_colour", 4095, 1);
    check_onnx<float>("f32_colour", 1, 1e-5);
}

TEST_CASE("a model of a bundle that has an ONNX file only is run by onnxruntime") {
    const TemporaryFolder folder;
    const fs::path copy = first_with_onnx_only("u8_colour", folder);
    fs::remove(copy / "mbd.ts");
    CHECK(Denoiser(copy.string(), "mbd").self_test() <= 1e-5);
}

TEST_CASE("an ONNX file that has changed never reaches onnxruntime") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "camera.onnx";
    fs::copy(bundle("u8_colour") / "mbd.onnx", path);
    std::string bytes = read_bytes(path);
    CHECK(try_open(path).status == ZSN2M_OK); // alone, it is enough
    write_bytes(path.string() + ".sha256", zsn2m::core::sha256(bytes) + "  camera.onnx\n");
    CHECK(try_open(path).status == ZSN2M_OK);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_bytes(path, bytes);
    const Opened opened = try_open(path);
    CHECK(opened.status == ZSN2M_BUNDLE);
    CHECK(opened.text.find("SHA-256") != std::string::npos);
}

TEST_CASE("what is no ONNX file is refused") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "camera.onnx";
    for (const std::string &bytes : {std::string(), std::string("text"), std::string(5000, '\xff')}) {
        write_bytes(path, bytes);
        const Opened opened = try_open(path);
        CHECK(opened.status == ZSN2M_BUNDLE);
        CHECK(opened.text.find("expected an ONNX model") != std::string::npos);
    }
}

TEST_CASE("onnxruntime's telemetry is refused, unless the user has asked for it") {
    const char *const before = std::getenv("ORT_DISABLE_TELEMETRY"); // the first denoiser of this process sets it
    const std::string chosen = before ? before : "";
    const Denoiser denoiser((bundle("u8_colour") / "mbd.onnx").string(), "", {1, 0});
    const char *const after = std::getenv("ORT_DISABLE_TELEMETRY");
    REQUIRE(after);
    CHECK(after == (chosen.empty() ? std::string("1") : chosen));
}

TEST_CASE("one denoiser with onnxruntime serves several threads at once") {
    const Denoiser denoiser((bundle("u8_colour") / "mbd.onnx").string(), "", {1, 0});
    const zsn2m_size size = {40, 50, 3};
    const auto noisy = noisy_frame<std::uint8_t>(size, 255);
    const auto expected = denoise(denoiser, noisy, size);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int frame = 0; frame < 10; ++frame) wrong += denoise(denoiser, noisy, size) != expected;
        });
    }
    for (std::thread &thread : threads) thread.join();
    CHECK(wrong == 0);
}

#else

TEST_CASE("an ONNX file is refused where libzsn2m is built without onnxruntime") {
    const TemporaryFolder folder;
    const fs::path copy = first_with_onnx_only("u8_colour", folder);
    for (const Opened &opened : {try_open(bundle("u8_colour") / "mbd.onnx"), try_open(copy, "mbd")}) {
        CHECK(opened.status == ZSN2M_UNAVAILABLE);
        CHECK(opened.text.find("-DZSN2M_ONNXRUNTIME=ON") != std::string::npos);
    }
}

#endif
