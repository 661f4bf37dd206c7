// SPDX-License-Identifier: Apache-2.0
// A folder that plays a cgroup directory: files are there, empty, and keep what is written.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "brig-unit-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

    [[nodiscard]] const std::string& path() const { return path_; }

    void put(const std::string& file, const std::string& content = "") const {
        std::filesystem::create_directories(
            std::filesystem::path(path_ + "/" + file).parent_path());
        std::ofstream(path_ + "/" + file) << content;
    }
    [[nodiscard]] std::string get(const std::string& file) const {
        std::ifstream stream(path_ + "/" + file);
        REQUIRE(stream.good());
        return {std::istreambuf_iterator<char>(stream), {}};
    }

  private:
    std::string path_;
};
