// What a bundle's manifest.json, and the card inside every model file, say of a model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "noise.h"
#include "strips.h"
#include "zsn2m/zsn2m.h"

namespace zsn2m::core {

constexpr int kSchemaVersion = 1; // rises only on an incompatible change
constexpr const char *kManifestName = "manifest.json";
// Name of the card among a TorchScript file's extra files, and in an ONNX file's metadata_props.
constexpr const char *kCardKey = "zsn2m.json";

// What the manifest says of one file of the bundle.
struct FileRecord {
    std::string name; // a plain name: no folder in it
    std::uint64_t bytes;
    std::string sha256;
};

// The facts of one model with those of its sensor.
struct Card {
    std::string id;
    std::string role;
    std::string precision;
    std::string io; // "sensor": float32 (n, c, h, w) in sensor units; others are for programs that bring such arrays
    std::string strength; // input for the strength of the noise; empty: it takes none
    Reach reach;
    zsn2m_dtype dtype;
    std::int64_t channels; // 1 or 3
    std::string mosaic;    // pattern of the colour filters, such as "RGGB"; empty: the frames are no mosaics
    double range_low;      // what integer output is clamped to, sensor units
    double range_high;
    double noise_sigma;
    double offset; // a network sees (frame - offset) / scale
    double scale;
};

struct ModelEntry {
    Card card;
    std::optional<FileRecord> torchscript;
    std::optional<FileRecord> onnx;
    FileRecord self_test_input;
    FileRecord self_test;      // expected output for it
    std::vector<Noise> noises; // that it was trained on; empty: it may not be given means of frames
};

struct Manifest {
    std::optional<std::string> default_model;
    std::vector<ModelEntry> models;
};

// All functions take the document's text and how messages call it, and throw Failure (ZSN2M_BUNDLE).
Card parse_card(std::string_view text, const std::string &name);
Manifest parse_manifest(std::string_view text, const std::string &name);

// Name of the first fact in which two cards differ; empty where there is none.
std::string first_difference(const Card &one, const Card &other);

const char *dtype_name(zsn2m_dtype dtype);

} // namespace zsn2m::core
