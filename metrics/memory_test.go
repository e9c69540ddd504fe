package metrics

import (
	"runtime"
	"testing"
)

// Multiclass sorts one list for all classes, instead of one for each class.
func TestMulticlassMemory(t *testing.T) {
	const rows, classes = 50_000, 8
	y, p := make([]float64, rows), make([]float64, rows*classes)
	for i := range y {
		y[i] = float64(i % classes)
		for k := range classes {
			p[i*classes+k] = float64((i*31+k*17)%101) / 101
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Multiclass(y, p, classes, nil); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got, most := after.TotalAlloc-before.TotalAlloc, uint64(8*rows); got > most {
		t.Errorf("Multiclass allocates %d bytes for %d rows, want at most %d", got, rows, most)
	}
}
