package check

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/internal/epoch"
)

// Scalars lists the histories that the checks want kept, each once.
func Scalars(checks []*Check) []*epoch.Scalar {
	var scalars []*epoch.Scalar
	for _, c := range checks {
		for _, s := range c.Keeps {
			if !slices.Contains(scalars, s) {
				scalars = append(scalars, s)
			}
		}
	}
	return scalars
}

// Evaluate runs the checks over a pair of epochs, several at once. The results
// are in the order of the checks. A check that panics yields a Result with
// Failed set; the others go on.
func Evaluate(checks []*Check, settings Settings, pair epoch.Pair, trail *epoch.Trail) []Result {
	results := make([]Result, len(checks))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(checks)) {
		workers.Go(func() {
			for i := range next {
				results[i] = evaluate(checks[i], checks, settings.of(checks[i]), pair, trail)
			}
		})
	}
	for i := range checks {
		next <- i
	}
	close(next)
	workers.Wait()
	return results
}

func evaluate(c *Check, checks []*Check, settings reflect.Value, pair epoch.Pair, trail *epoch.Trail) (result Result) {
	start := time.Now()
	result.Check = c
	p := &Pass{Pair: pair, Trail: trail, check: c, checks: checks, result: &result}
	defer func() {
		if r := recover(); r != nil {
			result = Result{Check: c, Failed: fmt.Errorf("%s failed: %v", c.Code, r)}
		}
		result.Took = time.Since(start)
	}()
	c.run(p, settings)
	slices.SortStableFunc(result.Bad, func(a, b Observation) int {
		if order := a.Ref.Compare(b.Ref); order != 0 {
			return order
		}
		return strings.Compare(a.Discriminator, b.Discriminator)
	})
	slices.SortStableFunc(result.Unknown, func(a, b Unknown) int { return a.Ref.Compare(b.Ref) })
	result.Unknown = slices.CompactFunc(result.Unknown, func(a, b Unknown) bool { return a.Ref == b.Ref })
	return result
}
