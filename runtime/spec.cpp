// SPDX-License-Identifier: Apache-2.0
// brig spec: a config.json to start from, fit to the options given.
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "libcontainer/sys/file.h"
#include "oci/default_spec.h"
#include "oci/parse.h"
#include "oci/spec_edit.h"
#include "runtime/verbs.h"

namespace runtime {

namespace {

constexpr std::array kOptions = {
    Option<SpecSettings>{{"bundle", 'b', "DIR", "folder to write to (default: the current one)"},
                         store_path<&SpecSettings::bundle>},
    Option<SpecSettings>{{"file", 'f', "FILE", "name of the file (default: config.json)"},
                         store<&SpecSettings::file>},
    Option<SpecSettings>{{"rootless", 0, nullptr, "for a caller without privileges"},
                         store<&SpecSettings::rootless>},
    Option<SpecSettings>{{"user", 'u', "UID[:GID]", "user and group of the program"},
                         store<&SpecSettings::user>},
    Option<SpecSettings>{{"cap-add", 0, "CAP", "add a capability, or ALL (repeatable)"},
                         store<&SpecSettings::cap_add>},
    Option<SpecSettings>{{"cap-drop", 0, "CAP", "drop a capability, or ALL (repeatable)"},
                         store<&SpecSettings::cap_drop>},
    Option<SpecSettings>{{"privileged", 0, nullptr, "every capability and device, no confinement"},
                         store<&SpecSettings::privileged>},
    Option<SpecSettings>{
        {"read-only", 0, nullptr, "read-only root (the default; =false: writable)"},
        store<&SpecSettings::read_only>},
    Option<SpecSettings>{{"hostname", 0, "NAME", "host name of the container"},
                         store<&SpecSettings::hostname>},
};

Result<void> check(oci::Edited edited, std::string_view option) {
    if (!edited) {
        return sys::fail(sys::ErrorKind::invalid,
                         std::string(option) + ": " + std::move(edited).error());
    }
    return {};
}

// Dropping comes first, so that `--cap-drop ALL --cap-add KILL` leaves one capability in any order.
Result<oci::Spec> make_spec(const SpecSettings& settings) {
    oci::Spec spec =
        settings.rootless ? oci::rootless_spec(geteuid(), getegid()) : oci::default_spec();
    if (settings.privileged) {
        oci::make_privileged(spec);
    }
    oci::Process& process = *spec.process;
    for (const std::string& name : settings.cap_drop) {
        TRY_VOID(check(oci::drop_capability(process, name), "--cap-drop"));
    }
    for (const std::string& name : settings.cap_add) {
        TRY_VOID(check(oci::add_capability(process, name), "--cap-add"));
    }
    if (settings.user) {
        TRY_VOID(check(oci::set_user(process, *settings.user), "--user"));
    }
    if (settings.hostname) {
        spec.hostname = settings.hostname;
    }
    if (settings.read_only) {
        spec.root->readonly = *settings.read_only;
    }
    if (!settings.args.empty()) {
        process.args = settings.args;
    }
    return spec;
}

// O_EXCL: somebody's config.json is never overwritten, not even through a symlink.
Result<void> write_new_file(const std::string& path, std::string_view text) {
    const sys::UniqueFd file =
        TRY(sys::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    if (auto written = sys::write_all(file.get(), text, path); !written) {
        unlink(path.c_str());
        return written;
    }
    return {};
}

}  // namespace

std::vector<OptionInfo> spec_options() {
    return infos_of<SpecSettings>(kOptions);
}

Result<SpecSettings> parse_spec(const Line& line) {
    SpecSettings settings;
    TRY_VOID(line.apply<SpecSettings>(kOptions, settings));
    settings.args = line.operands;
    return settings;
}

Result<int> run_spec(const Context& /*context*/, const Line& line) {
    const SpecSettings settings = TRY(parse_spec(line));
    const oci::Spec spec = TRY(make_spec(settings));
    TRY_VOID(write_new_file(settings.bundle + "/" + settings.file, oci::write_spec(spec)));
    return 0;
}

}  // namespace runtime
