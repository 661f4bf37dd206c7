# SPDX-License-Identifier: Apache-2.0
"""What the integration and attack tests share: sandbox, bundles, the runtime, oracles, TAP."""
