// What an ONNX file may hold before onnxruntime sees it, as in zsn2m_runtime/onnx_checks/graph.py.
#pragma once

#include <string>
#include <string_view>

namespace zsn2m::core {

// Refuse an ONNX file that holds anything but a plain graph of the exporter's operators: tensors in other files, other
// operators or domains, graphs inside of nodes, functions, sparse tensors, too many nodes, or no graph.
//
// `name` is how messages call the file. Throws Failure (ZSN2M_BUNDLE).
void check_onnx(std::string_view bytes, const std::string &name);

} // namespace zsn2m::core
