// SPDX-License-Identifier: Apache-2.0
// From a JSON path back to its line and column.
#include "oci/json_reader.h"

namespace oci {
namespace {

// Keeps, for each wanted path, the offset of the innermost value that is it or encloses it.
class PathWatch : public Watch {
  public:
    explicit PathWatch(const std::vector<std::string>& paths)
        : x_paths(paths), x_found(paths.size()) {}

    void see(std::string_view path, std::size_t offset) override {
        for (std::size_t i = 0; i < x_paths.size(); ++i) {
            if (encloses(path, x_paths[i]) && path.size() >= x_found[i].length) {
                x_found[i] = {path.size(), offset};
            }
        }
    }

    std::size_t offset(std::size_t i) const { return x_found[i].offset; }

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

    const std::vector<std::string>& x_paths;
    std::vector<Found> x_found;
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
