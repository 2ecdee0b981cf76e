// denoise MODEL                   the model's self-test
// denoise MODEL NOISY DENOISED    one frame, binary PGM or PPM of the sensor's depth
#include <cstdint>
#include <exception>
#include <iostream>
#include <vector>

#include "pnm.h"
#include "zsn2m/zsn2m.hpp"

namespace {

void denoise_file(const zsn2m::Denoiser &denoise, const char *noisy, const char *denoised) {
    Pnm image = read_pnm(noisy);
    const zsn2m_size size = {image.height, image.width, image.channels};
    if (image.white > 255) {
        std::uint16_t *samples = image.samples.data();
        denoise(samples, samples, size); // in place
    } else {
        std::vector<std::uint8_t> samples(image.samples.begin(), image.samples.end());
        denoise(samples.data(), samples.data(), size);
        image.samples.assign(samples.begin(), samples.end());
    }
    write_pnm(denoised, image);
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2 && argc != 4) {
        std::cerr << "usage: denoise MODEL [NOISY DENOISED]\n";
        return ZSN2M_USAGE;
    }
    zsn2m_tune_allocator(); // this program has nothing to do but denoise
    try {
        const zsn2m::Denoiser denoise(argv[1]);
        if (argc == 4) {
            denoise_file(denoise, argv[2], argv[3]);
        } else {
            const double difference = denoise.self_test();
            std::cout << "self-test passed: at most " << difference << " of the range apart\n";
        }
        return ZSN2M_OK;
    } catch (const zsn2m::Error &error) {
        std::cerr << "denoise: " << error.what() << '\n';
        return error.status();
    } catch (const std::exception &error) {
        std::cerr << "denoise: " << error.what() << '\n';
        return ZSN2M_INPUT;
    }
}
