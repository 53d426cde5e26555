package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"context"

	"rollcall/internal/checks"
	"rollcall/internal/checktest"
	"rollcall/internal/engine"
	"rollcall/internal/epoch"
	"rollcall/internal/report"
	"rollcall/internal/view"
)

// player is a source of epochs from a made-up world.
type player struct{ w *checktest.World }

func (p player) Collect(_ context.Context, prev *epoch.Epoch) (*epoch.Epoch, error) {
	p.w.Advance(5 * time.Second)
	return p.w.Look(prev, checktest.View{}), nil
}

// sample audits a world in which n3 hangs and unreadable metadata stands.
func sample(t *testing.T, disturb func(*checktest.World)) *view.Report {
	t.Helper()
	w := checktest.Standard()
	e := engine.New(player{w}, checks.All(), nil)
	var epochs []view.Epoch
	var last *engine.Audit
	for i := range 6 {
		if i == 1 && disturb != nil {
			disturb(w)
		}
		a, err := e.Step(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		last, epochs = a, append(epochs, view.EpochOf(a.Epoch))
	}
	return view.ReportOf("test", epochs, last)
}

func broken(w *checktest.World) {
	w.Server("hub", "n3").Silent, w.Server("hub", "n3").LostAt = true, w.Now
	for _, s := range w.Streams {
		if s.Name == "ORDERS" {
			s.Config.Metadata["io.nats.monitor.peer-seen-critical"] = "10s"
			s.Config.Metadata["io.nats.monitor.lag-critical"] = "ma|ny\n\"x\""
		}
		if s.Leader == "n3" && len(s.Replicas) > 1 {
			s.Leader, s.LeaderSince = "n1", w.Now
		}
	}
}

func write(t *testing.T, form string, r *view.Report, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, form, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestJSONKeepsItsPromise: the keys of CONTRACT are there, lists are lists and
// never null.
func TestJSONKeepsItsPromise(t *testing.T) {
	for name, disturb := range map[string]func(*checktest.World){"healthy": nil, "broken": broken} {
		var got map[string]any
		text := write(t, "json", sample(t, disturb), report.Options{})
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.Contains(text, ": null") {
			t.Errorf("%s: a list or value is null:\n%s", name, regexp.MustCompile(`.*: null.*`).FindString(text))
		}
		want := map[string][]string{
			"":         {"schema", "generated_at", "rollcall_version", "systems", "epochs", "coverage", "summary", "findings", "unknown"},
			"coverage": {"asked", "answered", "gaps"},
			"summary":  {"checks", "critical", "warning", "info", "unknown", "masked"},
		}
		for at, keys := range want {
			object := got
			if at != "" {
				object = got[at].(map[string]any)
			}
			hasKeys(t, at, object, keys)
		}
		for _, f := range got["findings"].([]any) {
			finding := f.(map[string]any)
			hasKeys(t, "finding", finding, []string{"code", "aliases", "title", "severity", "category", "state", "entity", "summary", "evidence", "impact", "fix", "masked_by", "first_seen", "docs"})
			hasKeys(t, "entity", finding["entity"].(map[string]any), []string{"kind", "system", "account", "stream", "consumer", "server", "cluster", "id"})
		}
		for _, u := range got["unknown"].([]any) {
			hasKeys(t, "unknown", u.(map[string]any), []string{"code", "entity", "reason"})
		}
	}
}

func hasKeys(t *testing.T, where string, object map[string]any, keys []string) {
	t.Helper()
	for _, key := range keys {
		if _, ok := object[key]; !ok {
			t.Errorf("%s lacks %q", where, key)
		}
	}
}

// TestFoldedNeverHidesWorse: the exit status counts a folded finding that is
// worse than its cause.
func TestFoldedNeverHidesWorse(t *testing.T) {
	r := sample(t, broken)
	if r.Summary.Masked == 0 || r.Summary.Critical == 0 {
		t.Fatalf("the sample lacks what it should have: %+v", r.Summary)
	}
	if got := r.Worst().String(); got != "critical" {
		t.Errorf("worst is %q", got)
	}
	for i := range r.Findings {
		if r.Findings[i].MaskedBy == "" && r.Findings[i].Code == "SERVER_021" {
			r.Findings[i].Severity = 2 // its cause is only a warning now
		} else if r.Findings[i].MaskedBy == "" {
			r.Findings[i].Severity = 1
		}
	}
	if got := r.Worst().String(); got != "critical" {
		t.Errorf("folded criticals under a warning count as %q", got)
	}
}

var longAllowed = regexp.MustCompile(`^\s+\$ `) // commands are for copying, not for wrapping

func TestTableFitsTheScreen(t *testing.T) {
	for _, width := range []int{60, 80, 120, 200} {
		text := write(t, "table", sample(t, broken), report.Options{Width: width})
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			if utf8.RuneCountInString(line) > width && !longAllowed.MatchString(line) && width >= 80 {
				t.Errorf("at %d columns a line has %d:\n%s", width, utf8.RuneCountInString(line), line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("spaces at the end of a line: %q", line)
			}
		}
		for _, want := range []string{"SERVER_021", "folded", "Evidence", "Cost", "UNKNOWN", "rollcall explain SERVER_021"} {
			if !strings.Contains(text, want) {
				t.Errorf("the table lacks %q", want)
			}
		}
		if strings.Contains(text, "\x1b[") {
			t.Error("colours without being asked for")
		}
	}
	if text := write(t, "table", sample(t, broken), report.Options{Width: 80, Color: true}); !strings.Contains(text, "\x1b[1;31m") {
		t.Error("no colours")
	}
	if text := write(t, "table", sample(t, nil), report.Options{Width: 80}); !strings.Contains(text, "nothing found by 16 checks") {
		t.Errorf("a healthy system reads:\n%s", text)
	}
}

func TestFormsForProgramsParse(t *testing.T) {
	r := sample(t, broken)
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal([]byte(write(t, "junit", r, report.Options{})), &suite); err != nil || suite.Failures == 0 {
		t.Errorf("junit: %v %+v", err, suite)
	}
	var sarif struct {
		Runs []struct {
			Results []struct {
				RuleID string `json:"ruleId"`
			} `json:"results"`
		} `json:"runs"`
	}
	if err := json.Unmarshal([]byte(write(t, "sarif", r, report.Options{})), &sarif); err != nil || len(sarif.Runs[0].Results) == 0 {
		t.Errorf("sarif: %v", err)
	}
	metric := regexp.MustCompile(`^(# (HELP|TYPE) .*|[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)*\})? [0-9.]+)$`)
	for line := range strings.Lines(write(t, "prometheus", r, report.Options{})) {
		if !metric.MatchString(strings.TrimRight(line, "\n")) {
			t.Errorf("prometheus cannot read %q", line)
		}
	}
	nagios := write(t, "nagios", r, report.Options{})
	first, _, _ := strings.Cut(nagios, "\n")
	if !strings.HasPrefix(first, "ROLLCALL CRITICAL: ") || strings.Count(first, "|") != 1 || report.NagiosStatus(r) != report.NagiosCritical {
		t.Errorf("nagios: %q, status %d", first, report.NagiosStatus(r))
	}
	if markdown := write(t, "markdown", r, report.Options{}); !strings.Contains(markdown, "| critical | SERVER_021 | n3 | Server Silent |") {
		t.Errorf("markdown:\n%s", markdown)
	}
	healthy := sample(t, nil)
	if got := report.NagiosStatus(healthy); got != report.NagiosOK {
		t.Errorf("a healthy system has the Nagios status %d", got)
	}
	if report.CheckForm("pdf") == nil {
		t.Error("pdf is a form")
	}
}

func TestLiveFitsTheScreen(t *testing.T) {
	w := checktest.Standard()
	broken(w)
	first := w.Epoch()
	w.Advance(5 * time.Second)
	live := report.Live{Roll: view.RollOf(w.Look(first, checktest.View{})), Report: sample(t, broken), Height: 60,
		Said: []string{"one", strings.Repeat("a long announcement ", 20)}}
	for _, width := range []int{80, 200} {
		lines := report.DrawLive(live, report.Options{Width: width})
		for _, line := range lines {
			if utf8.RuneCountInString(line) > width {
				t.Errorf("at %d columns a line has %d: %q", width, utf8.RuneCountInString(line), line)
			}
		}
		if text := strings.Join(lines, "\n"); !strings.Contains(text, "hub/n3 silent") || !strings.Contains(text, "APP/COPY") {
			t.Errorf("the roll lacks servers or mirrors:\n%s", text)
		}
	}
}
