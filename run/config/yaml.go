package config

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"curvestream/run/fault"
)

// A source is a YAML text with its name, for messages with file, line and column.
type source struct {
	name  string
	lines []string
}

// An entry is a key with its value, where it was found.
type entry struct {
	key   string
	value any
	at    *token.Position
}

func readFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		e := fault.Of(err)
		e.Code = "config.unreadable"
		e.Message = fmt.Sprintf("configuration file %s cannot be read: %v", path, errors.Unwrap(err))
		return nil, e
	}
	return text, nil
}

// parse returns the settings of a YAML text: keys in full ("cg.max"), all known, none twice.
func parse(name string, text []byte) ([]entry, error) {
	s := source{name, strings.Split(string(text), "\n")}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, s.syntax(err)
	}
	var entries []entry
	seen := map[string]*token.Position{}
	for i, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if i > 0 {
			return nil, s.fault(doc.Body.GetToken().Position, "config.syntax", "a second document; one is read")
		}
		err := s.walk("", doc.Body, func(e entry) error {
			if first, twice := seen[e.key]; twice {
				return s.fault(e.at, "config.duplicate_key", "%q is given twice, first in line %d", e.key, first.Line)
			}
			seen[e.key] = e.at
			entries = append(entries, e)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// walk calls found for each setting under a mapping whose keys begin with prefix.
func (s source) walk(prefix string, node ast.Node, found func(entry) error) error {
	values, ok := mapping(node)
	if !ok {
		return s.fault(node.GetToken().Position, "config.wrong_type", "want settings as `key: value`%s", under(prefix))
	}
	for _, v := range values {
		at := v.Key.GetToken().Position
		key := prefix + v.Key.GetToken().Value
		if _, ok := Find(key); ok {
			value, err := s.value(v.Value)
			if err != nil {
				return err
			}
			if err := found(entry{key, value, at}); err != nil {
				return err
			}
			continue
		}
		if !isGroup(key) {
			return s.fault(at, "config.unknown_key", "unknown key %q%s", key, DidYouMean(key, Keys()))
		}
		if _, empty := v.Value.(*ast.NullNode); empty {
			continue
		}
		if err := s.walk(key+".", v.Value, found); err != nil {
			return err
		}
	}
	return nil
}

func under(prefix string) string {
	if prefix == "" {
		return ""
	}
	return " under " + strings.TrimSuffix(prefix, ".")
}

// isGroup reports whether some key starts with "key.".
func isGroup(key string) bool {
	for _, s := range Table {
		if strings.HasPrefix(s.Key, key+".") {
			return true
		}
	}
	return false
}

func mapping(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// value turns a node into what [assign] takes.
func (s source) value(node ast.Node) (any, error) {
	switch n := node.(type) {
	case *ast.StringNode:
		if x, ok := number1e4(n); ok {
			return x, nil
		}
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.FloatNode:
		return n.Value, nil
	case *ast.IntegerNode:
		return n.Value, nil
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, v := range n.Values {
			x, err := s.value(v)
			if err != nil {
				return nil, err
			}
			list[i] = x
		}
		return list, nil
	case *ast.NullNode:
		return nil, nil
	}
	values, ok := mapping(node)
	if !ok {
		return nil, s.fault(node.GetToken().Position, "config.syntax", "anchors, aliases and tags are not read; write the value out")
	}
	m := map[string]any{}
	for _, v := range values {
		key := v.Key.GetToken()
		if _, twice := m[key.Value]; twice {
			return nil, s.fault(key.Position, "config.duplicate_key", "%q is given twice", key.Value)
		}
		x, err := s.value(v.Value)
		if err != nil {
			return nil, err
		}
		m[key.Value] = x
	}
	return m, nil
}

// number1e4 reads numbers such as 1e-4, which YAML 1.2 has and the parser takes for text.
func number1e4(n *ast.StringNode) (float64, bool) {
	if n.Token.Type != token.StringType || !strings.ContainsAny(n.Value[:min(1, len(n.Value))], "+-.0123456789") {
		return 0, false
	}
	x, err := strconv.ParseFloat(n.Value, 64)
	return x, err == nil
}

// fault returns an error that points at a place of the text.
func (s source) fault(at *token.Position, code, format string, args ...any) *fault.Error {
	message := fmt.Sprintf(format, args...)
	e := fault.New(fault.Config, code, "%s:%d:%d: %s", s.name, at.Line, at.Column, message)
	e.Where = map[string]any{"file": s.name, "line": at.Line, "column": at.Column}
	for n := max(1, at.Line-2); n <= at.Line && n <= len(s.lines); n++ {
		mark := " "
		if n == at.Line {
			mark = ">"
		}
		e.Detail = append(e.Detail, fmt.Sprintf("%s %3d | %s", mark, n, s.lines[n-1]))
	}
	e.Detail = append(e.Detail, strings.Repeat(" ", 8+max(0, at.Column-1))+"^")
	return e
}

// syntax turns an error of the YAML parser into one that points at the place.
func (s source) syntax(err error) error {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &at) && at.GetToken() != nil {
		return s.fault(at.GetToken().Position, "config.syntax", "%s", at.GetMessage())
	}
	return fault.New(fault.Config, "config.syntax", "%s: %v", s.name, err)
}
