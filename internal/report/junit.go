package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"rollcall/internal/ledger"
	"rollcall/internal/view"
)

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitMessage `xml:"failure,omitempty"`
	Skipped *junitMessage `xml:"skipped,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes each open finding as a failed test and each unknown as a
// skipped one. An audit without either is one passed test, so that a pipeline
// sees that it ran.
func writeJUnit(w io.Writer, r *view.Report, _ Options) error {
	suite := junitSuite{Name: "rollcall", Time: r.GeneratedAt.Format("2006-01-02T15:04:05")}
	for _, f := range r.Findings {
		if f.State != ledger.Open {
			continue
		}
		text := f.Summary + "\n" + f.Impact + "\n"
		for _, e := range f.Evidence {
			text += e.Name + ": " + evidenceText(e) + "\n"
		}
		if f.MaskedBy != "" {
			text += "explained by " + f.MaskedBy + "\n"
		}
		suite.Failures++
		suite.Cases = append(suite.Cases, junitCase{Class: f.Code, Name: f.Entity.ID,
			Failure: &junitMessage{Message: f.Summary, Type: f.Severity.String(), Text: strings.TrimSpace(text)}})
	}
	for _, u := range r.Unknown {
		suite.Skipped++
		suite.Cases = append(suite.Cases, junitCase{Class: u.Code, Name: u.Entity.ID, Skipped: &junitMessage{Message: "unknown: " + u.Reason}})
	}
	if len(suite.Cases) == 0 {
		suite.Cases = append(suite.Cases, junitCase{Class: "rollcall", Name: fmt.Sprintf("%d checks", r.Summary.Checks)})
	}
	suite.Tests = len(suite.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
