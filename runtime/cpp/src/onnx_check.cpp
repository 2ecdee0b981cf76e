// Sources: onnx/onnx.proto (field numbers), protobuf's encoding guide (wire types).
#include "onnx_check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "failure.h"

namespace zsn2m::core {
namespace {

// All operators, of the default domain, in exports of this version and older ones. None of them takes a graph.
constexpr std::string_view kOperators[] = {
    "Abs", "Add", "And", "Cast", "Clip", "Concat", "Constant", "ConstantOfShape", "Conv", "DepthToSpace",
    "DequantizeLinear", "Div", "Equal", "Expand", "Gather", "Greater", "GreaterOrEqual", "Identity",
    "LeakyRelu", "Less", "LessOrEqual", "Max", "MaxPool", "Min", "Mod", "Mul", "Neg", "Not", "Or", "Pad",
    "QuantizeLinear", "Range", "Reciprocal", "ReduceMean", "Relu", "Reshape", "Resize", "Round",
    "Shape", "Sigmoid", "Slice", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze", "Where"};
constexpr int kMostNodes = 5000; // an export with every correction has 410
constexpr int kLongestVarint = 70; // bits

enum ModelField { kGraph = 7, kTraining = 20, kFunctions = 25 };
enum GraphField { kNode = 1, kInitializer = 5, kSparse = 15 };
enum NodeField { kOperator = 4, kAttribute = 5, kDomain = 7 };
enum AttributeField {
    kTensor = 5,
    kInnerGraph = 6,
    kTensors = 10,
    kInnerGraphs = 11,
    kSparseTensor = 22,
    kSparseTensors = 23
};
enum TensorField { kExternal = 13, kLocation = 14 };
enum WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct Field {
    std::uint64_t number;
    std::uint64_t value;    // of a varint
    std::string_view bytes; // of the others
    bool is_number;
};

// The fields of one message, one after the other.
class Message {
public:
    Message(std::string_view bytes, const std::string &name) : bytes_(bytes), name_(name) {}

    bool next(Field &field) {
        if (at_ >= bytes_.size()) return false;
        const std::uint64_t key = varint();
        if (key >> 32) damaged("the number of a field is too large"); // protobuf would drop the bits above 32
        field = {key >> 3, 0, {}, (key & 7) == kVarint};
        switch (key & 7) {
        case kVarint: field.value = varint(); return true;
        case kBytes: field.bytes = part(varint()); return true;
        case kFixed64: field.bytes = part(8); return true;
        case kFixed32: field.bytes = part(4); return true;
        default: damaged("an unknown kind of field");
        }
    }

    // The bytes of a field that must have some.
    std::string_view bytes_of(const Field &field) const {
        if (field.is_number) damaged("a number where a message belongs");
        return field.bytes;
    }

private:
    [[noreturn]] void damaged(const char *what) const {
        throw Failure(ZSN2M_BUNDLE, name_ + ": expected an ONNX model, but it is damaged (" + what + "); export again");
    }

    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < kLongestVarint; shift += 7) {
            if (at_ >= bytes_.size()) damaged("it ends too early");
            const auto byte = static_cast<unsigned char>(bytes_[at_++]);
            if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        damaged("a number is too long");
    }

    std::string_view part(std::uint64_t size) {
        if (size > bytes_.size() - at_) damaged("it ends too early");
        const std::string_view found = bytes_.substr(at_, static_cast<std::size_t>(size));
        at_ += found.size();
        return found;
    }

    std::string_view bytes_;
    const std::string &name_;
    std::size_t at_ = 0;
};

class Checker {
public:
    explicit Checker(const std::string &name) : name_(name) {}

    void check_model(std::string_view bytes) {
        int graphs = 0;
        each_field(bytes, [&](const Message &message, const Field &field) {
            if (field.number == kTraining || field.number == kFunctions) refuse("functions or training code of its own");
            if (field.number != kGraph) return;
            ++graphs;
            check_graph(message.bytes_of(field));
        });
        if (graphs == 0) {
            throw Failure(ZSN2M_BUNDLE, name_ + ": expected an ONNX model, but it holds no graph; export again");
        }
        if (graphs != 1) refuse(std::to_string(graphs) + " graphs");
    }

private:
    template <typename Visit>
    void each_field(std::string_view bytes, const Visit &visit) const {
        Message message(bytes, name_);
        for (Field field{}; message.next(field);) visit(message, field);
    }

    void check_graph(std::string_view bytes) const {
        int nodes = 0;
        each_field(bytes, [&](const Message &message, const Field &field) {
            if (field.number == kSparse) refuse("sparse tensors");
            if (field.number == kInitializer) check_tensor(message.bytes_of(field));
            if (field.number != kNode) return;
            if (++nodes > kMostNodes) refuse("more than " + std::to_string(kMostNodes) + " nodes");
            check_node(message.bytes_of(field));
        });
    }

    void check_node(std::string_view bytes) const {
        bool has_operator = false;
        each_field(bytes, [&](const Message &message, const Field &field) {
            if (field.number == kOperator) {
                has_operator = true;
                check_operator(message.bytes_of(field));
            } else if (field.number == kDomain) {
                const std::string_view domain = message.bytes_of(field);
                if (!domain.empty() && domain != "ai.onnx") refuse("operators of another domain");
            } else if (field.number == kAttribute) {
                check_attribute(message.bytes_of(field));
            }
        });
        if (!has_operator) refuse("a node without an operator");
    }

    void check_operator(std::string_view found) const {
        if (std::find(std::begin(kOperators), std::end(kOperators), found) != std::end(kOperators)) return;
        std::string shown(found.substr(0, 40));
        std::replace_if(shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
        refuse("the operator " + shown);
    }

    void check_attribute(std::string_view bytes) const {
        each_field(bytes, [&](const Message &message, const Field &field) {
            if (field.number == kInnerGraph || field.number == kInnerGraphs) refuse("a graph inside of a node");
            if (field.number == kSparseTensor || field.number == kSparseTensors) refuse("sparse tensors");
            if (field.number == kTensor || field.number == kTensors) check_tensor(message.bytes_of(field));
        });
    }

    void check_tensor(std::string_view bytes) const {
        each_field(bytes, [&](const Message &, const Field &field) {
            if (field.number == kExternal || (field.number == kLocation && (!field.is_number || field.value != 0))) {
                refuse("tensors in another file, which its hash does not cover");
            }
        });
    }

    [[noreturn]] void refuse(const std::string &got) const {
        throw Failure(ZSN2M_BUNDLE, name_ + ": expected a plain model as zsn2m-deploy exports it, but got " + got +
                                        "; do not run it, export it again");
    }

    const std::string &name_;
};

} // namespace

void check_onnx(std::string_view bytes, const std::string &name) { Checker(name).check_model(bytes); }

} // namespace zsn2m::core
