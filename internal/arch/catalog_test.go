package arch

import (
	"os"
	"path/filepath"
	"testing"

	"rollcall/internal/checks"
	"rollcall/internal/view"
)

// TestCodesAreUnique: no two checks share a code or an alias.
func TestCodesAreUnique(t *testing.T) {
	owner := map[string]string{}
	for _, c := range checks.All() {
		for _, code := range append([]string{c.Code}, c.Aliases...) {
			if other, taken := owner[code]; taken {
				t.Errorf("%s is claimed by %s and %s", code, other, c.Code)
			}
			owner[code] = c.Code
		}
	}
}

// TestManualsAreGenerated: docs/checks is what the checks say. ROLLCALL_WRITE=1
// writes it.
func TestManualsAreGenerated(t *testing.T) {
	for _, c := range checks.All() {
		path := filepath.Join(root, filepath.FromSlash(c.DocPath()))
		want := view.Manual(c)
		if os.Getenv("ROLLCALL_WRITE") == "1" {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is not what %s says (%v): ROLLCALL_WRITE=1 go test ./internal/arch writes it", c.DocPath(), c.Code, err)
		}
	}
}
