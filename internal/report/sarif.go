package report

import (
	"encoding/json"
	"io"

	"rollcall/internal/check"
	"rollcall/internal/ledger"
	"rollcall/internal/view"
)

// SARIF 2.1.0, as far as it is used here.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID    string    `json:"id"`
		Short sarifText `json:"shortDescription"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Logical []sarifLogical `json:"logicalLocations"`
	}
	sarifLogical struct {
		Name string `json:"name"`
		Full string `json:"fullyQualifiedName"`
		Kind string `json:"kind"`
	}
)

var sarifLevels = map[check.Severity]string{check.Critical: "error", check.Warning: "warning", check.Info: "note"}

// writeSARIF writes the open findings as SARIF results.
func writeSARIF(w io.Writer, r *view.Report, _ Options) error {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "rollcall", Version: r.Version, Rules: []sarifRule{}}
	seen := map[string]bool{}
	for _, f := range r.Findings {
		if f.State != ledger.Open {
			continue
		}
		if !seen[f.Code] {
			seen[f.Code] = true
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: f.Code, Short: sarifText{f.Title}})
		}
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Code, Level: sarifLevels[f.Severity], Message: sarifText{f.Summary},
			Locations:    []sarifLocation{{Logical: []sarifLogical{{Name: f.Entity.Name, Full: f.Entity.ID, Kind: "resource"}}}},
			Fingerprints: map[string]string{"finding/v1": f.ID},
		})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}
