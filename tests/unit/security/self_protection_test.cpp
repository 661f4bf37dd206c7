// SPDX-License-Identifier: Apache-2.0
// The attacks of CVE-2019-5736 on a program that protects itself, and on one that does not.
#include "libcontainer/security/self_protection.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

namespace fs = std::filesystem;

namespace {

std::string content_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// A copy of the program in a folder of its own, running, and a script that begins with
// `#!/proc/self/exe`.
class Victim {
  public:
    Victim(const std::string& program, const std::string& protection, uid_t user = 0)
        : Victim(program, protection, user, [user](const std::string& binary) {
              REQUIRE(::chown(binary.c_str(), user, user) == 0);
          }) {}
    // prepare: what is done to the copy, root's and 0755, before it runs.
    Victim(const std::string& program, const std::string& protection, uid_t user,
           const std::function<void(const std::string&)>& prepare)
        : user_(user) {
        std::string name = "/tmp/brig-unit-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
        fs::permissions(folder_, fs::perms(0755));
        binary_ = folder_ / "victim";
        fs::copy_file(program, binary_);
        fs::permissions(binary_, fs::perms(0755));
        prepare(binary_);
        original_ = content_of(binary_);
        const fs::path script = folder_ / "script";
        std::ofstream(script) << "#!/proc/self/exe\n";
        fs::permissions(script, fs::perms::owner_all);
        start(protection, script);
    }
    Victim(const Victim&) = delete;
    Victim& operator=(const Victim&) = delete;
    ~Victim() {
        end();
        fs::remove_all(folder_);
    }

    [[nodiscard]] const std::string& greeting() const { return greeting_; }
    [[nodiscard]] fs::path proc() const { return "/proc/" + std::to_string(pid_); }
    [[nodiscard]] fs::path child_proc() const {
        return "/proc/" + greeting_.substr(greeting_.find(' ') + 1);
    }
    [[nodiscard]] bool unchanged() const { return content_of(binary_) == original_; }
    [[nodiscard]] const fs::path& binary() const { return binary_; }

    // What happens when the protected process executes the script.
    [[nodiscard]] std::string execute_script() {
        (void)!::write(in_, "x", 1);
        return read_line();
    }

    void end() {
        if (pid_ > 0) {
            ::close(in_);
            ::waitpid(pid_, nullptr, 0);
            ::close(out_);
            pid_ = -1;
        }
    }

