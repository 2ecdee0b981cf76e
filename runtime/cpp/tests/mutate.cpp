// What becomes of damaged model files: mutate FILE [COUNT [SEED]]
//
// Every mutation of a .ts or .onnx file is opened three times: with the .sha256 of the whole file beside it (must be
// refused, or this program fails), alone, and by the runtime without a check for damage. The last two happen in a child
// process each: the runtime may crash on what it reads, which is counted, not judged.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>

#include "backends.h"
#include "failure.h"
#include "frames.h"
#include "mutator.h"
#include "sha256.h"

using namespace zsn2m::testing;
namespace core = zsn2m::core;
namespace fs = std::filesystem;

namespace {

constexpr int kDefaultCount = 100;
constexpr unsigned kSecondsPerFile = 60;
constexpr core::Size kFrame = {9, 11, 3};

// What a child found; its exit status.
enum Outcome {
    kOpened = 0,
    kRefusedByUs = 10,
    kRefusedByRuntime = 11,
    kFailedWhenRun = 12,
    kOtherPixels = 13,
    kCrashed = 99
};

const std::map<int, const char *> kNames = {{kOpened, "gave the same pixels"},
                                            {kOtherPixels, "gave OTHER pixels"},
                                            {kRefusedByUs, "refused before the runtime"},
                                            {kRefusedByRuntime, "refused by the runtime"},
                                            {kFailedWhenRun, "opened, failed when run"},
                                            {kCrashed, "crashed or hung in the runtime"}};

std::vector<float> run_model(core::Format format, const std::string &bytes) {
    const auto model = core::load_model(format, bytes, "model", 1).model;
    std::vector<float> planes(static_cast<std::size_t>(kFrame.height * kFrame.width * kFrame.channels), 100.0F);
    const auto result = model->run({planes.data(), 1}, kFrame);
    return {result.get(), result.get() + planes.size()};
}

// Who refused it: messages name the runtime where it did.
Outcome refused_by(core::Format format, const std::string &message) {
    return message.find(core::backend_of(format).runtime) != std::string::npos ? kRefusedByRuntime : kRefusedByUs;
}

Outcome run_unchecked(core::Format format, const std::string &bytes, const std::string &whole) {
    try {
        return run_model(format, bytes) == run_model(format, whole) ? kOpened : kOtherPixels;
    } catch (const core::Failure &failure) {
        return failure.status() == ZSN2M_BUNDLE ? refused_by(format, failure.what()) : kFailedWhenRun;
    }
}

Outcome open_and_run(core::Format format, const fs::path &path, const std::string &whole) {
    const Opened opened = try_open(path);
    if (opened.status != ZSN2M_OK) return refused_by(format, opened.text);
    return run_unchecked(format, read_bytes(path), whole);
}

// The runtime has done nothing in this process yet, so a fork of it is as good as a new one, and a hundred times as
// fast.
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
        std::cerr << "usage: mutate FILE [COUNT [SEED]]\n";
        return ZSN2M_USAGE;
    }
    const int count = argc > 2 ? std::atoi(argv[2]) : kDefaultCount;
    const std::string whole = read_bytes(argv[1]), suffix = fs::path(argv[1]).extension();
    const core::Format format = suffix == ".onnx" ? core::Format::kOnnx : core::Format::kTorchScript;
    const TemporaryFolder folder;
    const fs::path hashed = folder.path() / ("hashed" + suffix);
    const fs::path alone = folder.path() / ("alone" + suffix);
    write_bytes(hashed.string() + ".sha256", core::sha256(whole) + "\n");
    write_bytes(alone, whole);
    if (in_child([&] { return open_and_run(format, alone, whole); }) != kOpened) {
        std::cerr << "mutate: " << argv[1] << ": expected a file that opens\n";
        return ZSN2M_BUNDLE;
    }

    Mutator mutator(whole, argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 0);
    std::map<Outcome, int> with_hash, without_hash, unchecked;
    for (int i = 0; i < count; ++i) {
        const std::string bytes = mutator.next();
        write_bytes(hashed, bytes);
        write_bytes(alone, bytes);
        const Opened opened = try_open(hashed);
        ++with_hash[opened.status == ZSN2M_BUNDLE && opened.text.find("SHA-256") != std::string::npos ? kRefusedByUs
                                                                                                      : kOpened];
        ++without_hash[in_child([&] { return open_and_run(format, alone, whole); })];
        ++unchecked[in_child([&] { return run_unchecked(format, bytes, whole); })];
    }
    print("with .sha256", with_hash);
    print("alone", without_hash);
    print("without a check for damage", unchecked);
    return with_hash[kOpened] == 0 ? ZSN2M_OK : ZSN2M_FAILED;
}
