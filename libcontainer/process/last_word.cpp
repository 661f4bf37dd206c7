// SPDX-License-Identifier: Apache-2.0
// What a process leaves to say where its seccomp filter may not let it speak.
#include "libcontainer/process/last_word.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace libcontainer {

sys::UniqueFd LastWord::open() {
    sys::UniqueFd file(::memfd_create("last word", MFD_CLOEXEC));
    if (!file || ::ftruncate(file.get(), sizeof *code_) != 0) {
        return {};
    }
    void* const memory = ::mmap(nullptr, sizeof *code_, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_POPULATE, file.get(), 0);
    if (memory == MAP_FAILED) {
        return {};
    }
    code_ = static_cast<int*>(memory);
    return file;
}

void LastWord::leave(int code) {
    if (code_ != nullptr) {
        *static_cast<volatile int*>(code_) = code != 0 ? code : EIO;
    }
}

int read_last_word(int file) {
    int code = 0;
    // Only files in memory have seals; reading others could wait for ever.
    const bool is_told = file >= 0 && ::fcntl(file, F_GET_SEALS) >= 0 &&
                         ::pread(file, &code, sizeof code, 0) == sizeof code;
    return is_told ? code : 0;
}

}  // namespace libcontainer
