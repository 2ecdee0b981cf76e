// The C interface: arguments are checked here, exceptions end here.
#include <cstring>
#include <exception>
#include <filesystem>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "backends.h"
#include "card.h"
#include "denoiser.h"
#include "failure.h"
#include "pixels.h"
#include "zsn2m/zsn2m.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

struct zsn2m_denoiser {
    zsn2m::core::Denoiser denoiser;
    zsn2m::core::Sequence sequence; // of zsn2m_denoise_next()
    std::mutex turn;                // of those who change it

    explicit zsn2m_denoiser(zsn2m::core::Denoiser opened)
        : denoiser(std::move(opened)), sequence(denoiser.sequence()) {}
};

namespace zsn2m::core {
namespace {

struct Tolerance {
    const char *name; // role.precision, or a precision
    double largest;
    double rms;
};
// Fractions of the scale, as in zsn2m_runtime/verify.py; a model of no listed name counts as the first.
constexpr Tolerance kTolerances[] = {
    {"fp32", 1e-4, 1e-4}, {"fp16", 2e-3, 5e-4}, {"int8", 2e-2, 1e-3}, {"sensor.int8", 2e-2, 3e-3}};
constexpr int kMostThreads = 1024;
constexpr std::size_t kMostText = 2048; // bytes of an error's text

thread_local char last_error[kMostText] = ""; // an array: no allocation that could fail

void keep_error(const char *text) noexcept {
    std::strncpy(last_error, text, kMostText - 1);
    last_error[kMostText - 1] = '\0';
}

// Run a body; an exception becomes a status and a text.
template <typename Body>
zsn2m_status guarded(Body body) noexcept {
    try {
        body();
        return ZSN2M_OK;
    } catch (const Failure &failure) {
        keep_error(failure.what());
        return failure.status();
    } catch (const std::bad_alloc &) {
        keep_error("memory: expected enough for this call, but got none; for a frame, make strip_pixels smaller");
    } catch (const std::exception &error) {
        keep_error(error.what());
    } catch (...) {
        keep_error("an exception of unknown type");
    }
    return ZSN2M_FAILED;
}

void require(const void *pointer, const char *name) {
    if (!pointer) throw Failure(ZSN2M_USAGE, std::string(name) + ": expected a pointer, but got NULL; pass one");
}

Denoiser::Options read_options(const zsn2m_options *given) {
    const zsn2m_options options = given ? *given : zsn2m_options{0, 0, ZSN2M_MOTION_BEST};
    if (options.threads < 0 || options.threads > kMostThreads) {
        throw Failure(ZSN2M_USAGE, "threads: expected 0 to " + std::to_string(kMostThreads) + ", but got " +
                                       std::to_string(options.threads) + "; pass 0 for the runtime's own setting");
    }
    if (options.strip_pixels > static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max())) {
        throw Failure(ZSN2M_USAGE, "strip_pixels: expected less than 2^63, but got more; pass 0 for the default");
    }
    if (options.motion != ZSN2M_MOTION_BEST && options.motion != ZSN2M_MOTION_NONE &&
        options.motion != ZSN2M_MOTION_OFF) {
        throw Failure(ZSN2M_USAGE, "motion: expected one of zsn2m_motion, but got " +
                                       std::to_string(static_cast<int>(options.motion)) + "; pass 0 for the default");
    }
    return {options.threads, static_cast<std::int64_t>(options.strip_pixels), options.motion};
}

const char *kind_of(std::size_t channels) {
    return channels == 1 ? "grey (1 channel)" : channels == 3 ? "colour (3 channels)" : "other channels";
}

Size check_size(const Card &card, zsn2m_size size) {
    if (size.channels != static_cast<std::size_t>(card.channels)) {
        throw Failure(ZSN2M_INPUT, std::string("frame: expected a frame of ") +
                                       kind_of(static_cast<std::size_t>(card.channels)) + ", but got " +
                                       std::to_string(size.channels) +
                                       " channels; convert it, or train a bundle on such a frame");
    }
    const std::string got = std::to_string(size.height) + " x " + std::to_string(size.width);
    if (size.height == 0 || size.width == 0) {
        throw Failure(ZSN2M_INPUT, "frame: expected at least one pixel, but got " + got + "; pass a frame with pixels");
    }
    std::size_t bytes = 0; // of the frame as float planes
    if (__builtin_mul_overflow(size.height, size.width, &bytes) ||
        __builtin_mul_overflow(bytes, size.channels * sizeof(float), &bytes) ||
        bytes > static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max())) {
        throw Failure(ZSN2M_INPUT, "frame: expected a size that memory can hold, but got " + got + "; check the size");
    }
    return {static_cast<std::int64_t>(size.height), static_cast<std::int64_t>(size.width),
            static_cast<std::int64_t>(size.channels)};
}

