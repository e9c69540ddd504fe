package cli

import (
	"runtime"
	"runtime/debug"
)

// versionCmd is "gradus version".
type versionCmd struct{}

func (versionCmd) Run(e *env) error {
	e.printf("gradus %s %s/%s %s\n", version(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return nil
}

// version is the module's version as the build knows it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
