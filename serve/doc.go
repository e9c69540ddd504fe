// Package serve answers requests for predictions over HTTP.
//
//   - Server: the models it has, and what it allows; it is an http.Handler.
//   - Model: a model file under a name and a version, taken anew when the file changes.
//   - Rows: what a request gives, in the typed values that a model takes.
//   - Open Inference Protocol (KServe v2) with its binary extension, /v1/models/M:predict,
//     MLflow's /invocations, and a plain POST /predict.
//   - Metrics in Prometheus' text format, an OpenAPI description, a page to try a row by hand.
//
// Nothing but the program imports this package: who trains or predicts does not link it.
package serve
