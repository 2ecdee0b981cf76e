#include "denoiser.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "backends.h"
#include "blank.h"
#include "failure.h"
#include "file.h"
#include "npy.h"
#include "strips.h"

namespace zsn2m::core {
namespace {

// Exports write at most 3 x 93 x 93; the memory of a run grows with them.
constexpr std::int64_t kMostSelfTestPixels = std::int64_t{512} * 512;

Card check_card(const std::string &text, const ModelFile &file, const std::string &model) {
    const std::string name = file.path.string();
    if (text.empty()) {
        throw Failure(ZSN2M_BUNDLE, name + ": expected a model exported by zsn2m-deploy (with a " + kCardKey +
                                        " inside), but got another; export it with zsn2m-deploy");
    }
    Card card = parse_card(text, name + ": " + kCardKey);
    if (file.entry) {
        const std::string difference = first_difference(card, file.entry->card);
        if (!difference.empty()) {
            throw Failure(ZSN2M_BUNDLE, name + ": expected the facts of " + kManifestName +
                                            " inside, but got another " + difference + "; export again");
        }
    }
    if (!model.empty() && model != card.id) {
        throw Failure(ZSN2M_USAGE, name + ": expected model " + card.id + ", which this file is, but got \"" + model +
                                       "\"; name that one, or none");
    }
    if (card.io != "sensor") {
        throw Failure(ZSN2M_USAGE, name + ": expected a model that takes frames in sensor units, but " + card.id +
                                       " is for programs that bring arrays of their own; load it there");
    }
    return card;
}

// One strip's input.
struct Planes {
    std::unique_ptr<float[]> values;
    Size size;
};

template <typename Sample>
Planes read_strip(const View<const Sample> &noisy, const Strip &strip) {
    const Size size = {strip.read_stop - strip.read_start, noisy.size.width, noisy.size.channels};
    const auto count = static_cast<std::size_t>(size.height * size.width * size.channels);
    Planes planes = {std::unique_ptr<float[]>(new float[count]), size};
    read_planes(noisy, {strip.read_start, strip.read_stop}, planes.values.get());
    return planes;
}

// Rows of planes (channels, height, width) as planes of their own.
std::vector<float> cut_rows(const std::vector<float> &planes, Size size, Rows rows) {
    std::vector<float> cut;
    cut.reserve(static_cast<std::size_t>(size.channels * (rows.stop - rows.start) * size.width));
    for (std::int64_t channel = 0; channel < size.channels; ++channel) {
        const float *const plane = planes.data() + channel * size.height * size.width;
        cut.insert(cut.end(), plane + rows.start * size.width, plane + rows.stop * size.width);
    }
    return cut;
}

void take_where(const Mask &mask, const std::vector<float> &from, std::vector<float> &planes) {
    for (std::size_t i = 0; i < planes.size(); ++i) {
        if (mask.flags[i % mask.flags.size()]) planes[i] = from[i];
    }
}

Array read_vector(const std::filesystem::path &folder, const FileRecord *record, const std::string &otherwise) {
    const std::string name = record ? record->name : otherwise;
    return read_npy(record ? read_recorded(folder, *record) : read_file(folder / name, kMostSelfTestBytes),
                    (folder / name).string());
}

Denoiser::Difference difference_of(const float *result, const std::vector<float> &expected, double scale) {
    double largest = 0, squares = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double difference = std::abs(static_cast<double>(result[i]) - static_cast<double>(expected[i])) / scale;
        if (!(difference <= largest)) largest = difference; // a NaN is kept
        if (std::isnan(largest)) return {largest, largest};
        squares += difference * difference;
    }
    return {largest, std::sqrt(squares / static_cast<double>(expected.size()))};
}

} // namespace

Denoiser::Denoiser(const std::filesystem::path &path, const std::string &model, Options options)
    : Denoiser(read_model_file(path, model), model, options) {}

Denoiser::Denoiser(ModelFile file, const std::string &model, Options options)
    : folder_(file.path.parent_path()), entry_(file.entry),
      loaded_(load_model(file.format, file.bytes, file.path.string(), options.threads)),
      card_(check_card(loaded_.card, file, model)), strip_pixels_(options.strip_pixels) {
    if (strip_pixels_ == 0) strip_pixels_ = card_.state.empty() ? kDefaultStripPixels : kStripPixelsOfVideo;
}

template <typename Sample>
void Denoiser::denoise(const View<const Sample> &noisy, const View<Sample> &denoised) const {
    check_samples(noisy, card_.range_low, card_.range_high);
    const bool is_mosaic = !card_.mosaic.empty();
    const std::optional<Mask> blank = is_mosaic ? blank_cells(noisy) : blank_areas(noisy);
    if (!blank) return run_in_strips(noisy, denoised);
    const std::vector<Sample> kept = samples_of(noisy, *blank);
    if (!blank->all()) {
        const std::vector<Sample> scene = is_mosaic ? with_filled_cells(noisy, *blank) : filled(noisy, *blank);
        run_in_strips(packed(scene, noisy.size), denoised);
    }
    put_back(kept, *blank, denoised);
}

