// SPDX-License-Identifier: Apache-2.0
// The kernel session keyring, which no namespace separates (keyrings(7)).
#pragma once

#include "libcontainer/sys/error.h"

namespace libcontainer {

using sys::Result;

// Child, init and exec alike, before the security labels and the ids (R-30, P-23): a fresh session
// keyring that only its possessors may use. Not called with --no-new-keyring.
//
// It is anonymous. KEYCTL_JOIN_SESSION_KEYRING by a name such as `_ses.ID` joins whatever keyring
// has that name, and another container of the same user could have made it or could join it. So an
// exec'd process gets its own, too: it shares no keyring with init.
//
// A kernel without keyrings (ENOSYS) is no error. EDQUOT is: going on would leave the caller's
// keyring to the container.
[[nodiscard]] Result<void> apply_session_keyring();

}  // namespace libcontainer
