// SPDX-License-Identifier: Apache-2.0
// From a JSON path back to its line and column.
#include "oci/json_reader.h"

namespace oci {
namespace {

// Keeps, for each wanted path, the offset of the innermost value that is it or encloses it.
class PathWatch : public Watch {
  public:
    explicit PathWatch(const std::vector<std::string>& paths)
        : paths_(paths), found_(paths.size()) {}

    void see(std::string_view path, std::size_t offset) override {
        for (std::size_t i = 0; i < paths_.size(); ++i) {
            if (encloses(path, paths_[i]) && path.size() >= found_[i].length) {
                found_[i] = {path.size(), offset};
            }
        }
    }

    std::size_t offset(std::size_t i) const { return found_[i].offset; }

  private:
    struct Found {
        std::size_t length = 0;
        std::size_t offset = 0;
    };

    static bool encloses(std::string_view outer, std::string_view wanted) {
        return outer.empty() || (wanted.starts_with(outer) &&
                                 (wanted.size() == outer.size() || wanted[outer.size()] == '.' ||
                                  wanted[outer.size()] == '['));
    }

    const std::vector<std::string>& paths_;
    std::vector<Found> found_;
};

}  // namespace

std::vector<Position> locate(std::string_view json, const std::vector<std::string>& paths) {
    PathWatch watch(paths);
    JsonReader reader(json, {});
    reader.watch(watch);
    reader.run();
    std::vector<Position> positions;
    for (std::size_t i = 0; i < paths.size(); ++i) {
        positions.push_back(json_scan::position_at(json, watch.offset(i)));
    }
    return positions;
}

}  // namespace oci
