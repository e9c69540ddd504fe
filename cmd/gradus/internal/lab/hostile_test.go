package lab

import (
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// Anyone may have written a link. The answer to each is a page with a run or a complaint.
func TestForgedLinks(t *testing.T) {
	_, web := newServer(t, Options{})
	link := func(options string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"example":"xor","options":{` + options + `}}`))
	}
	for i, options := range []string{
		`"hidden":[-3]`, `"hidden":[0]`, `"hidden":[99999999999]`, `"hidden":[3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3]`, `"hidden":null`,
		`"activation":"<script>"`, `"activation":"softmax"`, `"activation":"leaky-relu:-1e300"`, `"init":"normal:1e308"`, `"init":"uniform:0"`, `"loss":"huber:-1"`,
		`"lr":-1`, `"lr":1e308,"hidden":[3],"optimizer":"sgd"`, `"lr":5e-324`, `"momentum":7,"optimizer":"momentum"`, `"beta1":-1`, `"weight_decay":-5`, `"weight_decay":1e308`, `"l2":1e308`, `"dropout":1`, `"dropout":-0.1`,
		`"types":{"a":"ghost"}`, `"types":{"nowhere":"number"}`, `"types":{"a":"ignore","b":"ignore"}`, `"types":{"xor":"ignore"}`, `"target":["nowhere"]`, `"target":["a","a"]`, `"target":["a","b","xor"]`, `"scale":"big"`, `"task":"regression"`,
		`"epochs":-1`, `"epochs":9223372036854775807`, `"batch_size":-1`, `"batch_size":9223372036854775807`, `"warmup":-1`, `"warmup":9223372036854775807`, `"shards":1000000000`, `"threads":1000000`,
		`"validation":0.999`, `"validation":-1`, `"test":0.99,"validation":0.99`, `"tolerance":0`, `"tolerance":-1`, `"target_loss":1e308`, `"patience":5`, `"max_time":1`,
		`"schedule":"one-cycle:9:9:9"`, `"schedule":"step:0:0"`, `"schedule":"cosine-restarts:0:0:0"`, `"method":"per-sample","tolerance":1e-300`, `"precision":"float16"`, `"seed":18446744073709551615`, `"seed":-1`,
		`"optimizer":"lbfgs","method":"stochastic"`, `"class_weight":["x=1"]`, `"class_weight":["yes=0","no=0"]`, `"class_weight":["yes=1e308"]`, `"sample_weight":"a"`, `"sample_weight":"xor"`, `"norm":"batch","batch_size":1`, `"metric":["auc"]`,
	} {
		if testing.Short() && i%8 != 0 { // all of them take minutes with the race detector
			continue
		}
		v := &visitor{t: t, url: web, client: &http.Client{Transport: &http.Transport{}, Timeout: 2 * time.Minute}}
		var made struct {
			ID    string
			Frame message
		}
		v.decode(v.post("/session", url.Values{"link": {link(options)}}), &made)
		v.id = made.ID
		for _, tab := range tabs {
			for name, part := range v.do("do", "tab", "tab", tab.Name).HTML {
				if strings.Contains(part, "template:") || strings.Contains(part, "<script") {
					t.Errorf("%s: %s of %s is %s", options, name, tab.Name, part)
				}
			}
			v.do("do", "batch")
		}
		v.do("do", "epoch")
		v.do("do", "verify")
		v.do("do", "race")
		v.do("do", "surface")
		v.client.CloseIdleConnections()
	}
}

// A session answers all requests of several tabs at the same time, in any order. When it
// comes to rest, the weights are those of a plain run.
func TestManyHandsOnOneSession(t *testing.T) {
	before := goleak.IgnoreCurrent()
	server := NewServer(Options{})
	s, err := NewSession(nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &entry{Session: s, watchers: map[chan struct{}]bool{}}
	server.sessions["one"] = e
	ask := func(r *rand.Rand) {
		form := url.Values{}
		switch r.IntN(14) {
		case 0:
			form = url.Values{"do": {"run"}, "speed": {"full"}}
		case 1:
			form = url.Values{"do": {"pause"}}
		case 2, 3:
			form = url.Values{"do": {"goto"}, "n": {fmt.Sprint(r.IntN(2000))}}
		case 4:
			form = url.Values{"do": {"epoch"}}
		case 5:
			form = url.Values{"do": {"back"}}
		case 6:
			form = url.Values{"do": {"sample"}}
		case 7:
			form = url.Values{"do": {"example"}, "example": {examples[r.IntN(len(examples))].Name}}
		case 8:
			form = url.Values{"do": {"build"}, "hidden": {fmt.Sprint(1 + r.IntN(9))}, "optimizer": {[]string{"sgd", "adam", "lbfgs"}[r.IntN(3)]}}
		case 9:
			form = url.Values{"do": {[]string{"race", "verify", "surface"}[r.IntN(3)]}}
		case 10:
			form = url.Values{"do": {"cancel"}, "job": {[]string{"race", "verify", "surface"}[r.IntN(3)]}}
		case 11:
			form = url.Values{"do": {"tab"}, "tab": {tabs[r.IntN(len(tabs))].Name}}
		case 12:
			form = url.Values{"do": {"row"}, "row": {fmt.Sprint(r.IntN(200))}}
		case 13:
			if err := take(e, "t.csv", []byte("a,b\n1,2\n2,4\n3,5\n4,9\n")); err != nil {
				t.Error(err)
			}
			return
		}
		req, _ := http.NewRequest(http.MethodPost, "http://localhost/do?s=one", strings.NewReader(form.Encode()))
		req.Header.Set("Origin", "http://localhost")
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := &answer{header: http.Header{}}
		server.ServeHTTP(w, req)
		if w.status != 0 && w.status != http.StatusOK {
			t.Errorf("%v is answered with status %d", form, w.status)
		}
	}
	var hands sync.WaitGroup
	end := time.Now().Add(3 * time.Second)
	for i := range 6 {
		hands.Go(func() {
			for r := rand.New(rand.NewPCG(uint64(i), 1)); time.Now().Before(end); {
				ask(r)
			}
		})
	}
	hands.Wait()
	s.Pause()
	if err := s.Goto(ctx, 50); err != nil {
		t.Error(err)
	}
	f := s.Frame()
	t.Logf("at rest: %s, update %d of %d", f.Setup.Example, f.At, f.Most)
	if f.Running {
		t.Error("the run did not stop")
	}
	if f.At > 0 && !bits(f.Net.Params(), plain(t, f.Setup, f.Table, f.At)) {
		t.Errorf("after update %d of %s the weights differ from those of a plain run", f.At, f.Setup.Link())
	}
	server.Close()
	nothingLeft(t, "many hands", before)
}

// answer takes a response and keeps its status.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return io.Discard.Write(b) }
func (a *answer) WriteHeader(status int)      { a.status = status }
