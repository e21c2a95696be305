package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// maxPoints bounds a list, and the product of all lists.
const maxPoints = 10_000

// ParseList reads a list of whole numbers: values and ranges, separated by commas. A range is first-last with a step, +1 where
// none is given: "1-4" is 1, 2, 3, 4; "100-500+200" is 100, 300, 500; "100-1000*10" is 100, 1000. All are 1 or more.
func ParseList(text string) ([]int, error) {
	var list []int
	for _, part := range strings.Split(text, ",") {
		values, err := parseRange(strings.TrimSpace(part))
		if err != nil {
			return nil, fmt.Errorf("bench: %q in %q: %w: give numbers from 1 up and ranges, such as 50,100,200 or 1-8*2 or 100-500+200", part, text, err)
		}
		if list = append(list, values...); len(list) > maxPoints {
			return nil, fmt.Errorf("bench: %q lists more than %d values", text, maxPoints)
		}
	}
	return list, nil
}

func parseRange(text string) ([]int, error) {
	first, rest, isRange := strings.Cut(text, "-")
	lo, err := positive(first)
	if err != nil || !isRange {
		return []int{lo}, err
	}
	step, times := 1, 1
	last := rest
	if at := strings.IndexAny(rest, "+*"); at >= 0 {
		n, err := positive(rest[at+1:])
		if err != nil {
			return nil, err
		}
		if last = rest[:at]; rest[at] == '+' {
			step = n
		} else {
			step, times = 0, n
		}
	}
	hi, err := positive(last)
	switch {
	case err != nil:
		return nil, err
	case hi < lo:
		return nil, fmt.Errorf("the range ends before it starts")
	case step == 0 && times == 1:
		return nil, fmt.Errorf("a range that is multiplied by 1 does not end")
	}
	var values []int
	for x := lo; x <= hi && len(values) <= maxPoints; x = x*times + step {
		values = append(values, x)
	}
	return values, nil
}

func positive(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	if n < 1 || n > 1<<30 {
		return 0, fmt.Errorf("%d is out of range", n)
	}
	return n, nil
}
