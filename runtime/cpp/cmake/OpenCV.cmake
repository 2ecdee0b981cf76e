# What follows motion in sequences: OpenCV, or nothing. Sets motion_sources, motion_libraries (what to link) and
# motion_folder (of those), and makes the target zsn2m_motion.

add_library(zsn2m_motion INTERFACE)
if(ZSN2M_OPENCV) # AUTO, too
    find_package(OpenCV QUIET COMPONENTS core imgproc video)
endif()
if(OpenCV_FOUND)
    set(motion_sources src/motion_opencv.cpp)
    set(motion_libraries opencv_video opencv_imgproc opencv_core)
    get_target_property(motion_folder opencv_core LOCATION)
    get_filename_component(motion_folder "${motion_folder}" DIRECTORY)
    target_include_directories(zsn2m_motion SYSTEM INTERFACE ${OpenCV_INCLUDE_DIRS})
    target_link_libraries(zsn2m_motion INTERFACE ${motion_libraries})
    message(STATUS "OpenCV ${OpenCV_VERSION}: motion in sequences is followed")
elseif(ZSN2M_OPENCV AND NOT ZSN2M_OPENCV STREQUAL AUTO)
    message(FATAL_ERROR "ZSN2M_OPENCV: expected OpenCV's modules core, imgproc and video, but they are not there; "
                        "install libopencv-dev, or set -DOpenCV_DIR to where OpenCVConfig.cmake is")
else()
    message(STATUS "OpenCV: left out; sequences are averaged as those of a camera that stands still")
endif()
