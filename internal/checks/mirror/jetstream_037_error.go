package mirror

import (
	"fmt"

	"rollcall/internal/check"
	"rollcall/internal/entity"
	"rollcall/internal/epoch"
)

// knownErrors explains the codes that servers report on mirrors and sources
// (jetstream_errors_generated.go, nats-server v2.15.2).
var knownErrors = map[int]string{
	errStreamNotFound: "the origin does not exist where the configuration looks for it: deleted, misspelt, or the API prefix leads to another account or domain",
	errFlowControl:    "flow control is stalled: the import or export of $JS.FC.> between the two accounts is missing, or a leaf link denies it",
	errNotEnabled:     "the account that the API prefix leads to has no JetStream",
	errConsumerSetup:  "the origin refused the internal consumer; its description says why",
	errNoStorage:      "the stream's account or server has no storage left",
}

// ReportedError is JETSTREAM_037.
var ReportedError = check.Define(&Family, check.Spec[struct{}]{
	Code:     "JETSTREAM_037",
	Title:    "Mirror or Source Error",
	Severity: check.Warning,
	Category: check.Errors,
	Entity:   entity.Mirror,
	Since:    "0.1",
	Needs:    []epoch.Question{epoch.Jsz},
	MaskedBy: []*check.Check{NotAdvancing},
	Doc: check.Doc{
		Means:   "The server itself reports an error on a mirror or on a source: an answer it got from the origin when it asked for messages, or stalled flow control.",
		Matters: "As long as the error stands, nothing is copied. It is the one case in which the server says so itself.",
		Causes: []string{
			"10059 stream not found: the origin was deleted or never existed where the configuration looks.",
			"10228 flow control stalled (2.15 and later): the import of `$JS.FC.>` is missing.",
			"10039 JetStream not enabled: the API prefix leads to an account without JetStream.",
			"10029 consumer setup failed: the origin refused the internal consumer, for example because of its consumer limits.",
		},
		Diagnose: []check.Step{
			{Say: "See the error with its code.", Run: "nats stream info STREAM --json | jq '.mirror.error, .sources[]?.error'", Risk: check.Safe},
			{Say: "See whether the origin is there.", Run: "nats stream info ORIGIN", Risk: check.Safe},
		},
		Fix: []check.Step{
			{Say: "10059: restore or re-create the origin. A mirror of a re-created origin keeps its old position, see JETSTREAM_027.", Risk: check.Careful},
			{Say: "10228: add the export and import of `$JS.FC.>`.", Risk: check.Careful},
		},
		Prevent:        []string{"Delete mirrors before their sources.", "Export and import all three subjects of a cross-account mirror: the API, the delivery prefix and `$JS.FC.>`."},
		FalsePositives: "An error stays until the next successful attempt, up to 2 minutes after its cause is gone.",
		Questions:      []check.QA{{Question: "No error, so all is well?", Answer: "No. An unreachable origin, a denied delivery path and a full mirror show no error at all: JETSTREAM_026."}},
	},
	Opens:  "the leader of a mirror or sourced stream reports an error on it.",
	Clears: "the error is gone from the leader's report.",
	Blind:  "failures for which the server gets no answer that it could report.",
	Run: func(p *check.Pass, _ struct{}) {
		for c := range copiers(p) {
			if c.state.Error != nil {
				observeError(p, c.stream, c.led, c.ref, c.state)
			}
		}
	},
})

func observeError(p *check.Pass, stream *epoch.Stream, led *epoch.View, ref entity.Ref, c *epoch.Copying) {
	meaning, known := knownErrors[c.Error.ErrCode]
	if !known {
		meaning = "see the description; the code is in the server's list of JetStream errors"
	}
	p.Bad(check.Observation{
		Ref:     ref,
		Summary: fmt.Sprintf("%s: %s reports %q: %s", ref.Name(), led.Server, c.Error.Error(), meaning),
		Evidence: []check.Evidence{
			{Name: "error code", Value: c.Error.ErrCode, From: led.Server},
			{Name: "error", Value: c.Error.Description, From: led.Server},
			{Name: "reported active", Value: activeText(c), Unit: "seconds", From: led.Server},
		},
		Impact: "Nothing is copied from " + c.Name + " as long as the error stands.",
		Fix: []check.Step{
			{Say: "See the error and the origin.", Run: "nats stream info " + stream.Name + at(stream), Risk: check.Safe},
			{Say: "Remove its cause: " + meaning + ".", Risk: check.Careful},
		},
	})
}
