package cli

import (
	"strings"
	"testing"
)

// TestConfigReproduces: training with a run's config.json gives the same weights, bit for bit.
func TestConfigReproduces(t *testing.T) {
	place(t, map[string]string{
		"hash.txt":  strings.ReplaceAll(rows(60, `a,b,"p#q",y`, number, cycle("1", "2", "NA"), cycle("u", "v"), number), ",", "#"),
		"names.csv": rows(60, `"a,b",c,"y,z"`, number, cycle("1", "2"), number),
	})
	sum(t, iris, "--hidden", "5")
	keep(t, "sum.safetensors", "start.safetensors")
	for i, args := range []string{
		iris,
		iris + " --no-shuffle --no-bias --precision float64 --init glorot --seed 7",
		iris + " --test 0.2 --validation 0.3 --method batch --patience 3 --min-delta 0.001",
		iris + " --validation none --hidden 0",
		iris + " --tolerance 5 --scale robust --max-time 1h",
		iris + " --target-loss 0.8 --max-time 90m --target petal_width_cm",
		iris + " --hidden 5 --from start.safetensors",
		iris + " --types sepal_width_cm=category,petal_width_cm=ignore --ignore sepal_length_cm --shards 3",
		diabetes + " --optimizer adamw --weight-decay 0.1 --beta1 0.8 --beta2 0.9 --epsilon 1e-7 --schedule cosine:0.1 --loss huber:0.5 --activation leaky-relu:0.1",
		diabetes + " --optimizer nesterov --momentum 0.7 --lr 0.01 --schedule step:2:0.5 --method stochastic --reduction sum",
		diabetes + " --target s1,progression --output-activation identity --test " + diabetes,
		diabetes + " --optimizer sgd --lr 10 --on-divergence halve-lr --checkpoint-every 1s",
		iris + " --optimizer lion --weight-decay 0.2 --l1 0.001 --l2 0.01 --max-norm 2 --clip-norm 1 --clip-value 0.5 --ema 0.9 --label-smoothing 0.1 --warmup 1 --schedule plateau:1:0.5",
		diabetes + " --optimizer lbfgs --l2 0.1",
		iris + " --class-weight setosa=2,virginica=0.5 --metric auc,brier --group sepal_width_cm",
		cancer + " --class-weight balanced --sample-weight mean_radius --threshold auto:f1 --loss hinge --metric f1",
		diabetes + " --split time:age --loss tweedie:1.3 --metric mape",
		seed + " --method per-sample --activation sigmoid",
		iris + " --norm batch --dropout 0.2 --input-dropout 0.1",
		diabetes + " --norm layer --method stochastic",
		"hash.txt --delimiter # --header yes",
		"names.csv",
	} {
		args := append([]string{"train", "--members", "1", "--json", "--quiet", "--epochs", "3", "-o", "m.safetensors"}, strings.Fields(args)...)
		run := "run" + string(rune('a'+i))
		first := parseJSON(t, call(append(args, "--run", run)...).out)
		again := parseJSON(t, call("train", "--config", run+"/config.json", "--json", "--quiet").out)
		for _, key := range []string{"weights_sha256", "model", "epochs", "stop_reason"} {
			if first[key] != again[key] {
				t.Errorf("%s: got %s %v, want %v", args, key, again[key], first[key])
			}
		}
	}
}

func TestConfigLoses(t *testing.T) {
	place(t, map[string]string{
		"c.json": `{"data": "nofile.csv", "epochs": 2, "hidden": [4, 4], "lr": 0.01, "seed": 5, "no_shuffle": true, "batch-size": 10}`,
	})
	o := trainQuietly(t, 0, iris, "--config", "c.json")
	if o.number(t, "seed") != 5 || o.number(t, "options", "lr") != 0.01 || o.number(t, "epochs") != 2 || o.number(t, "options", "batch_size") != 10 || o.at(t, "options", "no_shuffle") != true {
		t.Errorf("the file has no effect: %v", o["options"])
	}
	o = trainQuietly(t, 0, iris, "--config", "c.json", "--seed", "6", "--lr", "0.02", "--shuffle", "--hidden", "3")
	if o.number(t, "seed") != 6 || o.number(t, "options", "lr") != 0.02 || o.number(t, "epochs") != 2 {
		t.Errorf("the command line does not win: %v", o["options"])
	}
	if _, off := o.at(t, "options").(map[string]any)["no_shuffle"]; off {
		t.Error("--shuffle does not win over no_shuffle")
	}
}

// If several settings in a file are wrong, the error names the same one every time. If the file has a flag
// twice, the same value counts every time.
func TestConfigHasOneOrder(t *testing.T) {
	place(t, map[string]string{
		"unknown.json": `{"zeta": 1, "beta": 1, "alpha": 1, "gamma": 1}`,
		"values.json":  `{"momentum": {"a": [{}]}, "lr": [[1, {"x": {}}]], "epochs": {"b": [null, [[]]]}, "beta1": {"c": {"d": {}}}}`,
		"twice.json":   `{"batch_size": 7, "batch-size": 9, "epochs": 1}`,
	})
	first := map[string]string{}
	for range 20 {
		for _, name := range []string{"unknown.json", "values.json"} {
			r := call("train", "--members", "1", iris, "--config", name, "--quiet")
			if r.code == 0 || first[name] != "" && first[name] != r.err {
				t.Fatalf("%s: got exit status %d and %q, want an error, and %q as before", name, r.code, r.err, first[name])
			}
			first[name] = r.err
		}
		if size := trainQuietly(t, 0, iris, "--config", "twice.json").number(t, "options", "batch_size"); size != 7 {
			t.Fatalf("got the batch size %v, want 7", size)
		}
	}
	if !strings.Contains(first["unknown.json"], "there is no flag --alpha") {
		t.Errorf("got %q, want it to name --alpha", first["unknown.json"])
	}
}
