// What onnxruntime alone does: built with it only.
#include <doctest/doctest.h>

#include <cstdlib>

#include "frames.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;
namespace fs = std::filesystem;

TEST_CASE("what is no ONNX file is refused") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "camera.onnx";
    for (const std::string &bytes : {std::string(), std::string("text"), std::string(5000, '\xff')}) {
        write_bytes(path, bytes);
        CHECK(says(try_open(path), ZSN2M_BUNDLE, "ONNX model"));
    }
}

TEST_CASE("onnxruntime's telemetry is refused, unless the user has asked for it") {
    const char *const before = std::getenv("ORT_DISABLE_TELEMETRY"); // the first denoiser of this process sets it
    const std::string chosen = before ? before : "";
    const Denoiser denoiser((bundle("u8_colour") / "sensor.onnx").string(), "", {1, 0, {}});
    const char *const after = std::getenv("ORT_DISABLE_TELEMETRY");
    REQUIRE(after);
    CHECK(after == (chosen.empty() ? std::string("1") : chosen));
}
