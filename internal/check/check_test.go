package check_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/internal/check"
	"rollcall/internal/checktest"
	"rollcall/internal/epoch"
)

type limits struct {
	After time.Duration `name:"after" default:"5m" min:"10s" max:"1d" doc:"how long"`
	Most  int           `name:"most" default:"3" min:"1" max:"9" unit:"things" doc:"how many"`
	Share float64       `name:"share" default:"0.5" min:"0" max:"1" doc:"which part"`
	Tag   string        `name:"tag" default:"az" doc:"which tag"`
}

var (
	family check.Family
	seen   limits
	probe  = check.Define(&family, check.Spec[limits]{
		Code: "PROBE_001", Aliases: []string{"OLD_001"}, Title: "Probe", Severity: check.Warning,
		Run: func(_ *check.Pass, l limits) { seen = l },
	})
	bomb = check.Define(&family, check.Spec[struct{}]{
		Code: "PROBE_002", Title: "Bomb", Severity: check.Warning, Run: func(*check.Pass, struct{}) { panic("boom") },
	})
)

func run(settings check.Settings) []check.Result {
	return check.Evaluate(family.Checks(), settings, epoch.Pair{Cur: checktest.Standard().Epoch()}, nil)
}

func TestSettingsReachTheCheck(t *testing.T) {
	run(nil)
	if seen != (limits{5 * time.Minute, 3, 0.5, "az"}) {
		t.Errorf("defaults: %+v", seen)
	}
	settings := check.Settings{}
	for _, s := range []string{"PROBE_001.after=1h30m", "probe_001.most=9", "OLD_001.share=1", "PROBE_001.tag=rack"} {
		if err := settings.Set(family.Checks(), s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	run(settings)
	if seen != (limits{90 * time.Minute, 9, 1, "rack"}) {
		t.Errorf("after setting: %+v", seen)
	}
	if got := settings.Value(probe, probe.Thresholds[0]); got != "1h30m" {
		t.Errorf("the value prints as %q", got)
	}
}

func TestWrongSettingsSayWhatIsAllowed(t *testing.T) {
	for assignment, want := range map[string]string{
		"PROBE_001.after":        "is not a setting: want CODE.threshold=value",
		"PROBE_001=5m":           "is not a setting: want CODE.threshold=value",
		"PROBE_009.after=5m":     `there is no check "PROBE_009": that family has PROBE_001, PROBE_002`,
		"NOPE.after=5m":          "`rollcall checks` lists them all",
		"PROBE_001.before=5m":    `PROBE_001 has no threshold "before": it has after, most, share, tag`,
		"PROBE_002.after=5m":     "it has none",
		"PROBE_001.after=5":      "is not a duration: want a number with a unit",
		"PROBE_001.after=1s":     "1s is out of range: want at least 10s",
		"PROBE_001.after=2d":     "2d is out of range: want at most 1d",
		"PROBE_001.most=x":       "is not a whole number",
		"PROBE_001.most=10":      "10 is out of range: want at most 9 things",
		"PROBE_001.share=1.0001": "out of range: want at most 1",
	} {
		err := check.Settings{}.Set(family.Checks(), assignment)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", assignment, err, want)
		}
	}
}

func TestPanicStopsOneCheckOnly(t *testing.T) {
	results := run(nil)
	if results[0].Failed != nil || results[1].Failed == nil || !strings.Contains(results[1].Failed.Error(), "boom") {
		t.Errorf("got %v and %v", results[0].Failed, results[1].Failed)
	}
	if results[1].Check != bomb {
		t.Error("the failure is not the bomb's")
	}
}

func TestWrongDeclarationsPanic(t *testing.T) {
	type outOfBounds struct {
		After time.Duration `name:"after" default:"1s" min:"10s" doc:"how long"`
	}
	type undocumented struct {
		After time.Duration `name:"after" default:"1s"`
	}
	for name, define := range map[string]func(){
		"default out of bounds": func() {
			check.Define(&check.Family{}, check.Spec[outOfBounds]{Code: "X", Title: "X", Severity: check.Info, Run: func(*check.Pass, outOfBounds) {}})
		},
		"no doc": func() {
			check.Define(&check.Family{}, check.Spec[undocumented]{Code: "X", Title: "X", Severity: check.Info, Run: func(*check.Pass, undocumented) {}})
		},
		"no run": func() {
			check.Define(&check.Family{}, check.Spec[struct{}]{Code: "X", Title: "X", Severity: check.Info})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: Define accepts it", name)
				}
			}()
			define()
		}()
	}
}

func TestSeverityBeyondDeclarationFailsTheCheck(t *testing.T) {
	var f check.Family
	check.Define(&f, check.Spec[struct{}]{Code: "X", Title: "X", Severity: check.Warning, Run: func(p *check.Pass, _ struct{}) {
		p.Bad(check.Observation{Severity: check.Critical})
	}})
	if r := check.Evaluate(f.Checks(), nil, epoch.Pair{Cur: checktest.Standard().Epoch()}, nil); r[0].Failed == nil {
		t.Error("a warning check reported a critical finding")
	}
}
