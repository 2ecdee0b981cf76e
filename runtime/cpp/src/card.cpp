#include "card.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>

#include "failure.h"
#include "file.h"
#include "json_object.h"
#include "mosaic.h"
#include "sha256.h"

namespace zsn2m::core {
namespace {

constexpr std::size_t kMostModels = 100;                      // exports make at most 48
constexpr std::int64_t kLargestReach = std::int64_t{1} << 20; // pixels; far beyond any network: rows fit 64 bits

// A type of sample, its name in a card, and the lowest and highest value of a sensor's range.
struct SampleType {
    zsn2m_dtype dtype;
    const char *name;
    double least;
    double most;
};

bool is_plain_name(const std::string &name) {
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !name.empty() && plain(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '.' || c == '+' || c == '-'; });
}

std::string plain_name(const JsonObject &object, const char *key) {
    std::string name = object.text(key);
    if (!is_plain_name(name)) object.refuse(key, "a plain name", "\"" + name + "\"");
    return name;
}

std::string one_of(const JsonObject &object, const char *key, const std::vector<std::string> &known) {
    std::string text = object.text(key);
    if (std::find(known.begin(), known.end(), text) != known.end()) return text;
    std::string names = known.front();
    for (std::size_t i = 1; i < known.size(); ++i) names += (i + 1 < known.size() ? ", " : " or ") + known[i];
    object.refuse(key, names, "\"" + text + "\"");
}

template <typename Sample>
constexpr SampleType sample_type(zsn2m_dtype dtype, const char *name) {
    return {dtype, name, static_cast<double>(std::numeric_limits<Sample>::lowest()),
            static_cast<double>(std::numeric_limits<Sample>::max())};
}

// Other types of Python's (int8, int64, uint64, float16) are refused; the message lists these.
constexpr SampleType kSampleTypes[] = {
    sample_type<std::uint8_t>(ZSN2M_U8, "uint8"),    sample_type<std::uint16_t>(ZSN2M_U16, "uint16"),
    sample_type<float>(ZSN2M_F32, "float32"),        sample_type<std::int16_t>(ZSN2M_I16, "int16"),
    sample_type<std::uint32_t>(ZSN2M_U32, "uint32"), sample_type<std::int32_t>(ZSN2M_I32, "int32"),
    sample_type<float>(ZSN2M_F64, "float64"), // computed in float
};

const SampleType &type_of(zsn2m_dtype dtype) {
    return *std::find_if(std::begin(kSampleTypes), std::end(kSampleTypes),
                         [&](const SampleType &type) { return type.dtype == dtype; });
}

zsn2m_dtype parse_dtype(const JsonObject &sensor) {
    std::vector<std::string> names;
    for (const SampleType &type : kSampleTypes) names.emplace_back(type.name);
    const std::string name = one_of(sensor, "dtype", names);
    return std::find_if(std::begin(kSampleTypes), std::end(kSampleTypes),
                        [&](const SampleType &type) { return name == type.name; })
        ->dtype;
}

void parse_range(const JsonObject &sensor, Card &card) {
    const std::vector<double> range = sensor.numbers("range");
    const SampleType &type = type_of(card.dtype);
    if (range.size() != 2 || range[0] >= range[1] || range[0] < type.least || range[1] > type.most) {
        sensor.refuse("range", std::string("two rising values of ") + dtype_name(card.dtype), "others");
    }
    card.range_low = range[0];
    card.range_high = range[1];
}

// A model's facts, with the sensor and the normalisation that `common` holds.
Card parse_model(const JsonObject &model, const JsonObject &common) {
    Card card{};
    card.id = plain_name(model, "id");
    card.role = model.text("role");
    card.precision = model.text("precision");
    card.io = model.has("io") ? one_of(model, "io", {"sensor", "unit", "u8", "u16"}) : "sensor";
    if (model.has("strength")) card.strength = model.text("strength");
    card.reach = {model.integer("stride", 1, kLargestReach), model.integer("receptive_radius", 0, kLargestReach)};

    const JsonObject sensor = common.object("sensor");
    card.dtype = parse_dtype(sensor);
    card.channels = sensor.integer("channels", 1, 3);
    if (card.channels == 2) sensor.refuse("channels", "1 or 3", "2");
    if (sensor.has("mosaic")) {
        card.mosaic = one_of(sensor.object("mosaic"), "pattern", {"RGGB", "BGGR", "GRBG", "GBRG"});
        if (card.channels != 1) sensor.refuse("channels", "1 for mosaics", std::to_string(card.channels));
    }
    parse_range(sensor, card);
    card.noise_sigma = sensor.number("noise_sigma");
    if (card.noise_sigma < 0) sensor.refuse("noise_sigma", "0 or more", std::to_string(card.noise_sigma));

    const JsonObject normalisation = common.object("normalisation");
    card.offset = normalisation.number("offset");
    card.scale = normalisation.number("scale");
    if (card.scale <= 0) normalisation.refuse("scale", "more than 0", std::to_string(card.scale));
    return card;
}

FileRecord parse_record(const JsonObject &object, std::uint64_t most) {
    FileRecord record;
    record.name = plain_name(object, "name");
    record.bytes = static_cast<std::uint64_t>(object.integer("bytes", 0, static_cast<std::int64_t>(most)));
    record.sha256 = object.text("sha256");
    if (!is_sha256(record.sha256)) object.refuse("sha256", "64 hexadecimal digits", "others");
    return record;
}

// As Denoiser.averages of zsn2m_runtime: none where a mean would smear what the model removes.
std::vector<Noise> parse_noises(const Card &card, const JsonObject &manifest) {
    const bool pretrained = card.role == "sensor" || card.role == "video"; // others remove neither
    std::vector<Noise> noises;
    const bool in_place = manifest.has("fixed_pattern") || manifest.has("dead_lines");
    if (pretrained && (manifest.has("impulses") || in_place)) return noises;
    const auto planes = static_cast<std::size_t>(card.mosaic.empty() ? card.channels : kPlanesOfMosaic);
    if (manifest.has("mixture")) {
        for (const JsonObject &group : manifest.objects("mixture")) {
            noises.push_back(parse_noise(group.object("noise"), planes));
        }
    }
    if (noises.empty() && manifest.has("noise") && manifest.has("look")) {
        noises.push_back(parse_noise(manifest.object("noise"), planes));
    }
    return noises;
}

ModelEntry parse_entry(const JsonObject &model, const JsonObject &manifest) {
    ModelEntry entry;
    entry.card = parse_model(model, manifest);
    const JsonObject files = model.object("files");
    if (files.has("torchscript")) entry.torchscript = parse_record(files.object("torchscript"), kMostModelBytes);
    if (files.has("onnx")) entry.onnx = parse_record(files.object("onnx"), kMostModelBytes);
    entry.self_test_input =
        parse_record((model.has("self_test_input") ? model : manifest).object("self_test_input"), kMostSelfTestBytes);
    entry.self_test = parse_record(model.object("self_test"), kMostSelfTestBytes);
    entry.noises = parse_noises(entry.card, manifest);
    return entry;
}

JsonObject parse_document(std::string_view text, const std::string &name) {
    JsonObject document = JsonObject::parse(text, name);
    const std::int64_t version = document.integer("schema_version", 1, std::numeric_limits<std::int64_t>::max());
    if (version > kSchemaVersion) {
        throw Failure(ZSN2M_BUNDLE, name + ": expected schema version " + std::to_string(kSchemaVersion) +
                                        " or older, but got " + std::to_string(version) + "; build a newer libzsn2m");
    }
    return document;
}

} // namespace

