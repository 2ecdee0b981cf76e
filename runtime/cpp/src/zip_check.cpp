// Layout: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and 4.3.14 to 4.3.16.
#include "zip_check.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "failure.h"

namespace zsn2m::core {
namespace {

constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kLocatorBytes = 20;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kEntryBytes = 46;
constexpr std::size_t kLocalBytes = 30;
constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kLocatorSignature = 0x07064b50;
constexpr std::uint32_t kEnd64Signature = 0x06064b50;
constexpr std::uint32_t kEntrySignature = 0x02014b50;
constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::uint32_t kIn64 = 0xffffffff; // the value is in the zip64 record instead
constexpr std::uint64_t kStored = 0;

std::array<std::uint32_t, 256> crc_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0); // reversed polynomial of CRC-32
        table[i] = crc;
    }
    return table;
}

std::uint32_t crc32(std::string_view bytes) {
    static const auto table = crc_table();
    std::uint32_t crc = 0xffffffff;
    for (const char byte : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
    return ~crc;
}

class Archive {
public:
    Archive(std::string_view bytes, const std::string &name) : bytes_(bytes), name_(name) {}

    void check() const {
        const Directory directory = find_directory();
        std::uint64_t at = directory.offset;
        for (std::uint64_t i = 0; i < directory.entries; ++i) at = check_entry(at);
        if (at != directory.offset + directory.bytes) refuse("a directory of another size");
    }

private:
    struct Directory {
        std::uint64_t entries;
        std::uint64_t bytes;
        std::uint64_t offset;
    };

    [[noreturn]] void refuse(const char *what) const {
        throw Failure(ZSN2M_BUNDLE, name_ + ": expected a whole TorchScript file, which is a zip archive, but got " +
                                        what + "; copy the file again");
    }

    std::string_view part(std::uint64_t offset, std::uint64_t size) const {
        if (offset > bytes_.size() || size > bytes_.size() - offset) refuse("a part that lies outside of the file");
        return bytes_.substr(offset, size);
    }

    std::uint64_t number(std::uint64_t offset, std::size_t size) const {
        const std::string_view digits = part(offset, size);
        std::uint64_t value = 0;
        for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[i]);
        return value;
    }

    void expect_signature(std::uint64_t offset, std::uint32_t signature, const char *otherwise) const {
        if (number(offset, 4) != signature) refuse(otherwise);
    }

    // TorchScript files end with their directory: no comment follows it.
    Directory find_directory() const {
        if (bytes_.size() < kEndBytes) refuse("too few bytes");
        const std::uint64_t end = bytes_.size() - kEndBytes;
        expect_signature(end, kEndSignature, "no directory at its end (truncated, or another kind of file)");
        if (number(end + 16, 4) != kIn64) return {number(end + 10, 2), number(end + 12, 4), number(end + 16, 4)};
        if (end < kLocatorBytes) refuse("no zip64 directory");
        expect_signature(end - kLocatorBytes, kLocatorSignature, "no zip64 directory");
        const std::uint64_t end64 = number(end - kLocatorBytes + 8, 8);
        part(end64, kEnd64Bytes);
        expect_signature(end64, kEnd64Signature, "no zip64 directory");
        return {number(end64 + 32, 8), number(end64 + 40, 8), number(end64 + 48, 8)};
    }

    // Checks the entry of the directory at an offset, and gives the offset of the next one.
    std::uint64_t check_entry(std::uint64_t at) const {
        part(at, kEntryBytes);
        expect_signature(at, kEntrySignature, "a damaged directory");
        const std::uint64_t method = number(at + 10, 2);
        const std::uint64_t stored_bytes = number(at + 20, 4);
        const std::uint64_t name_bytes = number(at + 28, 2);
        const std::uint64_t local = number(at + 42, 4);
        const std::uint64_t after = at + kEntryBytes + name_bytes + number(at + 30, 2) + number(at + 32, 2);
        if (stored_bytes == kIn64 || local == kIn64) refuse("an entry of 4 GB or more");

        part(local, kLocalBytes);
        expect_signature(local, kLocalSignature, "a directory that points elsewhere");
        if (number(local + 26, 2) != name_bytes ||
            part(local + kLocalBytes, name_bytes) != part(at + kEntryBytes, name_bytes)) {
            refuse("an entry of another name than in the directory");
        }
        const std::string_view content = part(local + kLocalBytes + name_bytes + number(local + 28, 2), stored_bytes);
        if (method == kStored && crc32(content) != number(at + 16, 4)) refuse("a wrong checksum: the file is damaged");
        return after;
    }

    std::string_view bytes_;
    const std::string &name_;
};

} // namespace

void check_zip(std::string_view bytes, const std::string &name) { Archive(bytes, name).check(); }

} // namespace zsn2m::core
