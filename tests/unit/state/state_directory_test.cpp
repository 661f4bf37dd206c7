// SPDX-License-Identifier: Apache-2.0
// What goes with a container's folder, and what stays.
#include "libcontainer/state/state_directory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace {

using libcontainer::ContainerRecord;
using libcontainer::StateDirectory;

class Root {
  public:
    Root() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    ~Root() {
        for (const char* const name : kStrange) {
            ::unlink((path_ + "/c/" + name).c_str());
        }
        ::unlink((path_ + "/c/.container.json.gone").c_str());
        ::rmdir((path_ + "/c").c_str());
        ::rmdir(path_.c_str());
    }
    Root(const Root&) = delete;
    Root& operator=(const Root&) = delete;

    [[nodiscard]] StateDirectory reserve() const {
        auto directory = StateDirectory::reserve(path_, "c");
        REQUIRE(directory);
        return *std::move(directory);
    }
    void write(const char* name) const {
        const int file = ::open((path_ + "/c/" + name).c_str(), O_WRONLY | O_CREAT, 0600);
        REQUIRE(file >= 0);
        ::close(file);
    }
    [[nodiscard]] bool has(const char* name) const {
        return ::access((path_ + "/c/" + name).c_str(), F_OK) == 0;
    }

    static constexpr const char* kStrange[] = {"state.json", "status", ".strange"};

  private:
    std::string path_ = "/tmp/brig-test-state-XXXXXX";
};

}  // namespace

TEST_CASE("TRAP-31: a folder without a record keeps what is not brig's", "[state]") {
    const Root root;
    const StateDirectory directory = root.reserve();
    for (const char* const name : Root::kStrange) {
        root.write(name);  // another runtime, after it was looked at
    }
    root.write("config.json");
    root.write(".container.json.77");
    // Nor does the first call leave what lets the second take it.
    CHECK_FALSE(directory.remove());
    CHECK_FALSE(directory.remove());
    for (const char* const name : Root::kStrange) {
        CHECK(root.has(name));
    }
    CHECK_FALSE(root.has("config.json"));
    CHECK_FALSE(root.has(".container.json.77"));
    CHECK_FALSE(root.has(".container.json.gone"));
}

TEST_CASE("T-79: a container's folder goes with all that is in it", "[state]") {
    const Root root;
    const StateDirectory directory = root.reserve();
    const char* const proof = GENERATE("container.json", ".container.json.gone");
    root.write(proof);
    root.write(Root::kStrange[0]);
    CHECK(directory.remove());
    CHECK_FALSE(root.has(""));
}
