package story

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/medcard/medcard/app/fhir/example"
	"github.com/medcard/medcard/app/httpapi"
)

// Samples of every request, made from the OpenAPI document: a route that is new is tried without a word here.

// openAPI is the OpenAPI document.
type openAPI struct{ all map[string]any }

func readDocument(t testing.TB, w *World) openAPI {
	t.Helper()
	var d openAPI
	ok(t, json.Unmarshal(got(w.Server.API.OpenAPI())(t), &d.all))
	return d
}

func dig(v any, path ...string) any {
	for _, name := range path {
		object, _ := v.(map[string]any)
		v = object[name]
	}
	return v
}

// parameter is one thing of an address or a header.
type parameter struct {
	name, in string
	required bool
	schema   map[string]any
}

func (d openAPI) parameters(r httpapi.Route) (all []parameter) {
	list, _ := dig(d.all, "paths", r.Path, strings.ToLower(r.Method), "parameters").([]any)
	for _, p := range list {
		name, _ := dig(p, "name").(string)
		in, _ := dig(p, "in").(string)
		required, _ := dig(p, "required").(bool)
		schema, _ := dig(p, "schema").(map[string]any)
		all = append(all, parameter{name, in, required, schema})
	}
	return all
}

// media gives the content type that a route reads and its schema; "" where it reads no body.
func (d openAPI) media(r httpapi.Route) (string, map[string]any) {
	content, _ := dig(d.all, "paths", r.Path, strings.ToLower(r.Method), "requestBody", "content").(map[string]any)
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		schema, _ := dig(content, kind, "schema").(map[string]any)
		return kind, schema
	}
	return "", nil
}

// known are values that exist, by the names under which they are asked for: with them a request comes as far as it can. What is
// known as nil is left out.
type known map[string]any

// sample makes a value that the schema allows, with the canary wherever a string is free.
func (d openAPI) sample(k known, name string, schema map[string]any) any {
	if ref, is := schema["$ref"].(string); is {
		of, _ := dig(d.all, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).(map[string]any)
		return d.sample(k, name, of)
	}
	if v, is := k[name]; is && fits(v, schema) {
		return v
	}
	if words, is := schema["enum"].([]any); is {
		return words[0]
	}
	kind, _ := schema["type"].(string)
	if list, is := schema["type"].([]any); is {
		kind, _ = list[0].(string)
	}
	switch kind {
	case "object":
		object := map[string]any{}
		properties, _ := schema["properties"].(map[string]any)
		for n, p := range properties {
			if v, is := k[n]; is && v == nil {
				continue
			}
			of, _ := p.(map[string]any)
			object[n] = d.sample(k, n, of)
		}
		return object
	case "array":
		of, _ := schema["items"].(map[string]any)
		return []any{d.sample(k, name, of)}
	case "integer", "number":
		if least, is := schema["minimum"].(float64); is {
			return least
		}
		return 1.0
	case "boolean":
		return true
	}
	switch schema["format"] {
	case "uuid":
		return uuid.NewString()
	case "date-time":
		return "2026-11-22T09:00:00Z"
	case "date":
		return "2026-11-22"
	}
	text := canary
	if least, is := schema["minLength"].(float64); is {
		text += strings.Repeat("x", max(0, int(least)-len(text)))
	}
	if most, is := schema["maxLength"].(float64); is && len(text) > int(most) {
		text = text[:int(most)]
	}
	return text
}

// fits tells apart what has one name in two places: the kind of a record is a word, that of a referral a number.
func fits(v any, schema map[string]any) bool {
	wanted := fmt.Sprint(schema["type"])
	if words, is := schema["enum"].([]any); is && !slices.Contains(words, v) {
		return false
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Int:
		return strings.Contains(wanted, "integer")
	case reflect.String:
		return strings.Contains(wanted, "string")
	}
	return !strings.Contains(wanted, "string") && !strings.Contains(wanted, "integer")
}

// good makes the request that the document asks for. Its body is nil where none is read.
func (d openAPI) good(t testing.TB, k known, r httpapi.Route) turn {
	t.Helper()
	u := turn{name: "as documented", method: r.Method, target: r.Path}
	query := url.Values{}
	for _, p := range d.parameters(r) {
		value := fmt.Sprint(d.sample(k, p.name, p.schema))
		switch {
		case p.in == "path":
			u.target = strings.ReplaceAll(u.target, "{"+p.name+"}", value)
		case p.in == "query" && p.required:
			query.Set(p.name, value)
		case p.in == "header" && p.required:
			u.headers = append(u.headers, p.name+": "+value)
		}
	}
	if len(query) > 0 {
		u.target += "?" + query.Encode()
	}
	kind, schema := d.media(r)
	switch {
	case kind == "":
		return u
	case kind == "application/fhir+json":
		u.body = example.Bundle()
	case kind == "application/json":
		u.body = got(json.Marshal(d.sample(k, "", schema)))(t)
	case kind == "application/x-www-form-urlencoded":
		form := url.Values{}
		fields, _ := schema["properties"].(map[string]any)
		for name := range fields {
			form.Set(name, canary)
		}
		u.body = []byte(form.Encode())
	case kind == "application/offset+octet-stream": // a piece of a file
		u.body = []byte(canary)
	default: // pictures
		kind, u.body = "image/png", []byte("\x89PNG\r\n\x1a\n"+canary)
	}
	u.headers = append(u.headers, "Content-Type: "+kind)
	return u
}

// A place in a JSON value: names and numbers from the root.
type place []any

// places lists every place of a value, the root first.
func places(v any) []place {
	all := []place{{}}
	below := func(step, part any) {
		for _, p := range places(part) {
			all = append(all, append(place{step}, p...))
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			below(name, v[name])
		}
	case []any:
		for i, part := range v {
			below(i, part)
		}
	}
	return all
}

// at gives what stands at the place.
func at(v any, p place) any {
	for _, step := range p {
		switch s := step.(type) {
		case string:
			v = dig(v, s)
		case int:
			list, _ := v.([]any)
			v = list[s]
		}
	}
	return v
}

// with gives a copy of the value in which something else stands at the place.
func with(v any, p place, other any) any {
	if len(p) == 0 {
		return other
	}
	switch s := p[0].(type) {
	case string:
		object, _ := v.(map[string]any)
		changed := maps.Clone(object)
		changed[s] = with(object[s], p[1:], other)
		return changed
	case int:
		list, _ := v.([]any)
		changed := slices.Clone(list)
		changed[s] = with(list[s], p[1:], other)
		return changed
	}
	return v
}