template <typename Sample>
void Denoiser::run_in_strips(const View<const Sample> &noisy, const View<Sample> &denoised) const {
    const std::vector<Strip> strips = plan_strips(noisy.size.height, noisy.size.width, card_.reach, strip_pixels_);
    Planes planes = read_strip(noisy, strips.front());
    for (std::size_t i = 0; i < strips.size(); ++i) {
        const Strip &strip = strips[i];
        const std::shared_ptr<const float> result = loaded_.model->run({planes.values.get(), nullptr, 1}, planes.size);
        // The next strip is read before this one is written: in place, its halo would be denoised twice.
        Planes next = i + 1 < strips.size() ? read_strip(noisy, strips[i + 1]) : Planes{nullptr, {}};
        write_planes(result.get(), planes.size.height, strip.start - strip.read_start, denoised,
                     {strip.start, strip.stop});
        planes = std::move(next);
    }
}

template <typename Sample>
void Denoiser::denoise_next(const View<const Sample> &noisy, const View<Sample> &denoised, float strength,
                            State &state) const {
    if (card_.state.empty()) return denoise(noisy, denoised);
    check_samples(noisy, card_.range_low, card_.range_high);
    const Size size = noisy.size;
    std::optional<Mask> blank = blank_areas(noisy);
    if (blank && blank->all()) {
        put_back(samples_of(noisy, *blank), *blank, denoised);
        return state.restart();
    }
    const std::vector<Sample> scene = blank ? filled(noisy, *blank) : std::vector<Sample>();
    const std::vector<Sample> kept = blank ? samples_of(noisy, *blank) : std::vector<Sample>();
    std::vector<float> planes(static_cast<std::size_t>(size.channels * size.height * size.width));
    read_planes(blank ? packed(scene, size) : noisy, {0, size.height}, planes.data());

    const bool goes_on = !state.planes.empty() && state.size.height == size.height && state.size.width == size.width;
    std::vector<float> previous = goes_on ? state.planes : planes;
    if (blank) take_where(*blank, planes, previous);
    if (goes_on && state.blank) take_where(*state.blank, planes, previous);

    std::vector<float> result = run_in_strips(std::move(planes), std::move(previous), size, strength);
    write_planes(result.data(), size.height, 0, denoised, {0, size.height});
    if (blank) put_back(kept, *blank, denoised);
    state = {std::move(result), size, std::move(blank)};
}

std::vector<float> Denoiser::run_in_strips(std::vector<float> noisy, std::vector<float> previous, Size size,
                                           float strength) const {
    const std::vector<Strip> strips = plan_strips(size.height, size.width, card_.reach, strip_pixels_);
    std::vector<float> whole(noisy.size());
    for (const Strip &strip : strips) {
        const Rows read = {strip.read_start, strip.read_stop};
        std::vector<float> rows = cut_rows(noisy, size, read), before = cut_rows(previous, size, read);
        const std::int64_t height = read.stop - read.start;
        const auto result =
            loaded_.model->run({rows.data(), before.data(), strength}, {height, size.width, size.channels});
        for (std::int64_t channel = 0; channel < size.channels; ++channel) {
            const float *const from =
                result.get() + (channel * height + strip.start - strip.read_start) * size.width;
            std::copy_n(from, (strip.stop - strip.start) * size.width,
                        whole.data() + (channel * size.height + strip.start) * size.width);
        }
    }
    return whole;
}

Denoiser::Difference Denoiser::self_test() const {
    Array input = read_vector(folder_, entry_ ? &entry_->self_test_input : nullptr, "test_input.npy");
    const Array expected =
        read_vector(folder_, entry_ ? &entry_->self_test : nullptr, "test_output_" + card_.id + ".npy");
    const bool fits = input.shape == expected.shape && input.shape.size() == 4 &&
                      (input.shape[0] == 1 || !card_.state.empty()) && input.shape[1] == card_.channels &&
                      !input.values.empty();
    if (!fits) {
        throw Failure(ZSN2M_BUNDLE, folder_.string() + ": expected test vectors of shape (" +
                                        (card_.state.empty() ? "1" : "n") + ", " + std::to_string(card_.channels) +
                                        ", h, w), but got others; export again");
    }
    const std::int64_t pixels = input.shape[0] * input.shape[2] * input.shape[3];
    if (pixels > kMostSelfTestPixels) {
        throw Failure(ZSN2M_BUNDLE, folder_.string() + ": expected test vectors of at most " +
                                        std::to_string(kMostSelfTestPixels) + " pixels, but got " +
                                        std::to_string(pixels) + "; export again");
    }
    const Size size = {input.shape[2], input.shape[3], input.shape[1]};
    const auto samples = static_cast<std::size_t>(size.channels * size.height * size.width);
    std::vector<float> results, previous; // of a sequence each result is the state of the next frame
    for (std::size_t start = 0; start < input.values.size(); start += samples) {
        float *const state = previous.empty() ? nullptr : previous.data();
        const auto result = loaded_.model->run({input.values.data() + start, state, 1}, size);
        previous.assign(result.get(), result.get() + samples);
        results.insert(results.end(), previous.begin(), previous.end());
    }
    return difference_of(results.data(), expected.values, card_.scale);
}

#define ZSN2M_FOR(Sample)                                                                                              \
    template void Denoiser::denoise(const View<const Sample> &, const View<Sample> &) const;                           \
    template void Denoiser::denoise_next(const View<const Sample> &, const View<Sample> &, float, State &) const;
ZSN2M_FOR(std::uint8_t)
ZSN2M_FOR(std::uint16_t)
ZSN2M_FOR(float)
ZSN2M_FOR(std::int16_t)
ZSN2M_FOR(std::uint32_t)
ZSN2M_FOR(std::int32_t)
ZSN2M_FOR(double)
#undef ZSN2M_FOR

} // namespace zsn2m::core
