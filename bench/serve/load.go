package main

import (
	"fmt"
	"io"
	"time"

	"fortio.org/fortio/fhttp"
	"fortio.org/fortio/periodic"
	"fortio.org/log"
)

// request is a request that is sent repeatedly.
type request struct {
	url     string
	headers []string
	body    []byte
}

// figures are the results of one measurement.
type figures struct {
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50"` // seconds
	P99       float64 `json:"p99"`
}

// load sends a request with fortio, over connections that stay open, each with one request at a
// time. rate is the number of requests per second; 0 means as many as possible.
func load(r request, connections int, rate float64, long time.Duration) (figures, error) {
	log.SetLogLevelQuiet(log.Critical) // the result has the errors
	var f figures
	o := fhttp.HTTPRunnerOptions{RunnerOptions: periodic.RunnerOptions{
		QPS: rate, Duration: long, NumThreads: connections, Percentiles: []float64{50, 99}, Resolution: 1e-6, Uniform: true, Out: io.Discard,
	}}
	if rate == 0 {
		o.QPS = -1
	}
	o.HTTPOptions = *fhttp.NewHTTPOptions(r.url)
	o.Payload = r.body
	for _, h := range r.headers {
		if err := o.AddAndValidateExtraHeader(h); err != nil {
			return f, err
		}
	}
	result, err := fhttp.RunHTTPTest(&o)
	if err != nil {
		return f, err
	}
	for code, n := range result.RetCodes {
		if code != 200 {
			return f, fmt.Errorf("%d of %d answers to %s have the status %d", n, result.DurationHistogram.Count, r.url, code)
		}
	}
	f.PerSecond = result.ActualQPS
	f.P50, f.P99 = result.DurationHistogram.Percentiles[0].Value, result.DurationHistogram.Percentiles[1].Value
	return f, nil
}
