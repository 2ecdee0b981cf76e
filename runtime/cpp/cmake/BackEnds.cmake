# What runs the models: LibTorch, onnxruntime, or both. Sets back_end_sources, back_end_suffixes (of the files that they
# run), back_end_libraries (what to link) and back_end_folders (of those), and makes the target zsn2m_back_ends.

if(NOT ZSN2M_LIBTORCH AND NOT ZSN2M_ONNXRUNTIME)
    message(FATAL_ERROR "ZSN2M_LIBTORCH, ZSN2M_ONNXRUNTIME: expected one of them to be ON, but both are OFF; "
                        "set -DZSN2M_LIBTORCH=ON to run TorchScript files, -DZSN2M_ONNXRUNTIME=ON to run ONNX files")
endif()

add_library(zsn2m_back_ends INTERFACE)
if(ZSN2M_LIBTORCH)
    include("${CMAKE_CURRENT_LIST_DIR}/LibTorch.cmake")
    list(APPEND back_end_sources src/torchscript.cpp src/zip_check.cpp)
    list(APPEND back_end_suffixes .ts)
    list(APPEND back_end_libraries ${TORCH_LIBRARIES})
    list(APPEND back_end_folders "${TORCH_INSTALL_PREFIX}/lib")
endif()
if(ZSN2M_ONNXRUNTIME)
    include("${CMAKE_CURRENT_LIST_DIR}/OnnxRuntime.cmake")
    list(APPEND back_end_sources src/onnx.cpp src/onnx_check.cpp)
    list(APPEND back_end_suffixes .onnx)
    list(APPEND back_end_libraries "${ZSN2M_ONNXRUNTIME_LIBRARY}")
    get_filename_component(folder "${ZSN2M_ONNXRUNTIME_LIBRARY}" DIRECTORY)
    list(APPEND back_end_folders "${folder}")
    target_include_directories(zsn2m_back_ends SYSTEM INTERFACE "${ZSN2M_ONNXRUNTIME_INCLUDE_DIR}")
endif()
target_link_libraries(zsn2m_back_ends INTERFACE ${back_end_libraries})
