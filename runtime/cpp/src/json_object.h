// Fields of a JSON object, checked for type and range as they are read.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace zsn2m::core {

// All functions throw Failure (ZSN2M_BUNDLE) naming the document and the field.
class JsonObject {
public:
    // `name` is how messages call the document.
    static JsonObject parse(std::string_view text, const std::string &name);

    JsonObject object(const char *key) const;
    std::vector<JsonObject> objects(const char *key) const;
    std::string text(const char *key) const;
    std::int64_t integer(const char *key, std::int64_t least, std::int64_t most) const;
    double number(const char *key) const; // finite
    std::vector<double> numbers(const char *key) const;
    bool has(const char *key) const; // there, and not null

    [[noreturn]] void refuse(const std::string &key, const std::string &expected, const std::string &got) const;

private:
    JsonObject(nlohmann::json object, std::string name);
    const nlohmann::json &field(const char *key, const char *expected) const;

    nlohmann::json object_;
    std::string name_;
};

} // namespace zsn2m::core
