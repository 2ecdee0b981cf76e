// What becomes of damaged TorchScript files: mutate FILE.ts [COUNT [SEED]]
//
// Every mutation is opened three times: with the .sha256 of the whole file beside it (must be refused, or this program
// fails), alone, and by LibTorch without any check of ours. The last two happen in a child process each: LibTorch may
// crash on what it reads, which is counted, not judged.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "failure.h"
#include "frames.h"
#include "model.h"
#include "sha256.h"

using namespace zsn2m::testing;
namespace core = zsn2m::core;
namespace fs = std::filesystem;

namespace {

constexpr int kDefaultCount = 100;
constexpr unsigned kSecondsPerFile = 60;
constexpr std::size_t kLongestRun = 64; // bytes changed at once
constexpr core::Size kFrame = {9, 11, 3};

// What a child found; its exit status.
enum Outcome {
    kOpened = 0,
    kRefusedByUs = 10,
    kRefusedByLibTorch = 11,
    kFailedWhenRun = 12,
    kOtherPixels = 13,
    kCrashed = 99
};

const std::map<int, const char *> kNames = {
    {kOpened, "gave the same pixels"},           {kOtherPixels, "gave OTHER pixels"},
    {kRefusedByUs, "refused before LibTorch"},   {kRefusedByLibTorch, "refused by LibTorch"},
    {kFailedWhenRun, "opened, failed when run"}, {kCrashed, "crashed or hung in LibTorch"}};

class Mutator {
public:
    Mutator(std::string whole, unsigned seed) : whole_(std::move(whole)), generator_(seed) {}

    std::string next() {
        std::string bytes = whole_;
        const std::size_t at = below(bytes.size());
        const std::size_t run = 1 + below(std::min(kLongestRun, bytes.size() - at));
        switch (below(6)) {
        case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
        case 1:
            std::generate_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), run,
                            [&] { return static_cast<char>(below(256)); });
            break;
        case 2: bytes.resize(at); break;
        case 3: bytes.erase(at, run); break;
        case 4: bytes.insert(at, bytes.substr(below(bytes.size() - run), run)); break;
        default: flip_in_code(bytes); break;
        }
        return bytes == whole_ ? next() : bytes;
    }

private:
    std::size_t below(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most - 1)(generator_); }

    // Weights fill most of a file; its last quarter holds the program and the directory.
    void flip_in_code(std::string &bytes) {
        const std::size_t at = bytes.size() - 1 - below(bytes.size() / 4);
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
    }

    std::string whole_;
    std::mt19937 generator_;
};

std::vector<float> run_model(const std::string &bytes) {
    std::string card;
    const core::Model model(bytes, "model", card);
    std::vector<float> planes(static_cast<std::size_t>(kFrame.height * kFrame.width * kFrame.channels), 100.0F);
    const auto result = model.run(planes.data(), kFrame, 1);
    return {result.get(), result.get() + planes.size()};
}

// What LibTorch makes of bytes, without any check of ours.
Outcome run_unchecked(const std::string &bytes, const std::string &whole) {
    try {
        return run_model(bytes) == run_model(whole) ? kOpened : kOtherPixels;
    } catch (const core::Failure &failure) {
        return failure.status() == ZSN2M_BUNDLE ? kRefusedByLibTorch : kFailedWhenRun;
    }
}

Outcome open_and_run(const fs::path &path, const std::string &whole) {
    const Opened opened = try_open(path);
    if (opened.status == ZSN2M_OK) return run_unchecked(read_bytes(path), whole);
    return opened.text.find("LibTorch") != std::string::npos ? kRefusedByLibTorch : kRefusedByUs;
}

// LibTorch has done nothing in this process yet, so a fork of it is as good as a new one, and a hundred times as fast.
Outcome in_child(const std::function<Outcome()> &work) {
    const pid_t child = fork();
    if (child == 0) {
        alarm(kSecondsPerFile);
        const rlimit no_core_file = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core_file);
        _exit(work());
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && kNames.count(WEXITSTATUS(status)) ? static_cast<Outcome>(WEXITSTATUS(status))
                                                                  : kCrashed;
}

void print(const char *how, const std::map<Outcome, int> &outcomes) {
    for (const auto &[outcome, count] : outcomes)
        std::cout << how << ": " << count << ' ' << kNames.at(outcome) << '\n';
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 2 || argc > 4) {
        std::cerr << "usage: mutate FILE.ts [COUNT [SEED]]\n";
        return ZSN2M_USAGE;
    }
    const int count = argc > 2 ? std::atoi(argv[2]) : kDefaultCount;
    const std::string whole = read_bytes(argv[1]);
    const TemporaryFolder folder;
    const fs::path hashed = folder.path() / "hashed.ts";
    const fs::path alone = folder.path() / "alone.ts";
    write_bytes(hashed.string() + ".sha256", core::sha256(whole) + "  hashed.ts\n");
    write_bytes(alone, whole);
    if (in_child([&] { return open_and_run(alone, whole); }) != kOpened) {
        std::cerr << "mutate: " << argv[1] << ": expected a file that opens\n";
        return ZSN2M_BUNDLE;
    }

    Mutator mutator(whole, argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 0);
    std::map<Outcome, int> with_hash, without_hash, libtorch_only;
    for (int i = 0; i < count; ++i) {
        const std::string bytes = mutator.next();
        write_bytes(hashed, bytes);
        write_bytes(alone, bytes);
        const Opened opened = try_open(hashed);
        ++with_hash[opened.status == ZSN2M_BUNDLE && opened.text.find("SHA-256") != std::string::npos ? kRefusedByUs
                                                                                                      : kOpened];
        ++without_hash[in_child([&] { return open_and_run(alone, whole); })];
        ++libtorch_only[in_child([&] { return run_unchecked(bytes, whole); })];
    }
    print("with .sha256", with_hash);
    print("alone", without_hash);
    print("LibTorch without our checks", libtorch_only);
    return with_hash[kOpened] == 0 ? ZSN2M_OK : ZSN2M_FAILED;
}