Card parse_card(std::string_view text, const std::string &name) {
    const JsonObject document = parse_document(text, name);
    return parse_model(document, document);
}

Manifest parse_manifest(std::string_view text, const std::string &name) {
    const JsonObject document = parse_document(text, name);
    Manifest manifest;
    if (document.has("default")) manifest.default_model = document.text("default");
    if (!document.has("models")) return manifest;
    const std::vector<JsonObject> models = document.objects("models");
    if (models.size() > kMostModels) document.refuse("models", "at most 100 models", std::to_string(models.size()));
    for (const JsonObject &model : models) manifest.models.push_back(parse_entry(model, document));
    return manifest;
}

std::string first_difference(const Card &one, const Card &other) {
    if (one.id != other.id) return "id";
    if (one.role != other.role) return "role";
    if (one.precision != other.precision) return "precision";
    if (one.io != other.io) return "io";
    if (one.strength != other.strength) return "strength";
    if (one.reach.stride != other.reach.stride) return "stride";
    if (one.reach.receptive_radius != other.reach.receptive_radius) return "receptive_radius";
    if (one.dtype != other.dtype) return "sensor: dtype";
    if (one.channels != other.channels) return "sensor: channels";
    if (one.mosaic != other.mosaic) return "sensor: mosaic";
    if (one.range_low < other.range_low || one.range_low > other.range_low) return "sensor: range";
    if (one.range_high < other.range_high || one.range_high > other.range_high) return "sensor: range";
    if (one.noise_sigma < other.noise_sigma || one.noise_sigma > other.noise_sigma) return "sensor: noise_sigma";
    if (one.offset < other.offset || one.offset > other.offset) return "normalisation: offset";
    if (one.scale < other.scale || one.scale > other.scale) return "normalisation: scale";
    return "";
}

const char *dtype_name(zsn2m_dtype dtype) { return type_of(dtype).name; }

} // namespace zsn2m::core
