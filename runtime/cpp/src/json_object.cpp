#include "json_object.h"

#include <cmath>
#include <utility>

#include "failure.h"

namespace zsn2m::core {

using nlohmann::json;

namespace {

constexpr int kDeepest = 32; // levels; exports have 6

} // namespace

JsonObject::JsonObject(json object, std::string name) : object_(std::move(object)), name_(std::move(name)) {}

JsonObject JsonObject::parse(std::string_view text, const std::string &name) {
    // Copies of what is nested deeply would use up the stack.
    bool too_deep = false;
    const auto watch_depth = [&](int depth, json::parse_event_t, json &) {
        too_deep = too_deep || depth > kDeepest;
        return !too_deep;
    };
    json document = json::parse(text, watch_depth, /*allow_exceptions=*/false);
    if (too_deep) {
        throw Failure(ZSN2M_BUNDLE, name + ": expected JSON nested in at most " + std::to_string(kDeepest) +
                                        " levels, but got more; export again");
    }
    if (!document.is_object()) {
        throw Failure(ZSN2M_BUNDLE, name + ": expected an object in JSON, but got something else; export again");
    }
    return {std::move(document), name};
}

void JsonObject::refuse(const std::string &key, const std::string &expected, const std::string &got) const {
    throw Failure(ZSN2M_BUNDLE, name_ + ": " + key + ": expected " + expected + ", but got " + got + "; export again");
}

bool JsonObject::has(const char *key) const {
    const auto found = object_.find(key);
    return found != object_.end() && !found->is_null();
}

const json &JsonObject::field(const char *key, const char *expected) const {
    const auto found = object_.find(key);
    if (found == object_.end()) refuse(key, expected, "nothing");
    return *found;
}

JsonObject JsonObject::object(const char *key) const {
    const json &value = field(key, "an object");
    if (!value.is_object()) refuse(key, "an object", value.type_name());
    return {value, name_ + ": " + key};
}

std::vector<JsonObject> JsonObject::objects(const char *key) const {
    const json &value = field(key, "a list of objects");
    if (!value.is_array()) refuse(key, "a list of objects", value.type_name());
    std::vector<JsonObject> objects;
    for (const json &element : value) {
        if (!element.is_object()) refuse(key, "a list of objects", std::string("a list with ") + element.type_name());
        objects.push_back({element, name_ + ": " + key});
    }
    return objects;
}

std::string JsonObject::text(const char *key) const {
    const json &value = field(key, "a text");
    if (!value.is_string()) refuse(key, "a text", value.type_name());
    return value.get<std::string>();
}

std::int64_t JsonObject::integer(const char *key, std::int64_t least, std::int64_t most) const {
    const std::string expected = "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
    const json &value = field(key, expected.c_str());
    if (!value.is_number_integer()) refuse(key, expected, value.type_name());
    const bool too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(most);
    if (too_large || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most) {
        refuse(key, expected, value.dump());
    }
    return value.get<std::int64_t>();
}

double JsonObject::number(const char *key) const {
    const json &value = field(key, "a number");
    if (!value.is_number()) refuse(key, "a number", value.type_name());
    if (!std::isfinite(value.get<double>())) refuse(key, "a finite number", "another");
    return value.get<double>();
}

std::vector<double> JsonObject::numbers(const char *key) const {
    const json &value = field(key, "a list of numbers");
    if (!value.is_array()) refuse(key, "a list of numbers", value.type_name());
    std::vector<double> numbers;
    for (const json &element : value) {
        if (!element.is_number() || !std::isfinite(element.get<double>())) refuse(key, "a list of numbers", "another");
        numbers.push_back(element.get<double>());
    }
    return numbers;
}

} // namespace zsn2m::core
