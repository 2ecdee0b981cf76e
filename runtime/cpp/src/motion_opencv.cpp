// Optical flow between small grey copies of a frame and of the result before. The only file that sees OpenCV's headers.
//
// Source: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016, as OpenCV has it.
#include <algorithm>
#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/video/tracking.hpp>

#include "motion.h"
#include "statistics.h"

namespace zsn2m::core {
namespace {

// As in motion.py.
constexpr double kBlackShare = 0.005, kWhiteShare = 0.995;
constexpr int kRefinements = 5;
constexpr int kStride = 4;
constexpr float kUneven = 0.25F;
constexpr float kDoubt = 10.0F;
constexpr int kNearVectors = 5;

// OpenCV's headers of a picture in our memory.
cv::Mat picture_in(const float *values, std::int64_t rows, std::int64_t columns, int type = CV_32F) {
    return cv::Mat(static_cast<int>(rows), static_cast<int>(columns), type, const_cast<float *>(values));
}

cv::Mat in_eight_bits(const SmallGrey &picture, float low, float high) {
    const float scale = high > low ? 255 / (high - low) : 0;
    cv::Mat bytes(static_cast<int>(picture.height), static_cast<int>(picture.width), CV_8U);
    std::transform(picture.values.begin(), picture.values.end(), bytes.begin<uchar>(),
                   [=](float value) { return static_cast<uchar>(std::clamp((value - low) * scale, 0.0F, 255.0F)); });
    return bytes;
}

cv::Mat small_flow(const SmallGrey &before, const SmallGrey &now) {
    std::vector<float> values = before.values;
    const float low = quantile(values, kBlackShare), high = quantile(values, kWhiteShare);
    const auto search = cv::DISOpticalFlow::create(cv::DISOpticalFlow::PRESET_ULTRAFAST);
    search->setFinestScale(0);
    search->setPatchStride(kStride);
    search->setVariationalRefinementIterations(kRefinements);
    cv::Mat vectors;
    search->calc(in_eight_bits(now, low, high), in_eight_bits(before, low, high), vectors);
    return vectors;
}

// The vectors of a flow at every pixel of so many rows and columns, still in pixels of the frame.
cv::Mat vectors_of(const Flow &flow, std::int64_t rows, std::int64_t columns) {
    cv::Mat vectors;
    cv::resize(picture_in(flow.small.data(), flow.height, flow.width, CV_32FC2), vectors,
               cv::Size(static_cast<int>(columns), static_cast<int>(rows)));
    return vectors;
}

// Vectors become the places that they lead to, which is what remap() takes.
void add_places(cv::Mat &vectors) {
    for (int row = 0; row < vectors.rows; ++row) {
        auto *const line = vectors.ptr<cv::Point2f>(row);
        for (int column = 0; column < vectors.cols; ++column) {
            line[column] += cv::Point2f(static_cast<float>(column), static_cast<float>(row));
        }
    }
}

void remap(const float *plane, Size size, cv::Mat to, const cv::Mat &places, const cv::Mat &fractions, int how) {
    cv::remap(picture_in(plane, size.height, size.width), to, places, fractions, how, cv::BORDER_REPLICATE);
}

} // namespace

std::optional<Flow> moved(const float *previous, const float *noisy, const float *seen, Size size) {
    if (std::min(size.height, size.width) < kLeastMotionSide) return std::nullopt;
    const std::int64_t factor = small_factor(size.height, size.width);
    const SmallGrey before = small_grey(previous, size, factor), now = small_grey(noisy, size, factor);
    const cv::Mat vectors = small_flow(before, now);
    cv::Mat places = vectors.clone();
    add_places(places);
    const auto brought = [&places](const SmallGrey &picture) {
        SmallGrey there = {std::vector<float>(picture.values.size()), picture.height, picture.width};
        remap(picture.values.data(), {picture.height, picture.width, 1},
              picture_in(there.values.data(), picture.height, picture.width), places, {}, cv::INTER_LINEAR);
        return there;
    };
    if (is_cut(brought(before), now, [&] { return brought(small_grey(seen, size, factor)); })) return std::nullopt;
    Flow flow = {std::vector<float>(2 * before.values.size()), before.height, before.width};
    vectors.convertTo(picture_in(flow.small.data(), flow.height, flow.width, CV_32FC2), -1,
                      static_cast<double>(factor));
    return flow;
}

void bring(const Flow &flow, const float *planes, Size size, std::vector<float> &moved) {
    cv::Mat vectors = vectors_of(flow, size.height, size.width), places, fractions;
    add_places(vectors);
    cv::convertMaps(vectors, cv::noArray(), places, fractions, CV_16SC2); // once for all planes
    const std::int64_t pixels = size.height * size.width;
    moved.resize(static_cast<std::size_t>(size.channels * pixels));
    std::vector<cv::Mat> before, after;
    for (std::int64_t at = 0; at < size.channels * pixels; at += pixels) {
        before.push_back(picture_in(planes + at, size.height, size.width));
        after.push_back(picture_in(moved.data() + at, size.height, size.width));
    }
    cv::Mat together, brought; // as one picture: two thirds of the time
    cv::merge(before, together);
    cv::remap(together, brought, places, fractions, cv::INTER_CUBIC, cv::BORDER_REPLICATE);
    cv::split(brought, after);
}

void bring_part(const Flow &flow, const float *planes, Size size, const Part &part, std::vector<float> &moved) {
    const auto rows = static_cast<std::int64_t>(part.rows.size()),
               columns = static_cast<std::int64_t>(part.columns.size());
    const cv::Mat vectors = vectors_of(flow, size.height, size.width);
    cv::Mat places(static_cast<int>(rows), static_cast<int>(columns), CV_32FC2);
    for (int i = 0; i < places.rows; ++i) {
        const auto row = static_cast<int>(part.rows[static_cast<std::size_t>(i)]);
        for (int k = 0; k < places.cols; ++k) {
            const auto column = static_cast<int>(part.columns[static_cast<std::size_t>(k)]);
            places.at<cv::Point2f>(i, k) =
                vectors.at<cv::Point2f>(row, column) + cv::Point2f(static_cast<float>(column), static_cast<float>(row));
        }
    }
    moved.resize(static_cast<std::size_t>(size.channels * rows * columns));
    for (std::int64_t channel = 0; channel < size.channels; ++channel) {
        remap(planes + channel * size.height * size.width, size,
              picture_in(moved.data() + channel * rows * columns, rows, columns), places, {}, cv::INTER_CUBIC);
    }
}

void bring_small(const Flow &flow, const std::vector<float> &picture, std::int64_t rows, std::int64_t columns,
                 Size size, std::vector<float> &moved) {
    cv::Mat places = vectors_of(flow, rows, columns) * (static_cast<double>(columns) / static_cast<double>(size.width));
    add_places(places);
    moved.resize(picture.size());
    remap(picture.data(), {rows, columns, 1}, picture_in(moved.data(), rows, columns), places, {}, cv::INTER_LINEAR);
}

void doubt(const Flow &flow, std::int64_t rows, std::int64_t columns, Size size, std::vector<float> &found) {
    const cv::Mat vectors = picture_in(flow.small.data(), flow.height, flow.width, CV_32FC2);
    cv::Mat across, down;
    cv::Sobel(vectors, across, CV_32F, 1, 0, 3, 1.0 / 8);
    cv::Sobel(vectors, down, CV_32F, 0, 1, 3, 1.0 / 8);
    const float share = static_cast<float>(flow.width) / static_cast<float>(size.width);
    cv::Mat uneven(vectors.size(), CV_32F);
    for (int row = 0; row < uneven.rows; ++row) {
        const auto *const x = across.ptr<cv::Vec2f>(row), *const y = down.ptr<cv::Vec2f>(row);
        auto *const line = uneven.ptr<float>(row);
        for (int i = 0; i < uneven.cols; ++i) line[i] = share * std::sqrt(x[i].dot(x[i]) + y[i].dot(y[i]));
    }
    cv::dilate(uneven, uneven, cv::Mat::ones(kNearVectors, kNearVectors, CV_8U));
    uneven = kDoubt * cv::max(uneven - kUneven, 0.0);
    found.resize(static_cast<std::size_t>(rows * columns));
    cv::Mat cells = picture_in(found.data(), rows, columns);
    cv::resize(uneven, cells, cells.size());
}

const char *opencv_version() { return CV_VERSION; }

} // namespace zsn2m::core
