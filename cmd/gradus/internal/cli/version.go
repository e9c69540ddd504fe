package cli

import (
	"runtime"
	"runtime/debug"

	"github.com/gradus-ml/gradus/internal/mpi"
)

// versionCmd is "gradus version".
type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	e.printf("gradus %s %s/%s %s%s\n", version(), runtime.GOOS, runtime.GOARCH, runtime.Version(), map[bool]string{true: " mpi"}[mpi.Built])
	return nil
}

// version returns the module's version from the build information.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
