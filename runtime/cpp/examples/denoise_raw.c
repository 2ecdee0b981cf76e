/* Denoise one frame of raw samples, as a camera's buffer holds them, with the C interface alone. */
#include <stdio.h>
#include <stdlib.h>

#include "zsn2m/zsn2m.h"

enum { EXIT_USAGE = 2, EXIT_INPUT = 3, EXIT_OUTPUT = 6 };

static const char usage[] =
    "usage: denoise_raw MODEL HEIGHT WIDTH NOISY DENOISED\n"
    "  MODEL            a bundle folder (NAME.zsn2m) or one of its .onnx or .ts files\n"
    "  NOISY, DENOISED  files of HEIGHT x WIDTH pixels, packed, RGB or grey, of the sensor's own samples\n";

static size_t sample_bytes(zsn2m_dtype dtype) {
    if (dtype == ZSN2M_U8) return 1;
    if (dtype == ZSN2M_U16 || dtype == ZSN2M_I16) return 2;
    return dtype == ZSN2M_F64 ? 8 : 4;
}

/* A length in pixels, or 0. */
static size_t parse_length(const char *text) {
    char *end = NULL;
    const long length = strtol(text, &end, 10);
    return *end == '\0' && length > 0 && length <= 1000000 ? (size_t)length : 0;
}

static int read_whole(const char *path, void *bytes, size_t count) {
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    const int whole = fread(bytes, 1, count, file) == count && fgetc(file) == EOF;
    fclose(file);
    return whole;
}

static int write_whole(const char *path, const void *bytes, size_t count) {
    FILE *file = fopen(path, "wb");
    if (!file) return 0;
    const int whole = fwrite(bytes, 1, count, file) == count;
    return fclose(file) == 0 && whole;
}

static zsn2m_status denoise_in_place(const zsn2m_denoiser *denoiser, zsn2m_dtype dtype, void *frame, zsn2m_size size) {
    if (dtype == ZSN2M_U8) return zsn2m_denoise_u8(denoiser, frame, NULL, frame, NULL, size);
    if (dtype == ZSN2M_U16) return zsn2m_denoise_u16(denoiser, frame, NULL, frame, NULL, size);
    if (dtype == ZSN2M_I16) return zsn2m_denoise_i16(denoiser, frame, NULL, frame, NULL, size);
    if (dtype == ZSN2M_U32) return zsn2m_denoise_u32(denoiser, frame, NULL, frame, NULL, size);
    if (dtype == ZSN2M_I32) return zsn2m_denoise_i32(denoiser, frame, NULL, frame, NULL, size);
    if (dtype == ZSN2M_F64) return zsn2m_denoise_f64(denoiser, frame, NULL, frame, NULL, size);
    return zsn2m_denoise_f32(denoiser, frame, NULL, frame, NULL, size);
}

static int run(const zsn2m_denoiser *denoiser, size_t height, size_t width, const char *noisy, const char *denoised) {
    zsn2m_info info;
    if (zsn2m_describe(denoiser, &info) != ZSN2M_OK) return ZSN2M_FAILED;
    const zsn2m_size size = {height, width, (size_t)info.channels};
    const size_t bytes = height * width * size.channels * sample_bytes(info.dtype);
    void *frame = malloc(bytes);
    if (!frame) {
        fprintf(stderr, "denoise_raw: no memory for %zu bytes\n", bytes);
        return ZSN2M_FAILED;
    }
    int result = ZSN2M_OK;
    if (!read_whole(noisy, frame, bytes)) {
        fprintf(stderr, "denoise_raw: %s: expected a file of %zu bytes, but got another or none\n", noisy, bytes);
        result = EXIT_INPUT;
    } else if ((result = (int)denoise_in_place(denoiser, info.dtype, frame, size)) != ZSN2M_OK) {
        fprintf(stderr, "denoise_raw: %s\n", zsn2m_last_error());
    } else if (!write_whole(denoised, frame, bytes)) {
        fprintf(stderr, "denoise_raw: %s: cannot be written\n", denoised);
        result = EXIT_OUTPUT;
    }
    free(frame);
    return result;
}

int main(int argc, char **argv) {
    const size_t height = argc == 6 ? parse_length(argv[2]) : 0;
    const size_t width = argc == 6 ? parse_length(argv[3]) : 0;
    if (height == 0 || width == 0) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    zsn2m_denoiser *denoiser = NULL;
    const zsn2m_status opened = zsn2m_open(argv[1], NULL, NULL, &denoiser);
    if (opened != ZSN2M_OK) {
        fprintf(stderr, "denoise_raw: %s\n", zsn2m_last_error());
        return (int)opened;
    }
    const int result = run(denoiser, height, width, argv[4], argv[5]);
    zsn2m_close(denoiser);
    return result;
}
