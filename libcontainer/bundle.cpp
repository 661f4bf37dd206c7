// SPDX-License-Identifier: Apache-2.0
// A bundle: the folder that an engine hands over, and its configuration.
#include "libcontainer/bundle.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "libcontainer/security/seccomp_notify.h"
#include "libcontainer/sys/file.h"
#include "oci/annotations.h"
#include "oci/parse.h"
#include "oci/validate.h"

namespace libcontainer {
namespace {

bool is_harmless(std::string_view name) {
    return name.starts_with(oci::kSystemdProperty) &&
           std::ranges::find(oci::kHarmlessProperties, name.substr(oci::kSystemdProperty.size())) !=
               std::end(oci::kHarmlessProperties);
}

// What its surroundings do not leave to the configuration.
void drop_guarded(oci::Spec& spec, const std::vector<std::string>& allowed, const Warn& warn) {
    const auto is_dropped = [&](const auto& annotation) {
        const std::string& name = annotation.first;
        const auto guard = std::ranges::find_if(oci::kGuardedAnnotations, [&](auto guarded) {
            return guarded.ends_with('.') ? name.starts_with(guarded) : name == guarded;
        });
        if (guard == std::end(oci::kGuardedAnnotations) || is_harmless(name) ||
            std::ranges::find(allowed, *guard) != allowed.end()) {
            return false;
        }
        if (warn) {
            warn("annotation " + name + " has no effect: it needs --allow-annotations");
        }
        return true;
    };
    std::erase_if(spec.annotations, is_dropped);
}

}  // namespace

std::unexpected<sys::Error> refuse_document(const std::vector<oci::ParseError>& mistakes,
                                            const std::string& name) {
    std::string text;
    for (const oci::ParseError& mistake : mistakes) {
        text += (text.empty() ? "" : "\n") + oci::to_string(mistake, name);
    }
    return sys::fail(sys::ErrorKind::invalid, std::move(text));
}

Result<oci::Spec> read_kept_spec(const StateDirectory& directory, const ContainerRecord& record) {
    const std::string json = TRY(directory.read_config());
    auto spec = oci::parse_spec(json);
    if (!spec) {
        return refuse_document(spec.error(), "config.json");
    }
    drop_guarded(*spec, record.allowed_annotations, {});
    if (spec->linux.seccomp && record.seccomp_receiver) {
        spec->linux.seccomp->listener_path = record.seccomp_receiver;
    }
    return *std::move(spec);
}

Result<Bundle> load_bundle(const std::string& bundle, const std::string& config,
                           const GlobalOptions& global) {
    const Warn& warn = global.warn;
    Bundle loaded;
    loaded.path = TRY(sys::absolute_path(bundle));
    const sys::UniqueFd directory =
        TRY_WRAP("bundle", sys::open_at(AT_FDCWD, loaded.path, O_RDONLY | O_DIRECTORY));
    auto file = sys::open_at(directory.get(), config, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file) {
        if (file.error().code == ENOENT) {
            return sys::fail(sys::ErrorKind::invalid,
                             "JSON specification file " + config + " not found in " + loaded.path);
        }
        return std::unexpected(std::move(file).error());
    }
    loaded.config_json = TRY(sys::read_all(file->get(), config, oci::kMaxJsonSize + 1));
    std::vector<oci::ParseError> doubts;
    const auto complete = [&](oci::Spec& spec) {
        loaded.annotations = spec.annotations;
        drop_guarded(spec, global.allowed_annotations, warn);
        loaded.seccomp_receiver = settle_seccomp_listener(spec);
    };
    auto spec = oci::parse_valid_spec(loaded.config_json, warn ? &doubts : nullptr, complete);
    if (!spec) {
        return refuse_document(spec.error(), config);
    }
    loaded.spec = *std::move(spec);
    if (auto problems = oci::unsupported(loaded.spec); !problems.empty()) {
        oci::add_positions(problems, loaded.config_json);
        auto refused = refuse_document(problems, config);
        refused.error().kind = sys::ErrorKind::unsupported;
        return refused;
    }
    if (warn) {
        std::vector<oci::ParseError> likely = oci::find_doubtful(loaded.spec);
        oci::add_positions(likely, loaded.config_json);
        doubts.insert(doubts.end(), likely.begin(), likely.end());
        for (const oci::ParseError& doubt : doubts) {
            warn(oci::to_string(doubt, config));
        }
    }
    return loaded;
}

}  // namespace libcontainer