void check_dtype(const Card &card, zsn2m_dtype dtype) {
    if (card.dtype == dtype) return;
    throw Failure(ZSN2M_INPUT, std::string("frame: expected ") + dtype_name(card.dtype) +
                                   " samples, as in the frames that the bundle was trained on, but got " +
                                   dtype_name(dtype) + "; train a bundle on such a frame");
}

template <typename Sample>
struct Frames { // of void: of samples whose type is named, not compiled in
    const Sample *noisy;
    const zsn2m_strides *noisy_strides;
    Sample *denoised;
    const zsn2m_strides *denoised_strides;
    zsn2m_size size;
};

template <typename Sample>
struct Views {
    View<const Sample> noisy;
    View<Sample> denoised;
};

template <typename Sample>
Views<Sample> check_frames(const zsn2m_denoiser *handle, zsn2m_dtype dtype, const Frames<Sample> &frames) {
    require(handle, "denoiser");
    require(frames.noisy, "noisy");
    require(frames.denoised, "denoised");
    const Card &card = handle->denoiser.card();
    check_dtype(card, dtype);
    const Size size = check_size(card, frames.size);
    return {{frames.noisy, check_strides(frames.noisy_strides, frames.noisy, size, sizeof(Sample), "noisy"), size},
            {frames.denoised, check_strides(frames.denoised_strides, frames.denoised, size, sizeof(Sample), "denoised"),
             size}};
}

template <typename Sample>
zsn2m_status denoise(const zsn2m_denoiser *handle, zsn2m_dtype dtype, const Frames<Sample> &frames) noexcept {
    return guarded([&] {
        const auto [noisy, denoised] = check_frames(handle, dtype, frames);
        handle->denoiser.denoise(noisy, denoised);
    });
}

template <typename Sample>
void denoise_next(zsn2m_denoiser *handle, zsn2m_dtype dtype, const Frames<void> &frames, double strength) {
    const auto [noisy, denoised] = check_frames<Sample>(
        handle, dtype,
        {static_cast<const Sample *>(frames.noisy), frames.noisy_strides, static_cast<Sample *>(frames.denoised),
         frames.denoised_strides, frames.size});
    if (!(strength >= 0 && strength <= static_cast<double>(std::numeric_limits<float>::max()))) {
        throw Failure(ZSN2M_USAGE, "strength: expected that of the noise, 1 as the bundle's, but got " +
                                       std::to_string(strength) + "; pass 0 where it is not known");
    }
    const std::lock_guard<std::mutex> lock(handle->turn);
    handle->denoiser.denoise_next(noisy, denoised, static_cast<float>(strength), handle->sequence);
}

void describe(const Card &card, zsn2m_info &info) {
    info.model = card.id.c_str();
    info.role = card.role.c_str();
    info.precision = card.precision.c_str();
    info.dtype = card.dtype;
    info.channels = static_cast<int>(card.channels);
    info.range_low = card.range_low;
    info.range_high = card.range_high;
    info.noise_sigma = card.noise_sigma;
    info.offset = card.offset;
    info.scale = card.scale;
    info.stride = static_cast<int>(card.reach.stride);
    info.receptive_radius = static_cast<int>(card.reach.receptive_radius);
}

