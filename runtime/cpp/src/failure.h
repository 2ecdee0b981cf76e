// The one exception of this library; abi.cpp turns it into a status and a text.
#pragma once

#include <stdexcept>
#include <string>

#include "zsn2m/zsn2m.h"

namespace zsn2m::core {

class Failure : public std::runtime_error {
public:
    Failure(zsn2m_status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    zsn2m_status status() const noexcept { return status_; }

private:
    zsn2m_status status_;
};

} // namespace zsn2m::core
