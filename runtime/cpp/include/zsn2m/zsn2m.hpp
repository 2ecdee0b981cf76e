// C++17 over zsn2m.h: a handle that closes itself, and exceptions in place of statuses. Header only.
//
//     zsn2m::Denoiser denoise("cam0.zsn2m");
//     denoise(noisy, denoised, {height, width, 3}); // packed RGB of the sensor's dtype
//
//     std::uint8_t *red = mat.ptr<std::uint8_t>() + 2; // a cv::Mat of CV_8UC3, whose order is B, G, R; in place
//     denoise({red, mat.step, 3, -1}, {red, mat.step, 3, -1}, {mat.rows, mat.cols, 3});
#ifndef ZSN2M_ZSN2M_HPP
#define ZSN2M_ZSN2M_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "zsn2m/zsn2m.h"

namespace zsn2m {

// Any failure; what() is "X: expected ..., but got ...; what to do".
class Error : public std::runtime_error {
public:
    Error(zsn2m_status status, const char *text) : std::runtime_error(text), status_(status) {}

    zsn2m_status status() const noexcept { return status_; }

private:
    zsn2m_status status_;
};

// Throws Error unless a call went well.
inline void check(zsn2m_status status) {
    if (status != ZSN2M_OK) throw Error(status, zsn2m_last_error());
}

// Height, width and channels, of any integer types: int as cv::Mat has them, std::size_t, ... A negative one is refused
// by the call, as too large.
struct Size : zsn2m_size {
    Size(zsn2m_size size) : zsn2m_size(size) {}
    template <typename Height, typename Width, typename Channels>
    Size(Height rows, Width columns, Channels planes)
        : zsn2m_size{static_cast<std::size_t>(rows), static_cast<std::size_t>(columns),
                     static_cast<std::size_t>(planes)} {
        static_assert(std::is_integral_v<Height> && std::is_integral_v<Width> && std::is_integral_v<Channels>);
    }
};

// A frame in memory: a pointer to its first sample, and the distances in bytes of zsn2m_strides (none: packed), of any
// integer types or what converts to one, as cv::Mat::step does.
template <typename Sample>
struct Image {
    Sample *first;
    zsn2m_strides strides;

    Image(Sample *first_sample, zsn2m_strides distances = {0, 0, 0}) : first(first_sample), strides(distances) {}
    template <typename Row, typename Pixel, typename Channel>
    Image(Sample *first_sample, const Row &row, Pixel pixel, Channel channel)
        : first(first_sample), strides{static_cast<std::ptrdiff_t>(row), static_cast<std::ptrdiff_t>(pixel),
                                       static_cast<std::ptrdiff_t>(channel)} {}
};

// The number of a type of sample.
template <typename Sample>
constexpr zsn2m_dtype dtype_of() {
    if constexpr (std::is_same_v<Sample, std::uint8_t>) return ZSN2M_U8;
    if constexpr (std::is_same_v<Sample, std::uint16_t>) return ZSN2M_U16;
    if constexpr (std::is_same_v<Sample, float>) return ZSN2M_F32;
    if constexpr (std::is_same_v<Sample, std::int16_t>) return ZSN2M_I16;
    if constexpr (std::is_same_v<Sample, std::uint32_t>) return ZSN2M_U32;
    if constexpr (std::is_same_v<Sample, std::int32_t>) return ZSN2M_I32;
    return ZSN2M_F64;
}

// A denoiser specialised to one sensor. May be used from several threads at once.
class Denoiser {
public:
    // path: a bundle folder or a single .onnx or .ts file; model: empty takes the bundle's default.
    explicit Denoiser(const std::string &path, const std::string &model = "", zsn2m_options options = {}) {
        zsn2m_denoiser *handle = nullptr;
        check(zsn2m_open(path.c_str(), model.empty() ? nullptr : model.c_str(), &options, &handle));
        handle_.reset(handle);
    }

    // What the denoiser was made for; its texts live as long as the denoiser.
    zsn2m_info info() const {
        zsn2m_info info;
        check(zsn2m_describe(handle_.get(), &info));
        return info;
    }

    // Denoise one frame of the sensor's dtype; both frames may be the same.
    void operator()(Image<const std::uint8_t> noisy, Image<std::uint8_t> denoised, Size size) const {
        check(zsn2m_denoise_u8(handle_.get(), noisy.first, &noisy.strides, denoised.first, &denoised.strides, size));
    }
    void operator()(Image<const std::uint16_t> noisy, Image<std::uint16_t> denoised, Size size) const {
        check(zsn2m_denoise_u16(handle_.get(), noisy.first, &noisy.strides, denoised.first, &denoised.strides, size));
    }
    void operator()(Image<const float> noisy, Image<float> denoised, Size size) const {
        check(zsn2m_denoise_f32(handle_.get(), noisy.first, &noisy.strides, denoised.first, &denoised.strides, size));
    }
    void operator()(Image<const std::int16_t> noisy, Image<std::int16_t> denoised, Size size) const {
        check(zsn2m_denoise_i16(handle_.get(), noisy.first, &noisy.strides, denoised.first, &denoised.strides, size));
    }
    void operator()(Image<const std::uint32_t> noisy, Image<std::uint32_t> denoised, Size size) const {
        check(zsn2m_denoise_u32(handle_.get(), noisy.first, &noisy.strides, denoised.first, &denoised.strides, size));
    }
    void operator()(Image<const std::int32_t> noisy, Image<std::int32_t> denoised, Size size) const {
        check(zsn2m_denoise_i32(handle_.get(), noisy.first, &noisy.strides, denoised.first, &denoised.strides, size));
    }
    void operator()(Image<const double> noisy, Image<double> denoised, Size size) const {
        check(zsn2m_denoise_f64(handle_.get(), noisy.first, &noisy.strides, denoised.first, &denoised.strides, size));
    }

    // Denoise the next frame of a sequence; see zsn2m_denoise_next(). strength: of the noise, 1 as the bundle's.
    template <typename Sample>
    void next(Image<const Sample> noisy, Image<Sample> denoised, Size size, double strength = 0) {
        check(zsn2m_denoise_next(handle_.get(), dtype_of<Sample>(), noisy.first, &noisy.strides, denoised.first,
                                 &denoised.strides, size, strength));
    }

    template <typename Sample>
    void next(const Sample *noisy, Sample *denoised, Size size, double strength = 0) {
        next(Image<const Sample>(noisy), Image<Sample>(denoised), size, strength);
    }

    // Forget the last result.
    void restart() { check(zsn2m_restart(handle_.get())); }

    // Largest difference to the test vectors beside the model, as a fraction of the scale; throws if it is too large.
    double self_test() const {
        double difference = 0;
        check(zsn2m_self_test(handle_.get(), &difference));
        return difference;
    }

private:
    struct Close {
        void operator()(zsn2m_denoiser *handle) const noexcept { zsn2m_close(handle); }
    };
    std::unique_ptr<zsn2m_denoiser, Close> handle_;
};

} // namespace zsn2m

#endif
