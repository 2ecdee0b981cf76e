// Denoise a binary PGM or PPM of 8 bits with a bundle's model and onnxruntime alone, without libzsn2m:
//   c++ -std=c++17 -O2 onnxruntime_denoise.cpp -I$ONNXRUNTIME_ROOT/include -L$ONNXRUNTIME_ROOT/lib -lonnxruntime
//   ./a.out cam0.zsn2m/sensor.onnx noisy.ppm denoised.ppm
#include <onnxruntime_cxx_api.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

int main(int argc, char **argv) try {
    if (argc != 4) throw std::invalid_argument("expected MODEL.onnx NOISY.ppm DENOISED.ppm");
    std::ifstream source(argv[2], std::ios::binary);
    std::string kind;
    std::int64_t width = 0, height = 0, white = 0;
    source >> kind >> width >> height >> white;
    source.get(); // the one blank before the samples
    const std::int64_t channels = kind == "P6" ? 3 : 1, pixels = width * height;
    if ((kind != "P5" && kind != "P6") || white != 255) throw std::invalid_argument("expected P5 or P6 of 8 bits");
    std::vector<char> samples(channels * pixels);
    if (!source.read(samples.data(), samples.size())) throw std::invalid_argument("expected a whole image");

    std::vector<float> noisy(samples.size()); // (1, c, h, w), the sensor's values as they are
    for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t i = 0; i < pixels; ++i)
            noisy[c * pixels + i] = static_cast<unsigned char>(samples[i * channels + c]);

    setenv("ORT_DISABLE_TELEMETRY", "1", 0); // onnxruntime would send data on its use
    Ort::Env env;
    Ort::Session session(env, argv[1], Ort::SessionOptions{});
    const std::array<std::int64_t, 4> shape{1, channels, height, width};
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    const auto input = Ort::Value::CreateTensor<float>(memory, noisy.data(), noisy.size(), shape.data(), shape.size());
    const char *inputs[] = {"noisy"}, *outputs[] = {"denoised"};
    const auto results = session.Run(Ort::RunOptions{}, inputs, &input, 1, outputs, 1);

    const float *denoised = results[0].GetTensorData<float>(); // clamped to the sensor's range by the model
    for (std::int64_t c = 0; c < channels; ++c)
        for (std::int64_t i = 0; i < pixels; ++i)
            samples[i * channels + c] = static_cast<char>(std::lrint(denoised[c * pixels + i]));
    std::ofstream target(argv[3], std::ios::binary);
    target << kind << '\n' << width << ' ' << height << "\n255\n";
    return target.write(samples.data(), samples.size()).flush() ? 0 : 6;
} catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 2;
}
