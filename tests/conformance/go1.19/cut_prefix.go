// SPDX-License-Identifier: Apache-2.0
// What runtime-tools uses of Go 1.21 and Go 1.19 lacks; build-tools lays it over the sources.

package strings

// CutPrefix returns text without prefix, and whether it began with it.
func CutPrefix(text, prefix string) (string, bool) {
	if !HasPrefix(text, prefix) {
		return text, false
	}
	return text[len(prefix):], true
}