const Tolerance &tolerance_of(const Card &card) {
    for (const std::string &name : {card.role + "." + card.precision, card.precision}) {
        for (const Tolerance &tolerance : kTolerances) {
            if (name == tolerance.name) return tolerance;
        }
    }
    return kTolerances[0];
}

std::string as_text(double largest, double rms) {
    return std::to_string(largest) + " (" + std::to_string(rms) + " on average)";
}

void self_test(const Denoiser &denoiser, double *difference) {
    const auto [largest, rms] = denoiser.self_test();
    if (difference) *difference = largest;
    const Tolerance &tolerance = tolerance_of(denoiser.card());
    if (!(largest <= tolerance.largest && rms <= tolerance.rms)) {
        throw Failure(ZSN2M_FAILED, "self-test: expected a difference of at most " +
                                        as_text(tolerance.largest, tolerance.rms) + " of the scale, but got " +
                                        as_text(largest, rms) +
                                        "; this runtime does not give the pixels that the model was exported with");
    }
}

} // namespace
} // namespace zsn2m::core

namespace core = zsn2m::core;
using core::guarded;
using core::require;

zsn2m_status zsn2m_open(const char *path, const char *model, const zsn2m_options *options,
                        zsn2m_denoiser **denoiser) noexcept {
    return guarded([&] {
        require(denoiser, "denoiser");
        *denoiser = nullptr;
        require(path, "path");
        *denoiser = new zsn2m_denoiser{
            core::Denoiser(std::filesystem::u8path(path), model ? model : "", core::read_options(options))};
    });
}

void zsn2m_close(zsn2m_denoiser *denoiser) noexcept { delete denoiser; }

zsn2m_status zsn2m_describe(const zsn2m_denoiser *denoiser, zsn2m_info *info) noexcept {
    return guarded([&] {
        require(denoiser, "denoiser");
        require(info, "info");
        core::describe(denoiser->denoiser.card(), *info);
    });
}

zsn2m_status zsn2m_denoise_u8(const zsn2m_denoiser *denoiser, const uint8_t *noisy, const zsn2m_strides *noisy_strides,
                              uint8_t *denoised, const zsn2m_strides *denoised_strides, zsn2m_size size) noexcept {
    return core::denoise<uint8_t>(denoiser, ZSN2M_U8, {noisy, noisy_strides, denoised, denoised_strides, size});
}

zsn2m_status zsn2m_denoise_u16(const zsn2m_denoiser *denoiser, const uint16_t *noisy,
                               const zsn2m_strides *noisy_strides, uint16_t *denoised,
                               const zsn2m_strides *denoised_strides, zsn2m_size size) noexcept {
    return core::denoise<uint16_t>(denoiser, ZSN2M_U16, {noisy, noisy_strides, denoised, denoised_strides, size});
}

zsn2m_status zsn2m_denoise_f32(const zsn2m_denoiser *denoiser, const float *noisy, const zsn2m_strides *noisy_strides,
                               float *denoised, const zsn2m_strides *denoised_strides, zsn2m_size size) noexcept {
    return core::denoise<float>(denoiser, ZSN2M_F32, {noisy, noisy_strides, denoised, denoised_strides, size});
}

zsn2m_status zsn2m_denoise_i16(const zsn2m_denoiser *denoiser, const int16_t *noisy, const zsn2m_strides *noisy_strides,
                               int16_t *denoised, const zsn2m_strides *denoised_strides, zsn2m_size size) noexcept {
    return core::denoise<int16_t>(denoiser, ZSN2M_I16, {noisy, noisy_strides, denoised, denoised_strides, size});
}

zsn2m_status zsn2m_denoise_u32(const zsn2m_denoiser *denoiser, const uint32_t *noisy,
                               const zsn2m_strides *noisy_strides, uint32_t *denoised,
                               const zsn2m_strides *denoised_strides, zsn2m_size size) noexcept {
    return core::denoise<uint32_t>(denoiser, ZSN2M_U32, {noisy, noisy_strides, denoised, denoised_strides, size});
}

