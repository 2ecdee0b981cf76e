# Finds onnxruntime's C++ headers and library: Debian's libonnxruntime-dev, or a downloaded one through
# CMAKE_PREFIX_PATH. Both variables may be set by hand.

find_path(ZSN2M_ONNXRUNTIME_INCLUDE_DIR onnxruntime_cxx_api.h PATH_SUFFIXES onnxruntime)
find_library(ZSN2M_ONNXRUNTIME_LIBRARY onnxruntime)
if(NOT ZSN2M_ONNXRUNTIME_INCLUDE_DIR OR NOT ZSN2M_ONNXRUNTIME_LIBRARY)
    message(FATAL_ERROR "ZSN2M_ONNXRUNTIME: expected onnxruntime_cxx_api.h and libonnxruntime.so on CMAKE_PREFIX_PATH, "
                        "but they are not there; install libonnxruntime-dev (Debian 13), or unpack onnxruntime's "
                        "release for Linux and set -DCMAKE_PREFIX_PATH to it")
endif()
set(onnxruntime_library "${ZSN2M_ONNXRUNTIME_LIBRARY}")
get_filename_component(onnxruntime_folder "${ZSN2M_ONNXRUNTIME_LIBRARY}" DIRECTORY)
message(STATUS "onnxruntime: ${ZSN2M_ONNXRUNTIME_LIBRARY}")
