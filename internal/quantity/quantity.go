// Package quantity parses and prints the quantities rollcall speaks of:
// durations, bytes, counts, ratios and rates. Every output of rollcall prints a
// number through this package, so that one value reads the same everywhere.
package quantity

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Longer units than Go's own. A month is 30 days and a year 365 days, as the
// nats CLI reads them (jsm.go v0.5.1, ParseDuration).
const (
	Day   = 24 * time.Hour
	Week  = 7 * Day
	Month = 30 * Day
	Year  = 365 * Day
)

var durationUnits = map[string]time.Duration{
	"ns": time.Nanosecond,
	"us": time.Microsecond, "µs": time.Microsecond, "μs": time.Microsecond,
	"ms": time.Millisecond,
	"s":  time.Second,
	"m":  time.Minute,
	"h":  time.Hour,
	"d":  Day, "D": Day,
	"w": Week, "W": Week,
	"M": Month,
	"y": Year, "Y": Year,
}

// DurationSyntax says what ParseDuration accepts, for error messages and help.
const DurationSyntax = "a number with a unit, such as 500ms, 30s, 5m, 1h30m, 2d, 1w, 1M (30 days) or 1y"

// ParseDuration reads a duration with Go's units and d, D (days), w, W (weeks),
// M (months of 30 days), y, Y (years of 365 days), an optional leading sign and
// several parts ("1d12h"). "0" needs no unit. The error says what is allowed.
//
// It accepts every well-formed duration that the nats CLI accepts and gives the
// same value; unlike the CLI's reader it refuses text around the parts
// ("about 5m"), which there would pass silently.
func ParseDuration(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	sign := 1.0
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		if rest[0] == '-' {
			sign = -1
		}
		rest = rest[1:]
	}
	if rest == "0" {
		return 0, nil
	}
	malformed := fmt.Errorf("%q is not a duration: want %s", text, DurationSyntax)
	if rest == "" {
		return 0, malformed
	}
	total := 0.0
	for rest != "" {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789."))
		value, err := strconv.ParseFloat(rest[:digits], 64)
		if err != nil {
			return 0, malformed
		}
		rest = rest[digits:]
		letters := strings.IndexAny(rest, "0123456789.")
		if letters < 0 {
			letters = len(rest)
		}
		unit, ok := durationUnits[rest[:letters]]
		if !ok {
			return 0, malformed
		}
		rest = rest[letters:]
		total += value * float64(unit)
	}
	if total >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is too long a duration: the longest is about 292y", text)
	}
	return time.Duration(sign * math.Round(total)), nil
}

// Duration prints d with at most two units and no more precision than a reader
// on call needs: "0s", "12ms", "4.2s", "41s", "6m3s", "3h20m", "2d4h".
func Duration(d time.Duration) string {
	if d < 0 {
		return "-" + Duration(-d)
	}
	switch {
	case d == 0:
		return "0s"
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + "ns"
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + "µs"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	case d < 10*time.Second:
		return trimZero(strconv.FormatFloat(d.Seconds(), 'f', 1, 64)) + "s"
	case d < time.Minute:
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	case d < time.Hour:
		return two(d, time.Minute, "m", time.Second, "s")
	case d < Day:
		return two(d, time.Hour, "h", time.Minute, "m")
	case d < Year:
		return two(d, Day, "d", time.Hour, "h")
	}
	return two(d, Year, "y", Day, "d")
}

func two(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	whole, rest := int64(d/big), int64(d%big/small)
	if rest == 0 {
		return fmt.Sprintf("%d%s", whole, bigName)
	}
	return fmt.Sprintf("%d%s%d%s", whole, bigName, rest, smallName)
}

func trimZero(text string) string { return strings.TrimSuffix(text, ".0") }

// Count prints a whole number with thousands separated by commas: "1,234,567".
func Count[N ~int | ~int64 | ~uint64 | ~uint32](n N) string {
	text := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return sign + text
}

// Of prints a count with its noun, in the plural where it is not one:
// "1 message", "2,301 messages".
func Of[N ~int | ~int64 | ~uint64 | ~uint32](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Bytes prints a size in binary units with three significant digits: "512 B",
// "1.46 MiB", "20 GiB".
func Bytes[N ~int | ~int64 | ~uint64](n N) string {
	if n < 0 {
		return "-" + Bytes(uint64(-n))
	}
	value, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	i := 0
	for value >= 1023.5 && i < len(units)-1 { // what would be rounded to 1024
		value, i = value/1024, i+1
	}
	switch {
	case i == 0 || value >= 100:
		return fmt.Sprintf("%.0f %s", value, units[i])
	case value >= 10:
		return trimZero(fmt.Sprintf("%.1f", value)) + " " + units[i]
	}
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", value), "0"), ".") + " " + units[i]
}

// Percent prints a ratio (0.5 is half) as a percentage: "50%", "0.7%".
func Percent(ratio float64) string {
	percent := ratio * 100
	if math.Abs(percent) < 10 && percent != math.Trunc(percent) {
		return trimZero(fmt.Sprintf("%.1f", percent)) + "%"
	}
	return fmt.Sprintf("%.0f%%", percent)
}

// Rate prints events per second: "0/s", "0.2/s", "12/s", "1,250/s".
func Rate(perSecond float64) string {
	if perSecond != 0 && math.Abs(perSecond) < 10 {
		return trimZero(fmt.Sprintf("%.1f", perSecond)) + "/s"
	}
	return Count(int64(math.Round(perSecond))) + "/s"
}
