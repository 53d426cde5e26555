package self

import (
	"testing"

	"rollcall/internal/checktest"
)

func TestFixtures(t *testing.T)   { checktest.Run(t, &Family) }
func TestProperties(t *testing.T) { checktest.Properties(t, &Family) }
