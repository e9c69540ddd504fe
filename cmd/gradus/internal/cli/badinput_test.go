package cli

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gradus-ml/gradus/model"
)

// badTables holds the files that badInput names.
var badTables = map[string]string{
	"empty.csv":     "",
	"blank.csv":     "\n\n",
	"header.csv":    "a,b,y\n",
	"short.csv":     "a,b,y\n1,2,3\n4,5\n",
	"long.csv":      "a,b,y\n1,2,3\n4,5,6\n7,8,9,10\n",
	"quote.csv":     "a,b,y\n1,2,3\n4,\"5,6\n",
	"single.csv":    "a,b,y\n1,2,u\n4,5,u\n3,3,u\n",
	"nul.csv":       "a,b,y\n1,2,3\n1,\x002,3\n",
	"utf8.csv":      "a,b,y\n1,\xff2,3\n1,é,3\n",
	"utf16.csv":     "\xff\xfea\x00,\x00b\x00\n\x001\x00,\x00\x00\xd8\n\x00",
	"zip.csv":       "PK\x03\x04\x00\x00",
	"damaged.gz":    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	"inf.csv":       "a,b,y\n1,2,3\n2,inf,4\n",
	"minusinf.csv":  "a,b,y\n1,2,3\n2,-Infinity,4\n",
	"1e400.csv":     "a,b,y\n1,1e400,3\n2,3,4\n",
	"targetinf.csv": "a,b,y\n1,2,inf\n2,3,4\n5,6,7\n",
	"constant.csv":  "a,b,y\n1,2,3\n1,2,4\n",
	"nolabel.csv":   "a,b,y\n1,2,\n2,3,NA\n",
	"negative.csv":  "a,y\n1,2\n2,-3\n3,7\n5,1\n9,11.5\n",
	"array.json":    "[1]",
	"flag.json":     `{"nope": 1}`,
	"rate.json":     `{"lr": -1}`,

	// These are for the model of the penguins.
	"lacks.csv":   "island,sex,bill_depth_mm,bill_length,flipper_length_mm,body_mass_g\nDream,male,18,40,181,4000\n",
	"lacks3.csv":  "island,bill_length_mm,body_mass_g\nDream,40,4000\n",
	"type.csv":    "island,sex,bill_depth_mm,bill_length_mm,flipper_length_mm,body_mass_g\nDream,male,18,40,181,4000\nDream,male,18,40,long,4000\n",
	"typeinf.csv": "island,sex,bill_depth_mm,bill_length_mm,flipper_length_mm,body_mass_g\nDream,male,18,40,inf,4000\n",
	"plain.csv":   "island,sex,bill_depth_mm,bill_length_mm,flipper_length_mm,body_mass_g\nDream,male,18,40,181,4000\n",
	"class.csv":   "island,sex,bill_depth_mm,bill_length_mm,flipper_length_mm,body_mass_g,species\nDream,male,18,40,181,4000,Emperor\n",
}

