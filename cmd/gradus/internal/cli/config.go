package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/gradus-ml/gradus/data"
)

// configFlag is the path of a config.json.
type configFlag string

// BeforeResolve is called by kong before it fills in the flags that were not given.
func (configFlag) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	path := string(ctx.FlagValue(trace.Flag).(configFlag))
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	defer file.Close()
	resolver, err := loadConfig(file)
	if err != nil {
		return fmt.Errorf("--config: %s: %w", path, err)
	}
	ctx.AddResolver(resolver)
	return nil
}

// loadConfig reads a config.json. It holds the flags of a command under their names, with "_" or
// "-". The command line takes precedence.
func loadConfig(r io.Reader) (kong.Resolver, error) {
	var values map[string]any
	dec := json.NewDecoder(r)
	dec.UseNumber()
	if err := dec.Decode(&values); err != nil {
		return nil, fmt.Errorf("this is not a JSON object of flags: %w", err)
	}
	text := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		name := strings.ReplaceAll(key, "_", "-")
		if one, ok := values[key].(string); ok && name == "data" {
			values[key] = []any{one}
		}
		s, err := flagText(name, values[key])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", key, err)
		}
		text[name] = s
	}
	return configFile{text}, nil
}

// configFile resolves flags from a config.json.
type configFile struct{ text map[string]string }

func (c configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if s, ok := c.text[flag.Name]; ok && s != "" {
		return s, nil
	}
	if off := c.text["no-"+flag.Name]; flag.Tag.Negatable != "" && off != "" {
		no, err := strconv.ParseBool(off)
		return strconv.FormatBool(!no), err
	}
	return nil, nil
}

// Validate refuses a key that is not a flag of train. The command train has every flag.
func (c configFile) Validate(app *kong.Application) error {
	known := map[string]bool{}
	for _, name := range notFlags {
		known[name] = true
	}
	for _, cmd := range app.Children {
		for _, f := range cmd.Flags {
			known[f.Name], known["no-"+f.Name] = true, f.Tag.Negatable != ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.text)) {
		if !known[name] {
			return fmt.Errorf("--config: there is no flag --%s", name)
		}
	}
	return nil
}

// flagText writes a JSON value as it would be written after a flag.
func flagText(name string, v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		if name == "max-time" {
			ns, err := v.Int64()
			return time.Duration(ns).String(), err
		}
		return v.String(), nil
	case []any:
		if name == "hidden" && len(v) == 0 {
			return "0", nil
		}
		parts := make([]string, len(v))
		for i, e := range v {
			s, err := flagText("", e)
			if err != nil {
				return "", err
			}
			parts[i] = s
		}
		return data.JoinNames(parts), nil
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			s, err := flagText("", v[k])
			if err != nil {
				return "", err
			}
			parts = append(parts, k+"="+s)
		}
		return data.JoinNames(parts), nil
	}
	return "", fmt.Errorf("a flag cannot have a value of type %T", v)
}
