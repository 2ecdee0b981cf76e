// A TorchScript module; the only part that LibTorch's headers are seen by.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pixels.h"

namespace zsn2m::core {

class Model {
public:
    // Load a module from the bytes of its file. `name` is how messages call it; `card` becomes its card's text, empty
    // where it has none. Throws Failure (ZSN2M_BUNDLE) if LibTorch refuses the bytes.
    Model(std::string_view bytes, const std::string &name, std::string &card);
    ~Model();
    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;

    // Denoise planes (1, channels, height, width) in sensor units, contiguous. The result has the same shape; it may
    // be the same memory. Throws Failure (ZSN2M_FAILED) if LibTorch fails.
    //
    // threads: 0 leaves LibTorch's own setting. May be called from several threads at once.
    std::shared_ptr<const float> run(float *planes, Size size, int threads) const;

private:
    struct Module;
    std::unique_ptr<Module> module_;
};

const char *libtorch_version();

} // namespace zsn2m::core
