package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// locked is a buffer that two goroutines may use.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// gradus lab prints a loopback address and serves the page there. It ends when its context does.
func TestLabServes(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var out, errs locked
	ended := make(chan int, 1)
	begun := time.Now()
	go func() {
		ended <- run(ctx, []string{"lab", filepath.Join("..", "..", "..", "..", "examples", "data", "iris.csv"), "--no-token"}, Std{In: strings.NewReader(""), Out: &out, Err: &errs})
	}()
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	for address.FindString(out.String()) == "" {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("no address was printed in 10 s: %s %s", &out, &errs)
		}
		time.Sleep(time.Millisecond)
	}
	url := address.FindString(out.String())
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !bytes.Contains(page, []byte("<title>gradus lab</title>")) {
		t.Errorf("got the page %.200s, want one with the title gradus lab", page)
	}
	req, _ := http.NewRequest(http.MethodPost, url+"session", nil)
	req.Header.Set("Origin", strings.TrimSuffix(url, "/"))
	resp, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	session, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !bytes.Contains(session, []byte("sepal")) {
		t.Errorf("a session does not begin with the table: %.300s", session)
	}
	var made struct{ ID string }
	if err := json.Unmarshal(session, &made); err != nil {
		t.Fatal(err)
	}
	step, _ := http.NewRequest(http.MethodPost, url+"do?s="+made.ID, strings.NewReader("do=batch"))
	step.Header.Set("Origin", strings.TrimSuffix(url, "/"))
	step.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err = http.DefaultClient.Do(step)
	if err != nil {
		t.Fatal(err)
	}
	frame, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !bytes.Contains(frame, []byte(`"at":1,`)) {
		t.Errorf("the first step: got %.200s, want the state after 1 update", frame)
	}
	took := time.Since(begun)
	t.Logf("from the call to the first step: %v", took)
	if took > 10*time.Second { // the aim is 1 s, but a busy machine takes longer
		t.Errorf("the first step took %v, want at most 10 s", took)
	}
	cancel()
	select {
	case code := <-ended:
		if code != statusDone {
			t.Errorf("got exit status %d, want 0: %s", code, &errs)
		}
	case <-time.After(10 * time.Second):
		t.Error("the lab has not ended 10 s after its context")
	}
}

// Without --no-token the printed address has a token, and requests without it are refused. Other users of
// the machine can reach loopback too.
func TestLabAsksForToken(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var out, errs locked
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"lab"}, Std{In: strings.NewReader(""), Out: &out, Err: &errs}) }()
	defer func() { cancel(); <-ended }()
	address := regexp.MustCompile(`(http://127\.0\.0\.1:\d+/)\?token=[0-9a-f]{32}`)
	for begun := time.Now(); !address.MatchString(out.String()); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatalf("no address with a token was printed in 10 s: %s %s", &out, &errs)
		}
	}
	found := address.FindStringSubmatch(out.String())
	jar, _ := cookiejar.New(nil)
	for _, c := range []struct {
		url  string
		want int
	}{{found[1], http.StatusUnauthorized}, {found[0], http.StatusOK}, {found[1], http.StatusOK}} {
		resp, err := (&http.Client{Jar: jar}).Get(c.url)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != c.want {
			t.Errorf("%s: got status %d, want %d", c.url, resp.StatusCode, c.want)
		}
	}
}

func TestLabRefuses(t *testing.T) {
	one, three := filepath.Join(t.TempDir(), "one.safetensors"), filepath.Join(t.TempDir(), "three.safetensors")
	must(t, 0, "train", iris, "--members", "1", "--epochs", "1", "--quiet", "-o", one)
	must(t, 0, "train", iris, "--members", "3", "--epochs", "1", "--quiet", "-o", three)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"lab", "none.csv"}, statusFailed, "none.csv"},
		{[]string{"lab", one}, statusUsage, one + " is a model file, and the lab shows the run of one network"},
		{[]string{"lab", three}, statusUsage, "an ensemble of 3 networks, and the lab shows the run of one network from its first update, which a model does not hold; open the table instead, or look at a trained network with gradus explain and gradus plot, with --member 0 to 2 for which"},
		{[]string{"lab", "--listen", "nowhere"}, statusUsage, "--listen nowhere"},
		{[]string{"lab", "--listen", "127.0.0.1:99999"}, statusUsage, "HOST:PORT"},
	} {
		var out, errs bytes.Buffer
		code := run(context.Background(), c.args, Std{In: strings.NewReader(""), Out: &out, Err: &errs})
		if code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%v: got exit status %d and %s, want %d and %q", c.args, code, &errs, c.code, c.want)
		}
	}
}

