package cli

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
)

// badModels lists damaged copies of a model, each with words of its error.
var badModels = map[string]struct {
	damage func(f *modelFile) []byte
	words  []string
}{
	"nothing":     {func(f *modelFile) []byte { return nil }, []string{"0 bytes"}},
	"seven":       {func(f *modelFile) []byte { return f.bytes()[:7] }, []string{"7 bytes"}},
	"threshold":   {func(f *modelFile) []byte { return f.edited(func(m object) { m["threshold"] = 0.3 }) }, []string{"its threshold is 0.3"}},
	"truncated":   {func(f *modelFile) []byte { b := f.bytes(); return b[:len(b)-4] }, []string{"cut short"}},
	"halfheader":  {func(f *modelFile) []byte { return f.bytes()[:500] }, []string{"cut short"}},
	"toolong":     {func(f *modelFile) []byte { return append(f.bytes(), 0, 0, 0, 0) }, []string{"too long"}},
	"hugeheader":  {func(f *modelFile) []byte { return f.withLength(1 << 63) }, []string{"header should have 9223372036854775808 bytes"}},
	"bigheader":   {func(f *modelFile) []byte { return f.withLength(99_000_000) }, []string{"header should have 99000000 bytes"}},
	"shortheader": {func(f *modelFile) []byte { return f.withLength(10) }, []string{"damaged"}},
	"zeros":       {func(f *modelFile) []byte { return make([]byte, 100) }, []string{"damaged"}},
	"png":         {func(f *modelFile) []byte { return []byte("\x89PNG\r\n\x1a\n and so on") }, []string{"safetensors file, or it is cut short"}},
	"notjson":     {func(f *modelFile) []byte { return f.withHeader("this is not JSON") }, []string{"damaged"}},
	"array":       {func(f *modelFile) []byte { return f.withHeader("[1, 2]") }, []string{"damaged"}},
	"overlap":     {func(f *modelFile) []byte { f.overlap("layers.0.weight"); return f.bytes() }, []string{"overlap"}},
	"shape": {func(f *modelFile) []byte {
		slices.Reverse(f.tensor("layers.0.weight")["shape"].([]any))
		return f.bytes()
	}, []string{"layers.0.weight", "shape [3 ", "needs", " 3]"}},
	"hugeshape": {func(f *modelFile) []byte {
		f.tensor("layers.0.weight")["shape"] = []int64{1 << 40, 1 << 40}
		return f.bytes()
	}, []string{"damaged"}},
	"dtype":      {func(f *modelFile) []byte { f.tensor("layers.0.weight")["dtype"] = "I32"; return f.bytes() }, []string{"layers.0.weight", "another type"}},
	"missing":    {func(f *modelFile) []byte { f.rename("layers.0.weight", "layers.9.weight"); return f.bytes() }, []string{"no tensor layers.0.weight"}},
	"stranger":   {func(f *modelFile) []byte { delete(f.header, "__metadata__"); return f.bytes() }, []string{"not one of gradus"}},
	"nan":        {func(f *modelFile) []byte { return f.withNumber(math.NaN()) }, []string{"layers.0.bias", "NaN", "not a finite number"}},
	"inf":        {func(f *modelFile) []byte { return f.withNumber(math.Inf(-1)) }, []string{"layers.0.bias", "-Inf"}},
	"badjson":    {func(f *modelFile) []byte { f.setText("{{"); return f.bytes() }, []string{"metadata cannot be read"}},
	"nulljson":   {func(f *modelFile) []byte { f.setText("null"); return f.bytes() }, []string{"incomplete"}},
	"newer":      {func(f *modelFile) []byte { return f.edited(func(m object) { m["format"] = 99 }) }, []string{"format 99", "newer gradus"}},
	"layers":     {func(f *modelFile) []byte { return f.edited(func(m object) { layer(m, 0)["units"] = 7 }) }, []string{"parameters", "tensors"}},
	"hugelayers": {func(f *modelFile) []byte { return f.edited(func(m object) { layer(m, 0)["units"] = 1e15 }) }, []string{"parameters", "tensors"}},
	"minus":      {func(f *modelFile) []byte { return f.edited(func(m object) { layer(m, 0)["units"] = -1 }) }, []string{"at least one unit"}},
	"nolayers":   {func(f *modelFile) []byte { return f.edited(func(m object) { m["layers"] = nil }) }, []string{"incomplete"}},
	"activation": {func(f *modelFile) []byte { return f.edited(func(m object) { layer(m, 0)["activation"] = "evil" }) }, []string{"layer 0", `"evil"`}},
	"output":     {func(f *modelFile) []byte { return f.edited(func(m object) { layer(m, 1)["activation"] = "relu" }) }, []string{"softmax"}},
	"identity": {func(f *modelFile) []byte {
		return f.edited(func(m object) { layer(m, 1)["activation"], m["loss"] = "identity", "squared" })
	}, []string{"probabilities", "identity"}},
	"loss": {func(f *modelFile) []byte { return f.edited(func(m object) { m["loss"] = "evil" }) }, []string{"loss", `"evil"`}},
	"rule": {func(f *modelFile) []byte {
		return f.edited(func(m object) { part(m, "options")["optimizer"] = "evil" })
	}, []string{`"evil"`}},
	"precision":  {func(f *modelFile) []byte { return f.edited(func(m object) { m["precision"] = "float16" }) }, []string{"float16"}},
	"inputs":     {func(f *modelFile) []byte { return f.edited(func(m object) { m["inputs"] = 3 }) }, []string{"3 inputs", "columns make"}},
	"noencoding": {func(f *modelFile) []byte { return f.edited(func(m object) { delete(m, "encoding") }) }, []string{"incomplete"}},
	"nooptions":  {func(f *modelFile) []byte { return f.edited(func(m object) { m["options"] = object{} }) }, []string{"incomplete"}},
	"nometrics": {func(f *modelFile) []byte {
		return f.edited(func(m object) { part(m, "training")["metrics"] = object{} })
	}, []string{"incomplete"}},
	"columns": {func(f *modelFile) []byte {
		return f.edited(func(m object) { e := part(m, "encoding"); e["inputs"] = e["inputs"].([]any)[1:] })
	}, []string{"inputs", "columns make"}},
	"width": {func(f *modelFile) []byte {
		return f.edited(func(m object) { input(m, 1)["missing"] = false })
	}, []string{"inputs", "columns make"}},
	"levels": {func(f *modelFile) []byte {
		return f.edited(func(m object) { input(m, 0)["levels"] = []string{"Dream", "Dream", "Biscoe"} })
	}, []string{`"Dream" twice`}},
	"scale": {func(f *modelFile) []byte { return f.edited(func(m object) { input(m, 1)["scale"] = -1 }) }, []string{"scale"}},
	"kind":  {func(f *modelFile) []byte { return f.edited(func(m object) { input(m, 1)["kind"] = "evil" }) }, []string{`"evil"`}},
	"task": {func(f *modelFile) []byte {
		return f.edited(func(m object) { part(m, "encoding")["task"] = "regression" })
	}, []string{"regression"}},
	"classes": {func(f *modelFile) []byte {
		return f.edited(func(m object) { target(m)["classes"] = []string{"a", "b"} })
	}, []string{"3 outputs", "take 2"}},
}

