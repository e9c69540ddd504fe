package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/gradus-ml/gradus/data"
	"github.com/gradus-ml/gradus/internal/memory"
)

// diskFlags say how much memory a command may use, and where data that does not fit goes.
type diskFlags struct {
	Memory string `placeholder:"SIZE" group:"run" help:"The most memory to use, such as 2GiB; what does not fit goes to disk. Default: what the machine or container has free. See gradus help out-of-core."`
	Cache  string `placeholder:"DIR" group:"run" help:"A folder for what does not fit in memory; encoded rows stay there for the next run. Default: the temporary folder or that of the result, whichever has more room; nothing stays."`
}

// open prepares the disk for data that does not fit in memory. By default it uses the temporary folder or the folder
// of out, whichever has more free space. The disk is nil if the system does not support it. close ends its use.
func (f *diskFlags) open(out string) (disk *data.Spill, close func(), err error) {
	if f.Memory != "" {
		most, err := memory.Parse(f.Memory)
		if err != nil {
			return nil, nil, usagef("--memory: %w", err)
		}
		memory.Allow(most)
	}
	dir := f.Cache
	if dir == "" {
		dir = data.SpillFolder(os.TempDir(), filepath.Dir(out))
	} else if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, nil, fmt.Errorf("--cache: the folder %s cannot be made: %w", dir, err)
	}
	disk, err = data.NewSpill(dir)
	if err != nil && f.Cache != "" {
		return nil, nil, fmt.Errorf("--cache: %w", err)
	}
	if err != nil {
		return nil, func() { memory.Allow(0) }, nil // data that does not fit is refused with an error
	}
	return disk, func() {
		disk.Close()
		memory.Allow(0)
	}, nil
}

// workDisk is open on another machine than that of the call, whose memory and folders are its own.
func (f *diskFlags) workDisk() (disk *data.Spill, close func(), err error) {
	*f = diskFlags{}
	return f.open("")
}
