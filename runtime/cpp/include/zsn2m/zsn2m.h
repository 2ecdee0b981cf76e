/*
 * zsn2m: run a denoiser exported by zsn2m-deploy from C, C++ or anything that can call C.
 *
 *     zsn2m_denoiser *denoiser = NULL;
 *     if (zsn2m_open("cam0.zsn2m", NULL, NULL, &denoiser) != ZSN2M_OK) die(zsn2m_last_error());
 *     zsn2m_size size = {height, width, 3};
 *     if (zsn2m_denoise_u8(denoiser, noisy, NULL, denoised, NULL, size) != ZSN2M_OK) die(zsn2m_last_error());
 *     zsn2m_close(denoiser);
 *
 * The results are those of the Python package, rounded and clamped in the same way. Everything runs on the CPU: ONNX
 * files by onnxruntime, TorchScript files by LibTorch, whichever of them the library is built with.
 *
 * Threads: one handle may be used by several threads at once, as may several handles; only zsn2m_close() must be
 * the last call on a handle. A handle keeps nothing from one frame to the next, except for zsn2m_denoise_next().
 *
 * Errors: every function that can fail returns a zsn2m_status, and leaves a text for zsn2m_last_error(). No C++
 * exception leaves this interface. Arguments are checked before any pixel is written.
 */
#ifndef ZSN2M_ZSN2M_H
#define ZSN2M_ZSN2M_H

#include <stddef.h>
#include <stdint.h>

#define ZSN2M_VERSION_MAJOR 0
#define ZSN2M_VERSION_MINOR 1
#define ZSN2M_VERSION_PATCH 0

#if defined(__GNUC__)
#define ZSN2M_API __attribute__((visibility("default")))
#else
#define ZSN2M_API
#endif

