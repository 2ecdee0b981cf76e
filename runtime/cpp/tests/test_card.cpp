#include <doctest/doctest.h>

#include <string>

#include "card.h"
#include "failure.h"

using namespace zsn2m::core;

namespace {

const std::string kCard = R"({"schema_version": 1, "id": "mbd", "role": "mbd", "precision": "fp32", "io": "sensor",
    "stride": 8, "receptive_radius": 57, "a later version's field": [1],
    "sensor": {"dtype": "uint16", "channels": 3, "range": [64.0, 1023.0], "noise_sigma": 12.5},
    "normalisation": {"offset": 60.0, "scale": 900.0}})";

std::string with(const std::string &old_text, const std::string &new_text) {
    std::string card = kCard;
    const std::size_t at = card.find(old_text);
    REQUIRE(at != std::string::npos);
    return card.replace(at, old_text.size(), new_text);
}

std::string refusal(const std::string &card) {
    try {
        parse_card(card, "card");
        return "";
    } catch (const Failure &failure) {
        CHECK(failure.status() == ZSN2M_BUNDLE);
        return failure.what();
    }
}

} // namespace

TEST_CASE("a card's facts are read") {
    const Card card = parse_card(kCard, "card");
    CHECK(card.id == "mbd");
    CHECK(card.reach.stride == 8);
    CHECK(card.reach.receptive_radius == 57);
    CHECK(card.dtype == ZSN2M_U16);
    CHECK(card.channels == 3);
    CHECK(card.range_low == 64.0);
    CHECK(card.range_high == 1023.0);
    CHECK(card.noise_sigma == 12.5);
    CHECK(card.offset == 60.0);
    CHECK(card.scale == 900.0);
}

TEST_CASE("a card with a wrong fact is refused by its name") {
    const auto names = [](const std::string &text, const char *field) {
        INFO(text);
        return text.find(field) != std::string::npos && text.find("expected") != std::string::npos;
    };
    CHECK(names(refusal(with("\"stride\": 8", "\"stride\": 0")), "stride"));
    CHECK(names(refusal(with("\"stride\": 8", "\"stride\": 8.5")), "stride"));
    CHECK(names(refusal(with("\"stride\": 8", "\"stride\": true")), "stride"));
    CHECK(names(refusal(with("\"stride\": 8", "\"stride\": 18446744073709551615")), "stride"));
    CHECK(names(refusal(with("57", "-1")), "receptive_radius"));
    CHECK(names(refusal(with("57", "\"57\"")), "receptive_radius"));
    CHECK(names(refusal(with("\"id\": \"mbd\"", "\"id\": \"../mbd\"")), "id"));
    CHECK(names(refusal(with("\"id\": \"mbd\", ", "")), "id"));
    CHECK(names(refusal(with("\"io\": \"sensor\"", "\"io\": \"planes\"")), "io"));
    CHECK(names(refusal(with("uint16", "int8")), "dtype"));
    CHECK(names(refusal(with("\"channels\": 3", "\"channels\": 2")), "channels"));
    CHECK(names(refusal(with("[64.0, 1023.0]", "[1023.0, 64.0]")), "range"));
    CHECK(names(refusal(with("[64.0, 1023.0]", "[0, 65536]")), "range"));
    CHECK(names(refusal(with("[64.0, 1023.0]", "[64.0]")), "range"));
    CHECK(names(refusal(with("\"stride\"", "\"strength\": 1, \"stride\"")), "strength"));
    CHECK(names(refusal(with("12.5", "-1")), "noise_sigma"));
    CHECK(names(refusal(with("\"scale\": 900.0", "\"scale\": 0")), "scale"));
    CHECK(names(refusal(with("\"offset\": 60.0", "\"offset\": 1e999")), "card"));
    CHECK(names(refusal(with("\"normalisation\"", "\"other\"")), "normalisation"));
    CHECK(names(refusal(with("\"schema_version\": 1", "\"schema_version\": 2")), "schema version"));
    CHECK(names(refusal("[]"), "JSON"));
    CHECK(names(refusal(kCard.substr(0, 100)), "JSON"));
    CHECK(names(refusal(std::string(100000, '[')), "JSON"));
}

TEST_CASE("two cards that differ say where") {
    const Card card = parse_card(kCard, "card");
    CHECK(first_difference(card, card).empty());
    CHECK(first_difference(card, parse_card(with("57", "56"), "card")) == "receptive_radius");
    const std::string of_videos = with("\"stride\"", "\"strength\": \"strength\", \"stride\"");
    CHECK(first_difference(card, parse_card(of_videos, "card")) == "strength");
    CHECK(first_difference(card, parse_card(with("1023.0", "1022.0"), "card")) == "sensor: range");
    CHECK(first_difference(card, parse_card(with("900.0", "900.1"), "card")) == "normalisation: scale");
}
