// TorchScript files, by LibTorch.
#include <ATen/Parallel.h>
#include <torch/script.h>
#include <torch/version.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "card.h"
#include "failure.h"
#include "model.h"

namespace zsn2m::core {
namespace {

class MemoryReader final : public caffe2::serialize::ReadAdapterInterface {
public:
    explicit MemoryReader(std::string_view bytes) : bytes_(bytes) {}

    std::size_t size() const override { return bytes_.size(); }

    std::size_t read(std::uint64_t position, void *buffer, std::size_t count, const char *) const override {
        if (position >= bytes_.size()) return 0;
        const std::size_t available = std::min<std::size_t>(count, bytes_.size() - position);
        std::memcpy(buffer, bytes_.data() + position, available);
        return available;
    }

private:
    std::string_view bytes_;
};

// Of LibTorch's message, without the trace of calls that follows.
std::string first_line(const char *message) {
    const std::string_view text(message);
    return std::string(text.substr(0, text.find('\n')));
}

// Sets the number of threads of the calling thread, and puts it back.
class ThreadCount {
public:
    explicit ThreadCount(int wanted) : before_(at::get_num_threads()), changed_(wanted > 0 && wanted != before_) {
        if (changed_) at::set_num_threads(wanted);
    }
    ~ThreadCount() {
        if (changed_) at::set_num_threads(before_);
    }
    ThreadCount(const ThreadCount &) = delete;
    ThreadCount &operator=(const ThreadCount &) = delete;

private:
    int before_;
    bool changed_;
};

void check_result(const at::Tensor &result, at::IntArrayRef expected) {
    if (result.scalar_type() != at::kFloat || result.sizes() != expected || !result.device().is_cpu()) {
        throw Failure(ZSN2M_FAILED, "model: expected float32 of the frame's size from the network, but got " +
                                        std::string(result.toString()) + "; export again");
    }
}

class TorchScriptModel final : public Model {
public:
    TorchScriptModel(torch::jit::Module script, int threads)
        : script_(std::move(script)), threads_(threads),
          takes_(script_.get_method("forward").function().getSchema().arguments().size() - 1) {}

    std::shared_ptr<const float> run(const Inputs &inputs, Size size) const override {
        const std::vector<std::int64_t> shape = {1, size.channels, size.height, size.width};
        try {
            const c10::InferenceMode inference;
            const ThreadCount count(threads_);
            std::vector<c10::IValue> values = {at::from_blob(inputs.noisy, shape, at::kFloat)};
            if (takes_ == kWithStrength) {
                values.emplace_back(inputs.strengths
                                        ? at::from_blob(inputs.strengths, {1, 1, size.height, size.width}, at::kFloat)
                                        : at::full({1, 1, 1, 1}, inputs.strength));
            }
            const at::Tensor result = script_.get_method("forward")(std::move(values)).toTensor();
            check_result(result, shape);
            auto kept = std::make_shared<at::Tensor>(result.contiguous());
            return {kept, kept->const_data_ptr<float>()};
        } catch (const Failure &) {
            throw;
        } catch (const std::exception &error) {
            throw Failure(ZSN2M_FAILED,
                          "model: expected LibTorch to run it, but it failed: " + first_line(error.what()) +
                              "; where it lacks memory, make strip_pixels smaller");
        }
    }

private:
    static constexpr std::size_t kWithStrength = 2; // frame, strength

    torch::jit::Module script_;
    int threads_;
    std::size_t takes_; // inputs, without the module itself
};

} // namespace

LoadedModel load_torchscript(std::string_view bytes, const std::string &name, int threads) {
    torch::jit::ExtraFilesMap extra_files = {{kCardKey, ""}};
    try {
        auto script = torch::jit::load(std::make_shared<MemoryReader>(bytes), at::kCPU, extra_files);
        script.eval();
        return {std::make_unique<TorchScriptModel>(std::move(script), threads), extra_files[kCardKey]};
    } catch (const std::exception &error) {
        throw Failure(ZSN2M_BUNDLE, name + ": expected a TorchScript file that LibTorch " + libtorch_version() +
                                        " can read, but got: " + first_line(error.what()) + "; export again");
    }
}

const char *libtorch_version() { return TORCH_VERSION; }

} // namespace zsn2m::core