// modelFile is a model file in parts.
type modelFile struct {
	header object
	body   []byte
}

func openModelFile(raw []byte) *modelFile {
	n := binary.LittleEndian.Uint64(raw)
	f := &modelFile{body: slices.Clone(raw[8+n:])}
	if err := json.Unmarshal(raw[8:8+n], &f.header); err != nil {
		panic(err)
	}
	return f
}

func (f *modelFile) bytes() []byte {
	text, err := json.Marshal(f.header)
	if err != nil {
		panic(err)
	}
	return f.withHeader(string(text))
}

func (f *modelFile) withHeader(text string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(b, text...), f.body...)
}

func (f *modelFile) withLength(n uint64) []byte {
	b := f.bytes()
	binary.LittleEndian.PutUint64(b, n)
	return b
}

// withNumber returns the file with x as its first number.
func (f *modelFile) withNumber(x float64) []byte {
	binary.LittleEndian.PutUint32(f.body, math.Float32bits(float32(x)))
	return f.bytes()
}

func (f *modelFile) tensor(name string) map[string]any { return part(f.header, name) }

// overlap moves a tensor to the start of the data, where the first tensor is.
func (f *modelFile) overlap(name string) {
	at := f.tensor(name)["data_offsets"].([]any)
	at[0], at[1] = 0, at[1].(float64)-at[0].(float64)
}

func (f *modelFile) rename(from, to string) {
	f.header[to] = f.header[from]
	delete(f.header, from)
}

func (f *modelFile) setText(s string) { part(f.header, "__metadata__")["gradus"] = s }

// edited returns the file with its metadata changed by edit.
func (f *modelFile) edited(edit func(object)) []byte {
	var m object
	if err := json.Unmarshal([]byte(part(f.header, "__metadata__")["gradus"].(string)), &m); err != nil {
		panic(err)
	}
	edit(m)
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	f.setText(string(text))
	return f.bytes()
}

func part(m object, name string) map[string]any { return m[name].(map[string]any) }
func layer(m object, i int) map[string]any      { return m["layers"].([]any)[i].(map[string]any) }
func input(m object, i int) map[string]any {
	return part(m, "encoding")["inputs"].([]any)[i].(map[string]any)
}
func target(m object) map[string]any {
	return part(m, "encoding")["targets"].([]any)[0].(map[string]any)
}