  private:
    void start(const std::string& protection, const fs::path& script) {
        std::array<int, 2> in = {};
        std::array<int, 2> out = {};
        REQUIRE(::pipe2(in.data(), O_CLOEXEC) == 0);
        REQUIRE(::pipe2(out.data(), O_CLOEXEC) == 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            if (::setresgid(user_, user_, user_) != 0 || ::setresuid(user_, user_, user_) != 0) {
                ::_exit(126);
            }
            ::execl(binary_.c_str(), "victim", protection.c_str(), script.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        in_ = in[1];
        out_ = out[0];
        greeting_ = read_line();
    }

    [[nodiscard]] std::string read_line() const {
        std::string line;
        for (char letter = 0; ::read(out_, &letter, 1) == 1 && letter != '\n';) {
            line += letter;
        }
        return line;
    }

    fs::path folder_;
    fs::path binary_;
    std::string original_;
    std::string greeting_;
    uid_t user_;
    pid_t pid_ = -1;
    int in_ = -1;
    int out_ = -1;
};

int open_errno(const fs::path& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
    const int code = errno;
    if (fd >= 0) {
        ::close(fd);
        return 0;
    }
    return code;
}

// Takes a handle while the process runs, and writes through it when the binary is busy no more.
// Gives "written", or where it failed.
std::string overwrite_later(Victim& victim, const fs::path& link, int flags) {
    const int handle = ::open(link.c_str(), flags | O_CLOEXEC);
    if (handle < 0) {
        return "no handle";
    }
    victim.end();
    const std::string again = "/proc/self/fd/" + std::to_string(handle);
    const int writable = ::open(again.c_str(), O_WRONLY | O_CLOEXEC);
    ::close(handle);
    if (writable < 0) {
        return std::string("open: ") + std::strerror(errno);
    }
    const ssize_t written = ::write(writable, "#!/bin/sh\n", 10);
    const int code = errno;
    ::close(writable);
    return written == 10 ? "written" : std::string("write: ") + std::strerror(code);
}

// Links of /proc/PID/map_files that lead to the binary.
std::vector<fs::path> mappings_of_binary(const Victim& victim) {
    struct stat binary = {};
    REQUIRE(::stat(victim.binary().c_str(), &binary) == 0);
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(victim.proc() / "map_files")) {
        struct stat mapped = {};
        if (::stat(entry.path().c_str(), &mapped) == 0 && mapped.st_ino == binary.st_ino &&
            mapped.st_dev == binary.st_dev) {
            found.push_back(entry.path());
        }
    }
    return found;
}

const char* program() {
    return GENERATE(as<const char*>(), BRIG_PROTECTED_PROGRAMS);
}

}  // namespace

TEST_CASE("T-38 control: an unprotected binary is overwritten through /proc/PID/exe",
          "[self_protection]") {
    Victim victim(program(), "none");
    REQUIRE(victim.greeting().starts_with("ready"));
    SECTION("by a handle that outlives it") {
        const fs::path link = GENERATE(true, false) ? victim.proc() : victim.child_proc();
        CHECK(overwrite_later(victim, link / "exe", O_RDONLY) == "written");
        CHECK_FALSE(victim.unchanged());
    }
    SECTION("by its mappings") {
        const auto mappings = mappings_of_binary(victim);
        REQUIRE_FALSE(mappings.empty());
        CHECK(overwrite_later(victim, mappings.front(), O_RDONLY) == "written");
    }
    SECTION("by a script that it executes") {
        CHECK(victim.execute_script() == "executed by script");
    }
}

TEST_CASE("T-38 a protected binary cannot be overwritten through /proc/PID/exe",
          "[self_protection]") {
    const std::string protection = GENERATE("mount", "copy", "sealed", "protect");
    CAPTURE(protection);
    Victim victim(program(), protection);
    INFO(victim.greeting());
    REQUIRE(victim.greeting().starts_with("ready"));
    CHECK(fs::read_symlink(victim.proc() / "exe") == "/memfd:brig (deleted)");
    const fs::path link = GENERATE(true, false) ? victim.proc() : victim.child_proc();
    CHECK(open_errno(link / "exe", O_RDWR) == ETXTBSY);
    const int flags = GENERATE(O_RDONLY, O_PATH);
    CHECK(overwrite_later(victim, link / "exe", flags) == "write: Operation not permitted");
    CHECK(victim.unchanged());
}

TEST_CASE("T-37 #!/proc/self/exe leads a protected process nowhere", "[self_protection]") {
    const std::string protection = GENERATE("mount", "copy", "protect");
    Victim victim(program(), protection);
    REQUIRE(victim.greeting().starts_with("ready"));
    CHECK(victim.execute_script() == "execve: " + std::to_string(ENOEXEC));
}

TEST_CASE("T-37 #!/proc/self/exe leads a sealed copy to itself", "[self_protection]") {
    Victim victim(program(), "sealed");
    REQUIRE(victim.greeting().starts_with("ready"));
    CHECK(victim.execute_script() == "executed by script");
    CHECK(victim.unchanged());
}

TEST_CASE("R-18 without capabilities protect_binary executes a sealed copy", "[self_protection]") {
    CHECK(Victim(program(), "mount", 1000).greeting().ends_with("operation not permitted"));
    CHECK(Victim(program(), "copy", 1000).greeting().ends_with("operation not permitted"));
    Victim victim(program(), "protect", 1000);
    REQUIRE(victim.greeting().starts_with("ready"));
    CHECK(fs::read_symlink(victim.proc() / "exe") == "/memfd:brig (deleted)");
    CHECK(mappings_of_binary(victim).empty());
    CHECK(overwrite_later(victim, victim.proc() / "exe", O_RDONLY) ==
          "write: Operation not permitted");
}

TEST_CASE("R-18 root's binary needs no protection from a user's containers", "[self_protection]") {
    Victim victim(program(), "protect", 1000, [](const std::string&) {});
    REQUIRE(victim.greeting().starts_with("ready"));
    CHECK(fs::read_symlink(victim.proc() / "exe") == victim.binary());
}

TEST_CASE("R-18 a binary that is not root's alone to write is protected", "[self_protection]") {
    struct Row {
        const char* what;
        std::function<void(const std::string&)> prepare;
    };
    const auto mode = [](mode_t bits) {
        return [bits](const std::string& path) { REQUIRE(::chmod(path.c_str(), bits) == 0); };
    };
    const auto group = [](const std::string& path) {
        REQUIRE(::chown(path.c_str(), 0, 1000) == 0);
    };
    // The user's runtime would have a right that the user has not (capabilities(7), setcap(8)).
    const auto capability = [](const std::string& path) {
        const std::array<std::uint32_t, 5> set = {VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                                                  1U << static_cast<unsigned>(CAP_SETUID), 0, 0, 0};
        REQUIRE(::setxattr(path.c_str(), "security.capability", set.data(), sizeof set, 0) == 0);
    };
    for (const Row& row :
         {Row{"written by its group", mode(0775)}, Row{"written by all", mode(0757)},
          Row{"of another group", group}, Row{"with a capability", capability}}) {
        INFO(row.what);
        Victim victim(program(), "protect", 1000, row.prepare);
        REQUIRE(victim.greeting().starts_with("ready"));
        CHECK(fs::read_symlink(victim.proc() / "exe") != victim.binary());
    }
}

TEST_CASE("R-18 a copied or sealed binary is mapped nowhere", "[self_protection]") {
    const std::string protection = GENERATE("copy", "sealed");
    Victim victim(program(), protection);
    REQUIRE(victim.greeting().starts_with("ready"));
    CHECK(mappings_of_binary(victim).empty());
}

TEST_CASE("R-18 a binary mapped through its own mount is read-only there for good",
          "[self_protection]") {
    Victim victim(program(), "mount");
    REQUIRE(victim.greeting().starts_with("ready"));
    const auto mappings = mappings_of_binary(victim);
    REQUIRE_FALSE(mappings.empty());
    for (const fs::path& mapping : mappings) {
        CHECK(open_errno(mapping, O_RDWR) == EROFS);
        const int handle = ::open(mapping.c_str(), O_PATH | O_CLOEXEC);
        mount_attr writable = {};
        writable.attr_clr = MOUNT_ATTR_RDONLY;
        CHECK(::mount_setattr(handle, "", AT_EMPTY_PATH, &writable, sizeof writable) == -1);
        CHECK(open_errno("/proc/self/fd/" + std::to_string(handle), O_WRONLY) == EROFS);
        ::close(handle);
    }
    CHECK(overwrite_later(victim, mappings.front(), O_RDONLY) == "open: Read-only file system");
    CHECK(victim.unchanged());
}

TEST_CASE("R-18 the command line and the environment stay readable", "[self_protection]") {
    ::setenv("BRIG_UNIT_TEST", "seen", 1);
    Victim victim(program(), GENERATE("mount", "copy", "sealed"));
    REQUIRE(victim.greeting().starts_with("ready"));
    CHECK(content_of(victim.proc() / "cmdline").find("/script") != std::string::npos);
    CHECK(content_of(victim.proc() / "cmdline").starts_with(std::string("victim\0", 7)));
    CHECK(content_of(victim.proc() / "environ").find("BRIG_UNIT_TEST=seen") != std::string::npos);
    CHECK(content_of(victim.proc() / "comm") == "victim\n");
}

TEST_CASE("R-18 the loop guard alone does not pass for a sealed copy", "[self_protection]") {
    ::setenv("_BRIG_SEALED", "1", 1);
    Victim victim(program(), "sealed");
    ::unsetenv("_BRIG_SEALED");
    CHECK(victim.greeting() ==
          "cannot protect the host's binary: the sealed copy is not what runs");
}
