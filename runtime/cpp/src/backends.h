// The kinds of model files, and the back ends that run them: LibTorch and onnxruntime, each on its own or both.
#pragma once

#include <string>
#include <string_view>

#include "model.h"

namespace zsn2m::core {

constexpr bool kWithLibTorch = ZSN2M_WITH_LIBTORCH;
constexpr bool kWithOnnxRuntime = ZSN2M_WITH_ONNXRUNTIME;

enum class Format { kOnnx, kTorchScript };

struct Backend {
    Format format;
    const char *format_name;
    const char *suffix; // of its files
    const char *runtime;
    const char *option; // of CMake, that builds it in
    bool built_in;
};

// In order of preference, where a model of a bundle has files for both: onnxruntime is the faster one, gives Python's
// pixels, and its files are data, not programs (docs/decisions/cpp-back-ends.md).
constexpr Backend kBackends[] = {
    {Format::kOnnx, "ONNX", ".onnx", "onnxruntime", "ZSN2M_ONNXRUNTIME", kWithOnnxRuntime},
    {Format::kTorchScript, "TorchScript", ".ts", "LibTorch", "ZSN2M_LIBTORCH", kWithLibTorch},
};

const Backend &backend_of(Format format);

// Throws Failure (ZSN2M_UNAVAILABLE) naming the CMake option if the format's back end is not built in. `name` is how
// messages call the model or its file.
void require_backend(Format format, const std::string &name);

// Load a model by the back end of its format, which is built in; see load_onnx() and load_torchscript().
LoadedModel load_model(Format format, std::string_view bytes, const std::string &name, int threads);

// Check what can be checked of a file that comes without a hash: TorchScript files hold checksums, ONNX files none.
//
// Throws Failure (ZSN2M_BUNDLE).
void check_unhashed(Format format, std::string_view bytes, const std::string &name);

} // namespace zsn2m::core