zsn2m_status zsn2m_denoise_i32(const zsn2m_denoiser *denoiser, const int32_t *noisy, const zsn2m_strides *noisy_strides,
                               int32_t *denoised, const zsn2m_strides *denoised_strides, zsn2m_size size) noexcept {
    return core::denoise<int32_t>(denoiser, ZSN2M_I32, {noisy, noisy_strides, denoised, denoised_strides, size});
}

zsn2m_status zsn2m_denoise_f64(const zsn2m_denoiser *denoiser, const double *noisy, const zsn2m_strides *noisy_strides,
                               double *denoised, const zsn2m_strides *denoised_strides, zsn2m_size size) noexcept {
    return core::denoise<double>(denoiser, ZSN2M_F64, {noisy, noisy_strides, denoised, denoised_strides, size});
}

zsn2m_status zsn2m_denoise_next(zsn2m_denoiser *denoiser, zsn2m_dtype dtype, const void *noisy,
                                const zsn2m_strides *noisy_strides, void *denoised,
                                const zsn2m_strides *denoised_strides, zsn2m_size size, double strength) noexcept {
    const core::Frames<void> frames = {noisy, noisy_strides, denoised, denoised_strides, size};
    return guarded([&] {
        switch (dtype) {
        case ZSN2M_U8: return core::denoise_next<uint8_t>(denoiser, dtype, frames, strength);
        case ZSN2M_U16: return core::denoise_next<uint16_t>(denoiser, dtype, frames, strength);
        case ZSN2M_F32: return core::denoise_next<float>(denoiser, dtype, frames, strength);
        case ZSN2M_I16: return core::denoise_next<int16_t>(denoiser, dtype, frames, strength);
        case ZSN2M_U32: return core::denoise_next<uint32_t>(denoiser, dtype, frames, strength);
        case ZSN2M_I32: return core::denoise_next<int32_t>(denoiser, dtype, frames, strength);
        case ZSN2M_F64: return core::denoise_next<double>(denoiser, dtype, frames, strength);
        }
        throw core::Failure(ZSN2M_USAGE, "dtype: expected one of zsn2m_dtype, but got " +
                                             std::to_string(static_cast<int>(dtype)) + "; pass zsn2m_info.dtype");
    });
}

zsn2m_status zsn2m_restart(zsn2m_denoiser *denoiser) noexcept {
    return guarded([&] {
        require(denoiser, "denoiser");
        const std::lock_guard<std::mutex> lock(denoiser->turn);
        denoiser->sequence.restart();
    });
}

zsn2m_status zsn2m_self_test(const zsn2m_denoiser *denoiser, double *difference) noexcept {
    return guarded([&] {
        require(denoiser, "denoiser");
        core::self_test(denoiser->denoiser, difference);
    });
}

zsn2m_status zsn2m_tune_allocator() noexcept {
    return guarded([] {
#if defined(__GLIBC__)
        constexpr int kept_bytes = 1 << 30; // more than any layer of a strip
        if (mallopt(M_MMAP_THRESHOLD, kept_bytes) && mallopt(M_TRIM_THRESHOLD, kept_bytes)) return;
#endif
        throw core::Failure(ZSN2M_UNAVAILABLE, "allocator: expected glibc's malloc, but got another; go on without");
    });
}

const char *zsn2m_last_error() noexcept { return core::last_error; }

const char *zsn2m_version() noexcept { return ZSN2M_VERSION; }

const char *zsn2m_libtorch_version() noexcept {
    if constexpr (core::kWithLibTorch) return core::libtorch_version();
    return "";
}

const char *zsn2m_opencv_version() noexcept {
    if constexpr (core::kWithOpenCv) return core::opencv_version();
    return "";
}

const char *zsn2m_onnxruntime_version() noexcept {
    if constexpr (core::kWithOnnxRuntime) return core::onnxruntime_version();
    return "";
}
