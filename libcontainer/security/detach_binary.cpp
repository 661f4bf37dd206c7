// SPDX-License-Identifier: Apache-2.0
// detach_from_binary: the process gives up the file it was executed from.
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <linux/prctl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>

#include "libcontainer/security/executable_memfd.h"
#include "libcontainer/security/self_protection.h"
#include "libcontainer/sys/file.h"
#include "libcontainer/sys/mount_api.h"
#include "libcontainer/sys/unique_fd.h"

// The linker's name for where our ELF header is mapped; the same in static, PIE and static PIE.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" [[gnu::visibility("hidden")]] const ElfW(Ehdr) __ehdr_start;

namespace libcontainer {
namespace {

using ProgramHeader = ElfW(Phdr);

[[nodiscard]] std::uintptr_t page_size() {
    static const std::uintptr_t size = ::getauxval(AT_PAGESZ);
    return size;
}

[[nodiscard]] std::uintptr_t page_floor(std::uintptr_t address) {
    return address & ~(page_size() - 1);
}

[[nodiscard]] std::uintptr_t page_ceiling(std::uintptr_t address) {
    return page_floor(address + page_size() - 1);
}

[[nodiscard]] char* at(std::uintptr_t address) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr): addresses come from program headers
    return reinterpret_cast<char*>(address);
}

// The program headers of the running executable, and what to add to their addresses.
class Image {
  public:
    Image()
        : base_(reinterpret_cast<std::uintptr_t>(&__ehdr_start)),
          headers_(reinterpret_cast<const ProgramHeader*>(at(base_ + __ehdr_start.e_phoff)),
                   __ehdr_start.e_phnum) {
        for (const ProgramHeader& header : headers_) {
            if (header.p_type == PT_LOAD && header.p_offset == 0) {
                bias_ = base_ - header.p_vaddr;
            }
        }
    }

    [[nodiscard]] std::span<const ProgramHeader> headers() const { return headers_; }
    [[nodiscard]] std::uintptr_t begin(const ProgramHeader& header) const {
        return bias_ + header.p_vaddr;
    }
    // Of the bytes that come from the file: .bss beyond them is anonymous already.
    [[nodiscard]] std::uintptr_t file_end(const ProgramHeader& header) const {
        return begin(header) + header.p_filesz;
    }

  private:
    std::uintptr_t base_;
    std::uintptr_t bias_ = 0;
    std::span<const ProgramHeader> headers_;
};

