// SPDX-License-Identifier: Apache-2.0
// The table of mount options (checklist 5.2), as tables.
#include "libcontainer/rootfs/mount_options.h"

#include <sys/mount.h>

#include <algorithm>
#include <catch2/catch.hpp>

namespace libcontainer {
namespace {

using sys::Recursion;

constexpr std::uint64_t kNoSymFollow = 0x00200000;  // MOUNT_ATTR_NOSYMFOLLOW, newer than some libcs

MountOptions parse(const std::vector<std::string>& options) {
    auto parsed = parse_mount_options(options);
    REQUIRE(parsed);
    return *parsed;
}

struct AttributeRow {
    std::vector<std::string> options;
    std::uint64_t set;
    std::uint64_t clear;
};

TEST_CASE("M-05: options that are attributes of the mount") {
    const auto row = GENERATE(values<AttributeRow>({
        {{}, 0, 0},
        {{"defaults"}, 0, 0},
        {{"ro"}, MOUNT_ATTR_RDONLY, 0},
        {{"rw"}, 0, MOUNT_ATTR_RDONLY},
        {{"nosuid"}, MOUNT_ATTR_NOSUID, 0},
        {{"suid"}, 0, MOUNT_ATTR_NOSUID},
        {{"nodev"}, MOUNT_ATTR_NODEV, 0},
        {{"dev"}, 0, MOUNT_ATTR_NODEV},
        {{"noexec"}, MOUNT_ATTR_NOEXEC, 0},
        {{"exec"}, 0, MOUNT_ATTR_NOEXEC},
        {{"nosymfollow"}, kNoSymFollow, 0},
        {{"symfollow"}, 0, kNoSymFollow},
        {{"nodiratime"}, MOUNT_ATTR_NODIRATIME, 0},
        {{"diratime"}, 0, MOUNT_ATTR_NODIRATIME},
        {{"noatime"}, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
        {{"atime"}, 0, MOUNT_ATTR__ATIME},
        {{"relatime"}, 0, MOUNT_ATTR__ATIME},
        {{"norelatime"}, 0, MOUNT_ATTR__ATIME},
        {{"strictatime"}, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
        {{"nostrictatime"}, 0, MOUNT_ATTR__ATIME},
        // The last of a pair wins.
        {{"ro", "rw"}, 0, MOUNT_ATTR_RDONLY},
        {{"rw", "ro"}, MOUNT_ATTR_RDONLY, 0},
        {{"nosuid", "suid", "nosuid"}, MOUNT_ATTR_NOSUID, 0},
        {{"noatime", "strictatime"}, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
        {{"strictatime", "relatime"}, 0, MOUNT_ATTR__ATIME},
        // A mode is taken back only by its own name.
        {{"noatime", "atime"}, 0, MOUNT_ATTR__ATIME},
        {{"noatime", "nostrictatime"}, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
        {{"strictatime", "norelatime"}, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
        {{"nosuid", "noexec", "nodev", "ro"},
         MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY,
         0},
    }));
    CAPTURE(row.options);
    const MountOptions parsed = parse(row.options);
    CHECK(parsed.attributes == AttributeChange{row.set, row.clear});
    CHECK(parsed.recursive.empty());
    CHECK(parsed.data.empty());
}

TEST_CASE("M-05: recursive options are attributes of the whole tree") {
    const auto row = GENERATE(values<AttributeRow>({
        {{"rro"}, MOUNT_ATTR_RDONLY, 0},
        {{"rrw"}, 0, MOUNT_ATTR_RDONLY},
        {{"rnosuid"}, MOUNT_ATTR_NOSUID, 0},
        {{"rsuid"}, 0, MOUNT_ATTR_NOSUID},
        {{"rnodev"}, MOUNT_ATTR_NODEV, 0},
        {{"rdev"}, 0, MOUNT_ATTR_NODEV},
        {{"rnoexec"}, MOUNT_ATTR_NOEXEC, 0},
        {{"rexec"}, 0, MOUNT_ATTR_NOEXEC},
        {{"rnosymfollow"}, kNoSymFollow, 0},
        {{"rsymfollow"}, 0, kNoSymFollow},
        {{"rnodiratime"}, MOUNT_ATTR_NODIRATIME, 0},
        {{"rdiratime"}, 0, MOUNT_ATTR_NODIRATIME},
        {{"rnoatime"}, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME},
        {{"ratime"}, 0, MOUNT_ATTR__ATIME},
        {{"rrelatime"}, 0, MOUNT_ATTR__ATIME},
        {{"rnorelatime"}, 0, MOUNT_ATTR__ATIME},
        {{"rstrictatime"}, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME},
        {{"rnostrictatime"}, 0, MOUNT_ATTR__ATIME},
    }));
    CAPTURE(row.options);
    const MountOptions parsed = parse(row.options);
    CHECK(parsed.recursive == AttributeChange{row.set, row.clear});
    CHECK(parsed.attributes.empty());
    CHECK(parsed.data.empty());
}

TEST_CASE("M-05: ro and rro stand beside each other") {
    const MountOptions parsed = parse({"ro", "rro"});
    CHECK(parsed.attributes.set == MOUNT_ATTR_RDONLY);
    CHECK(parsed.recursive.set == MOUNT_ATTR_RDONLY);
}

struct SuperblockRow {
    std::vector<std::string> options;
    unsigned flags;
};

TEST_CASE("M-05: options that are flags of the filesystem") {
    const auto row = GENERATE(values<SuperblockRow>({
        {{"ro"}, superblock::kReadOnly},
        {{"ro", "rw"}, 0},
        {{"sync"}, superblock::kSync},
        {{"sync", "async"}, 0},
        {{"dirsync"}, superblock::kDirSync},
        {{"lazytime"}, superblock::kLazyTime},
        {{"lazytime", "nolazytime"}, 0},
        {{"mand"}, superblock::kMandatoryLocks},
        {{"mand", "nomand"}, 0},
        {{"iversion"}, superblock::kInodeVersion},
        {{"iversion", "noiversion"}, 0},
        {{"silent"}, superblock::kSilent},
        {{"silent", "loud"}, 0},
        {{"acl"}, superblock::kAcl},
        {{"acl", "noacl"}, superblock::kNoAcl},
        {{"noacl", "acl"}, superblock::kAcl},
    }));
    CAPTURE(row.options);
    const MountOptions parsed = parse(row.options);
    CHECK(parsed.superblock == row.flags);
    CHECK(parsed.data.empty());
}

struct PropagationRow {
    std::string option;
    PropagationChange change;
};

TEST_CASE("M-05: propagation") {
    const auto row = GENERATE(values<PropagationRow>({
        {"private", {MS_PRIVATE, Recursion::this_mount}},
        {"rprivate", {MS_PRIVATE, Recursion::whole_tree}},
        {"shared", {MS_SHARED, Recursion::this_mount}},
        {"rshared", {MS_SHARED, Recursion::whole_tree}},
        {"slave", {MS_SLAVE, Recursion::this_mount}},
        {"rslave", {MS_SLAVE, Recursion::whole_tree}},
        {"unbindable", {MS_UNBINDABLE, Recursion::this_mount}},
        {"runbindable", {MS_UNBINDABLE, Recursion::whole_tree}},
    }));
    CAPTURE(row.option);
    const MountOptions parsed = parse({row.option});
    REQUIRE(parsed.propagation.size() == 1);
    CHECK(parsed.propagation.front() == row.change);
}

TEST_CASE("M-05: several propagation options are kept in order") {
    const MountOptions parsed = parse({"rslave", "shared"});
    CHECK(parsed.propagation == std::vector<PropagationChange>{{MS_SLAVE, Recursion::whole_tree},
                                                               {MS_SHARED, Recursion::this_mount}});
}

TEST_CASE("M-07: bind and rbind, of which the wider holds") {
    CHECK_FALSE(parse({}).bind);
    CHECK(parse({"bind"}).bind == Recursion::this_mount);
    CHECK(parse({"rbind"}).bind == Recursion::whole_tree);
    CHECK(parse({"bind", "rbind"}).bind == Recursion::whole_tree);
    CHECK(parse({"rbind", "bind"}).bind == Recursion::whole_tree);
}

TEST_CASE("M-06: idmap options") {
    CHECK(parse({"idmap"}).idmap == IdmapOption{Recursion::this_mount, ""});
    CHECK(parse({"ridmap"}).idmap == IdmapOption{Recursion::whole_tree, ""});
    CHECK(parse({"idmap=uids=0-1000-10;gids=0-2000-10"}).idmap ==
          IdmapOption{Recursion::this_mount, "uids=0-1000-10;gids=0-2000-10"});
}

TEST_CASE("M-05: single words with an effect of their own") {
    CHECK(parse({"remount"}).remount);
    CHECK(parse({"tmpcopyup"}).copy_up);
    CHECK(parse({"copy-symlink"}).copy_symlink);
    CHECK(parse({"src-nofollow"}).source_nofollow);
    CHECK(parse({"dest-nofollow"}).destination_nofollow);
}

TEST_CASE("M-05, T-18: unknown words are data, one option each, whatever they hold") {
    const MountOptions parsed =
        parse({"size=64k", "newinstance", "mode=", "lowerdir=/a:/b,upperdir=/c", "k=v=w", ""});
    CHECK(parsed.data == std::vector<DataOption>{{"size", "64k"},
                                                 {"newinstance", std::nullopt},
                                                 {"mode", ""},
                                                 {"lowerdir", "/a:/b,upperdir=/c"},
                                                 {"k", "v=w"}});
}

TEST_CASE("M-05: a name the kernel has no attribute for is refused, not dropped") {
    const auto name =
        GENERATE(as<std::string>(), "rsync", "rasync", "rdirsync", "rmand", "rnomand");
    const auto parsed = parse_mount_options({name});
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().kind == sys::ErrorKind::unsupported);
    CHECK(parsed.error().message.find(name) != std::string::npos);
}

TEST_CASE("FE-mountOptions: the names for the features document") {
    const auto names = mount_option_names();
    CHECK(std::ranges::is_sorted(names));
    CHECK(std::ranges::adjacent_find(names) == names.end());
    // Docker, containerd and CRI-O look for rro; every name of the spec's table is there.
    for (const char* name : {"async",
                             "atime",
                             "bind",
                             "defaults",
                             "dev",
                             "diratime",
                             "dirsync",
                             "exec",
                             "iversion",
                             "lazytime",
                             "loud",
                             "mand",
                             "noatime",
                             "nodev",
                             "nodiratime",
                             "noexec",
                             "noiversion",
                             "nolazytime",
                             "nomand",
                             "norelatime",
                             "nostrictatime",
                             "nosuid",
                             "nosymfollow",
                             "private",
                             "ratime",
                             "rbind",
                             "rdev",
                             "rdiratime",
                             "relatime",
                             "remount",
                             "rexec",
                             "rnoatime",
                             "rnodev",
                             "rnodiratime",
                             "rnoexec",
                             "rnorelatime",
                             "rnostrictatime",
                             "rnosuid",
                             "rnosymfollow",
                             "ro",
                             "rprivate",
                             "rrelatime",
                             "rro",
                             "rrw",
                             "rshared",
                             "rslave",
                             "rstrictatime",
                             "rsuid",
                             "rsymfollow",
                             "runbindable",
                             "rw",
                             "shared",
                             "silent",
                             "slave",
                             "strictatime",
                             "suid",
                             "symfollow",
                             "sync",
                             "tmpcopyup",
                             "unbindable",
                             "idmap",
                             "ridmap"}) {
        CAPTURE(name);
        CHECK(std::ranges::binary_search(names, std::string_view(name)));
    }
    // Each of them is known to the parser: none falls through to the filesystem.
    for (const std::string_view name : names) {
        CAPTURE(name);
        CHECK(parse({std::string(name)}).data.empty());
    }
}

}  // namespace
}  // namespace libcontainer
