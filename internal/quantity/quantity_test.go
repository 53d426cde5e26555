package quantity

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/nats-io/jsm.go"
	"pgregory.net/rapid"
)

// wellFormed draws durations as people write them: an optional sign and a few
// parts, whole or decimal, in any unit. jsm.go passes over parts in µs without a
// word, so those are left out.
func wellFormed() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		text := rapid.SampledFrom([]string{"", "", "", "-", "+"}).Draw(t, "sign")
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			text += rapid.SampledFrom([]string{"%d", "%d", "%d.5", "%d.25", "0%d"}).Draw(t, "form")
			text = fmt.Sprintf(text, rapid.IntRange(0, 20).Draw(t, "value"))
			text += rapid.SampledFrom([]string{"ns", "us", "ms", "s", "m", "h", "d", "D", "w", "W", "M", "y", "Y"}).Draw(t, "unit")
		}
		return text
	})
}

// close allows for rounding: jsm.go cuts part by part to nanoseconds, here the
// sum is one float.
func close(a, b time.Duration) bool { return (a - b).Abs() <= 4+a.Abs()/1e14 }

func TestParseDurationAgreesWithTheCLI(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := wellFormed().Draw(t, "text")
		want, err := jsm.ParseDuration(text)
		if err != nil {
			t.Fatalf("the generator made %q, which jsm.go does not read: %v", text, err)
		}
		got, err := ParseDuration(text)
		if err != nil || !close(got, want) {
			t.Fatalf("%q: got %v %v, jsm.go reads %v", text, got, err, want)
		}
	})
}

func TestParseDurationAgreesWithGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Duration(rapid.Int64Range(math.MinInt64/2, math.MaxInt64/2).Draw(t, "d")).Round(time.Microsecond)
		got, err := ParseDuration(want.String())
		if err != nil || !close(got, want) {
			t.Fatalf("%q: got %v %v", want.String(), got, err)
		}
	})
}

// What ParseDuration accepts, jsm.go accepts with the same value: a threshold
// never means one thing here and another in `nats server check`.
func TestParseDurationAcceptsNoMoreThanTheCLI(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ +-]{0,2}[0-9.]{0,3}[a-zA-Z]{0,2}[ 0-9.-]{0,3}[smhdwMy]{0,1}`).Draw(t, "text")
		got, err := ParseDuration(text)
		if err != nil || got == 0 {
			return
		}
		want, err := jsm.ParseDuration(text)
		if err != nil || !close(got, want) {
			t.Fatalf("%q is %v here, in jsm.go %v %v", text, got, want, err)
		}
	})
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "-0": 0, "0s": 0, "30s": 30 * time.Second, " 5m ": 5 * time.Minute, "1h30m": 90 * time.Minute,
		"2d": 48 * time.Hour, "2D": 48 * time.Hour, "1w": 7 * 24 * time.Hour, "1W": 7 * 24 * time.Hour,
		"1M": 30 * 24 * time.Hour, "1m": time.Minute, "1y": 365 * 24 * time.Hour, "1Y": 365 * 24 * time.Hour,
		"1d12h": 36 * time.Hour, "-5m": -5 * time.Minute, "+5m": 5 * time.Minute, "1.5h": 90 * time.Minute, "250us": 250 * time.Microsecond, "250µs": 250 * time.Microsecond, "250μs": 250 * time.Microsecond,
		"292y": 292 * 365 * 24 * time.Hour,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: got %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "-", "+", "30", "5", "s", "about 5m", "5m later", "5 m", "1d 12h", "1.2.3s", ".s", "--5m", "5x", "5mm", "1e3s", "0x10s", "NaNs", "5m-1s", "300y", "1000000000000y"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1: "1ns", 999: "999ns", time.Microsecond: "1µs", 999 * time.Microsecond: "999µs",
		time.Millisecond: "1ms", 12 * time.Millisecond: "12ms", time.Second - 1: "999ms",
		time.Second: "1s", 4200 * time.Millisecond: "4.2s", 9949 * time.Millisecond: "9.9s", 10 * time.Second: "10s",
		41*time.Second + 900*time.Millisecond: "41s", time.Minute - 1: "59s", time.Minute: "1m", 6*time.Minute + 3*time.Second: "6m3s",
		time.Hour - 1: "59m59s", time.Hour: "1h", 3*time.Hour + 20*time.Minute: "3h20m",
		Day - 1: "23h59m", Day: "1d", 52 * time.Hour: "2d4h", Year - 1: "364d23h", Year: "1y", 400 * Day: "1y35d",
		-5 * time.Minute: "-5m",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%d: got %q, want %q", d, got, want)
		}
	}
}

// What is printed can be parsed again, and lost no more than its last digit.
func TestDurationRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(int64(time.Microsecond), int64(200*Year)).Draw(t, "d"))
		got, err := ParseDuration(Duration(d))
		if err != nil || got > d+d/20 || got < d-d/2 {
			t.Fatalf("%v prints as %q, which reads as %v %v", d, Duration(d), got, err)
		}
	})
}

func TestDurationIsMonotonic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := time.Duration(rapid.Int64Range(int64(time.Microsecond), int64(2*Year)).Draw(t, "a"))
		b := time.Duration(rapid.Int64Range(int64(a), int64(3*Year)).Draw(t, "b"))
		x, errX := ParseDuration(Duration(a))
		y, errY := ParseDuration(Duration(b))
		if errX != nil || errY != nil || x > y {
			t.Fatalf("%v prints as %q, the longer %v as %q", a, Duration(a), b, Duration(b))
		}
	})
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 12345: "12,345", 123456: "123,456", 1234567: "1,234,567", -1: "-1", -999: "-999", -1000: "-1,000", math.MinInt64: "-9,223,372,036,854,775,808"} {
		if got := Count(n); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := Count(uint64(math.MaxUint64)); got != "18,446,744,073,709,551,615" {
		t.Error(got)
	}
}

func TestOf(t *testing.T) {
	for n, want := range map[int]string{0: "0 messages", 1: "1 message", 2: "2 messages", 2301: "2,301 messages", -1: "-1 messages"} {
		if got := Of(n, "message"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 512: "512 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 10 << 10: "10 KiB", 100 << 10: "100 KiB", 1000 << 10: "1000 KiB",
		1531000: "1.46 MiB", 20 << 30: "20 GiB", 1 << 40: "1 TiB", 3 << 50: "3 PiB", 5 << 60: "5120 PiB",
		10<<10 + 512: "10.5 KiB", 1<<10 + 10: "1.01 KiB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
	if got := Bytes(-5); got != "-5 B" {
		t.Error(got)
	}
}

func TestPercent(t *testing.T) {
	for ratio, want := range map[float64]string{0: "0%", 0.5: "50%", 0.007: "0.7%", 0.07: "7%", 0.0701: "7%", 0.999: "100%", 1: "100%", 1.5: "150%", -0.5: "-50%", 0.0999: "10%"} {
		if got := Percent(ratio); got != want {
			t.Errorf("%v: got %q, want %q", ratio, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for rate, want := range map[float64]string{0: "0/s", 0.2: "0.2/s", 3: "3/s", 9.95: "9.9/s", 12: "12/s", 12.4: "12/s", 1250: "1,250/s", -3: "-3/s"} {
		if got := Rate(rate); got != want {
			t.Errorf("%v: got %q, want %q", rate, got, want)
		}
	}
}
