#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a caller has in its environment keeps no program out of tests/sandbox.
set -euo pipefail

if ((EUID != 0)); then
    echo "1..0 # SKIP needs root"
    exit 77
fi
REPO=$(cd "$(dirname "$0")/../.." && pwd)
export BRIG=${BRIG:-${BUILD:-$REPO/build}/runtime/brig}
unset BRIG_TEST_SANDBOX
FOLDER=$(mktemp -d)
trap 'rm -r "$FOLDER"' EXIT

# where PROGRAM: the program's pid namespace and scratch folder, called by one who has a SCRATCH.
where() {
    SCRATCH=$FOLDER "$1" | tail -n 1
}

cat >"$FOLDER/shell.t" <<END
#!/bin/bash
source "$REPO/tests/engines/lib.sh"
echo "\$(readlink /proc/self/ns/pid) \$SCRATCH"
END
cat >"$FOLDER/python.t" <<END
#!/usr/bin/python3
import os, sys
sys.path.insert(0, "$REPO/tests")
from harness import lab, sandbox
sandbox.enter()
print(os.readlink("/proc/self/ns/pid"), lab.SCRATCH)
END
chmod +x "$FOLDER"/*.t

number=0 failed=0
for program in shell python; do
    found=$(where "$FOLDER/$program.t" || true)
    ((++number))
    if [[ $found == pid:*" /run/scratch" && $found != "$(readlink /proc/self/ns/pid) "* ]]; then
        echo "ok $number - a $program program of a caller with a SCRATCH runs in the sandbox"
    else
        echo "not ok $number - a $program program of a caller with a SCRATCH runs in the sandbox"
        echo "#   it says '$found'"
        failed=1
    fi
done
echo "1..$number"
exit "$failed"
