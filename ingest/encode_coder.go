package ingest

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Codes of values that have none.
const (
	missingCode = -1 // null
	unseenCode  = -2 // not in the vocabulary
)

// A coder gives codes to categories: of a fixed vocabulary, where it is read-only and may be shared, or growing as values
// are met, where it serves one goroutine.
type coder struct {
	class   class // of the leaves: text, boolean, or a number
	strings map[string]int32
	ascii   [utf8.RuneSelf]int32 // code + 1 of words of one byte, 0 where not known
	ints    map[int64]int32
	grow    bool
	limit   int // of a growing vocabulary; values beyond it are unseen
	over    bool
}

// growing returns a coder that learns its vocabulary.
func growing(c class, limit int) *coder {
	return &coder{class: c, strings: map[string]int32{}, ints: map[int64]int32{}, grow: true, limit: limit}
}

// newCoder returns a coder of a fixed vocabulary.
func newCoder(vocabulary []string, c class) (*coder, error) {
	out := &coder{class: c, strings: make(map[string]int32, len(vocabulary)), ints: map[int64]int32{}}
	for i, word := range vocabulary {
		if _, twice := out.strings[word]; twice {
			return nil, fmt.Errorf("the vocabulary has %q twice", word)
		}
		out.strings[word] = int32(i)
		if len(word) == 1 && word[0] < utf8.RuneSelf {
			out.ascii[word[0]] = int32(i) + 1
		}
		switch c {
		case integer, float:
			v, err := strconv.ParseInt(word, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("the vocabulary has %q, but the column has %s values", word, c)
			}
			out.ints[v] = int32(i)
		case boolean:
			v, err := strconv.ParseBool(word)
			if err != nil {
				return nil, fmt.Errorf("the vocabulary has %q, but the column has %s values", word, c)
			}
			out.ints[int64(oneIf(v))] = int32(i)
		}
	}
	return out, nil
}

func oneIf(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// size returns the number of codes.
func (c *coder) size() int {
	if c.class == text {
		return len(c.strings)
	}
	return len(c.ints)
}

// ofString returns the code of a word. The word may lie in a record's memory: what is kept is a copy.
func (c *coder) ofString(word string) int32 {
	if code, ok := c.strings[word]; ok {
		return code
	}
	if !c.grow {
		return unseenCode
	}
	if len(c.strings) >= c.limit {
		c.over = true
		return unseenCode
	}
	code := int32(len(c.strings))
	c.strings[strings.Clone(word)] = code
	return code
}

func (c *coder) ofInt(v int64) int32 {
	if code, ok := c.ints[v]; ok {
		return code
	}
	if !c.grow {
		return unseenCode
	}
	if len(c.ints) >= c.limit {
		c.over = true
		return unseenCode
	}
	code := int32(len(c.ints))
	c.ints[v] = code
	return code
}

// of returns the code of leaf i.
func (c *coder) of(a arrow.Array, i int) int32 {
	if a.IsNull(i) {
		return missingCode
	}
	if d, ok := a.(*array.Dictionary); ok {
		return c.of(d.Dictionary(), d.GetValueIndex(i))
	}
	switch c.class {
	case text:
		return c.ofString(stringAt(a, i))
	case boolean:
		return c.ofInt(int64(oneIf(a.(*array.Boolean).Value(i))))
	}
	v, ok := integerAt(a, i)
	if !ok {
		return unseenCode
	}
	return c.ofInt(v)
}

// ofText appends the codes of the characters of a text; ok is false where it is not UTF-8.
func (c *coder) ofText(codes []int32, s string) (_ []int32, ok bool) {
	for len(s) > 0 {
		if b := s[0]; b < utf8.RuneSelf {
			code := c.ascii[b] - 1
			if code < 0 {
				if code = c.ofString(s[:1]); code >= 0 {
					c.ascii[b] = code + 1
				}
			}
			codes = append(codes, code)
			s = s[1:]
			continue
		}
		_, n := utf8.DecodeRuneInString(s)
		if n == 1 {
			return codes, false
		}
		codes = append(codes, c.ofString(s[:n]))
		s = s[n:]
	}
	return codes, true
}

// add takes over the words of another coder of the same class. It reports whether the limit holds.
func (c *coder) add(other *coder) bool {
	for w := range other.strings {
		c.ofString(w)
	}
	for v := range other.ints {
		c.ofInt(v)
	}
	c.over = c.over || other.over
	return !c.over
}

// words returns the vocabulary in an order that does not depend on the order of the data: numbers ascending, booleans
// false before true, texts by bytes.
func (c *coder) words() []string {
	out := make([]string, 0, c.size())
	if c.class == text {
		for w := range c.strings {
			out = append(out, w)
		}
		sort.Strings(out)
		return out
	}
	var values []int64
	for v := range c.ints {
		values = append(values, v)
	}
	slices.Sort(values)
	for _, v := range values {
		if c.class == boolean {
			out = append(out, strconv.FormatBool(v == 1))
		} else {
			out = append(out, strconv.FormatInt(v, 10))
		}
	}
	return out
}

// word returns the text of leaf i as a vocabulary would hold it.
func word(a arrow.Array, i int) string {
	if d, ok := a.(*array.Dictionary); ok && !d.IsNull(i) {
		return word(d.Dictionary(), d.GetValueIndex(i))
	}
	if a.IsNull(i) {
		return "null"
	}
	switch a := a.(type) {
	case *array.String, *array.LargeString:
		return strings.Clone(stringAt(a, i))
	case *array.Boolean:
		return strconv.FormatBool(a.Value(i))
	}
	if v, ok := integerAt(a, i); ok {
		return strconv.FormatInt(v, 10)
	}
	return a.ValueStr(i)
}

// appendWord appends word(a, i), without making a string of the common types.
func appendWord(dst []byte, a arrow.Array, i int) []byte {
	switch t := a.(type) {
	case *array.String:
		return append(dst, t.Value(i)...)
	case *array.LargeString:
		return append(dst, t.Value(i)...)
	case *array.Int32:
		return strconv.AppendInt(dst, int64(t.Value(i)), 10)
	case *array.Int64:
		return strconv.AppendInt(dst, t.Value(i), 10)
	}
	return append(dst, word(a, i)...)
}