// badInput lists calls that gradus must refuse, with their exit status. Standard error must be one line
// that contains words.
var badInput = []struct {
	args  string
	code  int
	words []string
}{
	// The call.
	{"nope", 2, []string{"no command nope", "gradus help"}},
	{"trian x", 2, []string{"no command trian", `did you mean "train"`}},
	{"train", 2, []string{"gradus train DATA"}},
	{"train $IRIS --nope", 2, []string{"unknown flag --nope", "gradus help train"}},
	{"train $IRIS --lrr 1", 2, []string{"unknown flag --lrr", `"--lr"`}},
	{"train $IRIS --lr", 2, []string{"--lr: expected a value after the flag, and there is none"}},
	{"train $IRIS -o", 2, []string{"--out: expected string value after the flag, and there is none"}},
	{"train $IRIS $IRIS", 1, []string{"iris.csv", "named twice"}},
	{"train $IRIS --hidden", 2, []string{"--hidden"}},
	{"predict", 2, []string{"<model> <data>", "gradus help predict"}},
	{"predict good.safetensors", 2, []string{"<data>"}},
	{"evaluate", 2, []string{"<model> <data>"}},
	{"check", 2, []string{"<data>"}},
	{"explain good.safetensors plain.csv", 2, []string{"--row"}},
	{"plot good.safetensors", 2, []string{"--out"}},
	{"plot good.safetensors -o net.pdf", 2, []string{"net.pdf", ".svg or .png"}},
	{"info", 2, []string{"<model>"}},
	{"export good.safetensors", 2, []string{"--out"}},
	{"export good.safetensors -o m.onnx --package p", 2, []string{"package", "source (.go, .c)", "m.onnx"}},
	{"export good.safetensors -o m.go --package 2p", 2, []string{`"2p"`, "name of a Go package"}},
	{"export good.safetensors -o m_test.go", 2, []string{"m_test.go", "leave out _test"}},
	{"export good.safetensors -o m.go --net", 2, []string{"--net is for ONNX files", "m.go"}},
	{"export good.safetensors -o m.onnx --bare", 2, []string{"--bare is for files of tensors", "m.onnx"}},
	{"export good.safetensors -o b.safetensors", 2, []string{"b.safetensors", "its tensors alone with --bare"}},
	{"export good.safetensors -o m.npz --layout keras", 2, []string{`--layout "keras": give gradus or torch`}},
	{"export good.safetensors -o m.onnx --layout torch", 2, []string{"--layout is for files of tensors"}},
	{"import good.safetensors -o m.safetensors", 1, []string{"good.safetensors", "a model of gradus already"}},
	{"info $IRIS", 1, []string{"iris.csv: this is a text file, such as a table, and not a model"}},
	{"import $IRIS -o m.safetensors", 2, []string{"iris.csv", "none of the endings"}},
	{"import nofile.npz -o m.safetensors", 1, []string{"nofile.npz", "no such file"}},
	{"import nofile.npz -o m.safetensors --task nope", 2, []string{"--task", `"nope"`}},
	{"serve", 2, []string{"<model>", "gradus help serve"}},
	{"serve nofile.safetensors --listen 127.0.0.1:0", 1, []string{"nofile.safetensors", "no such file"}},
	{"serve $IRIS --listen 127.0.0.1:0", 1, []string{"iris.csv", "this is a text file, such as a table, and not a model"}},
	{"serve good.safetensors good.safetensors --listen 127.0.0.1:0", 1, []string{"two models named good", "NAME=FILE"}},
	{"serve =good.safetensors", 2, []string{"=good.safetensors", "NAME/VERSION=FILE"}},
	{"serve good.safetensors --listen nowhere", 2, []string{"--listen nowhere", "HOST:PORT"}},
	{"serve good.safetensors --max-rows 0", 2, []string{"--max-rows", "at least 1"}},
	{"serve good.safetensors --max-reasons 0", 2, []string{"--max-reasons", "at least 1"}},
	{"serve good.safetensors --background nofile.csv", 1, []string{"nofile.csv", "no such file"}},
	{"serve good.safetensors --background a=$IRIS --listen 127.0.0.1:0", 1, []string{"iris.csv", "a model a, and there is no such model", "good"}},
	{"serve good.safetensors --background $IRIS --background good=$IRIS", 2, []string{"--background good=", "one for each"}},
	{"serve a=good.safetensors b=good.safetensors --background $IRIS", 2, []string{"several models", "NAME=FILE"}},
	{"serve good.safetensors --drain -1s", 2, []string{"--drain", "2s"}},
	{"serve good.safetensors --tls-cert c.pem", 2, []string{"--tls-cert and --tls-key", "both"}},
	{"serve good.safetensors --listen 127.0.0.1:0 --tls-cert c.pem --tls-key k.pem", 2, []string{"c.pem", "no such file"}},
	{"serve good.safetensors --listen 127.0.0.1:0 --pprof 0.0.0.0:0", 2, []string{"--pprof", "only on loopback"}},
	{"export good.safetensors -o m.pmml", 2, []string{"m.pmml", "endings", ".onnx"}},
	{"completion tcsh", 2, []string{"tcsh", "bash", "zsh", "fish"}},
	{"help nope", 2, []string{"no command nope"}},

	// The table.
	{"train nofile.csv", 1, []string{"nofile.csv", "no such file", "check the path"}},
	{"train options", 1, []string{"gradus: options: no such file"}},
	{"train folder", 1, []string{"folder/config.json"}},
	{"train empty.csv", 1, []string{"empty.csv", "empty", "at least one row"}},
	{"train blank.csv", 1, []string{"blank.csv", "empty"}},
	{"train -", 1, []string{"standard input", "empty"}},
	{"train header.csv", 1, []string{"header.csv", "a header and no rows"}},
	{"train short.csv", 1, []string{"short.csv:3", "row has 2 cells, the header has 3", "keep its delimiter"}},
	{"train long.csv", 1, []string{"long.csv:4", "row has 4 cells, the header has 3", "quote"}},
	{"train quote.csv", 1, []string{"quote.csv:3", "not closed"}},
	{"train $IRIS --target specis", 1, []string{"iris.csv", `no column "specis"`, `did you mean "species"?`}},
	{"train $IRIS --target color", 1, []string{`no column "color"`, `the columns are "sepal_length_cm"`}},
	{"train $IRIS --target species,species", 1, []string{`"species" is named twice`}},
	{"train $IRIS --target species --ignore species", 1, []string{`"species" is to be ignored as well`}},
	{"train $IRIS --ignore sepal_length_cm,petal_length_cm,sepal_width_c", 1, []string{`no column "sepal_width_c"`, `did you mean "sepal_width_cm"?`}},
	{"train $IRIS --ignore petal_lenght_cm", 1, []string{`no column "petal_lenght_cm"`, `did you mean "petal_length_cm"`}},
	{"train $IRIS --types petal=number", 1, []string{`no column "petal"`}},
	{"train $IRIS --types species=number", 1, []string{"iris.csv:2", `"species"`, `"setosa" is not a number`}},
	{"train single.csv", 1, []string{"single.csv", `"y" has a single class, "u"`, "two or more"}},
	{"train nul.csv", 1, []string{"nul.csv:3", `column "b"`, "NUL byte"}},
	{"train utf8.csv", 1, []string{"utf8.csv:2", `column "b"`, "0xff", "not valid UTF-8"}},
	{"train utf16.csv", 1, []string{"utf16.csv:2", `column "b"`, "--encoding"}},
	{"train zip.csv", 1, []string{"zip.csv", "zip archive"}},
	{"train damaged.gz", 1, []string{"damaged.gz", "gzip", "cut short or damaged"}},
	{"train inf.csv", 1, []string{"inf.csv:3", `column "b"`, `"inf"`, "not a finite decimal number", "say --missing inf if it means that the value is missing"}},
	{"train minusinf.csv", 1, []string{"minusinf.csv:3", `"-Infinity"`, "not a finite decimal number"}},
	{"train 1e400.csv", 1, []string{"1e400.csv:2", `"1e400"`, "not a finite decimal number"}},
	{"train targetinf.csv", 1, []string{"targetinf.csv:2", `column "y"`, "not a finite decimal number"}},
	{"train constant.csv", 1, []string{"no column is left", "constant"}},
	{"train nolabel.csv", 1, []string{"nolabel.csv", "no row has a target", `"y"`}},
	{"train $IRIS --test nofile.csv", 1, []string{"--test", "nofile.csv", "no such file", "0.2"}},
	{"train $IRIS --validation nofile.csv", 1, []string{"--validation", "nofile.csv", "no such file"}},
	{"train $IRIS --test plain.csv", 1, []string{"plain.csv", `no column "species"`}},
	{"train $IRIS --validation header.csv", 1, []string{"header.csv", "no rows"}},

	// The flags.
	{"train $IRIS --on-divergence explode", 2, []string{"--on-divergence explode: choose stop or halve-lr"}},
	{"train $IRIS --hidden -3", 2, []string{"--hidden", `"-3"`, "0 alone for no hidden layer"}},
	{"train $IRIS --hidden abc", 2, []string{"--hidden", `"abc"`, "whole numbers"}},
	{"train $IRIS --hidden 8,0", 2, []string{"--hidden", `"0"`}},
	{"train $IRIS --hidden 99999999999999999999", 2, []string{"--hidden", "99999999999999999999"}},
	{"train $IRIS --hidden 9999999999,9999999999", 2, []string{"--hidden", "more than can be counted"}},
	{"train $IRIS --hidden 1000000,1000000", 1, []string{"not enough memory", " parameters", "TB", "GB left", "smaller hidden layers"}},
	{"check $IRIS --hidden 1000000,1000000", 1, []string{"not enough memory"}},
	{"train $IRIS --lr -1", 2, []string{"--lr", "-1", "greater than 0"}},
	{"train $IRIS --lr 0", 2, []string{"--lr", "greater than 0"}},
	{"train $IRIS --lr NaN", 2, []string{"--lr NaN", "finite number greater than 0"}},
	{"train $IRIS --lr Inf", 2, []string{"--lr", "Inf", "finite"}},
	{"train $IRIS --lr fast", 2, []string{"--lr fast", "finite number"}},
	{"train $IRIS --optimizer momentum --momentum 2", 2, []string{"momentum is 2", "less than 1"}},
	{"train $IRIS --optimizer momentum --momentum -0.5", 2, []string{"momentum is -0.5"}},
	{"train $IRIS --optimizer sgd --momentum 0.5", 2, []string{"sgd has no momentum"}},
	{"train $IRIS --optimizer adam --beta1 1", 2, []string{"beta1 is 1", "less than 1"}},
	{"train $IRIS --optimizer adam --beta2 NaN", 2, []string{"beta2 is NaN"}},
	{"train $IRIS --optimizer adam --epsilon -1", 2, []string{"epsilon is -1"}},
	{"train $IRIS --optimizer adamw --weight-decay -1", 2, []string{"weight-decay is -1"}},
	{"train $IRIS --optimizer sgd --weight-decay -1", 2, []string{"--weight-decay", "-1", "at least 0"}},
	{"train $IRIS --optimizer lbfgs --method mini-batch", 2, []string{"--optimizer", "lbfgs", "method batch, not mini-batch"}},
	{"compare $IRIS --optimizer lbfgs -o none", 2, []string{"stochastic", "lbfgs", "method batch"}},
	{"train $IRIS --optimizer cg --momentum 0.9", 2, []string{"--optimizer", "cg has no momentum"}},
	{"train $IRIS --optimizer lbfgs --schedule cosine", 2, []string{"--optimizer", "finds its own rate"}},
	{"train $IRIS --optimizer lbfgs --dropout 0.1", 2, []string{"--optimizer", "layer 1 drops inputs"}},
	{"train $IRIS --optimizer cg --norm batch", 2, []string{"--optimizer", "running statistics", "layer normalization"}},
	{"train $IRIS --optimizer lbfgs --l1 0.1", 2, []string{"--optimizer", "l1 has a kink", "l2"}},
	{"train $IRIS --optimizer cg --clip-norm 1", 2, []string{"--optimizer", "cg follows the loss alone, and clip-norm", "use l2"}},
	{"train $IRIS --optimizer lbfgs --weight-decay 1", 2, []string{"--optimizer", "lbfgs follows the loss alone, and weight-decay", "use l2"}},
	{"train $IRIS --optimizer lbfgs --l1 1", 2, []string{"--optimizer", "smooth loss", "l1", "use l2, or another optimizer"}},
	{"train $IRIS --optimizer cg --schedule cosine", 2, []string{"--optimizer", "finds its own rate", "schedule (cosine)", "leave it out"}},
	{"train $IRIS --optimizer cg --warmup 2", 2, []string{"--optimizer", "finds its own rate", "warm-up", "leave it out"}},
	{"train $IRIS --optimizer lion --epsilon 1", 2, []string{"lion has no epsilon"}},
	{"train $IRIS --l1 -1", 2, []string{"--l1", "-1", "at least 0"}},
	{"train $IRIS --l2 NaN", 2, []string{"--l2", "NaN", "finite"}},
	{"train $IRIS --max-norm -1", 2, []string{"--max-norm", "-1"}},
	{"train $IRIS --clip-norm Inf", 2, []string{"--clip-norm", "Inf", "finite"}},
	{"train $IRIS --clip-value -1", 2, []string{"--clip-value", "-1"}},
	{"train $IRIS --ema 1", 2, []string{"--ema", "1", "less than 1"}},
	{"train $IRIS --label-smoothing 1", 2, []string{"--label-smoothing", "less than 1"}},
	{"train $IRIS --label-smoothing 0.1 --output-activation sigmoid --loss squared", 2, []string{"--label-smoothing", "cross-entropy", "squared"}},
	{"train $IRIS --warmup -1", 2, []string{"--warmup", "-1", "at least 0"}},
	{"train $IRIS --warmup 5 --epochs 5", 2, []string{"--warmup", "5 epochs", "more epochs"}},
	{"train $IRIS --schedule plateau:0", 2, []string{"--schedule", "plateau:0", "at least 1"}},
	{"train $IRIS --schedule one-cycle:1:2:3:4", 2, []string{"--schedule", "at most 3 parameters"}},
	{"train $IRIS --batch-size 0", 2, []string{"--batch-size 0", "at least 1"}},
	{"train $IRIS --batch-size -8", 2, []string{"--batch-size -8", "at least 1"}},
	{"train $IRIS --batch-size 1.5", 2, []string{"--batch-size 1.5", "whole number of at least 1"}},
	{"train $IRIS --epochs 0", 2, []string{"--epochs 0", "at least 1"}},
	{"train $IRIS --epochs -1", 2, []string{"--epochs -1", "at least 1"}},
	{"train $IRIS --shards 0", 2, []string{"--shards 0", "at least 1"}},
	{"train $IRIS --max-time -5s", 2, []string{"--max-time -5s", "greater than 0"}},
	{"train $IRIS --max-time soon", 2, []string{"--max-time soon", "5m"}},
	{"train $IRIS --patience -1", 2, []string{"--patience -1", "0 to switch"}},
	{"train $IRIS --min-delta -1", 2, []string{"--min-delta", "-1", "at least 0"}},
	{"train $IRIS --tolerance 0", 2, []string{"--tolerance", "0", "greater than 0"}},
	{"train $IRIS --tolerance NaN", 2, []string{"--tolerance", "NaN"}},
	{"train $IRIS --target-loss NaN", 2, []string{"--target-loss", "NaN", "finite"}},
	{"train $IRIS --validation 1.5", 2, []string{"--validation 1.5", "less than 1", "none"}},
	{"train $IRIS --validation -0.5", 2, []string{"--validation -0.5"}},
	{"train $IRIS --validation NaN", 2, []string{"--validation NaN"}},
	{"train $IRIS --test 1", 2, []string{"--test 1", "less than 1"}},
	{"train $IRIS --seed -1", 2, []string{"--seed -1", "at least 0"}},
	{"train $IRIS --delimiter ab", 2, []string{"--delimiter", `"ab"`, "one character"}},
	{"train $IRIS --header maybe", 2, []string{"--header", `"maybe"`}},
	{"train $IRIS --loss nope", 2, []string{"--loss", `"nope"`, "cross-entropy"}},
	{"train $IRIS --loss huber:0", 2, []string{"--loss", "huber:0", "greater than 0"}},
	{"train $IRIS --reduction max", 2, []string{"--reduction", `"max"`, "mean or sum"}},
	{"train $IRIS --activation nope", 2, []string{"--activation", `"nope"`, "relu"}},
	{"train $IRIS --activation softmax", 2, []string{"--activation", "softmax belongs to the output layer"}},
	{"train $IRIS --activation leaky-relu:x", 2, []string{"--activation", `"x"`}},
	{"train $IRIS --output-activation nope", 2, []string{"--output-activation", `"nope"`}},
	{"train $IRIS --optimizer nope", 2, []string{"--optimizer", `"nope"`, "adamw"}},
	{"train $IRIS --schedule nope", 2, []string{"--schedule", `"nope"`, "cosine"}},
	{"train $IRIS --schedule step:0", 2, []string{"--schedule", "step:0"}},
	{"train $IRIS --init nope", 2, []string{"--init", `"nope"`, "glorot"}},
	{"train $IRIS --method nope", 2, []string{"--method nope", "per-sample"}},
	{"train $IRIS --precision float16", 2, []string{"--precision", "--precision float16", "float32", "float64"}},
	{"train $IRIS --task nope", 2, []string{"--task", `"nope"`, "multilabel"}},
	{"train $IRIS --scale nope", 2, []string{"--scale", `"nope"`, "robust"}},
	{"train $IRIS --types species=nope", 2, []string{"--types", `"nope"`, "category"}},
	{"train $IRIS --types species", 2, []string{"--types", `"species"`}},
	{"train $IRIS --config nofile.json", 1, []string{"--config", "nofile.json", "no such file"}},
	{"train $IRIS --config array.json", 2, []string{"--config", "array.json", "not a JSON object"}},
	{"train $IRIS --config flag.json", 2, []string{"--config", "no flag --nope"}},
	{"train $IRIS --config rate.json", 2, []string{"--lr", "-1"}},
	{"check $IRIS --rows 0", 2, []string{"--rows"}},

	// Flags that make no sense together.
	{"train $IRIS --loss cross-entropy --output-activation sigmoid", 2, []string{"--loss", "cross-entropy needs a softmax", "sigmoid"}},
	{"train $IRIS --loss binary-cross-entropy", 2, []string{"--loss", "needs a sigmoid"}},
	{"train $IRIS --loss poisson", 2, []string{"--loss", "poisson", "is for amounts", "the task is multiclass"}},
	{"train $IRIS --output-activation relu", 2, []string{"--output-activation", "probabilities", "relu", "softmax"}},
	{"train $IRIS --task regression", 1, []string{"iris.csv", `"species" holds text`, "regression takes numbers"}},
	{"train $IRIS --task binary", 1, []string{`"species" has 3 classes`, "takes two"}},
	{"train negative.csv --loss poisson", 2, []string{"--loss poisson", "negative.csv", "line 3", "-3"}},
	{"train negative.csv --loss binary-cross-entropy", 2, []string{"negative.csv", "line 2", "[0, 1]"}},
	{"train negative.csv --loss cross-entropy", 2, []string{"cross-entropy is for classes, and the task is regression"}},
	{"train $IRIS --task multiclass --target petal_width_cm,species", 1, []string{"multiclass takes one target", "2"}},

	// Places to write to.
	{"train $IRIS -o folder", 1, []string{"folder", "is a folder", "--out"}},
	{"train $IRIS -o nofolder/m.safetensors", 1, []string{"cannot write nofolder/m.safetensors", "the folder nofolder does not exist", "--out"}},
	{"train $IRIS --run empty.csv", 1, []string{"--run", "empty.csv"}},
	{"train $IRIS --run folder", 1, []string{"--run", "folder holds a run already"}},
	{"predict good.safetensors plain.csv -o nofolder/p.csv", 1, []string{"nofolder", "does not exist"}},
	{"predict good.safetensors plain.csv -o folder", 1, []string{"folder", "name a file in it"}},
	{"export good.safetensors -o nofolder/m.onnx", 1, []string{"nofolder", "does not exist"}},
	{"export nofile.safetensors -o m.onnx", 1, []string{"nofile.safetensors", "no such file"}},
	{"plot good.safetensors -o nofolder/net.svg", 1, []string{"nofolder", "does not exist"}},

	// A model and a table that do not fit each other.
	{"predict good.safetensors nofile.csv", 1, []string{"nofile.csv", "no such file"}},
	{"predict good.safetensors header.csv", 1, []string{"header.csv", "no rows"}},
	{"predict good.safetensors lacks.csv", 1, []string{"lacks.csv", `no column "bill_length_mm"`, "which the model needs"}},
	{"predict good.safetensors lacks3.csv", 1, []string{"lacks3.csv", "3 columns", `"bill_depth_mm", "flipper_length_mm", "sex"`}},
	{"predict good.safetensors type.csv", 1, []string{"type.csv:3", `"flipper_length_mm"`, `"long" is not a number`}},
	{"predict good.safetensors typeinf.csv", 1, []string{"typeinf.csv:2", `"flipper_length_mm"`, `"inf" is not a finite`}},
	{"evaluate good.safetensors plain.csv", 1, []string{"plain.csv", `no column "species"`, "the target"}},
	{"evaluate good.safetensors class.csv", 1, []string{"class.csv:2", `"Emperor"`, `"Adelie"`}},
	{"explain good.safetensors $PENGUINS --row 344", 1, []string{"344"}},
	{"plot folder --what network -o net.svg", 1, []string{"folder", "no network"}},
	{"plot nofile -o net.svg", 1, []string{"nofile", "no such file"}},

	// Files that are not models. Each goes through info, predict, evaluate, plot and --from.
	{"info nofile.safetensors", 1, []string{"nofile.safetensors", "no such file"}},
	{"info folder", 1, []string{"folder", "this is a folder"}},
	{"predict $IRIS $IRIS", 1, []string{"iris.csv", "this is a text file, such as a table, and not a model"}},
	{"train $IRIS --from nofile.safetensors", 1, []string{"--from", "nofile.safetensors", "no such file"}},
	{"train $IRIS --from $IRIS", 1, []string{"--from", "iris.csv", "this is a text file, such as a table, and not a model"}},
	{"train $IRIS --from good.safetensors", 2, []string{"--from", "good.safetensors", "iris.csv", "lacks the columns", `"flipper_length_mm"`}},
	{"train $PENGUINS --hidden 3,4 --from good.safetensors", 2, []string{"good.safetensors", "--hidden 3,4: the model has the hidden layers 3"}},
	{"train $PENGUINS --hidden 3 --from good.safetensors --no-bias", 2, []string{"good.safetensors", "the model has biases", "--no-bias"}},
	{"train $PENGUINS --activation tanh --from good.safetensors", 2, []string{"--activation tanh: the model has the activation relu"}},
	{"train $PENGUINS --norm layer --from good.safetensors", 2, []string{"--norm layer: the model has the norm none"}},
	{"train $PENGUINS --target island --from good.safetensors", 2, []string{`the model predicts "species", and the call "island"`}},
	{"train $PENGUINS --scale robust --from good.safetensors", 2, []string{"--scale robust: the model has the scaling auto"}},
	{"train $PENGUINS --types body_mass_g=category --from good.safetensors", 2, []string{`the column "body_mass_g" for a number, and the call for a category`}},
	{"train $PENGUINS --ignore sex --from good.safetensors", 2, []string{`the model learns from the column "sex", which the call leaves out`}},
	{"train $PENGUINS --hidden 3 --from nan.safetensors", 1, []string{"nan.safetensors", "layers.0.bias", "NaN", "not a finite number"}},
	{"train $PENGUINS --hidden 3 --from shape.safetensors", 1, []string{"shape.safetensors", "layers.0.weight", "shape"}},
	{"train $PENGUINS --hidden 3 --from overlap.safetensors", 1, []string{"--from", "overlap.safetensors", "damaged"}},
}

