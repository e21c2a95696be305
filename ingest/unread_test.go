package ingest

import (
	"strings"
	"testing"

	"curvestream/internal/shared"
)

// Columns of types that are not read are left out of statistics and of what is shown, which say so, and hold up nothing; bytes that are a
// text are shown as the text.
func TestUnreadColumns(t *testing.T) {
	open := func(name string) Source {
		src, err := Open(t.Context(), []string{shared.Dir(t, "data", "interop", name)}, OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { src.Close() })
		return src
	}
	src := open("nested_maps.snappy.parquet")
	s, err := CollectStats(t.Context(), src, RoleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Columns) != 3 || s.Columns[0].Unread == "" || s.Columns[1].Unread != "" || s.Columns[1].Values == 0 || !strings.Contains(s.Text(), "column a is not read: maps") {
		t.Errorf("%+v\n%s", s.Columns, s.Text())
	}
	seen, err := Head(t.Context(), src, RoleOptions{Layout: Flat}, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(seen) != 1 || len(seen[0].Columns) != 3 || len(seen[0].Columns[0].Values) != 0 || len(seen[0].Columns[1].Values) != 1 || !strings.Contains(HeadText(seen), "a: not read, because maps") {
		t.Errorf("%+v\n%s", seen, HeadText(seen))
	}
	seen, err = Head(t.Context(), open("alltypes_plain.snappy.parquet"), RoleOptions{}, 1, "")
	if err != nil || !strings.Contains(HeadText(seen), "date_string_col: 04/01/09") {
		t.Errorf("%v\n%s", err, HeadText(seen))
	}
}
