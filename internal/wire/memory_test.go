package wire

import "runtime"

// memory is how many allocations, of how many bytes, the process has made so far.
func memory() (allocs, size uint64) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs, m.TotalAlloc
}