// badPlace makes a working folder with all the files that badInput and badModels name.
func badPlace(t *testing.T) {
	t.Helper()
	place(t, badTables)
	if err := os.MkdirAll("folder", 0o777); err != nil {
		t.Fatal(err)
	}
	writeFile(t, "folder/config.json", "{}")
	must(t, 0, "train", penguins, "--hidden", "3", "--epochs", "1", "--members", "1", "--quiet", "-o", "good.safetensors")
	good := []byte(readFile(t, "good.safetensors"))
	for name, bad := range badModels {
		writeFile(t, name+".safetensors", string(bad.damage(openModelFile(good))))
	}
}

func TestBadInput(t *testing.T) {
	notShort(t)
	badPlace(t)
	before := listing(t)
	replace := strings.NewReplacer("$IRIS", iris, "$PENGUINS", penguins)
	check := func(args string, code int, words []string) {
		t.Helper()
		for _, problem := range refused(call(strings.Fields(replace.Replace(args))...), code, words) {
			t.Errorf("gradus %s: %s", args, problem)
		}
		if changed := changes(before, listing(t)); changed != nil {
			t.Fatalf("gradus %s: got the changed files %q, want none", args, changed)
		}
	}
	for _, c := range badInput {
		check(c.args, c.code, c.words)
	}
	for _, name := range slices.Sorted(maps.Keys(badModels)) {
		words := append([]string{name + ".safetensors"}, badModels[name].words...)
		for _, args := range []string{"info %s", "predict %s plain.csv", "evaluate %s $PENGUINS", "explain %s $PENGUINS --row 0", "plot %s -o net.svg"} {
			check(fmt.Sprintf(args, name+".safetensors"), 1, words)
		}
	}
}

