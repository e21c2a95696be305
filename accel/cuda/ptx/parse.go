package ptx

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	comments = regexp.MustCompile(`//[^\n]*`)
	entry    = regexp.MustCompile(`(?s)^\.visible\s+\.entry\s+(\w+)\s*\((.*?)\)(.*?)\{`)
	header   = regexp.MustCompile(`^\.(version\s+[\d.]+|target\s+\w+|address_size\s+64)`)
	external = regexp.MustCompile(`^\.extern\s+\.shared\s+\.align\s+\d+\s+\.b8\s+([\w$]+)\[\];`)
	array    = regexp.MustCompile(`^\.shared\s+\.align\s+(\d+)\s+\.b8\s+([\w$]+)\[(\d+)\]$`)
	label    = regexp.MustCompile(`^(\$[\w$]+):`)
	limits   = regexp.MustCompile(`^\.maxntid\s+(\d+)(?:\s*,\s*(\d+)\s*,\s*(\d+))?$`)
	blocks   = regexp.MustCompile(`^\.minnctapersm\s+\d+$`)
)

// Parse translates a file of PTX. An error names the kernel and the instruction.
func Parse(source string) (*Module, error) {
	m := &Module{kernels: map[string]*Kernel{}}
	dynamic := "" // the array of shared memory whose length is said at a launch
	rest := strings.TrimSpace(comments.ReplaceAllString(source, ""))
	for rest != "" {
		if h := header.FindString(rest); h != "" {
			rest = strings.TrimSpace(rest[len(h):])
			continue
		}
		if x := external.FindStringSubmatch(rest); x != nil {
			dynamic, rest = x[1], strings.TrimSpace(rest[len(x[0]):])
			continue
		}
		found := entry.FindStringSubmatch(rest)
		if found == nil {
			line, _, _ := strings.Cut(rest, "\n")
			return nil, fmt.Errorf("ptx: parsing a module: %q is neither a header nor an entry", line)
		}
		body, after, ok := untilClosed(rest[len(found[0]):])
		if !ok {
			return nil, fmt.Errorf("ptx: parsing kernel %s: its body has no end", found[1])
		}
		k, err := parseKernel(found[1], found[2], found[3], body, dynamic)
		if err != nil {
			return nil, fmt.Errorf("ptx: parsing kernel %s: %w", found[1], err)
		}
		m.kernels[k.name] = k
		rest = strings.TrimSpace(after)
	}
	if len(m.kernels) == 0 {
		return nil, fmt.Errorf("ptx: parsing a module: it has no kernels")
	}
	return m, nil
}

