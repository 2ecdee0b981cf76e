# Finds onnxruntime's C++ headers and library: a folder with include/ and lib/ that ONNXRUNTIME_ROOT names (a variable
# of CMake or of the environment), one on CMAKE_PREFIX_PATH, or Debian's libonnxruntime-dev.
# ZSN2M_ONNXRUNTIME_INCLUDE_DIR and ZSN2M_ONNXRUNTIME_LIBRARY may be set by hand.

set(hints "${ONNXRUNTIME_ROOT}" "$ENV{ONNXRUNTIME_ROOT}")
find_path(ZSN2M_ONNXRUNTIME_INCLUDE_DIR onnxruntime_cxx_api.h HINTS ${hints}
    PATH_SUFFIXES include include/onnxruntime onnxruntime)
find_library(ZSN2M_ONNXRUNTIME_LIBRARY onnxruntime HINTS ${hints} PATH_SUFFIXES lib)
if(NOT ZSN2M_ONNXRUNTIME_INCLUDE_DIR OR NOT ZSN2M_ONNXRUNTIME_LIBRARY)
    message(FATAL_ERROR "ZSN2M_ONNXRUNTIME: expected onnxruntime_cxx_api.h and libonnxruntime.so, but they are not "
                        "there; install libonnxruntime-dev (Debian 13), or unpack onnxruntime's release for Linux and "
                        "set -DONNXRUNTIME_ROOT to its folder")
endif()
message(STATUS "onnxruntime: ${ZSN2M_ONNXRUNTIME_LIBRARY}")
