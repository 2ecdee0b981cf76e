// Functions of a back end that is not built in are called in discarded branches of `if constexpr` only, and so are not
// linked.
#include "backends.h"

#include "failure.h"
#include "zip_check.h"

namespace zsn2m::core {

static_assert(kWithLibTorch || kWithOnnxRuntime);

const Backend &backend_of(Format format) { return kBackends[format == kBackends[0].format ? 0 : 1]; }

void require_backend(Format format, const std::string &name) {
    const Backend &backend = backend_of(format);
    if (backend.built_in) return;
    const Backend &other = kBackends[format == kBackends[0].format ? 1 : 0];
    throw Failure(ZSN2M_UNAVAILABLE, name + ": expected " + other.format_name + ", which this libzsn2m runs by " +
                                         other.runtime + ", but got " + backend.format_name + "; build it with -D" +
                                         backend.option + "=ON");
}

LoadedModel load_model(Format format, std::string_view bytes, const std::string &name, int threads) {
    if constexpr (kWithOnnxRuntime) {
        if (format == Format::kOnnx) return load_onnx(bytes, name, threads);
    }
    if constexpr (kWithLibTorch) {
        if (format == Format::kTorchScript) return load_torchscript(bytes, name, threads);
    }
    require_backend(format, name);
    return {};
}

void check_unhashed(Format format, std::string_view bytes, const std::string &name) {
    if constexpr (kWithLibTorch) {
        if (format == Format::kTorchScript) check_zip(bytes, name);
    }
}

} // namespace zsn2m::core
