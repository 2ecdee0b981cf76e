// Finding a model on disk and making sure that its bytes are the right ones.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "backends.h"
#include "card.h"

namespace zsn2m::core {

// The checked bytes of a model's file, and its entry in a manifest.
struct ModelFile {
    std::filesystem::path path;
    Format format;
    std::string bytes;
    std::optional<ModelEntry> entry; // the manifest's, where there is a manifest
};

// Read a bundle's model (empty: the default one), or a single .ts or .onnx file, which `model` must name if not empty.
// Of a bundle's model, the file of the first back end that is built in (kBackends) is taken.
//
// Throws Failure: ZSN2M_BUNDLE for files that are missing or not what they were, ZSN2M_USAGE for an unknown model,
// ZSN2M_UNAVAILABLE where no back end is built in for what there is.
ModelFile read_model_file(const std::filesystem::path &path, const std::string &model);

// Bytes of a file of the bundle, checked against its record.
std::string read_recorded(const std::filesystem::path &folder, const FileRecord &record);

} // namespace zsn2m::core
