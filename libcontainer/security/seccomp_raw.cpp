// SPDX-License-Identifier: Apache-2.0
// run.oci.seccomp_bpf_data.
#include "libcontainer/security/seccomp_raw.h"

#include <linux/seccomp.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "libcontainer/security/seccomp_compiler.h"

namespace libcontainer {
namespace {

constexpr unsigned kBitsPerDigit = 6;
constexpr unsigned kBitsPerByte = 8;

// The value of a digit of base64 (RFC 4648), or 64.
std::uint32_t digit_value(char digit) {
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = kDigits.find(digit);
    return static_cast<std::uint32_t>(std::min(value, kDigits.size()));
}

Result<std::string> decode_base64(std::string_view text) {
    constexpr std::size_t kGroup = 4;
    const auto bad = [](const char* why) {
        return sys::fail(sys::ErrorKind::invalid, std::string("is no base64: ") + why);
    };
    if (text.empty() || text.size() % kGroup != 0) {
        return bad("its length");
    }
    const std::size_t padding = text.ends_with("==") ? 2 : (text.ends_with('=') ? 1 : 0);
    text.remove_suffix(padding);
    std::string bytes;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char digit : text) {
        const std::uint32_t value = digit_value(digit);
        if (value >> kBitsPerDigit != 0) {
            return bad("its digits");
        }
        bits = (bits << kBitsPerDigit) | value;
        count += kBitsPerDigit;
        if (count >= kBitsPerByte) {
            count -= kBitsPerByte;
            bytes += static_cast<char>(bits >> count);
            bits &= (1U << count) - 1U;
        }
    }
    return bits == 0 ? Result<std::string>(std::move(bytes)) : bad("its end");
}

}  // namespace

Result<SeccompProgram> read_raw_seccomp(std::string_view base64) {
    const std::string bytes = TRY(decode_base64(base64));
    SeccompProgram program;
    program.instructions.resize(bytes.size() / sizeof(sock_filter));
    if (bytes.size() % sizeof(sock_filter) != 0) {
        return sys::fail(sys::ErrorKind::invalid, "is no whole number of BPF instructions");
    }
    TRY_VOID(check_program_size(program.instructions.size()));
    std::memcpy(program.instructions.data(), bytes.data(), bytes.size());
    program.flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    return program;
}

}  // namespace libcontainer