[[nodiscard]] int protection_of(const ProgramHeader& header) {
    return ((header.p_flags & PF_R) != 0 ? PROT_READ : 0) |
           ((header.p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
           ((header.p_flags & PF_X) != 0 ? PROT_EXEC : 0);
}

// Moves an anonymous copy over [begin, end), text included: the kernel swaps the mapping within one
// system call, whose return address holds the same code before and after. Never writable and
// executable at once.
Result<void> replace_by_copy(std::uintptr_t begin, std::size_t length, int protection) {
    void* const copy = ::mmap(nullptr, length, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (copy == MAP_FAILED) {
        return sys::fail_errno("mmap");
    }
    std::memcpy(copy, at(begin), length);
    if (protection != (PROT_READ | PROT_WRITE) && ::mprotect(copy, length, protection) != 0) {
        const int code = errno;
        ::munmap(copy, length);
        return sys::fail_code("mprotect", code);
    }
    if (::mremap(copy, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, at(begin)) == MAP_FAILED) {
        const int code = errno;
        ::munmap(copy, length);
        return sys::fail_code("mremap", code);
    }
    return {};
}

// Maps the same bytes of the same file anew, through the descriptor of another mount.
Result<void> replace_by_file(std::uintptr_t begin, std::size_t length, int protection, int file,
                             std::uintptr_t offset) {
    if (::mmap(at(begin), length, protection, MAP_PRIVATE | MAP_FIXED, file,
               static_cast<off_t>(offset)) == MAP_FAILED) {
        return sys::fail_errno("mmap");
    }
    return {};
}

// `file`: our executable on another mount, or -1.
Result<void> replace_mappings(const Image& image, int file) {
    for (const ProgramHeader& header : image.headers()) {
        if (header.p_type != PT_LOAD || header.p_filesz == 0) {
            continue;
        }
        const std::uintptr_t begin = page_floor(image.begin(header));
        const std::size_t length = page_ceiling(image.file_end(header)) - begin;
        const int protection = protection_of(header);
        if (file >= 0 && (protection & PROT_WRITE) == 0) {
            TRY_VOID(replace_by_file(begin, length, protection, file, page_floor(header.p_offset)));
        } else {
            TRY_VOID(replace_by_copy(begin, length, protection));
        }
    }
    // What the dynamic linker wrote and then closed: within a writable segment, read-only.
    for (const ProgramHeader& header : image.headers()) {
        if (header.p_type == PT_GNU_RELRO) {
            const std::uintptr_t begin = page_floor(image.begin(header));
            const std::uintptr_t end = page_floor(image.begin(header) + header.p_memsz);
            if (begin < end && ::mprotect(at(begin), end - begin, PROT_READ) != 0) {
                return sys::fail_errno("mprotect");
            }
        }
    }
    return {};
}

struct OtherMount {
    sys::UniqueFd mount;
    sys::UniqueFd file;
};

// Our executable through a detached, read-only mount of its own.
Result<OtherMount> open_on_other_mount() {
    const sys::UniqueFd own = TRY(sys::open_at(AT_FDCWD, "/proc/self/exe", O_PATH));
    OtherMount other;
    other.mount = TRY(sys::clone_mount(own.get(), "", sys::Recursion::this_mount));
    sys::MountAttributes read_only;
    read_only.set = MOUNT_ATTR_RDONLY;
    TRY_VOID(sys::set_mount_attributes(other.mount.get(), read_only, sys::Recursion::this_mount));
    other.file =
        TRY(sys::open_at(AT_FDCWD, "/proc/self/fd/" + std::to_string(other.mount.get()), O_RDONLY));
    return other;
}

// The process' map as the kernel should hold it. The call sets all at once, and asking /proc for
// the present values would cost as much as the rest, so they are worked out: they only say what
// /proc/PID/cmdline, environ and stat show, and where the heap may not shrink below.
[[nodiscard]] prctl_mm_map describe(const Image& image, int executable) {
    prctl_mm_map map = {};
    for (const ProgramHeader& header : image.headers()) {
        if (header.p_type != PT_LOAD) {
            continue;
        }
        auto& begin = (header.p_flags & PF_X) != 0 ? map.start_code : map.start_data;
        auto& end = (header.p_flags & PF_X) != 0 ? map.end_code : map.end_data;
        begin = image.begin(header);
        end = image.file_end(header);
    }
    map.start_brk = map.brk = reinterpret_cast<std::uintptr_t>(::sbrk(0));
    // The kernel lays down argv's strings, the environment's and the file name, in this order.
    map.arg_start = reinterpret_cast<std::uintptr_t>(program_invocation_name);
    map.env_end = ::getauxval(AT_EXECFN);
    map.env_start = environ != nullptr && *environ != nullptr
                        ? reinterpret_cast<std::uintptr_t>(*environ)
                        : map.env_end;
    if (map.env_start < map.arg_start || map.env_start > map.env_end) {
        map.env_start = map.env_end;  // somebody has set a variable
    }
    map.arg_end = map.env_start;
    map.arg_start = std::min(map.arg_start, map.arg_end);
    map.start_stack = map.env_end;
    map.exe_fd = static_cast<__u32>(executable);
    return map;
}

Result<void> set_memory_map(const prctl_mm_map& map) {
    if (::prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) != 0) {
        return sys::fail_errno("prctl(PR_SET_MM_MAP)");
    }
    return {};
}

}  // namespace

Result<sys::UniqueFd> detach_from_binary(Replacement replacement) {
    const sys::UniqueFd empty = TRY(make_executable_memfd());
    TRY_VOID(seal(empty.get()));
    const Image image;
    const prctl_mm_map map = describe(image, empty.get());
    // EBUSY, our file is still mapped, is what the kernel says last: all else is in order.
    if (const auto possible = set_memory_map(map); !possible && possible.error().code != EBUSY) {
        return std::unexpected(possible.error());
    }
    OtherMount other;
    if (replacement == Replacement::mount) {
        other = TRY(open_on_other_mount());
    }
    TRY_VOID(replace_mappings(image, other.file.get()));
    TRY_VOID(set_memory_map(map));
    return std::move(other.mount);
}

}  // namespace libcontainer