// begun removes from an outcome what a call prints before training begins. A call that fails later has printed
// the lines about the table, and no others.
func begun(r outcome) outcome {
	if !strings.HasPrefix(r.out, "Data     ") {
		r.out = "not the data: " + r.out
		return r
	}
	var rest strings.Builder
	for line := range strings.Lines(r.out) {
		if !slices.ContainsFunc([]string{"Data  ", "Target  ", "Columns  ", "         "}, func(s string) bool { return strings.HasPrefix(line, s) }) {
			rest.WriteString(line)
		}
	}
	r.out = rest.String()
	return r
}

// refused returns how an outcome differs from a refusal. A refusal has that exit status, no output, and one line on
// standard error that contains words.
func refused(r outcome, code int, words []string) (problems []string) {
	if r.code != code {
		problems = append(problems, fmt.Sprintf("exit status %d, want %d", r.code, code))
	}
	if r.out != "" {
		problems = append(problems, fmt.Sprintf("printed %q", r.out))
	}
	if !strings.HasPrefix(r.err, "gradus: ") || strings.Index(r.err, "\n") != len(r.err)-1 {
		problems = append(problems, fmt.Sprintf("not one line that starts with gradus: %q", r.err))
	}
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			problems = append(problems, fmt.Sprintf("the message lacks %q: %s", w, r.err))
		}
	}
	return problems
}

