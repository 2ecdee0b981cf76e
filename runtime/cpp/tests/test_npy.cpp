#include <doctest/doctest.h>

#include <string>

#include "failure.h"
#include "npy.h"

using zsn2m::core::Failure;
using zsn2m::core::read_npy;

namespace {

const std::string kHeader = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
const std::string kValues("\0\0\x80\x3f\0\0\0\x40", 8); // 1.0 and 2.0

std::string npy(const std::string &header, const std::string &values, int version = 1) {
    std::string file("\x93NUMPY", 6);
    file += {static_cast<char>(version), '\0', static_cast<char>(header.size()), '\0'};
    if (version == 2) file += std::string(2, '\0');
    return file + header + values;
}

} // namespace

TEST_CASE("NumPy arrays of both versions are read") {
    for (const int version : {1, 2}) {
        const auto array = read_npy(npy(kHeader, kValues, version), "vector");
        CHECK(array.shape == std::vector<std::int64_t>{1, 2});
        CHECK(array.values == std::vector<float>{1.0F, 2.0F});
    }
    CHECK(read_npy(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", kValues), "vector").shape.size() ==
          1);
}

TEST_CASE("a truncated NumPy file is refused at any length") {
    const std::string whole = npy(kHeader, kValues);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CHECK_THROWS_AS(read_npy(whole.substr(0, length), "vector"), Failure);
    }
}

TEST_CASE("other NumPy files are refused") {
    for (const char *header : {
             "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }",
             "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 2), }",
             "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -2), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), }",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2",
             "{'descr': '<f4', 'fortran_order': False}",
         }) {
        CHECK_THROWS_AS(read_npy(npy(header, kValues), "vector"), Failure);
    }
    CHECK_THROWS_AS(read_npy(npy(kHeader, kValues, 3), "vector"), Failure);
}
