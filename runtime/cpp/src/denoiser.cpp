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
#include "mosaic.h"
#include "npy.h"
#include "strips.h"

namespace zsn2m::core {
namespace {

// Exports write at most 93 x 93; the memory of a run grows with them.
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
      card_(check_card(loaded_.card, file, model)), strip_pixels_(options.strip_pixels), motion_(options.motion) {
    if (strip_pixels_ == 0) strip_pixels_ = card_.strength.empty() ? kDefaultStripPixels : kStripPixelsOfVideo;
}

template <typename Sample>
void Denoiser::denoise(const View<const Sample> &noisy, const View<Sample> &denoised, float strength) const {
    check_samples(noisy, card_.range_low, card_.range_high);
    const bool is_mosaic = !card_.mosaic.empty();
    const std::optional<Mask> blank = is_mosaic ? blank_cells(noisy) : blank_areas(noisy);
    if (!blank) return run_in_strips(noisy, denoised, strength);
    const std::vector<Sample> kept = samples_of(noisy, *blank);
    if (!blank->all()) {
        const std::vector<Sample> scene = is_mosaic ? with_filled_cells(noisy, *blank) : filled(noisy, *blank);
        run_in_strips(packed(scene, noisy.size), denoised, strength);
    }
    put_back(kept, *blank, denoised);
}

template <typename Sample>
void Denoiser::run_in_strips(const View<const Sample> &noisy, const View<Sample> &denoised, float strength) const {
    const std::vector<Strip> strips = plan_strips(noisy.size.height, noisy.size.width, card_.reach, strip_pixels_);
    Planes planes = read_strip(noisy, strips.front());
    for (std::size_t i = 0; i < strips.size(); ++i) {
        const Strip &strip = strips[i];
        const std::shared_ptr<const float> result = loaded_.model->run({planes.values.get(), strength}, planes.size);
        // The next strip is read before this one is written: in place, its halo would be denoised twice.
        Planes next = i + 1 < strips.size() ? read_strip(noisy, strips[i + 1]) : Planes{nullptr, {}};
        write_planes(result.get(), planes.size.height, strip.start - strip.read_start, denoised,
                     {strip.start, strip.stop});
        planes = std::move(next);
    }
}

Sequence Denoiser::sequence() const {
    std::vector<Noise> noises = entry_ && motion_ != ZSN2M_MOTION_OFF ? entry_->noises : std::vector<Noise>();
    if (card_.dtype != ZSN2M_F32 && card_.dtype != ZSN2M_F64) { // floats may go beyond their range
        for (Noise &noise : noises) noise = noise.clipped_at(card_.range_low, card_.range_high);
    }
    return Sequence(noises, motion_, !card_.strength.empty());
}

template <typename Sample>
void Denoiser::denoise_next(const View<const Sample> &noisy, const View<Sample> &denoised, float strength,
                            Sequence &sequence) const {
    if (!sequence.averages()) return denoise(noisy, denoised, strength > 0 ? strength : 1);
    check_samples(noisy, card_.range_low, card_.range_high);
    const Size size = noisy.size;
    const bool is_mosaic = !card_.mosaic.empty();
    const std::optional<Mask> blank = is_mosaic ? blank_cells(noisy) : blank_areas(noisy);
    if (blank && blank->all()) {
        put_back(samples_of(noisy, *blank), *blank, denoised);
        return sequence.restart();
    }
    const std::vector<Sample> kept = blank ? samples_of(noisy, *blank) : std::vector<Sample>();
    std::vector<Sample> scene;
    if (blank) scene = is_mosaic ? with_filled_cells(noisy, *blank) : filled(noisy, *blank);
    const View<const Sample> seen = blank ? packed(scene, size) : noisy;

    std::shared_ptr<const float> result;
    if (is_mosaic) { // averaged plane by plane
        std::vector<float> mosaic(static_cast<std::size_t>(size.height * size.width));
        read_planes(seen, {0, size.height}, mosaic.data());
        std::vector<float> &planes = sequence.next(size_of_planes(size));
        split_mosaic(mosaic.data(), size, card_.mosaic, planes.data());
        const auto hidden = blank ? std::optional(mask_of_planes(*blank, card_.mosaic)) : std::nullopt;
        sequence.add(hidden, strength); // networks of mosaics are not told of it
        join_mosaic(sequence.in_light().data(), size, card_.mosaic, mosaic.data());
        result = run_whole(mosaic, size, nullptr);
        auto split = std::make_shared<std::vector<float>>(planes.size());
        split_mosaic(result.get(), size, card_.mosaic, split->data());
        sequence.keep({split, split->data()});
    } else {
        std::vector<float> &planes = sequence.next(size);
        read_planes(seen, {0, size.height}, planes.data());
        std::vector<float> strengths = sequence.add(blank, strength);
        std::vector<float> light = sequence.in_light();
        result = run_whole(light, size, strengths.data());
        sequence.keep(result);
    }
    write_planes(result.get(), size.height, 0, denoised, {0, size.height});
    if (blank) put_back(kept, *blank, denoised);
}

std::shared_ptr<const float> Denoiser::run_whole(std::vector<float> &planes, Size size, float *strengths) const {
    const std::vector<Strip> strips = plan_strips(size.height, size.width, card_.reach, strip_pixels_);
    if (strips.size() == 1) return loaded_.model->run({planes.data(), 1, strengths}, size);
    auto whole = std::make_shared<std::vector<float>>(planes.size());
    for (const Strip &strip : strips) {
        const Size read = {strip.read_stop - strip.read_start, size.width, size.channels};
        std::vector<float> rows(static_cast<std::size_t>(size.channels * read.height * read.width));
        for (std::int64_t channel = 0; channel < size.channels; ++channel) {
            std::copy_n(planes.data() + (channel * size.height + strip.read_start) * size.width,
                        read.height * read.width, rows.data() + channel * read.height * read.width);
        }
        const auto result =
            loaded_.model->run({rows.data(), 1, strengths ? strengths + strip.read_start * size.width : nullptr}, read);
        for (std::int64_t channel = 0; channel < size.channels; ++channel) {
            std::copy_n(result.get() + (channel * read.height + strip.start - strip.read_start) * size.width,
                        (strip.stop - strip.start) * size.width,
                        whole->data() + (channel * size.height + strip.start) * size.width);
        }
    }
    return {whole, whole->data()};
}

Denoiser::Difference Denoiser::self_test() const {
    Array input = read_vector(folder_, entry_ ? &entry_->self_test_input : nullptr, "test_input.npy");
    const Array expected =
        read_vector(folder_, entry_ ? &entry_->self_test : nullptr, "test_output_" + card_.id + ".npy");
    const bool fits = input.shape == expected.shape && input.shape.size() == 4 && input.shape[0] == 1 &&
                      input.shape[1] == card_.channels && !input.values.empty();
    if (!fits) {
        throw Failure(ZSN2M_BUNDLE, folder_.string() + ": expected test vectors of shape (1, " +
                                        std::to_string(card_.channels) + ", h, w), but got others; export again");
    }
    const std::int64_t pixels = input.shape[2] * input.shape[3];
    if (pixels > kMostSelfTestPixels) {
        throw Failure(ZSN2M_BUNDLE, folder_.string() + ": expected test vectors of at most " +
                                        std::to_string(kMostSelfTestPixels) + " pixels, but got " +
                                        std::to_string(pixels) + "; export again");
    }
    const Size size = {input.shape[2], input.shape[3], input.shape[1]};
    const auto result = loaded_.model->run({input.values.data(), 1}, size);
    return difference_of(result.get(), expected.values, card_.scale);
}

#define ZSN2M_FOR(Sample)                                                                                              \
    template void Denoiser::denoise(const View<const Sample> &, const View<Sample> &, float) const;                    \
    template void Denoiser::denoise_next(const View<const Sample> &, const View<Sample> &, float, Sequence &) const;
ZSN2M_FOR(std::uint8_t)
ZSN2M_FOR(std::uint16_t)
ZSN2M_FOR(float)
ZSN2M_FOR(std::int16_t)
ZSN2M_FOR(std::uint32_t)
ZSN2M_FOR(std::int32_t)
ZSN2M_FOR(double)
#undef ZSN2M_FOR

} // namespace zsn2m::core
