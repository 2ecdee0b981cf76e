/* Denoise frames of raw samples, as a camera's buffer holds them, with the C interface alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zsn2m/zsn2m.h"

enum { EXIT_USAGE = 2, EXIT_INPUT = 3, EXIT_OUTPUT = 6 };

static const char usage[] =
    "usage: denoise_raw MODEL HEIGHT WIDTH NOISY DENOISED [STRENGTH [flow|none|off]]\n"
    "  MODEL            a bundle folder (NAME.zsn2m) or one of its .onnx or .ts files\n"
    "  NOISY, DENOISED  files of HEIGHT x WIDTH pixels, packed, RGB or grey, of the sensor's own samples; several\n"
    "                   frames, one behind the other, are those of one scene, and are averaged\n"
    "  STRENGTH         of their noise, 1 as the bundle's; 0, the default: it is measured\n"
    "  flow|none|off    where things were in the frame before: by optical flow, if libzsn2m can; where they are;\n"
    "                   every frame by itself\n";

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

/* The number of a motion's name, or -1. */
static int parse_motion(const char *name) {
    if (strcmp(name, "flow") == 0) return ZSN2M_MOTION_BEST;
    if (strcmp(name, "none") == 0) return ZSN2M_MOTION_NONE;
    return strcmp(name, "off") == 0 ? ZSN2M_MOTION_OFF : -1;
}

/* All frames of a file, one after the other, in place. */
static int denoise_frames(zsn2m_denoiser *denoiser, zsn2m_size size, size_t bytes, const char *const paths[2],
                          double strength) {
    zsn2m_info info;
    FILE *const noisy = fopen(paths[0], "rb"), *const denoised = fopen(paths[1], "wb");
    void *const frame = malloc(bytes);
    int result = zsn2m_describe(denoiser, &info);
    size_t got = 0, frames = 0;
    for (; noisy && denoised && frame && result == ZSN2M_OK; ++frames) {
        got = fread(frame, 1, bytes, noisy);
        if (got != bytes) break;
        result = (int)zsn2m_denoise_next(denoiser, info.dtype, frame, NULL, frame, NULL, size, strength);
        if (result != ZSN2M_OK) {
            fprintf(stderr, "denoise_raw: %s\n", zsn2m_last_error());
        } else if (fwrite(frame, 1, bytes, denoised) != bytes) {
            result = EXIT_OUTPUT;
        }
    }
    if (!frame) {
        fprintf(stderr, "denoise_raw: no memory for %zu bytes\n", bytes);
        result = ZSN2M_FAILED;
    } else if (result == ZSN2M_OK && (!noisy || got != 0 || frames == 0)) {
        fprintf(stderr, "denoise_raw: %s: expected frames of %zu bytes, but got other sizes or none\n", paths[0],
                bytes);
        result = EXIT_INPUT;
    }
    free(frame);
    if (noisy) fclose(noisy);
    if ((!denoised || fclose(denoised) != 0) && result == ZSN2M_OK) result = EXIT_OUTPUT;
    if (result == EXIT_OUTPUT) fprintf(stderr, "denoise_raw: %s: cannot be written\n", paths[1]);
    return result;
}

static int run(zsn2m_denoiser *denoiser, size_t height, size_t width, const char *const paths[2], double strength) {
    zsn2m_info info;
    if (zsn2m_describe(denoiser, &info) != ZSN2M_OK) return ZSN2M_FAILED;
    const zsn2m_size size = {height, width, (size_t)info.channels};
    const size_t bytes = height * width * size.channels * sample_bytes(info.dtype);
    return denoise_frames(denoiser, size, bytes, paths, strength);
}

int main(int argc, char **argv) {
    const int complete = argc >= 6 && argc <= 8;
    const int motion = argc == 8 ? parse_motion(argv[7]) : ZSN2M_MOTION_BEST;
    const size_t height = complete ? parse_length(argv[2]) : 0;
    const size_t width = complete ? parse_length(argv[3]) : 0;
    if (height == 0 || width == 0 || motion < 0) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    zsn2m_denoiser *denoiser = NULL;
    const zsn2m_options options = {0, 0, (zsn2m_motion)motion};
    const zsn2m_status opened = zsn2m_open(argv[1], NULL, &options, &denoiser);
    if (opened != ZSN2M_OK) {
        fprintf(stderr, "denoise_raw: %s\n", zsn2m_last_error());
        return (int)opened;
    }
    const char *const paths[2] = {argv[4], argv[5]};
    const int result = run(denoiser, height, width, paths, argc > 6 ? strtod(argv[6], NULL) : 0);
    zsn2m_close(denoiser);
    return result;
}
