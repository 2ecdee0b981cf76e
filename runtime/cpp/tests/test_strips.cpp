#include <doctest/doctest.h>

#include <algorithm>

#include "strips.h"

using namespace zsn2m::core;

TEST_CASE("strips are those of the Python runtime") { // printed by zsn2m_runtime.inference.strips.plan_strips
    const auto check = [](const Strip &strip, Strip expected) {
        CHECK(strip.read_start == expected.read_start);
        CHECK(strip.read_stop == expected.read_stop);
        CHECK(strip.start == expected.start);
        CHECK(strip.stop == expected.stop);
    };
    const auto plain = plan_strips(100, 50, {1, 2}, 1000);
    REQUIRE(plain.size() == 5);
    check(plain[0], {0, 22, 0, 20});
    check(plain[1], {18, 42, 20, 40});
    check(plain[4], {78, 100, 80, 100});

    const auto strided = plan_strips(1000, 70, {8, 57}, 7000);
    REQUIRE(strided.size() == 4);
    check(strided[1], {192, 576, 256, 512});
    check(strided[3], {704, 1000, 768, 1000});

    CHECK(plan_strips(7, 100000, {8, 57}, 10).size() == 1);
    CHECK(plan_strips(17, 3, {1, 0}, 6).size() == 9);
}

TEST_CASE("strips give every row once, with its halo, from multiples of the stride") {
    for (const Reach reach : {Reach{1, 0}, Reach{1, 2}, Reach{8, 57}, Reach{3, 4}}) {
        for (const std::int64_t height : {1, 2, 7, 64, 1009}) {
            for (const std::int64_t strip_pixels : {1, 100, 5000, 1000000}) {
                std::int64_t next = 0;
                for (const Strip &strip : plan_strips(height, 13, reach, strip_pixels)) {
                    CHECK(strip.start == next);
                    CHECK(strip.start % reach.stride == 0);
                    CHECK(strip.read_start % reach.stride == 0);
                    CHECK(strip.read_start <= std::max<std::int64_t>(0, strip.start - reach.receptive_radius));
                    CHECK(strip.read_stop >= std::min(height, strip.stop + reach.receptive_radius));
                    next = strip.stop;
                }
                CHECK(next == height);
            }
        }
    }
}
