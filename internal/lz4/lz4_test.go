package lz4

import (
	"bytes"
	"io"
	"testing"
)

// block is "abc", a copy of 8 bytes from 3 back, and "xy".
var block = []byte{0x34, 'a', 'b', 'c', 3, 0, 0x20, 'x', 'y'}

const want = "abcabcabcabxy"

func TestBlock(t *testing.T) {
	if got, err := Block(nil, block, len(want)); err != nil || string(got) != want {
		t.Errorf("Block = %q, %v, want %q", got, err, want)
	}
	if _, err := Block(nil, block, len(want)-1); err == nil {
		t.Error("Block exceeds its limit without an error")
	}
	for n := 1; n < len(block); n++ {
		if got, err := Block(nil, block[:n], len(want)); err == nil && n != 4 && n != 6 { // a block may end after literals or a match
			t.Errorf("Block of %d of %d bytes = %q, want an error", n, len(block), got)
		}
	}
}

func TestReader(t *testing.T) {
	head := []byte{0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0}
	frame := append(append(bytes.Clone(head), byte(len(block)), 0, 0, 0), block...)
	frame = append(frame, 3, 0, 0, 0x80, 'r', 'a', 'w', 0, 0, 0, 0)
	if got, err := io.ReadAll(NewReader(frame)); err != nil || string(got) != want+"raw" {
		t.Errorf("the frame holds %q, %v, want %q", got, err, want+"raw")
	}
	long := append(bytes.Clone(head), 10, 0, 0, 0, 0x1f, 'a', 1, 0, 255, 255, 255, 255, 255, 255)
	if _, err := io.Copy(io.Discard, NewReader(long)); err == nil {
		t.Error("a block that is cut short was read")
	}
}