// gradus report writes one page about a run. The page has the model if its file still exists.
func TestReportPage(t *testing.T) {
	dir := t.TempDir()
	call := func(args ...string) (int, string) {
		var out, errs bytes.Buffer
		code := run(context.Background(), args, Std{In: strings.NewReader(""), Out: &out, Err: &errs})
		return code, errs.String()
	}
	folder, model, page := filepath.Join(dir, "run"), filepath.Join(dir, "m.safetensors"), filepath.Join(dir, "r.html")
	if code, errs := call("train", filepath.Join("..", "..", "..", "..", "examples", "data", "iris.csv"), "--epochs", "5", "--test", "0.2", "--quiet", "--run", folder, "-o", model); code != 0 {
		t.Fatal(errs)
	}
	read := func() string {
		t.Helper()
		if code, errs := call("report", folder, "-o", page); code != 0 {
			t.Fatalf("got exit status %d, want 0: %s", code, errs)
		}
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	text := read()
	for _, want := range []string{"<svg", "Confusion matrix, test rows", "accuracy", "weights_sha256", "versicolor"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, bad := range []string{"<script", " src=", " href="} {
		if strings.Contains(text, bad) {
			t.Errorf("the report has %q, want a page without it", bad)
		}
	}
	failed := filepath.Join(dir, "failed")
	if code, errs := call("train", filepath.Join("..", "..", "..", "..", "examples", "data", "iris.csv"), "--epochs", "20", "--init", "zeros", "--quiet", "--run", failed, "-o", filepath.Join(dir, "f.safetensors")); code != 0 {
		t.Fatal(errs)
	}
	if code, errs := call("report", failed, "-o", page); code != 0 {
		t.Fatal(errs)
	}
	if b, _ := os.ReadFile(page); !bytes.Contains(b, []byte("identical-units")) {
		t.Error("the report on a network that starts at 0 lacks its diagnosis")
	}
	if err := os.Remove(model); err != nil {
		t.Fatal(err)
	}
	if text := read(); !strings.Contains(text, "The model is not in this report") || !strings.Contains(text, "<svg") {
		t.Error("without its model the report does not say so")
	}
	if code, errs := call("report", filepath.Join(dir, "none"), "-o", page); code != statusFailed || !strings.Contains(errs, "holds no run") {
		t.Errorf("without a folder: got exit status %d and %s, want 1 and holds no run", code, errs)
	}
}

// TestReportHasTheRows: a run's page has the table, the columns, the columns that were left out, and charts of
// the predictions for the test rows. If the table has changed, the page says so.
func TestReportHasTheRows(t *testing.T) {
	table := rows(120, "id,a,b,const,num,two,three,l1,l2", numbered(""), number, func(i int) string { return number(i + 500) }, always("7"), number,
		cycle("no", "yes"), cycle("x", "y", "z"), cycle("0", "1"), cycle("1", "0", "0"))
	for target, want := range map[string][]string{
		"num":   {"num: predicted against true, 24 test rows", "num: residuals, 24 test rows"},
		"two":   {"ROC, 24 test rows", "Precision and recall, 24 test rows", "Calibration, 24 test rows", "Confusion matrix, test rows", "yes (AUC"},
		"three": {"ROC, 24 test rows", "Precision and recall, 24 test rows", "Calibration, 24 test rows", "x (AUC", "the guess (error"},
		"l1,l2": {"ROC, 24 test rows", "l1 (AUC", "l2 (AUC", "Scores by target"},
	} {
		place(t, map[string]string{"t.csv": table})
		must(t, 0, "train", "t.csv", "--target", target, "--test", "0.2", "--epochs", "3", "--quiet", "--run", "run", "-o", "m.safetensors")
		must(t, 0, "report", "run", "-o", "r.html")
		page := readFile(t, "r.html")
		for _, text := range append(want, "t.csv", "120 rows, 9 columns", "left out", "counts the rows", "constant: every cell is", "number", "Importance, 24 test rows", "What each column is worth") {
			if !strings.Contains(page, text) {
				t.Errorf("%s: the report lacks %q", target, text)
			}
		}
		for _, bad := range []string{"<script", " src=", " href=", "NaN", "not in this report"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: the report has %q", target, bad)
			}
		}
		writeFile(t, "t.csv", table+"1,2,3,7,1,no,x,0,1\n")
		must(t, 0, "report", "run", "-o", "r.html")
		page = readFile(t, "r.html")
		for _, text := range []string{"The predictions for the rows are not in this report: the table&#39;s rows are not what they were", "counts the rows", "<svg"} {
			if !strings.Contains(page, text) {
				t.Errorf("%s: after a change of the table, the report lacks %q", target, text)
			}
		}
	}
}

// TestReportOfInterruptedRun: the page of an interrupted run says how to continue it.
func TestReportOfInterruptedRun(t *testing.T) {
	place(t, nil)
	must(t, 0, "train", iris, "--epochs", "1", "--quiet", "--run", "run", "-o", "m.safetensors")
	writeFile(t, "run/result.json", strings.Replace(readFile(t, "run/result.json"), `"stop_reason":"epochs"`, `"stop_reason":"interrupted"`, 1))
	must(t, 0, "report", "run", "-o", "r.html")
	if page := readFile(t, "r.html"); !strings.Contains(page, "gradus resume run continues it") {
		t.Error("the page does not say how to continue the run")
	}
}
