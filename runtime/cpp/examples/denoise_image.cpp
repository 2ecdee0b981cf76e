// Denoise an image file: PGM or PPM, and what OpenCV reads (PNG, TIFF, ...) where it was found.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "pnm.h"
#include "zsn2m/zsn2m.hpp"

#ifdef WITH_OPENCV
#include <opencv2/imgcodecs.hpp>
#endif

namespace {

enum ExitCode { kOk = 0, kUsage = 2, kInput = 3, kOutput = 6 };

constexpr const char *kUsageText = "usage: denoise_image MODEL NOISY DENOISED\n"
                                   "  MODEL            a bundle folder (NAME.zsn2m) or one of its .onnx or .ts files\n"
#ifdef WITH_OPENCV
                                   "  NOISY, DENOISED  images of the sensor: PGM, PPM, PNG, TIFF, ...\n";
#else
                                   "  NOISY, DENOISED  images of the sensor: PGM or PPM (built without OpenCV)\n";
#endif

struct ExitError : std::runtime_error {
    ExitError(ExitCode exit_code, const std::string &text) : std::runtime_error(text), code(exit_code) {}
    ExitCode code;
};

template <typename Action>
auto or_exit(ExitCode code, Action action) {
    try {
        return action();
    } catch (const zsn2m::Error &) {
        throw;
    } catch (const std::exception &error) {
        throw ExitError(code, error.what());
    }
}

bool ends_with(const std::string &text, const std::string &end) {
    return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool is_pnm(const std::string &path) {
    return ends_with(path, ".pgm") || ends_with(path, ".ppm") || ends_with(path, ".pnm");
}

void denoise_pnm(const zsn2m::Denoiser &denoise, const std::string &noisy, const std::string &denoised) {
    Pnm image = or_exit(kInput, [&] { return read_pnm(noisy); });
    const zsn2m_size size = {image.height, image.width, image.channels};
    if (image.white > 255) {
        std::uint16_t *samples = image.samples.data();
        denoise(samples, samples, size);
    } else {
        std::vector<std::uint8_t> samples(image.samples.begin(), image.samples.end());
        denoise(samples.data(), samples.data(), size);
        image.samples.assign(samples.begin(), samples.end());
    }
    or_exit(kOutput, [&] { write_pnm(denoised, image); });
}

#ifdef WITH_OPENCV
template <typename Sample>
void denoise_mat(const zsn2m::Denoiser &denoise, cv::Mat &image) {
    const auto sample = static_cast<std::ptrdiff_t>(sizeof(Sample));
    const int channels = image.channels();
    // OpenCV's order is B, G, R: the first sample is the red one, and the next channel lies before it.
    Sample *first = image.ptr<Sample>() + (channels == 1 ? 0 : 2);
    const zsn2m::Image<Sample> frame(first, image.step, channels * sample, channels == 1 ? sample : -sample);
    denoise({first, frame.strides}, frame, {image.rows, image.cols, channels == 1 ? 1 : 3});
}

void denoise_with_opencv(const zsn2m::Denoiser &denoise, const std::string &noisy, const std::string &denoised) {
    cv::Mat image = or_exit(kInput, [&] { return cv::imread(noisy, cv::IMREAD_UNCHANGED); });
    if (image.empty()) throw ExitError(kInput, noisy + ": expected an image, but OpenCV cannot read it");
    if (image.channels() == 2) throw ExitError(kInput, noisy + ": expected grey or colour, but got two channels");
    switch (image.depth()) {
    case CV_8U: denoise_mat<std::uint8_t>(denoise, image); break;
    case CV_16U: denoise_mat<std::uint16_t>(denoise, image); break;
    case CV_32F: denoise_mat<float>(denoise, image); break;
    default: throw ExitError(kInput, noisy + ": expected samples of 8 or 16 bits or float32, but got others");
    }
    if (!or_exit(kOutput, [&] { return cv::imwrite(denoised, image); })) {
        throw ExitError(kOutput, denoised + ": cannot be written");
    }
}
#endif

void denoise_file(const zsn2m::Denoiser &denoise, const std::string &noisy, const std::string &denoised) {
    if (is_pnm(noisy) && is_pnm(denoised)) return denoise_pnm(denoise, noisy, denoised);
#ifdef WITH_OPENCV
    denoise_with_opencv(denoise, noisy, denoised);
#else
    throw ExitError(kUsage, noisy + ": expected .pgm or .ppm files, but got others; build with OpenCV for more");
#endif
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 4) {
        std::cerr << kUsageText;
        return kUsage;
    }
    zsn2m_tune_allocator(); // this program has nothing to do but denoise
    try {
        denoise_file(zsn2m::Denoiser(argv[1]), argv[2], argv[3]);
        return kOk;
    } catch (const zsn2m::Error &error) {
        std::cerr << "denoise_image: " << error.what() << '\n';
        return error.status();
    } catch (const ExitError &error) {
        std::cerr << "denoise_image: " << error.what() << '\n';
        return error.code;
    } catch (const std::exception &error) {
        std::cerr << "denoise_image: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
