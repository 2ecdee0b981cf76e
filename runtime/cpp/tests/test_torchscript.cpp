// What LibTorch alone does: built with it only.
#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include "frames.h"

using namespace zsn2m::testing;
using zsn2m::Denoiser;
namespace fs = std::filesystem;

TEST_CASE("LibTorch's own number of threads is put back after each call") {
    const zsn2m_size size = {16, 16, 3};
    const auto noisy = noisy_frame<std::uint8_t>(size, 255);
    const int before = at::get_num_threads();
    at::set_num_threads(3);
    denoise(Denoiser((bundle("u8_colour") / "sensor.ts").string(), "", {1, 0, {}}), noisy, size);
    CHECK(at::get_num_threads() == 3);
    at::set_num_threads(before);
}

TEST_CASE("damage to a single TorchScript file without a hash is found") {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "camera.ts";
    fs::copy_file(bundle("u8_colour") / "sensor.ts", path);
    const std::string whole = read_bytes(path);
    flip_bit(path, whole.size() / 2);
    CHECK(says(try_open(path), ZSN2M_BUNDLE, "checksum"));
    const std::string text = "text, and no model at all, in more bytes than the end of an archive has";
    for (const std::string &bytes : {whole.substr(0, whole.size() - 10), std::string(), text}) {
        write_bytes(path, bytes);
        CHECK(says(try_open(path), ZSN2M_BUNDLE, "zip"));
    }
    // An empty archive is whole: LibTorch is the one to refuse it.
    write_bytes(path, std::string("PK\x05\x06", 4) + std::string(18, '\0'));
    CHECK(says(try_open(path), ZSN2M_BUNDLE, "LibTorch"));
}
