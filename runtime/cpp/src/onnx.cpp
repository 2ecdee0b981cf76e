// ONNX files, by onnxruntime.
#include <onnxruntime_cxx_api.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "card.h"
#include "failure.h"
#include "model.h"
#include "onnx_check.h"

namespace zsn2m::core {
namespace {

constexpr const char *kTelemetrySwitch = "ORT_DISABLE_TELEMETRY";

// onnxruntime from 1.29 on sends usage data and keeps an identifier in the home folder, unless this variable of the
// environment is set when its first Env is made. Set it, unless the user has; return whether telemetry is refused.
bool refuse_telemetry() {
    const char *const chosen = std::getenv(kTelemetrySwitch);
    if (chosen && *chosen) {
        const std::string value = chosen;
        return value != "0" && value != "false" && value != "no" && value != "off";
    }
#ifdef _WIN32
    _putenv_s(kTelemetrySwitch, "1");
#else
    setenv(kTelemetrySwitch, "1", 1); // overwrites an empty value, which onnxruntime takes for consent
#endif
    return true;
}

Ort::Env *make_environment() {
    const bool refused = refuse_telemetry();
    auto *const environment = new Ort::Env(ORT_LOGGING_LEVEL_FATAL, "zsn2m");
    if (refused) {
        environment->DisableTelemetryEvents(); // of Windows' event log, or of an Env that the program made earlier
    }
    return environment;
}

// One for the process, never destroyed: static objects may hold sessions until the very end.
Ort::Env &environment() {
    static auto *const environment = make_environment();
    return *environment;
}

Ort::SessionOptions session_options(int threads) {
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(threads); // 0: one per core
    // Threads that spin while they wait for the next frame would take a core from the program that makes it.
    options.AddConfigEntry("session.intra_op.allow_spinning", "0");
    return options;
}

std::vector<std::int64_t> shape_of(Size size) { return {1, size.channels, size.height, size.width}; }

class OnnxModel final : public Model {
public:
    OnnxModel(std::string_view bytes, int threads)
        : session_(environment(), bytes.data(), bytes.size(), session_options(threads)) {
        const std::size_t frames = session_.GetInputCount(), defaults = session_.GetOverridableInitializerCount();
        if (frames != 1 || defaults > 1 || session_.GetOutputCount() != 1) {
            throw Ort::Exception("a model with other inputs than frame and strength, or several outputs",
                                 ORT_INVALID_GRAPH);
        }
        const Ort::AllocatorWithDefaultOptions allocator;
        noisy_ = session_.GetInputNameAllocated(0, allocator).get();
        if (defaults == 1) strength_ = session_.GetOverridableInitializerNameAllocated(0, allocator).get();
        output_ = session_.GetOutputNameAllocated(0, allocator).get();
    }

    std::string card() const {
        const Ort::AllocatorWithDefaultOptions allocator;
        const auto text = session_.GetModelMetadata().LookupCustomMetadataMapAllocated(kCardKey, allocator);
        return text ? text.get() : "";
    }

    std::shared_ptr<const float> run(const Inputs &inputs, Size size) const override {
        const std::vector<std::int64_t> shape = shape_of(size);
        const auto count = static_cast<std::size_t>(size.channels * size.height * size.width);
        try {
            const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
            std::vector<const char *> names = {noisy_.c_str()};
            std::vector<Ort::Value> values;
            values.push_back(
                Ort::Value::CreateTensor<float>(memory, inputs.noisy, count, shape.data(), shape.size()));
            float strength = inputs.strength;
            const bool one = !inputs.strengths;
            const std::array<std::int64_t, 4> told{1, 1, one ? 1 : size.height, one ? 1 : size.width};
            if (!strength_.empty()) {
                names.push_back(strength_.c_str());
                values.push_back(Ort::Value::CreateTensor<float>(
                    memory, one ? &strength : inputs.strengths, static_cast<std::size_t>(told[2] * told[3]),
                    told.data(), told.size()));
            }
            const char *const output = output_.c_str();
            auto results =
                session_.Run(Ort::RunOptions{nullptr}, names.data(), values.data(), values.size(), &output, 1);
            auto kept = std::make_shared<Ort::Value>(std::move(results.front()));
            const auto info = kept->GetTensorTypeAndShapeInfo();
            if (info.GetElementType() != ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT || info.GetShape() != shape) {
                throw Failure(ZSN2M_FAILED, "model: expected float32 of the frame's size from the network, but got "
                                            "something else; export again");
            }
            return {kept, kept->GetTensorData<float>()};
        } catch (const Ort::Exception &error) {
            throw Failure(ZSN2M_FAILED, std::string("model: expected onnxruntime to run it, but it failed: ") +
                                            error.what() + "; where it lacks memory, make strip_pixels smaller");
        }
    }

private:
    mutable Ort::Session session_; // Run() is safe from several threads, and not const
    std::string noisy_;
    std::string strength_; // empty: the network takes none
    std::string output_;
};

} // namespace

LoadedModel load_onnx(std::string_view bytes, const std::string &name, int threads) {
    check_onnx(bytes, name);
    const std::string version = onnxruntime_version();
    if (!OrtGetApiBase()->GetApi(ORT_API_VERSION)) {
        throw Failure(ZSN2M_UNAVAILABLE, name + ": expected onnxruntime 1." + std::to_string(ORT_API_VERSION) +
                                             " or newer, which this libzsn2m was built with, but got " + version +
                                             "; install that one, or build libzsn2m again");
    }
    try {
        auto model = std::make_unique<OnnxModel>(bytes, threads);
        std::string card = model->card();
        return {std::move(model), std::move(card)};
    } catch (const Ort::Exception &error) {
        throw Failure(ZSN2M_BUNDLE, name + ": expected an ONNX file that onnxruntime " + version +
                                        " can read, but got: " + error.what() + "; export again");
    }
}

const char *onnxruntime_version() { return OrtGetApiBase()->GetVersionString(); }

} // namespace zsn2m::core
