// Package tfevents writes the event files that TensorBoard reads. They consist of records. Each is a
// protocol buffer (tensorflow/core/util/event.proto) with its length and checksums, in the format of
// tensorflow/core/lib/io/record_writer.h.
package tfevents

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gradus-ml/gradus/internal/float"
	"google.golang.org/protobuf/encoding/protowire"
)

// Scalar is a number under the name of its chart.
type Scalar struct {
	Tag   string
	Value float64
}

// Writer appends to an event file.
type Writer struct {
	file *os.File
	w    *bufio.Writer
}

// The numbers of the fields that are used.
const (
	eventWallTime, eventStep, eventFileVersion, eventSummary, eventSessionLog = 1, 2, 3, 5, 7
	summaryValue                                                              = 1
	valueTag, valueSimpleValue                                                = 1, 2
	sessionLogStatus, sessionStart                                            = 1, 1
)

// Create makes a new event file in a folder. TensorBoard reads a folder's files in the order
// of their names, which begin with seconds. The new file's name comes after those of the existing files.
func Create(dir string) (*Writer, error) {
	const prefix = "events.out.tfevents."
	seconds := time.Now().Unix()
	others, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, path := range others {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), prefix), ".")
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			seconds = max(seconds, n+1)
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("%s%010d.%s", prefix, seconds, host)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err
	}
	w := &Writer{f, bufio.NewWriter(f)}
	w.record(protowire.AppendString(field(event(0), eventFileVersion, protowire.BytesType), "brain.Event:2"))
	return w, w.w.Flush()
}

// Restart tells TensorBoard to discard what was written for this step and later steps, because the
// run has gone back.
func (w *Writer) Restart(step int) {
	status := protowire.AppendVarint(field(nil, sessionLogStatus, protowire.VarintType), sessionStart)
	w.record(protowire.AppendBytes(field(event(step), eventSessionLog, protowire.BytesType), status))
}

// Write adds numbers at a step. It leaves out numbers that are not finite.
func (w *Writer) Write(step int, scalars ...Scalar) {
	var summary []byte
	for _, s := range scalars {
		if !float.Finite(s.Value) {
			continue
		}
		value := protowire.AppendString(field(nil, valueTag, protowire.BytesType), s.Tag)
		value = protowire.AppendFixed32(field(value, valueSimpleValue, protowire.Fixed32Type), math.Float32bits(float32(s.Value)))
		summary = protowire.AppendBytes(field(summary, summaryValue, protowire.BytesType), value)
	}
	w.record(protowire.AppendBytes(field(event(step), eventSummary, protowire.BytesType), summary))
}

// Flush writes buffered data to the file. It returns the first error of all writes.
func (w *Writer) Flush() error { return w.w.Flush() }

// Close flushes and closes the file.
func (w *Writer) Close() error {
	err := w.w.Flush()
	if closeErr := w.file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// event begins an event at a step.
func event(step int) []byte {
	now := float64(time.Now().UnixMicro()) / 1e6
	b := protowire.AppendFixed64(field(nil, eventWallTime, protowire.Fixed64Type), math.Float64bits(now))
	return protowire.AppendVarint(field(b, eventStep, protowire.VarintType), uint64(step))
}

func field(b []byte, n protowire.Number, t protowire.Type) []byte {
	return protowire.AppendTag(b, n, t)
}

// record frames an event: its length, the length's checksum, the event, its checksum. An
// error stays in the writer.
func (w *Writer) record(event []byte) {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(event)))
	w.w.Write(binary.LittleEndian.AppendUint32(length, masked(length)))
	w.w.Write(event)
	w.w.Write(binary.LittleEndian.AppendUint32(nil, masked(event)))
}

// masked returns the CRC-32C, rotated and with a constant added, so that the checksum of data that itself
// contains checksums is not a special value.
func masked(b []byte) uint32 {
	crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (crc>>15 | crc<<17) + 0xa282ead8
}