// TestBadInputKeepsTheOldModel: a run that fails does not touch the model of an earlier run.
func TestBadInputKeepsTheOldModel(t *testing.T) {
	place(t, nil)
	trainQuietly(t, 0, iris, "--epochs", "1", "-o", "m.safetensors")
	before := listing(t)
	for _, args := range []string{"--lr -1", "--target nope", "--validation 2", "--hidden 1000000,1000000"} {
		call(append([]string{"train", "--members", "1", iris, "-o", "m.safetensors"}, strings.Fields(args)...)...)
	}
	if changed := changes(before, listing(t)); changed != nil {
		t.Errorf("got the changed files %q, want none", changed)
	}
}

// TestDiverges trains with learning rates so large that the run diverges.
func TestDiverges(t *testing.T) {
	for _, args := range []string{
		iris, diabetes, seed, cancer,
		diabetes + " --optimizer sgd", diabetes + " --method batch", iris + " --precision float64 --lr 1e300",
		diabetes + " --validation none --epochs 1 --batch-size 1000", seed + " --method per-sample",
		diabetes + " --run run",
	} {
		t.Run(args, func(t *testing.T) {
			place(t, nil)
			r := call(append(strings.Fields("train --members 1 --lr 1e30 --epochs 5 --quiet --json -o m.safetensors"), strings.Fields(args)...)...)
			words := []string{"diverged", "m.safetensors was not written", "m.last-good.safetensors", "smaller learning rate"}
			for _, problem := range refused(outcome{r.code, "", r.err}, 1, words) {
				t.Error(problem)
			}
			o := parseJSON(t, r.out)
			if o["stop_reason"] != "diverged" || o["converged"] != false || o["model"] != nil {
				t.Errorf(`got %s, want o["stop_reason"] = "diverged" and o["converged"] = false and o["model"] = nil`, r.out)
			}
			m, err := model.Load("m.last-good.safetensors") // Load refuses numbers that are not finite
			if err != nil {
				t.Fatal(err)
			}
			if m.Training.Reason != "diverged" || m.WeightsSHA256() != o["weights_sha256"] {
				t.Errorf("got the reason %q and the checksum %s, want diverged and %v", m.Training.Reason, m.WeightsSHA256(), o["weights_sha256"])
			}
			must(t, 0, "info", "m.last-good.safetensors")
			must(t, 0, "predict", "m.last-good.safetensors", strings.Fields(args)[0])
			left := changes(nil, listing(t))
			want := []string{".", "m.last-good.safetensors"}
			if strings.Contains(args, "--run") {
				want = append(want, "run", "run/checkpoint-1.safetensors", "run/config.json", "run/curves.svg", "run/history.csv", "run/lock", "run/result.json")
			}
			if !slices.Equal(left, want) {
				t.Errorf("got the files %q, want %q", left, want)
			}
		})
	}
}

// TestFullDevice writes results to a device without free space.
func TestFullDevice(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("needs /dev/full: ", err)
	}
	place(t, nil)
	must(t, 0, "train", iris, "--epochs", "1", "--quiet", "-o", "m.safetensors")
	before := listing(t)
	for _, args := range [][]string{
		{"train", iris, "--epochs", "1", "--quiet", "-o", "/dev/full"},
		{"predict", "m.safetensors", iris, "-o", "/dev/full"},
	} {
		r := call(args...)
		if args[0] == "train" { // the report is printed, because the model is lost
			if r = begun(r); !strings.Contains(r.out, "Trained  ") || strings.Contains(r.out, "Model    ") {
				t.Errorf("%s: the report is %q, want one that names no model", args, r.out)
			}
			r.out = ""
		}
		for _, problem := range refused(r, 1, []string{"cannot write /dev/full", "no space left on device"}) {
			t.Errorf("%s: %s", args, problem)
		}
	}
	if changed := changes(before, listing(t)); changed != nil {
		t.Errorf("got the changed files %q, want none", changed)
	}
}
