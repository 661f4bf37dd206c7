// SPDX-License-Identifier: Apache-2.0
// Finding the user's program in the container, and saying why it cannot be executed.
#include "libcontainer/process/program.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "libcontainer/sys/file.h"

namespace libcontainer {
namespace {

constexpr std::string_view kDefaultPath =
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::unexpected<sys::Error> cannot_execute(const std::string& name, const std::string& why,
                                           int code) {
    return std::unexpected(sys::Error{sys::ErrorKind::exec_failed, code, "process.args[0]",
                                      "exec: \"" + name + "\": " + why});
}

// 0, or the errno with which execve would refuse the file for a reason that stat can tell.
int check_executable(const std::string& path) {
    struct stat info = {};
    if (::stat(path.c_str(), &info) != 0) {
        return errno;
    }
    if (S_ISDIR(info.st_mode)) {
        return EISDIR;
    }
    if (!S_ISREG(info.st_mode)) {
        return EACCES;
    }
    return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

// Keeps odd bytes of an image-controlled interpreter line out of terminals.
std::string printable(std::string_view text) {
    std::string result;
    for (const char character : text) {
        if (character == '\r') {
            result += "\\r";
        } else {
            result +=
                static_cast<unsigned char>(character) < 0x20 || character == 0x7f ? '?' : character;
        }
    }
    return result;
}

std::string read_head(const std::string& path) {
    const auto file = sys::open_at(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    std::string head(4096, '\0');
    const ssize_t length = file ? ::read(file->get(), head.data(), head.size()) : 0;
    head.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return head;
}

std::string shebang_interpreter(std::string_view head) {
    head.remove_prefix(2);
    head = head.substr(0, head.find('\n'));
    const std::size_t begin = head.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
        return {};
    }
    head.remove_prefix(begin);
    return std::string(head.substr(0, head.find_first_of(" \t")));
}

template <typename T>
std::optional<T> read_struct(std::string_view bytes, std::size_t offset) {
    T value = {};
    if (offset > bytes.size() || bytes.size() - offset < sizeof value) {
        return std::nullopt;
    }
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

std::string elf_interpreter(std::string_view head) {
    const auto header = read_struct<Elf64_Ehdr>(head, 0);
    for (unsigned i = 0; header && header->e_ident[EI_CLASS] == ELFCLASS64 && i < header->e_phnum;
         ++i) {
        const auto program =
            read_struct<Elf64_Phdr>(head, header->e_phoff + std::size_t{i} * sizeof(Elf64_Phdr));
        if (program && program->p_type == PT_INTERP && program->p_offset < head.size()) {
            const std::string_view text = head.substr(program->p_offset, program->p_filesz);
            return std::string(text.substr(0, text.find('\0')));
        }
    }
    return {};
}

constexpr auto kOwnMachine =
#if defined(__x86_64__)
    EM_X86_64;
#elif defined(__aarch64__)
    EM_AARCH64;
#elif defined(__riscv)
    EM_RISCV;
#elif defined(__s390x__)
    EM_S390;
#elif defined(__powerpc64__)
    EM_PPC64;
#else
    EM_NONE;
#endif

struct Machine {
    unsigned number;
    std::string_view name;
};
constexpr auto kMachines = std::to_array<Machine>({{EM_X86_64, "x86-64"},
                                                   {EM_386, "i386"},
                                                   {EM_AARCH64, "arm64"},
                                                   {EM_ARM, "arm"},
                                                   {EM_RISCV, "riscv"},
                                                   {EM_S390, "s390x"},
                                                   {EM_PPC64, "ppc64"},
                                                   {EM_MIPS, "mips"}});

std::string machine_name(unsigned number) {
    for (const Machine& machine : kMachines) {
        if (machine.number == number) {
            return std::string(machine.name);
        }
    }
    return "machine " + std::to_string(number);
}

std::string explain_missing(std::string_view head) {
    const bool script = head.starts_with("#!");
    const std::string interpreter = script ? shebang_interpreter(head) : elf_interpreter(head);
    if (interpreter.empty()) {
        return {};
    }
    return "its interpreter \"" + printable(interpreter) + "\" is missing" +
           (interpreter.ends_with('\r') ? " (the script has DOS line ends)" : "");
}

std::string explain_format(std::string_view head) {
    if (head.empty()) {
        return "the file is empty";
    }
    if (const auto header = read_struct<Elf64_Ehdr>(head, 0); header && head.starts_with(ELFMAG)) {
        if (header->e_machine != kOwnMachine) {
            return "built for " + machine_name(header->e_machine) + ", this host is " +
                   machine_name(kOwnMachine);
        }
        return "damaged ELF file";
    }
    return head.starts_with("#!") ? "" : "neither an ELF file nor a script with #!";
}

std::string explain_denied(const std::string& path) {
    struct stat info = {};
    const bool is_known = ::stat(path.c_str(), &info) == 0;
    if (is_known && !S_ISREG(info.st_mode)) {
        return "it is not a regular file";
    }
    struct statvfs filesystem = {};
    if (::statvfs(path.c_str(), &filesystem) == 0 && (filesystem.f_flag & ST_NOEXEC) != 0) {
        return "its filesystem is mounted noexec";
    }
    if (is_known && (info.st_mode & 0111) == 0) {
        return "it has no execute permission";
    }
    const std::string head = read_head(path);
    return head.starts_with("#!")
               ? "it or its interpreter \"" + printable(shebang_interpreter(head)) + "\""
               : "";
}

}  // namespace

const char* find_variable(const std::vector<std::string>& env, std::string_view name) {
    const char* value = nullptr;
    for (const std::string& entry : env) {
        if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
            value = entry.c_str() + name.size() + 1;
        }
    }
    return value;
}

Result<std::string> find_program(const std::string& name, const std::vector<std::string>& env) {
    if (name.find('/') != std::string::npos) {
        switch (const int code = check_executable(name)) {
            case 0:
                return name;
            case EISDIR:
                return cannot_execute(name, "permission denied: is a directory", EACCES);
            case EACCES: {
                const std::string why = explain_denied(name);
                return cannot_execute(
                    name, (why.empty() ? "" : why + ": ") + std::string(sys::errno_text(code)),
                    code);
            }
            default:
                return cannot_execute(
                    name, "stat " + name + ": " + std::string(sys::errno_text(code)), code);
        }
    }
    const char* const variable = find_variable(env, "PATH");
    std::string_view path = variable != nullptr ? std::string_view(variable) : kDefaultPath;
    int denied = 0;
    while (!name.empty() && !path.empty()) {
        const std::size_t colon = path.find(':');
        const std::string_view directory = path.substr(0, colon);
        path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
        const std::string candidate =
            (directory.empty() ? "." : std::string(directory)) + "/" + name;
        const int code = check_executable(candidate);
        if (code == 0) {
            return candidate;
        }
        denied = code == EACCES ? code : denied;
    }
    if (denied != 0) {
        return cannot_execute(name, std::string(sys::errno_text(denied)), denied);
    }
    return cannot_execute(name, "executable file not found in $PATH", ENOENT);
}

sys::Error explain_exec_failure(const std::string& path, int code) {
    std::string why;
    if (code == ENOENT || code == ENOTDIR) {
        why = explain_missing(read_head(path));
    } else if (code == ENOEXEC) {
        why = explain_format(read_head(path));
    } else if (code == EACCES) {
        why = explain_denied(path);
    } else if (code == E2BIG) {
        why = "process.args and process.env together are too long";
    }
    return sys::Error{sys::ErrorKind::exec_failed, code, "process.args[0]",
                      "exec: \"" + path + "\": " + (why.empty() ? "" : why + ": ") +
                          std::string(sys::errno_text(code))};
}

std::vector<char*> as_argv(const std::vector<std::string>& words) {
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (const std::string& word : words) {
        argv.push_back(const_cast<char*>(word.c_str()));
    }
    argv.push_back(nullptr);
    return argv;
}

}  // namespace libcontainer
