// SPDX-License-Identifier: Apache-2.0
// What runtime-tools uses of Go 1.21 and Go 1.19 lacks; build-tools lays it over the sources.

package slices

// Contains reports whether value is among items.
func Contains[T comparable](items []T, value T) bool {
	for _, item := range items {
		if item == value {
			return true
		}
	}
	return false
}

// DeleteFunc removes the items that drop says, in place.
func DeleteFunc[T any](items []T, drop func(T) bool) []T {
	kept := items[:0]
	for _, item := range items {
		if !drop(item) {
			kept = append(kept, item)
		}
	}
	return kept
}
