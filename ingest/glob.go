package ingest

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"curvestream/ingest/remote"
)

// StandardInput is the pattern that stands for standard input.
const StandardInput = "-"

// expand turns patterns into file names: the patterns in the order given, the files of each sorted. A pattern that names
// nothing is an error, and so is a file that two patterns name.
func (s *source) expand(ctx context.Context, patterns []string, o OpenOptions) ([]string, error) {
	if len(patterns) == 0 {
		return nil, fault(codeNotFound, "", "name a file, a directory or a pattern, such as --data 'data/*.parquet'", "no data is named")
	}
	var names []string
	by := make(map[string]string) // the pattern that named a file
	for _, p := range patterns {
		found, err := s.expandOne(ctx, p, o)
		if err != nil {
			return nil, err
		}
		for _, name := range found {
			key := name
			if !remote.Is(name) {
				key = filepath.Clean(name)
			}
			if first, twice := by[key]; twice {
				return nil, fault(codeTwice, name, "name each file once", "is named twice, by %q and by %q", first, p)
			}
			by[key] = p
		}
		names = append(names, found...)
	}
	return names, nil
}

func (s *source) expandOne(ctx context.Context, pattern string, o OpenOptions) ([]string, error) {
	if pattern == StandardInput {
		return []string{pattern}, nil
	}
	if remote.Is(pattern) {
		return expandRemote(ctx, s.client(o), pattern)
	}
	info, err := os.Stat(pattern)
	switch {
	case err == nil && info.IsDir():
		return expandDirectory(pattern)
	case err == nil:
		return []string{pattern}, nil
	case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(pattern, "*?["):
		return expandGlob(pattern)
	}
	return nil, openFault(pattern, err)
}

// dataExtensions are the names under which data is commonly kept. A file of a directory with such a name must be readable;
// one with another name counts if its content is data.
var dataExtensions = []string{".parquet", ".pq", ".arrow", ".arrows", ".feather", ".ipc"}

// expandDirectory returns the data files of a directory and of the key=value folders below it.
func expandDirectory(dir string) ([]string, error) {
	names, others, err := filesIn(dir)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		hint := "name a directory that holds Parquet or Arrow files"
		if others {
			hint = "to read the folders below it too, write '" + filepath.Join(dir, "**", "*.parquet") + "'"
		}
		e := fault(codeNotFound, dir, hint, "the directory holds no Parquet or Arrow file")
		e.Missing = true
		return nil, e
	}
	slices.Sort(names)
	return names, nil
}

// filesIn finds the data files of a directory and of key=value folders below it; others says that there are other folders.
func filesIn(dir string) (names []string, others bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, false, openFault(dir, err)
	}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		info, err := os.Stat(name)
		_, partition := hiveKey(e.Name())
		switch {
		case hidden(e.Name()):
		case err != nil:
			return nil, false, openFault(name, err)
		case info.IsDir() && partition:
			below, more, err := filesIn(name)
			if err != nil {
				return nil, false, err
			}
			names, others = append(names, below...), others || more
		case info.IsDir():
			others = true
		case isData(name, info):
			names = append(names, name)
		}
	}
	return names, others, nil
}

// hidden tells whether a file of a directory is not meant as data, by the convention of Hive and Spark.
func hidden(name string) bool { return strings.HasPrefix(name, "_") || strings.HasPrefix(name, ".") }

func isData(name string, info fs.FileInfo) bool {
	if slices.Contains(dataExtensions, strings.ToLower(filepath.Ext(name))) {
		return true
	}
	if !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return true // so that opening it says why
	}
	defer f.Close()
	return sniff(f, info.Size()) != formatUnknown
}

// expandGlob finds the files that a pattern matches. "**" stands for any number of folders, none included, and does not
// follow links, so that no walk is endless. Names that begin with "_" or "." match only where the pattern says so.
func expandGlob(pattern string) ([]string, error) {
	parts := strings.Split(filepath.ToSlash(filepath.Clean(pattern)), "/")
	for _, p := range parts {
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, fault(codeNotFound, pattern, "close the bracket, or escape it with a backslash", "is not a pattern")
		}
	}
	root := "."
	if parts[0] == "" {
		root, parts = string(filepath.Separator), parts[1:]
	}
	found := make(map[string]bool)
	if err := walk(root, parts, found); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		e := fault(codeNotFound, pattern, "check the pattern, and quote it so that curvestream and not the shell expands it", "matches no file")
		e.Missing = true
		return nil, e
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// walk adds to found the files below dir that match the parts of a pattern.
func walk(dir string, parts []string, found map[string]bool) error {
	part, rest := parts[0], parts[1:]
	if part == "**" && len(rest) == 0 {
		rest = []string{"*"}
	}
	if part == "**" {
		if err := walk(dir, rest, found); err != nil {
			return err
		}
	} else if !strings.ContainsAny(part, `*?[\`) {
		return descend(filepath.Join(dir, part), rest, found)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return openFault(dir, err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case part == "**" && e.IsDir() && !hidden(e.Name()):
			err = walk(path, parts, found)
		case part != "**" && matchName(part, e.Name()):
			err = descend(path, rest, found)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// descend takes the file path if no part of the pattern is left, and goes on below it if one is.
func descend(path string, rest []string, found map[string]bool) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return openFault(path, err)
	case len(rest) == 0 && !info.IsDir():
		found[path] = true
	case len(rest) > 0 && info.IsDir():
		return walk(path, rest, found)
	}
	return nil
}

func matchName(pattern, name string) bool {
	if hidden(name) && !hidden(pattern) {
		return false
	}
	ok, err := filepath.Match(pattern, name)
	return err == nil && ok
}
