// A network in memory. LibTorch's headers are seen by torchscript.cpp alone, onnxruntime's by onnx.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "pixels.h"

namespace zsn2m::core {

// What a network runs on: planes (1, channels, height, width) in sensor units, contiguous.
struct Inputs {
    float *noisy;
    float strength;             // of the noise, 1 as the bundle's; for a network that takes it
    float *strengths = nullptr; // the same at each pixel, (height, width), in its place
};

class Model {
public:
    Model() = default;
    virtual ~Model() = default;
    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;

    // Denoise a frame. The result has the same shape; it may be the same memory. Throws Failure (ZSN2M_FAILED) if the
    // runtime fails. May be called from several threads at once.
    virtual std::shared_ptr<const float> run(const Inputs &inputs, Size size) const = 0;
};

// A model, and the text of the card in its file; empty where it has none.
struct LoadedModel {
    std::unique_ptr<Model> model;
    std::string card;
};

// Load a model from the bytes of its file. Each is there in libraries built with its back end alone.
//
// name: how messages call it. threads: of one call; 0 leaves the runtime's own setting. Both throw Failure:
// ZSN2M_BUNDLE if the runtime refuses the bytes; load_onnx ZSN2M_UNAVAILABLE if onnxruntime is older than the headers
// built with.
LoadedModel load_torchscript(std::string_view bytes, const std::string &name, int threads);
LoadedModel load_onnx(std::string_view bytes, const std::string &name, int threads);

const char *libtorch_version();    // built with
const char *onnxruntime_version(); // in use

} // namespace zsn2m::core
