#include <doctest/doctest.h>

#include <string>

#include "failure.h"
#include "frames.h"
#include "onnx_check.h"

using namespace zsn2m::testing;
using zsn2m::core::check_onnx;
using zsn2m::core::Failure;

namespace {

std::string message(int number, const std::string &bytes) {
    REQUIRE(bytes.size() < 128);
    return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}

std::string model_of(const std::string &node) { return message(7, message(1, node)); }

std::string refusal(const std::string &bytes) {
    try {
        check_onnx(bytes, "model.onnx");
        return "";
    } catch (const Failure &failure) {
        CHECK(failure.status() == ZSN2M_BUNDLE);
        return failure.what();
    }
}

bool refuses(const std::string &bytes, const char *what) {
    const std::string text = refusal(bytes);
    INFO(text);
    CHECK(text.find(what) != std::string::npos);
    return text.find(what) != std::string::npos;
}

} // namespace

TEST_CASE("exports pass") {
    for (const char *name : kBundles) {
        for (const auto &file : model_files(name, ".onnx")) CHECK_NOTHROW(check_onnx(read_bytes(file), file.string()));
    }
}

TEST_CASE("what no export holds is refused") {
    CHECK(refusal(model_of(message(4, "Add"))).empty());
    CHECK(refuses(model_of(message(4, "Loop")), "the operator Loop"));
    CHECK(refuses(model_of(message(1, "x")), "without an operator"));
    CHECK(refuses(model_of(message(4, "Add") + message(4, "If")), "the operator If"));
    CHECK(refuses(model_of(message(4, "Add") + message(7, "evil")), "another domain"));
    CHECK(refuses(model_of(message(4, "Add") + message(5, message(6, ""))), "a graph inside"));
    CHECK(refuses(model_of(message(4, "Constant") + message(5, message(5, message(13, "")))), "another file"));
    CHECK(refuses(model_of(message(4, "Add") + message(5, std::string("\xb2\x01\x00", 3))), "sparse")); // field 22
    CHECK(refuses(message(7, message(5, std::string("\x70\x01", 2))), "another file"));
    CHECK(refuses(message(7, message(15, "")), "sparse"));
    CHECK(refuses(message(7, "") + message(7, ""), "2 graphs"));
    CHECK(refuses("", "no graph"));
    CHECK(refuses(std::string("\xca\x01\x00", 3), "functions")); // field 25
    const std::string operator_by_dropped_bits("\xa2\x80\x80\x80\x10\x04Loop", 10);
    CHECK(refuses(model_of(message(4, "Add") + operator_by_dropped_bits), "number of a field"));
    std::string nodes;
    for (int i = 0; i < 5001; ++i) nodes += message(1, message(4, "Add"));
    std::string length;
    for (std::size_t rest = nodes.size(); rest; rest >>= 7) {
        length += static_cast<char>((rest & 0x7f) | (rest >> 7 ? 0x80 : 0));
    }
    CHECK(refuses("\x3a" + length + nodes, "5000 nodes"));
}

TEST_CASE("damaged files are refused or pass, and nothing outside of them is read") {
    const std::string whole = read_bytes(bundle("u8_colour") / "sensor.onnx");
    for (std::size_t length = 0; length < whole.size(); length += 53) CHECK(refusal(whole.substr(0, length)) != "");
    for (std::size_t at = 0; at < whole.size(); at += at < 4000 ? 1 : 101) {
        for (const char value : {'\x00', '\x7f', '\xff'}) {
            std::string bytes = whole;
            bytes[at] = value;
            refusal(bytes);
        }
    }
    CHECK(refusal(std::string(20, '\xff')) != "");
}
