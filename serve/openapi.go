package serve

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gradus-ml/gradus/data"
)

type object = map[string]any

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }
func array(of any) object    { return object{"type": "array", "items": of} }

// members describes an object. All members but the optional ones are always present.
func members(properties object, optional ...string) object {
	required := []string{}
	for name := range properties {
		if !slices.Contains(optional, name) {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return object{"type": "object", "properties": properties, "required": required}
}

var (
	textSchema   = object{"type": "string"}
	numberSchema = object{"type": []string{"number", "null"}} // null means not finite
	wholeSchema  = object{"type": "integer"}
	truthSchema  = object{"type": "boolean"}
)

// protocolSchemas describe the requests and responses of the Open Inference Protocol.
func protocolSchemas() object {
	parameters := object{"type": "object", "description": "binary_data_output asks for binary data, counts for how many cells were missing or never seen, interval for lower and upper, sets for set, reasons for base and reasons.",
		"properties": object{"binary_data_output": truthSchema, "counts": truthSchema, "interval": level, "sets": level, "reasons": truthSchema}}
	tensor := func(more object, optional ...string) object {
		properties := object{"name": textSchema, "datatype": textSchema, "shape": array(wholeSchema)}
		maps.Copy(properties, more)
		return members(properties, optional...)
	}
	content := object{"type": "array", "description": "The elements, flat or as lists in lists."}
	return object{
		"error":           members(object{"error": textSchema}),
		"server_metadata": members(object{"name": textSchema, "version": textSchema, "extensions": array(textSchema)}),
		"model_metadata": members(object{"name": textSchema, "versions": array(textSchema), "platform": textSchema, "inputs": array(tensor(nil)), "outputs": array(tensor(nil)),
			"parameters": object{"type": "object"}}),
		"ready": members(object{"name": textSchema, "ready": truthSchema}, "name"),
		"inference_request": members(object{"id": textSchema, "parameters": parameters,
			"inputs":  array(tensor(object{"data": content, "parameters": object{"type": "object"}}, "data", "parameters")),
			"outputs": array(members(object{"name": textSchema, "parameters": object{"type": "object"}}, "parameters")),
		}, "id", "parameters", "outputs"),
		"inference_response": members(object{"model_name": textSchema, "model_version": textSchema, "id": textSchema, "parameters": object{"type": "object"},
			"outputs": array(tensor(object{"data": content, "parameters": object{"type": "object"}}, "data", "parameters"))}, "id", "parameters"),
	}
}

// level describes the level of intervals and sets.
var level = object{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}

// predicted describes what POST /predict returns for a row, and for a list of rows with the extras that
// were requested.
func (l *loaded) predicted() (row, list object) {
	each := func(names []string, of any) object {
		properties := object{}
		for _, name := range names {
			properties[name] = of
		}
		return members(properties)
	}
	said := object{}
	for i, name := range l.targets {
		switch l.Task() {
		case data.Regression:
			said[name] = numberSchema
		case data.Multilabel:
			said[name] = object{"type": "string", "enum": l.Encoding.Targets[i].Classes}
		default:
			said[name] = object{"type": "string", "enum": l.classes}
		}
	}
	switch l.Task() {
	case data.Regression:
	case data.Multilabel:
		said["probabilities"] = each(l.targets, numberSchema)
	default:
		said["probabilities"] = each(l.classes, numberSchema)
	}
	row = members(said)
	reason := members(object{"base": numberSchema, "columns": each(l.columns, numberSchema)})
	list = members(object{
		"predictions": array(row),
		"counts":      object{"type": "object", "additionalProperties": wholeSchema},
		"intervals":   array(each(l.targets, members(object{"lower": numberSchema, "upper": numberSchema}))),
		"sets":        array(array(textSchema)),
		"reasons":     array(object{"type": "object", "additionalProperties": reason}),
	}, "counts", "intervals", "sets", "reasons")
	return row, list
}

// openAPI describes the server in OpenAPI 3.1, with the row that each model takes.
func (s *Server) openAPI(x *exchange) error {
	schemas, paths := protocolSchemas(), object{}
	content := func(schema any) object { return object{"application/json": object{"schema": schema}} }
	answers := func(schema any) object {
		failed := func(what string) object { return object{"description": what, "content": content(ref("error"))} }
		return object{
			"200": object{"description": "What was asked for.", "content": content(schema)}, "400": failed("The request is wrong; the error says what."),
			"404": failed("There is no such model."), "413": failed("The body or the number of rows is too large."), "503": failed("The server has too much to do; Retry-After says when to try again."),
		}
	}
	var any1 object       // a row of any model
	var names, said []any // the schemas of rows, and of the responses of POST /predict
	short := members(object{"predictions": object{"type": "array"}})
	for _, name := range s.names() {
		m, err := s.find(name, "")
		if err != nil {
			return err
		}
		l := m.now()
		row := l.InputSchema()
		row.Schema, row.Title = "", name
		schemas[name+".row"] = row
		names = append(names, ref(name+".row"))
		one, several := l.predicted()
		schemas[name+".prediction"], schemas[name+".predictions"] = one, several
		said = append(said, ref(name+".prediction"), ref(name+".predictions"))
		paths["/v1/models/"+name] = object{"get": object{"summary": "Whether " + name + " is there.", "responses": answers(ref("ready"))}}
		paths["/v1/models/"+name+":predict"] = object{"post": object{
			"summary":     "Predict rows with " + name + ".",
			"requestBody": object{"required": true, "content": content(members(object{"instances": array(ref(name + ".row"))}))},
			"responses":   answers(short),
		}}
		paths["/v2/models/"+name] = object{"get": object{"summary": "Inputs and outputs of " + name + " (Open Inference Protocol).", "responses": answers(ref("model_metadata"))}}
		paths["/v2/models/"+name+"/ready"] = object{"get": object{"summary": "Whether " + name + " is there.", "responses": answers(ref("ready"))}}
		paths["/v2/models/"+name+"/infer"] = object{"post": object{
			"summary":     "Predict tensors with " + name + " (Open Inference Protocol).",
			"requestBody": object{"required": true, "content": content(ref("inference_request"))},
			"responses":   answers(ref("inference_response")),
		}}
	}
	any1 = object{"anyOf": names}
	query := func(name, description string, schema object) object {
		return object{"name": name, "in": "query", "description": description, "schema": schema}
	}
	which := []object{query("model", "Which model, if there are several.", textSchema), query("version", "Which version of it.", textSchema)}
	more := append(which[:2:2],
		query("counts", "Also how many cells were missing or never seen.", truthSchema),
		query("interval", "Also where each target of a regression lies with this probability.", level),
		query("sets", "Also a set of classes that contains the row's class with this probability.", level),
		query("reasons", "Also how much each column's cell moves the prediction away from the mean: Shapley values.", truthSchema))
	paths["/predict"] = object{"post": object{
		"summary": "Predict a row, or a list of rows.", "parameters": more,
		"requestBody": object{"required": true, "content": content(object{"anyOf": []any{any1, array(any1)}})}, "responses": answers(object{"anyOf": said}),
	}}
	paths["/invocations"] = object{"post": object{
		"summary": "Predict rows in the form of MLflow.", "parameters": which,
		"requestBody": object{"required": true, "content": content(object{"type": "object", "properties": object{"dataframe_split": object{"type": "object"}, "dataframe_records": array(any1), "instances": object{"type": "array"}, "inputs": object{"type": "array"}}})},
		"responses":   answers(short),
	}}
	get := func(path, summary string, content object) {
		paths[path] = object{"get": object{"summary": summary, "responses": object{"200": object{"description": "What was asked for.", "content": content}}}}
	}
	get("/v2", "The server's name and version.", content(ref("server_metadata")))
	get("/v2/health/live", "Whether the server answers.", content(members(object{"live": truthSchema})))
	get("/v2/health/ready", "Whether the server wants requests; the status is 503 if it does not.", content(ref("ready")))
	get("/v1/models", "The models.", content(members(object{"models": array(textSchema)})))
	get("/metrics", "Prometheus' text format.", object{"text/plain": object{"schema": textSchema}})
	description := object{
		"openapi": "3.1.0", "info": object{"title": "gradus", "version": s.o.Version, "description": "Predictions of " + strings.Join(s.names(), ", ") + "."},
		"paths": paths, "components": object{"schemas": schemas},
	}
	if s.o.Token != "" {
		description["components"].(object)["securitySchemes"] = object{"token": object{"type": "http", "scheme": "bearer"}}
		description["security"] = []object{{"token": []string{}}}
	}
	writeJSON(x.w, http.StatusOK, description)
	return nil
}
