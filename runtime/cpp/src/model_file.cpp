#include "model_file.h"

#include <algorithm>
#include <cstddef>
#include <system_error>
#include <utility>

#include "failure.h"
#include "file.h"
#include "sha256.h"

namespace zsn2m::core {
namespace {

namespace fs = std::filesystem;

Manifest read_manifest(const fs::path &folder) {
    const fs::path file = folder / kManifestName;
    std::error_code error;
    if (!fs::exists(file, error)) {
        throw Failure(ZSN2M_BUNDLE, folder.string() + ": expected a bundle folder with a " + kManifestName +
                                        ", but there is none; check the path");
    }
    return parse_manifest(read_file(file, kMostManifestBytes), file.string());
}

std::string known_models(const Manifest &manifest) {
    std::string known;
    for (const ModelEntry &entry : manifest.models) {
        if (entry.card.io == "sensor") known += (known.empty() ? "" : ", ") + entry.card.id;
    }
    return known;
}

const ModelEntry &find_model(const Manifest &manifest, const std::string &model, const std::string &folder) {
    if (manifest.models.empty()) {
        throw Failure(ZSN2M_BUNDLE, folder +
                                        ": expected exported models, but it holds trained weights only; run: "
                                        "zsn2m-deploy export " +
                                        folder);
    }
    const std::string wanted = model.empty() ? manifest.default_model.value_or("") : model;
    const auto found = std::find_if(manifest.models.begin(), manifest.models.end(),
                                    [&](const ModelEntry &entry) { return entry.card.id == wanted; });
    if (found == manifest.models.end()) {
        throw Failure(ZSN2M_USAGE, folder + ": expected one of the models " + known_models(manifest) + ", but got \"" +
                                       wanted + "\"; name one of them");
    }
    return *found;
}

const std::optional<FileRecord> &record_of(const ModelEntry &entry, Format format) {
    return format == Format::kOnnx ? entry.onnx : entry.torchscript;
}

// The format of the file to run. One whose back end is not built in only where there is no other: to be refused.
Format choose_format(const ModelEntry &entry, const std::string &folder) {
    std::optional<Format> found;
    for (const Backend &backend : kBackends) {
        if (!record_of(entry, backend.format)) continue;
        if (backend.built_in) return backend.format;
        found = backend.format;
    }
    if (found) return *found;
    throw Failure(ZSN2M_BUNDLE, folder + ": expected a TorchScript or ONNX file of model " + entry.card.id +
                                    ", but it has none; choose another model");
}

ModelFile read_from_bundle(const fs::path &folder, const std::string &model) {
    const Manifest manifest = read_manifest(folder);
    const ModelEntry &entry = find_model(manifest, model, folder.string());
    const Format format = choose_format(entry, folder.string());
    const FileRecord &record = *record_of(entry, format);
    require_backend(format, (folder / record.name).string());
    return {folder / record.name, format, read_recorded(folder, record), entry};
}

void check_sha256(const fs::path &path, const std::string &bytes, const std::string &expected, const std::string &by) {
    const std::string digest = sha256(bytes);
    if (digest == expected) return;
    throw Failure(ZSN2M_BUNDLE, path.string() + ": expected SHA-256 " + expected + ", as in " + by + ", but got " +
                                    digest + ": the file has changed; copy the bundle again");
}

// The first line of what sha256sum writes: digits, blank, name. The name does not count: files may be renamed.
std::string read_sha256_file(const fs::path &path) {
    const std::string text = read_file(path, kMostManifestBytes);
    const std::string digest = text.substr(0, text.find_first_of(" \r\n"));
    if (!is_sha256(digest)) {
        throw Failure(ZSN2M_BUNDLE, path.string() +
                                        ": expected 64 hexadecimal digits, as sha256sum writes them, but got "
                                        "something else; write it again with sha256sum");
    }
    return digest;
}

// The manifest's entry for a model file that was opened by its own path, where a manifest lies beside it.
std::optional<ModelEntry> entry_beside(const fs::path &path, Format format) {
    const fs::path folder = path.parent_path();
    std::error_code error;
    if (!fs::is_regular_file(folder / kManifestName, error)) return std::nullopt;
    Manifest manifest = read_manifest(folder);
    for (ModelEntry &entry : manifest.models) {
        const std::optional<FileRecord> &record = record_of(entry, format);
        if (record && record->name == path.filename()) return std::move(entry);
    }
    return std::nullopt;
}

ModelFile read_single(const fs::path &path, Format format) {
    require_backend(format, path.string());
    if (std::optional<ModelEntry> entry = entry_beside(path, format)) {
        std::string bytes = read_recorded(path.parent_path(), *record_of(*entry, format));
        return {path, format, std::move(bytes), std::move(entry)};
    }
    std::string bytes = read_file(path, kMostModelBytes);
    const fs::path sidecar = path.string() + ".sha256";
    std::error_code error;
    if (fs::exists(sidecar, error)) {
        check_sha256(path, bytes, read_sha256_file(sidecar), sidecar.filename().string());
    } else {
        check_unhashed(format, bytes, path.string());
    }
    return {path, format, std::move(bytes), std::nullopt};
}

} // namespace

ModelFile read_model_file(const fs::path &path, const std::string &model) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
        for (const Backend &backend : kBackends) {
            if (path.extension() == backend.suffix) return read_single(path, backend.format);
        }
    }
    return read_from_bundle(path, model);
}

std::string read_recorded(const fs::path &folder, const FileRecord &record) {
    const fs::path path = folder / record.name;
    std::string bytes = read_file_of_size(path, record.bytes);
    check_sha256(path, bytes, record.sha256, kManifestName);
    return bytes;
}

} // namespace zsn2m::core
