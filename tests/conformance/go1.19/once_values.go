// SPDX-License-Identifier: Apache-2.0
// What runtime-tools uses of Go 1.21 and Go 1.19 lacks; build-tools lays it over the sources.

package sync

// OnceValue returns a function that calls make once and remembers the value.
func OnceValue[T any](make func() T) func() T {
	var once Once
	var value T
	return func() T {
		once.Do(func() { value = make() })
		return value
	}
}

// OnceValues is OnceValue for two values.
func OnceValues[T, U any](make func() (T, U)) func() (T, U) {
	var once Once
	var first T
	var second U
	return func() (T, U) {
		once.Do(func() { first, second = make() })
		return first, second
	}
}
