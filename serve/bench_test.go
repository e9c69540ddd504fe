package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/model"
)

// discarding is a ResponseWriter that keeps only the length of the body.
type discarding struct {
	header http.Header
	bytes  int
}

func (w *discarding) Header() http.Header         { return w.header }
func (w *discarding) WriteHeader(int)             {}
func (w *discarding) Write(b []byte) (int, error) { w.bytes += len(b); return len(b), nil }

// BenchmarkBinaryRows measures 1,000 rows of ten numbers, in turn by PredictRows, by PredictNumbers, by the handler of a
// binary request, and by a server at the other end of a connection. It reports the rows per second of the fastest call of each.
func BenchmarkBinaryRows(b *testing.B) {
	const rows = 1000
	table, err := data.Read("../examples/data/diabetes.csv", data.ReadOptions{})
	if err != nil {
		b.Fatal(err)
	}
	m, _, err := model.Train(context.Background(), table, model.Options{Targets: []string{"progression"}, Members: 1, Hidden: []int{64, 32}, Epochs: 20})
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "net.safetensors")
	if err := m.Save(path); err != nil {
		b.Fatal(err)
	}
	s, err := New([]Source{{"net", "1", path}}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	var values []data.Value
	var floats []float64
	var raw []byte
	for i := range rows {
		for _, c := range m.Columns() {
			x, err := strconv.ParseFloat(table.Cell(i%table.Rows(), table.Index(c)), 64)
			if err != nil {
				b.Fatal(err)
			}
			values, floats = append(values, data.Number(x)), append(floats, x)
			raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
		}
	}
	head := fmt.Sprintf(`{"inputs":[{"name":"rows","shape":[%d,%d],"datatype":"FP64","parameters":{"binary_data_size":%d}}],"parameters":{"binary_data_output":true}}`, rows, len(m.Columns()), len(raw))
	body := append([]byte(head), raw...)
	ask := fmt.Appendf(nil, "POST /v2/models/net/infer HTTP/1.1\r\nHost: localhost\r\n%s: %d\r\nContent-Length: %d\r\n\r\n%s", headerLength, len(head), len(body), body)

	out := make([]float64, rows)
	predict := func() error { return m.PredictRows(values, out) }
	numbers := func() error { return m.PredictNumbers(floats, out) }
	handler := func() error {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(ask)))
		if err != nil {
			return err
		}
		w := &discarding{header: http.Header{}}
		if s.ServeHTTP(w, r); w.bytes < 8*rows {
			return fmt.Errorf("the handler answers %d bytes, want %d and more", w.bytes, 8*rows)
		}
		return nil
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(started(b, s), "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	connection := func() error {
		if _, err := c.Write(ask); err != nil {
			return err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		if n, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK || n < 8*rows {
			return fmt.Errorf("the server answers %d bytes with status %s (%v), want %d and more with 200", n, answer.Status, err, 8*rows)
		}
		return answer.Body.Close()
	}

	ways := []struct {
		name string
		do   func() error
		best time.Duration
	}{{"PredictRows", predict, time.Hour}, {"PredictNumbers", numbers, time.Hour}, {"handler", handler, time.Hour}, {"connection", connection, time.Hour}}
	for b.Loop() {
		for i := range ways {
			begun := time.Now()
			if err := ways[i].do(); err != nil {
				b.Fatal(err)
			}
			ways[i].best = min(ways[i].best, time.Since(begun))
		}
	}
	for _, way := range ways {
		b.ReportMetric(rows/way.best.Seconds(), way.name+"-rows/s")
	}
}
