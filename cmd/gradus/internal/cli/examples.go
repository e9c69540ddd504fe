package cli

// The examples that help shows after the description of a command. Help leaves indented lines as they are.

func (trainCmd) Help() string {
	return exampleCalls(
		"gradus train data.csv", "the last column is the target",
		"gradus train data.csv --target price --test 0.2", "with scores on held-out rows",
		"gradus train data.csv --run runs/1", "kept: gradus resume runs/1 continues after a crash",
		"gradus train new.csv --from data.safetensors", "from a model's weights, with its network and encoding",
	)
}

func (inspectCmd) Help() string {
	return exampleCalls(
		"gradus inspect data.csv", "",
		"gradus inspect data.csv --types zip=category --date-format 'born=%d/%m/%Y'", "with the types of two columns",
	)
}

func (infoCmd) Help() string { return exampleCalls("gradus info data.safetensors", "") }

func (notebookCmd) Help() string {
	return exampleCalls("gradus notebook -o pictures", "with each run's network and error drawn")
}

func (benchCmd) Help() string {
	return exampleCalls(
		"gradus bench --workload tabular --threads 1", "",
		"mpirun -n 2 gradus bench --mpi", "the gain from more ranks; needs a build with MPI",
	)
}

func (completionCmd) Help() string {
	return exampleCalls("source <(gradus completion bash)", "for this shell; in ~/.bashrc for every shell")
}

func (resumeCmd) Help() string { return exampleCalls("gradus resume runs/1", "") }

func (predictCmd) Help() string {
	return exampleCalls(
		"gradus predict data.safetensors new.csv -o predictions.csv", "",
		"gradus predict data.safetensors new.csv --keep id", "with the column id in front",
		"gradus predict data.safetensors new.csv --interval 0.9", "with intervals that hold the target nine times in ten",
		"gradus predict data.safetensors new.csv --bad-cells missing", "with cells that cannot be read as missing",
	)
}

func (evaluateCmd) Help() string {
	return exampleCalls(
		"gradus evaluate data.safetensors labeled.csv", "",
		"gradus evaluate data.safetensors labeled.csv --metric precision,recall", "",
	)
}

func (checkCmd) Help() string {
	return exampleCalls("gradus check data.csv --target price --activation tanh", "")
}

func (cvCmd) Help() string {
	return exampleCalls(
		"gradus cv data.csv --target price --folds 10", "",
		"gradus cv data.csv --group patient -o predictions.csv", "rows of one patient stay together",
	)
}

func (importanceCmd) Help() string {
	return exampleCalls("gradus importance data.safetensors labeled.csv -o importance.svg", "")
}

func (shapCmd) Help() string {
	return exampleCalls(
		"gradus shap data.safetensors new.csv --row 0 -o why.svg", "one row: a waterfall",
		"gradus shap data.safetensors data.csv -o swarm.svg", "up to 200 rows: what moves the predictions",
		"gradus shap data.safetensors new.csv --background data.csv -o values.csv", "all values, with the training rows as background",
	)
}

func (explainCmd) Help() string {
	return exampleCalls(
		"gradus explain data.safetensors data.csv --row 0", "",
		"gradus explain data.safetensors data.csv --row 0 --weight 0.2.1 -o explain.svg", "layer 0, from input 2 to unit 1",
	)
}

func (compareCmd) Help() string {
	return exampleCalls("gradus compare data.csv --target price -o compare.svg", "")
}

func (tuneCmd) Help() string {
	return exampleCalls(
		"gradus tune data.csv --target price", "",
		"gradus tune data.csv --search lr=1e-4..1e-1:log --search 'hidden=32|64,64' --trials 50 --run search", "run it again to continue",
		"gradus tune data.csv --queue postgres://ann@db.example/shop", "trained by the machines that run gradus work",
	) + more("cluster.md")
}

func (workCmd) Help() string {
	return exampleCalls(
		"gradus work --queue postgres://ann@db.example/shop", "on each machine that helps; the password is in PGPASSWORD or ~/.pgpass",
		"gradus work --queue postgres://ann@db.example/shop --data-root /mnt/tables --idle 10m", "exits after ten idle minutes",
	) + more("cluster.md")
}

func (lrCmd) Help() string { return exampleCalls("gradus lr data.csv --target price -o rates.svg", "") }

func (labCmd) Help() string { return exampleCalls("gradus lab data.csv", "") + more("lab.md") }

func (plotCmd) Help() string {
	return exampleCalls("gradus plot runs/1 -o curves.svg", "", "gradus plot data.safetensors -o network.svg", "",
		"gradus plot data.safetensors data.csv --column age -o age.svg", "how predictions depend on one column")
}

func (exportCmd) Help() string {
	return exampleCalls(
		"gradus export data.safetensors -o data.onnx", "from the cells of a row to its label",
		"gradus export data.safetensors -o data.go", "one Go file, and its test data_test.go",
		"gradus export data.safetensors -o weights.safetensors --bare --layout torch", "for load_state_dict",
	) + more("export.md")
}

func (importCmd) Help() string {
	return exampleCalls(
		"gradus import net.onnx -o net.safetensors --columns age,height --target price", "",
		"gradus import net.npz -o net.safetensors --activation tanh --task multiclass", "tensors do not name their activations",
	)
}

func (serveCmd) Help() string {
	return exampleCalls(
		"gradus serve data.safetensors", "curl -d '{\"age\":59, ...}' http://127.0.0.1:8080/predict",
		"gradus serve prices=data.safetensors --listen 0.0.0.0:8080 --tls-cert cert.pem --tls-key key.pem", "with a token, which it prints",
	) + more("serve.md")
}

func (reportCmd) Help() string { return exampleCalls("gradus report runs/1 -o report.html", "") }

// exampleCalls writes calls, each with its explanation.
func exampleCalls(pairs ...string) string {
	text := "Examples:\n"
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			text += "\n  # " + pairs[i+1]
		}
		text += "\n  " + pairs[i]
	}
	return text
}

// more names the page with more about a command.
func more(page string) string { return "\n\nMore: gradus help " + page }
