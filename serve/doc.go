// Package serve answers requests for predictions over HTTP.
//
//   - Server: its models, and what it allows; it is an http.Handler.
//   - Source: a model file with a name and a version. It is loaded again when the file changes.
//   - The protocols are the Open Inference Protocol (KServe v2) with its binary extension,
//     /v1/models/M:predict, MLflow's /invocations, and a plain POST /predict.
//   - Metrics in Prometheus' text format, an OpenAPI description, and a page to try out a row.
//
// No other package of the library imports this one, so a program that only trains or predicts does not link it.
package serve