#ifdef __cplusplus
#define ZSN2M_NOEXCEPT noexcept
extern "C" {
#else
#define ZSN2M_NOEXCEPT
#endif

/* What a call came to. The numbers are the exit codes of the zsn2m-deploy command. */
typedef enum zsn2m_status {
    ZSN2M_OK = 0,
    ZSN2M_FAILED = 1,      /* a check did not hold (self-test), or the network failed to run: out of memory, ... */
    ZSN2M_USAGE = 2,       /* the call itself cannot be carried out: NULL, strides that do not fit, no such model */
    ZSN2M_INPUT = 3,       /* the frame does not fit the sensor: dtype, channels, range, or no finite pixel */
    ZSN2M_UNAVAILABLE = 4, /* not there on this system, or in this build of libzsn2m */
    ZSN2M_BUNDLE = 5       /* the model is missing, damaged, or written by a newer version */
} zsn2m_status;

/* Type of one sample. */
typedef enum zsn2m_dtype {
    ZSN2M_U8 = 1,
    ZSN2M_U16 = 2,
    ZSN2M_F32 = 3,
    ZSN2M_I16 = 4,
    ZSN2M_U32 = 5,
    ZSN2M_I32 = 6,
    ZSN2M_F64 = 7
} zsn2m_dtype;

/* A denoiser specialised to one sensor. */
typedef struct zsn2m_denoiser zsn2m_denoiser;

/* Where the content of a frame was before, of frames that follow each other. */
typedef enum zsn2m_motion {
    ZSN2M_MOTION_BEST = 0, /* by optical flow, where libzsn2m is built with OpenCV; as NONE elsewhere */
    ZSN2M_MOTION_NONE = 1, /* where it is: a camera that stands still */
    ZSN2M_MOTION_OFF = 2   /* every frame is denoised by itself */
} zsn2m_motion;

/* How to run. All zeros (or a NULL pointer in its place) are the defaults. */
typedef struct zsn2m_options {
    /* Threads that one call uses; 0 leaves the runtime's own setting (one per core) alone. Where N threads of the
     * program call at once, use 1.
     *
     * onnxruntime's threads belong to the handle. LibTorch's thread count is one setting for the process and its
     * threads: a number here is set in the calling thread for the length of each call, and put back. A thread that uses
     * LibTorch for the first time while another is inside such a call starts with that number: do not mix handles with
     * a number and handles without one among threads. */
    int threads;

    /* Frames with more pixels are processed in strips of about that many; memory is bounded by a strip, not by the
     * frame. 0 is 2^19 pixels: about 100 MB for each layer of 48 channels; of the model for videos 2^21. */
    size_t strip_pixels;

    /* For zsn2m_denoise_next(). */
    zsn2m_motion motion;
} zsn2m_options;

/* What a denoiser was made for. Texts live until zsn2m_close(). */
typedef struct zsn2m_info {
    const char *model;     /* id of the model, as the bundle lists it */
    const char *role;      /* what it is in the method */
    const char *precision; /* for example fp32 */
    zsn2m_dtype dtype;     /* of a sample of the sensor */
    int channels;          /* 1 grey, 3 RGB */
    double range_low;      /* black and white of the sensor; integer results are clamped to them */
    double range_high;
    double noise_sigma;   /* estimated from the training frames, sensor units; without heavy tails */
    double offset;        /* the network sees (sample - offset) / scale */
    double scale;         /* of the samples in use; differences are given as fractions of it */
    int stride;           /* frames are cut at multiples of it */
    int receptive_radius; /* rows above and below that a result depends on */
} zsn2m_info;

/* Height and width in pixels, samples per pixel (1 grey, 3 RGB). Any size from 1 x 1. */
typedef struct zsn2m_size {
    size_t height;
    size_t width;
    size_t channels;
} zsn2m_size;

/* Distances in BYTES from one row, pixel or channel to the next; the pointer given with them is to the first channel
 * (red) of the first pixel of the first row. A 0 is the distance of packed, interleaved samples: channel: one sample;
 * pixel: all its channels; row: all its pixels. A NULL pointer in place of strides is all zeros.
 *
 *     rows padded to 4096 bytes     {4096, 0, 0}
 *     BGR (OpenCV), 8 bit           {row, 3, -1}, the pointer at the red sample: data + 2
 *     BGRA, 8 bit                   {row, 4, -1}, the pointer at data + 2; alpha is left alone
 *     planes R, G, B of 16 bit      {2 * width, 2, 2 * width * height}
 *     upside down                   {-row, 0, 0}, the pointer at the last row
 *
 * Strides are multiples of the sample's size, and no two samples may overlap. */
typedef struct zsn2m_strides {
    ptrdiff_t row;
    ptrdiff_t pixel;
    ptrdiff_t channel;
} zsn2m_strides;

/* Open a bundle folder (NAME.zsn2m), or a single model file of one (NAME.onnx, NAME.ts).
 *
 * path: UTF-8. model: id of the bundle's model; NULL takes the bundle's default. options: NULL for the defaults.
 * *denoiser is set to the new handle, or to NULL on failure.
 *
 * Of a bundle's model, the ONNX file is run where libzsn2m is built with onnxruntime, the TorchScript file elsewhere
 * and where there is no other. ZSN2M_UNAVAILABLE where libzsn2m is built without what runs the file; the text names
 * the option of CMake that builds it in.
 *
 * Nothing of a file reaches the runtime before its size and SHA-256 are those of the bundle's manifest.json, or its
 * SHA-256 that in NAME.ts.sha256 (or NAME.onnx.sha256) beside it, as written by sha256sum. A single .ts file without
 * either is only checked to be a whole zip archive with matching checksums: that finds damage by accident, but not on
 * purpose; a single .onnx file not even that. TorchScript files are programs: open none that you do not trust. */
ZSN2M_API zsn2m_status zsn2m_open(const char *path, const char *model, const zsn2m_options *options,
                                  zsn2m_denoiser **denoiser) ZSN2M_NOEXCEPT;

/* Give a denoiser back; NULL is allowed. */
ZSN2M_API void zsn2m_close(zsn2m_denoiser *denoiser) ZSN2M_NOEXCEPT;

/* What the denoiser was made for. */
ZSN2M_API zsn2m_status zsn2m_describe(const zsn2m_denoiser *denoiser, zsn2m_info *info) ZSN2M_NOEXCEPT;

/* Denoise one frame of the sensor's own dtype, values in sensor units, channels in the order R, G, B.
 *
 * The network computes in float32: integers above 2^24 come back rounded to its steps, and doubles to 24 bits.
 * Integers are rounded half to even and clamped to the sensor's range; float frames may exceed it and are not clamped.
 * Blank areas (padding of any value, NaN and infinity in float frames) stay what they are, bit for bit, and are hidden
 * from the network; a frame that has any takes the memory of two more, and some 20 bytes for each pixel. Alpha is not
 * seen: what it hides is denoised like any sample.
 *
 * noisy and denoised are the same memory with the same strides, or do not overlap. Should the network fail in the
 * middle (ZSN2M_FAILED), the upper strips of denoised may be written already. */
ZSN2M_API zsn2m_status zsn2m_denoise_u8(const zsn2m_denoiser *denoiser, const uint8_t *noisy,
                                        const zsn2m_strides *noisy_strides, uint8_t *denoised,
                                        const zsn2m_strides *denoised_strides, zsn2m_size size) ZSN2M_NOEXCEPT;
ZSN2M_API zsn2m_status zsn2m_denoise_u16(const zsn2m_denoiser *denoiser, const uint16_t *noisy,
                                         const zsn2m_strides *noisy_strides, uint16_t *denoised,
                                         const zsn2m_strides *denoised_strides, zsn2m_size size) ZSN2M_NOEXCEPT;
ZSN2M_API zsn2m_status zsn2m_denoise_f32(const zsn2m_denoiser *denoiser, const float *noisy,
                                         const zsn2m_strides *noisy_strides, float *denoised,
                                         const zsn2m_strides *denoised_strides, zsn2m_size size) ZSN2M_NOEXCEPT;
ZSN2M_API zsn2m_status zsn2m_denoise_i16(const zsn2m_denoiser *denoiser, const int16_t *noisy,
                                         const zsn2m_strides *noisy_strides, int16_t *denoised,
                                         const zsn2m_strides *denoised_strides, zsn2m_size size) ZSN2M_NOEXCEPT;
ZSN2M_API zsn2m_status zsn2m_denoise_u32(const zsn2m_denoiser *denoiser, const uint32_t *noisy,
                                         const zsn2m_strides *noisy_strides, uint32_t *denoised,
                                         const zsn2m_strides *denoised_strides, zsn2m_size size) ZSN2M_NOEXCEPT;
ZSN2M_API zsn2m_status zsn2m_denoise_i32(const zsn2m_denoiser *denoiser, const int32_t *noisy,
                                         const zsn2m_strides *noisy_strides, int32_t *denoised,
                                         const zsn2m_strides *denoised_strides, zsn2m_size size) ZSN2M_NOEXCEPT;
ZSN2M_API zsn2m_status zsn2m_denoise_f64(const zsn2m_denoiser *denoiser, const double *noisy,
                                         const zsn2m_strides *noisy_strides, double *denoised,
                                         const zsn2m_strides *denoised_strides, zsn2m_size size) ZSN2M_NOEXCEPT;

/* Denoise the next frame of a sequence. Each is averaged with those before it, along their motion and as far as they
 * agree, and the network sees the mean, which has less noise: docs/cpp.md says by how much.
 *
 * The first frame, one of another size, one after a cut, and the first one after zsn2m_restart() are denoised by
 * themselves. So is every frame where the bundle does not know its noise (a model file with no manifest.json beside
 * it), or removes salt and pepper or a pattern that stays in place. A handle keeps one sequence, as float planes: open
 * one handle for each. A failing call leaves it as it was.
 *
 * dtype: of the samples that noisy and denoised point to, the sensor's own. strength: standard deviation of this
 * frame's noise over that of the training frames, where the program knows it, of a camera's gain for example; 0: it is
 * measured, or 1 where the frame is denoised by itself because of the bundle.
 * All else is as above. */
ZSN2M_API zsn2m_status zsn2m_denoise_next(zsn2m_denoiser *denoiser, zsn2m_dtype dtype, const void *noisy,
                                          const zsn2m_strides *noisy_strides, void *denoised,
                                          const zsn2m_strides *denoised_strides, zsn2m_size size,
                                          double strength) ZSN2M_NOEXCEPT;

/* Forget what was: the next frame of zsn2m_denoise_next() begins a sequence. */
ZSN2M_API zsn2m_status zsn2m_restart(zsn2m_denoiser *denoiser) ZSN2M_NOEXCEPT;

/* Run the test vectors that lie beside the model (test_input.npy, test_output_MODEL.npy) and compare.
 *
 * difference: the largest one, as a fraction of zsn2m_info.scale; set where the vectors could be compared; may be NULL.
 * ZSN2M_FAILED where it is above 1e-4 (more in lower precisions), ZSN2M_BUNDLE where the vectors are missing or
 * damaged. */
ZSN2M_API zsn2m_status zsn2m_self_test(const zsn2m_denoiser *denoiser, double *difference) ZSN2M_NOEXCEPT;

/* Let glibc's malloc keep freed memory, once per process, before the first frame.
 *
 * LibTorch frees and takes back each layer's memory at every call, and malloc gives blocks of that size back to the
 * system each time; without that, calls take a fraction of the time (onnxruntime keeps its memory by itself). The
 * price: memory that the process freed stays with it, for all of its code and for good, which is why only the program
 * itself should decide. Programs with another allocator (jemalloc, mimalloc) do not need it. ZSN2M_UNAVAILABLE where
 * malloc is not glibc's. */
ZSN2M_API zsn2m_status zsn2m_tune_allocator(void) ZSN2M_NOEXCEPT;

/* Why the last failing call of this thread failed: "X: expected ..., but got ...; what to do". Empty where none did;
 * valid until the next failure in this thread. */
ZSN2M_API const char *zsn2m_last_error(void) ZSN2M_NOEXCEPT;

/* Versions: of this library ("0.1.0"), of the LibTorch that it was built with ("2.13.0"), of the onnxruntime that it
 * found ("1.32.0"), and of the OpenCV that it was built with ("4.6.0"); an empty text where it is built without. */
ZSN2M_API const char *zsn2m_version(void) ZSN2M_NOEXCEPT;
ZSN2M_API const char *zsn2m_libtorch_version(void) ZSN2M_NOEXCEPT;
ZSN2M_API const char *zsn2m_onnxruntime_version(void) ZSN2M_NOEXCEPT;
ZSN2M_API const char *zsn2m_opencv_version(void) ZSN2M_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
