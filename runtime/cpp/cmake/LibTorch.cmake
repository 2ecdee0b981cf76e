# Finds LibTorch: a downloaded one through CMAKE_PREFIX_PATH or Torch_DIR, or the one inside the torch package of the
# Python that ZSN2M_PYTHON names.

if(ZSN2M_PYTHON AND NOT Torch_DIR)
    execute_process(
        COMMAND ${ZSN2M_PYTHON} -c "import torch; print(torch.utils.cmake_prefix_path)"
        OUTPUT_VARIABLE torch_prefix OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "ZSN2M_PYTHON: expected a Python with torch, but ${ZSN2M_PYTHON} has none; "
                            "install it there: pip install torch")
    endif()
    list(APPEND CMAKE_PREFIX_PATH "${torch_prefix}")
endif()

find_package(Torch QUIET)
if(NOT Torch_FOUND)
    message(FATAL_ERROR "LibTorch: expected it on CMAKE_PREFIX_PATH, but it is not there; "
                        "set -DTorch_DIR=.../share/cmake/Torch "
                        "of a downloaded LibTorch, or -DZSN2M_PYTHON=python3 of a Python with torch; or build for "
                        "ONNX files alone: -DZSN2M_LIBTORCH=OFF -DZSN2M_ONNXRUNTIME=ON")
endif()
message(STATUS "LibTorch ${Torch_VERSION}: ${TORCH_INSTALL_PREFIX}")
