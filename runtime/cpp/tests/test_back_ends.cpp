// Which back end runs what: one that is not built in is named with its option; where both are, they give one result.
#include <doctest/doctest.h>

#include "backends.h"
#include "frames.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;
using zsn2m::core::Backend;
using zsn2m::core::kBackends;
namespace core = zsn2m::core;
namespace fs = std::filesystem;

namespace {

// A copy of a bundle whose first model, the default, has a file for one back end only.
fs::path first_for(const Backend &backend, const TemporaryFolder &folder) {
    const fs::path copy = copy_bundle("u8_colour", folder);
    for (const Backend &other : kBackends) {
        if (other.format == backend.format) continue;
        const std::string key = other.format == core::Format::kOnnx ? "onnx" : "torchscript";
        replace_in_file(copy / "manifest.json", "\"" + key + "\": {", "\"later\": {");
    }
    return copy;
}

const zsn2m_size kSizes[] = {{1, 1, 0}, {1, 7, 0}, {13, 17, 0}, {61, 97, 0}};

template <typename Sample>
void check_agreement(const char *name, double white, double tolerance) {
    for (fs::path file : model_files(name, ".onnx")) {
        const Denoiser onnx(file.string(), "", {1, 0, {}});
        const Denoiser script(file.replace_extension(".ts").string(), "", {1, 0, {}});
        CHECK(onnx.info().receptive_radius == script.info().receptive_radius);
        for (zsn2m_size size : kSizes) {
            INFO(file.string(), ": ", size.height, " x ", size.width);
            size.channels = static_cast<std::size_t>(onnx.info().channels);
            const auto noisy = noisy_frame<Sample>(size, white);
            CHECK(largest_difference(denoise(script, noisy, size), denoise(onnx, noisy, size)) <= tolerance);
        }
    }
}

} // namespace

TEST_CASE("a model is run from whichever file there is, or refused with the option that is missing") {
    for (const Backend &backend : kBackends) {
        const TemporaryFolder folder;
        const fs::path copy = first_for(backend, folder);
        const fs::path file = copy / (std::string("sensor") + backend.suffix);
        INFO(file.string());
        if (backend.built_in) {
            CHECK(Denoiser(copy.string()).self_test() <= 1e-5);
            CHECK(Denoiser(file.string()).self_test() <= 1e-5);
        } else {
            for (const fs::path &path : {copy, file})
                CHECK(says(try_open(path), ZSN2M_UNAVAILABLE, std::string("-D") + backend.option + "=ON"));
        }
    }
}

TEST_CASE("a bundle's model is run from its ONNX file where both are possible") {
    const TemporaryFolder folder;
    const fs::path copy = copy_bundle("u8_colour", folder);
    for (const fs::path &file : {copy / "sensor.onnx", copy / "sensor.ts"}) {
        if (file.extension() != suffixes().front()) fs::remove(file); // the one that is not run is not missed
    }
    CHECK(suffixes().front() == (core::kWithOnnxRuntime ? ".onnx" : ".ts"));
    CHECK(try_open(copy).status == ZSN2M_OK);
}

TEST_CASE("ONNX files give the pixels of the TorchScript files") {
    if (suffixes().size() < 2) return;
    check_agreement<std::uint8_t>("u8_colour", 255, 1);
    check_agreement<std::uint16_t>("u16_grey", 1023, 1);
    check_agreement<std::uint16_t>("u16_colour", 4095, 1);
    check_agreement<float>("f32_colour", 1, 1e-5);
}
