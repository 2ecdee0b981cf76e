#include "frames.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "backends.h"

namespace zsn2m::testing {

namespace fs = std::filesystem;

fs::path bundle(const std::string &name) {
    const char *folder = std::getenv("ZSN2M_TEST_BUNDLES");
    if (!folder) throw std::runtime_error("set ZSN2M_TEST_BUNDLES to a folder written by tests/make_bundles.py");
    return fs::path(folder) / (name + ".zsn2m");
}

std::vector<std::string> suffixes() {
    std::vector<std::string> found;
    for (const core::Backend &backend : core::kBackends) {
        if (backend.built_in) found.emplace_back(backend.suffix);
    }
    return found;
}

fs::path model_file(const std::string &bundle_name, const std::string &model) {
    return bundle(bundle_name) / (model + suffixes().front());
}

std::vector<fs::path> model_files(const std::string &bundle_name) {
    std::vector<fs::path> files;
    for (const std::string &suffix : suffixes()) {
        for (const fs::path &file : model_files(bundle_name, suffix)) files.push_back(file);
    }
    return files;
}

std::vector<fs::path> model_files(const std::string &bundle_name, const std::string &suffix) {
    std::vector<fs::path> files;
    for (const fs::directory_entry &entry : fs::directory_iterator(bundle(bundle_name))) {
        if (entry.path().extension() == suffix) files.push_back(entry.path());
    }
    if (files.empty()) throw std::runtime_error(bundle_name + " has no models");
    return files;
}

TemporaryFolder::TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "zsn2m-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    path_ = name;
}

TemporaryFolder::~TemporaryFolder() { fs::remove_all(path_); }

fs::path copy_bundle(const std::string &name, const TemporaryFolder &folder) {
    const fs::path copy = folder.path() / (name + ".zsn2m");
    fs::copy(bundle(name), copy);
    return copy;
}

std::string read_bytes(const fs::path &path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
}

void write_bytes(const fs::path &path, const std::string &bytes) {
    std::ofstream stream(path, std::ios::binary);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void replace_in_file(const fs::path &path, const std::string &old_text, const std::string &new_text) {
    std::string bytes = read_bytes(path);
    const std::size_t at = bytes.find(old_text);
    if (at == std::string::npos) throw std::runtime_error(path.string() + " has no " + old_text);
    write_bytes(path, bytes.replace(at, old_text.size(), new_text));
}

void flip_bit(const fs::path &path, std::size_t at) {
    std::string bytes = read_bytes(path);
    bytes.at(at) = static_cast<char>(bytes[at] ^ 1);
    write_bytes(path, bytes);
}

Opened try_open(const fs::path &path, const char *model) {
    zsn2m_denoiser *handle = nullptr;
    const zsn2m_status status = zsn2m_open(path.c_str(), model, nullptr, &handle);
    zsn2m_close(handle);
    return {status, status == ZSN2M_OK ? "" : zsn2m_last_error()};
}

bool says(const Opened &opened, zsn2m_status status, const std::string &what) {
    const auto holds = [&](const std::string &part) { return opened.text.find(part) != std::string::npos; };
    return opened.status == status && holds("expected") && holds("; ") && holds(what);
}

} // namespace zsn2m::testing
