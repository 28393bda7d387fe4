package sign_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"hookline/engine/sign"
)

var everybody = sign.NewSecret("It's a Secret to Everybody")

const (
	hubHello = "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
	hubEmpty = "sha256=66a0c074deaa0f489ead6537e0d32f9a344b90bbeda705b6ed45ecd3b413fb40"
)

func TestAppendHub(t *testing.T) {
	for body, want := range map[string]string{"Hello World!": hubHello, "": hubEmpty} {
		got, err := sign.AppendHub([]byte("before "), []byte(body), everybody)
		if err != nil || string(got) != "before "+want {
			t.Errorf("%q: %s, %v", body, got, err)
		}
		if err := sign.VerifyHub(want, []byte(body), everybody); err != nil {
			t.Errorf("%q: %v", body, err)
		}
	}
	if got, err := sign.AppendHub([]byte("before"), nil, sign.Secret{}); !errors.Is(err, sign.ErrNoSecret) || string(got) != "before" {
		t.Errorf("without a secret: %s, %v", got, err)
	}
}

func TestVerifyHub(t *testing.T) {
	newer, none := sign.NewSecret("newer"), sign.Secret{}
	byNothing := "sha256=" + hexSum(hmac.New(sha256.New, nil), "Hello World!")
	for name, c := range map[string]struct {
		value, body string
		secrets     []sign.Secret
		want        error
	}{
		"rotation, old secret":   {hubHello, "Hello World!", []sign.Secret{newer, everybody}, nil},
		"rotation, not rotating": {hubHello, "Hello World!", []sign.Secret{none, everybody}, nil},
		"upper case":             {"sha256=" + strings.ToUpper(hubHello[7:]), "Hello World!", []sign.Secret{everybody}, nil},
		"other secret":           {hubHello, "Hello World!", []sign.Secret{newer}, sign.ErrSignature},
		"other body":             {hubHello, "Hello World", []sign.Secret{everybody}, sign.ErrSignature},
		"other method":           {"sha1=a4771c39", "Hello World!", []sign.Secret{everybody}, sign.ErrAlgorithm},
		"no method":              {hubHello[7:], "Hello World!", []sign.Secret{everybody}, sign.ErrMalformed},
		"short":                  {hubHello[:69], "Hello World!", []sign.Secret{everybody}, sign.ErrMalformed},
		"long":                   {hubHello + "00", "Hello World!", []sign.Secret{everybody}, sign.ErrMalformed},
		"no digits":              {"sha256=" + strings.Repeat("x", 64), "Hello World!", []sign.Secret{everybody}, sign.ErrMalformed},
		"nothing":                {"", "", []sign.Secret{everybody}, sign.ErrMalformed},
		"no secrets":             {hubHello, "Hello World!", nil, sign.ErrNoSecret},
		"made without a secret":  {byNothing, "Hello World!", []sign.Secret{none, none}, sign.ErrNoSecret},
		"made without, one set":  {byNothing, "Hello World!", []sign.Secret{none, everybody}, sign.ErrSignature},
	} {
		if err := sign.VerifyHub(c.value, []byte(c.body), c.secrets...); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestAppendHubAllocatesTheHashOnly compares with the allocations of crypto/hmac alone.
func TestAppendHubAllocatesTheHashOnly(t *testing.T) {
	body, key := []byte("Hello World!"), []byte(everybody.Reveal())
	buf := make([]byte, 0, 128)
	got := testing.AllocsPerRun(100, func() { buf, _ = sign.AppendHub(buf[:0], body, everybody) })
	hash := testing.AllocsPerRun(100, func() {
		mac := hmac.New(sha256.New, key)
		mac.Write(body)
		mac.Sum(nil)
	})
	if got > hash {
		t.Errorf("%v allocations, of which the hash needs %v", got, hash)
	}
}

func BenchmarkAppendHub(b *testing.B) {
	for name, size := range map[string]int{"empty": 0, "4KiB": 4 << 10} {
		b.Run(name, func(b *testing.B) {
			body, buf := make([]byte, size), make([]byte, 0, 128)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = sign.AppendHub(buf[:0], body, everybody)
			}
		})
	}
}