// untilClosed divides text behind the brace that closes what was opened before it.
func untilClosed(text string) (inside, after string, ok bool) {
	depth := 1
	for i, c := range text {
		switch c {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 {
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}

// A parser translates the body of one kernel.
type parser struct {
	k         *Kernel
	registers map[string]int
	symbols   map[string]uint64 // arrays in shared memory
	labels    map[string]int
	branches  map[int]string // instruction → label
}

func parseKernel(name, params, directives, body, dynamic string) (*Kernel, error) {
	p := &parser{k: &Kernel{name: name, constants: map[int]uint64{}, specials: map[int]string{}}, registers: map[string]int{},
		symbols: map[string]uint64{}, labels: map[string]int{}, branches: map[int]string{}}
	if dynamic != "" {
		p.symbols[dynamic], p.k.dynamic = sharedBase, true
	}
	if err := p.parameters(params); err != nil {
		return nil, err
	}
	for _, d := range strings.Split(directives, "\n") {
		if err := p.directive(strings.TrimSpace(d)); err != nil {
			return nil, err
		}
	}
	for _, s := range strings.Split(body, ";") {
		if err := p.statement(strings.TrimSpace(s)); err != nil {
			return nil, err
		}
	}
	for at, name := range p.branches {
		to, ok := p.labels[name]
		if !ok {
			return nil, fmt.Errorf("a branch to %q, which is nowhere", name)
		}
		p.k.code[at].to = to
	}
	p.k.code = append(p.k.code, instruction{text: "the end of the kernel", guard: -1, kind: exit})
	return p.k, nil
}

func (p *parser) parameters(list string) error {
	for _, one := range strings.Split(list, ",") {
		f := strings.Fields(one)
		if len(f) == 0 {
			continue
		}
		if len(f) != 3 || f[0] != ".param" || typeBytes(strings.TrimPrefix(f[1], ".")) == 0 {
			return fmt.Errorf("parameter %q is of no known form", strings.TrimSpace(one))
		}
		n := typeBytes(strings.TrimPrefix(f[1], "."))
		place := (p.k.paramBytes + n - 1) / n * n
		p.k.params = append(p.k.params, param{f[2], place, n})
		p.k.paramBytes = place + n
	}
	return nil
}

func (p *parser) directive(d string) error {
	if d == "" || blocks.MatchString(d) {
		return nil
	}
	found := limits.FindStringSubmatch(d)
	if found == nil {
		return fmt.Errorf("the directive %q is not known", d)
	}
	p.k.maxThreads = 1
	for _, n := range found[1:] {
		if n == "" {
			continue
		}
		threads, err := strconv.Atoi(n)
		if err != nil {
			return fmt.Errorf("reading %q: %w", d, err)
		}
		p.k.maxThreads *= threads
	}
	return nil
}

// statement reads what stands before one semicolon: declarations, labels, blocks that only bound the names of registers.
func (p *parser) statement(s string) error {
	for {
		s = strings.TrimSpace(s)
		if found := label.FindStringSubmatch(s); found != nil {
			p.labels[found[1]] = len(p.k.code)
			s = s[len(found[0]):]
			continue
		}
		if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "}") {
			s = s[1:]
			continue
		}
		break
	}
	switch {
	case s == "", strings.HasPrefix(s, ".reg "), strings.HasPrefix(s, ".pragma"):
		return nil
	case strings.HasPrefix(s, ".shared"):
		return p.sharedArray(s)
	}
	if err := p.instruction(s); err != nil {
		return fmt.Errorf("%q: %w", strings.Join(strings.Fields(s), " "), err)
	}
	return nil
}

func (p *parser) sharedArray(s string) error {
	if p.k.dynamic {
		return fmt.Errorf("shared memory of a stated length beside that of a launch is not known")
	}
	found := array.FindStringSubmatch(strings.Join(strings.Fields(s), " "))
	if found == nil {
		return fmt.Errorf("shared memory %q is of no known form", s)
	}
	align, err := strconv.Atoi(found[1])
	if err != nil {
		return fmt.Errorf("reading %q: %w", s, err)
	}
	bytes, err := strconv.Atoi(found[3])
	if err != nil {
		return fmt.Errorf("reading %q: %w", s, err)
	}
	p.k.shared = (p.k.shared + align - 1) / align * align
	p.symbols[found[2]] = sharedBase + uint64(p.k.shared)
	p.k.shared += bytes
	return nil
}

func (p *parser) instruction(s string) error {
	in := instruction{text: strings.Join(strings.Fields(s), " "), guard: -1}
	if guard, ok := strings.CutPrefix(s, "@"); ok {
		g, rest, cut := strings.Cut(guard, " ")
		if !cut {
			return fmt.Errorf("a guard without an instruction")
		}
		g, in.not = strings.CutPrefix(g, "!")
		in.guard, s = p.register(g), strings.TrimSpace(rest)
	}
	op, rest, _ := strings.Cut(strings.Join(strings.Fields(s), " "), " ")
	switch op {
	case "bra", "bra.uni":
		in.kind = branch
		p.branches[len(p.k.code)] = rest
	case "ret":
		in.kind = exit
	case "bar.sync":
		if in.kind = barrier; rest != "0" {
			return fmt.Errorf("barriers other than 0 are not known")
		}
	default:
		operands, err := p.operands(rest)
		if err != nil {
			return err
		}
		if strings.HasPrefix(op, "shfl.") {
			in.kind = shuffle
		}
		if in.step, err = p.translate(op, operands); err != nil {
			return err
		}
	}
	if in.guard >= 0 && (in.kind == barrier || in.kind == shuffle) {
		return fmt.Errorf("a barrier or a shuffle under a guard is not known")
	}
	p.k.code = append(p.k.code, in)
	return nil
}
