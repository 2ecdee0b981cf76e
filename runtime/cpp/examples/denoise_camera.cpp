// Denoise what a camera or a video file gives, frames averaged along their motion, into a video file; needs OpenCV.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <opencv2/videoio.hpp>
#include <string>

#include "zsn2m/zsn2m.hpp"

namespace {

enum ExitCode { kOk = 0, kUsage = 2, kInput = 3, kOutput = 6 };

constexpr double kFallbackRate = 25; // frames per second, where the source does not say
constexpr const char *kUsageText =
    "usage: denoise_camera MODEL SOURCE DENOISED.avi [FRAMES]\n"
    "  MODEL     a bundle folder (NAME.zsn2m) or one of its .onnx or .ts files; 8-bit colour\n"
    "  SOURCE    number of a camera (0, 1, ...), a video file or an address\n"
    "  DENOISED  lossless (FFV1)\n"
    "  FRAMES    stop after so many; default: when the source ends\n";

cv::VideoCapture open_source(const std::string &source) {
    const bool is_number =
        !source.empty() && source.size() < 4 && source.find_first_not_of("0123456789") == std::string::npos;
    return is_number ? cv::VideoCapture(std::stoi(source)) : cv::VideoCapture(source);
}

// In place; OpenCV's order is B, G, R: the first sample is the red one, and the next channel lies before it.
void denoise_frame(zsn2m::Denoiser &denoise, cv::Mat &frame) {
    std::uint8_t *red = frame.ptr<std::uint8_t>() + 2;
    denoise.next(zsn2m::Image<const std::uint8_t>(red, frame.step, 3, -1),
                 zsn2m::Image<std::uint8_t>(red, frame.step, 3, -1), {frame.rows, frame.cols, 3});
}

int run(zsn2m::Denoiser &denoise, cv::VideoCapture &source, const std::string &path, long most) {
    using Clock = std::chrono::steady_clock;
    const double rate = source.get(cv::CAP_PROP_FPS) > 0 ? source.get(cv::CAP_PROP_FPS) : kFallbackRate;
    cv::VideoWriter writer;
    cv::Mat frame;
    long frames = 0;
    std::chrono::duration<double> busy{0};
    while (frames != most && source.read(frame)) {
        if (frame.type() != CV_8UC3) {
            std::cerr << "denoise_camera: expected 8-bit colour frames, but the source gives others\n";
            return kInput;
        }
        const auto start = Clock::now();
        denoise_frame(denoise, frame);
        busy += Clock::now() - start;
        if (frames == 0) writer.open(path, cv::VideoWriter::fourcc('F', 'F', 'V', '1'), rate, frame.size());
        if (!writer.isOpened()) {
            std::cerr << "denoise_camera: " << path << ": cannot be written\n";
            return kOutput;
        }
        writer.write(frame);
        ++frames;
    }
    if (frames == 0) {
        std::cerr << "denoise_camera: expected frames, but the source gives none\n";
        return kInput;
    }
    std::cout << frames << " frames, " << 1000 * busy.count() / static_cast<double>(frames) << " ms each\n";
    return kOk;
}

} // namespace

int main(int argc, char **argv) {
    char *end = nullptr;
    const long most = argc == 5 ? std::strtol(argv[4], &end, 10) : -1;
    if ((argc != 4 && argc != 5) || (argc == 5 && (*end != '\0' || most < 1))) {
        std::cerr << kUsageText;
        return kUsage;
    }
    zsn2m_tune_allocator(); // this program has nothing to do but denoise
    try {
        zsn2m::Denoiser denoise(argv[1]);
        cv::VideoCapture source = open_source(argv[2]);
        return run(denoise, source, argv[3], most);
    } catch (const zsn2m::Error &error) {
        std::cerr << "denoise_camera: " << error.what() << '\n';
        return error.status();
    } catch (const std::exception &error) {
        std::cerr << "denoise_camera: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
