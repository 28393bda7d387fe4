package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"hookline/engine/sign"
)

// Keys of the tests, and of nothing else.
var (
	keyA = bytes.Repeat([]byte("A\xfb?~"), 8)
	keyB = bytes.Repeat([]byte("B\x00\xff1"), 8)
)

func inHex(key []byte) sign.Secret { return sign.NewSecret(hex.EncodeToString(key)) }

func keyring(t testing.TB, seals []byte, opens ...[]byte) *sign.Keyring {
	t.Helper()
	var more []sign.Secret
	for _, key := range opens {
		more = append(more, inHex(key))
	}
	r, err := sign.NewKeyring(inHex(seals), more...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func seal(t testing.TB, r *sign.Keyring, text, record string) string {
	t.Helper()
	sealed, err := r.Seal(sign.NewSecret(text), record)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// fixed is sealed under keyA for "app/acme/1/planner", by another implementation of AES-GCM and
// HKDF. It must open for as long as there are secrets of version 1.
const fixed = "v1.1a9e028f051c6ba0.Zml4ZWQgbm9uY2UhH3WpIq8v9sgGLvnZIsYQW3DwlTzPgYNTcvdde260CtpXwDLUmqt9OCxf"

func TestSealedSecretsStayReadable(t *testing.T) {
	s, err := keyring(t, keyA).Open(fixed, "app/acme/1/planner")
	if err != nil || s.Reveal() != "It's a Secret to Everybody" {
		t.Errorf("%q, %v", s.Reveal(), err)
	}
}

func TestSealAndOpen(t *testing.T) {
	r := keyring(t, keyA)
	for _, text := range []string{"x", "It's a Secret to Everybody", strings.Repeat("long", 5000), "\x00\xff"} {
		sealed := seal(t, r, text, "app/1")
		if strings.Contains(sealed, text) && len(text) > 1 {
			t.Error("the secret is in clear")
		}
		if s, err := r.Open(sealed, "app/1"); err != nil || s.Reveal() != text {
			t.Errorf("%q: %q, %v", text, s.Reveal(), err)
		}
	}
	once, again := seal(t, r, "x", "app/1"), seal(t, r, "x", "app/1")
	if once == again {
		t.Error("a nonce was used twice")
	}
}

func TestSealedSecretCannotBeMoved(t *testing.T) {
	r := keyring(t, keyA)
	sealed := seal(t, r, "x", "app/1")
	for _, record := range []string{"app/2", "app/", "app/11", "", "APP/1"} {
		if s, err := r.Open(sealed, record); !errors.Is(err, sign.ErrOpen) || !s.IsZero() {
			t.Errorf("opened for %q: %v", record, err)
		}
	}
}

func TestSealedSecretCannotBeAltered(t *testing.T) {
	r := keyring(t, keyA, keyB)
	sealed := seal(t, r, "x", "app/1")
	for i := range sealed {
		for _, c := range []byte{'A', 'b', '0', '.', '=', ' ', sealed[i] ^ 1} {
			if c == sealed[i] {
				continue
			}
			if _, err := r.Open(sealed[:i]+string(c)+sealed[i+1:], "app/1"); err == nil {
				t.Errorf("opens with %q at %d", c, i)
			}
		}
		if _, err := r.Open(sealed[:i], "app/1"); err == nil {
			t.Errorf("opens with its first %d bytes", i)
		}
	}
	other := seal(t, keyring(t, keyB), "x", "app/1")
	cut := strings.LastIndexByte(sealed, '.')
	if _, err := r.Open(sealed[:cut]+other[cut:], "app/1"); !errors.Is(err, sign.ErrOpen) {
		t.Errorf("opens with the id of another key: %v", err)
	}
}

func TestKeyRotation(t *testing.T) {
	old, both, changed := keyring(t, keyA), keyring(t, keyB, keyA), keyring(t, keyB)
	sealed := seal(t, old, "x", "app/1")
	if !old.Current(sealed) || both.Current(sealed) {
		t.Error("which key seals is mistaken")
	}
	s, err := both.Open(sealed, "app/1")
	if err != nil {
		t.Fatal(err)
	}
	again := seal(t, both, s.Reveal(), "app/1")
	if _, err := changed.Open(again, "app/1"); err != nil || !both.Current(again) || !changed.Current(again) {
		t.Errorf("sealed again, it does not open without the old key: %v", err)
	}
	_, err = changed.Open(sealed, "app/1")
	if id := strings.Split(sealed, ".")[1]; !errors.Is(err, sign.ErrUnknownKey) || !strings.Contains(err.Error(), id) {
		t.Errorf("without the old key: %v, want one that names %s", err, id)
	}
}

func TestKeySpellings(t *testing.T) {
	sealed := seal(t, keyring(t, keyA), "x", "app/1")
	for _, text := range []string{
		hex.EncodeToString(keyA), strings.ToUpper(hex.EncodeToString(keyA)), hex.EncodeToString(keyA) + "\n",
		base64.StdEncoding.EncodeToString(keyA), base64.RawStdEncoding.EncodeToString(keyA),
		base64.URLEncoding.EncodeToString(keyA), " " + base64.RawURLEncoding.EncodeToString(keyA) + "\r\n",
	} {
		r, err := sign.NewKeyring(sign.NewSecret(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if _, err := r.Open(sealed, "app/1"); err != nil {
			t.Errorf("%q is another key: %v", text, err)
		}
	}
	for _, text := range []string{
		"", "passphrase", string(keyA), hex.EncodeToString(keyA[1:]), hex.EncodeToString(keyA) + "00",
		hex.EncodeToString(keyA)[1:] + "x", base64.StdEncoding.EncodeToString(keyA[1:]),
		base64.StdEncoding.EncodeToString(append(keyA, 0)), "correct horse battery staple, and 32",
	} {
		if _, err := sign.NewKeyring(sign.NewSecret(text)); !errors.Is(err, sign.ErrKey) {
			t.Errorf("%q is taken for a key: %v", text, err)
		}
	}
}

func TestKeyringMisuse(t *testing.T) {
	if _, err := sign.NewKeyring(inHex(keyA), inHex(keyB), inHex(keyA)); !errors.Is(err, sign.ErrKey) || !strings.Contains(err.Error(), "key 3") {
		t.Errorf("the same key twice: %v", err)
	}
	r := keyring(t, keyA)
	if _, err := r.Seal(sign.Secret{}, "app/1"); !errors.Is(err, sign.ErrNoSecret) {
		t.Errorf("empty secret: %v", err)
	}
	if _, err := r.Seal(secret, ""); !errors.Is(err, sign.ErrNoRecord) {
		t.Errorf("no record: %v", err)
	}
	for _, sealed := range []string{"", "v1", "v1.", "x", "[redacted]", "v2" + fixed[2:], "v1.0123456789abcdef.", "v1.0123456789abcdeg.AAAA", "v1.0123456789abcdef.A=A"} {
		if _, err := r.Open(sealed, "app/1"); !errors.Is(err, sign.ErrSealed) {
			t.Errorf("%q: %v", sealed, err)
		}
	}
	id := strings.Split(fixed, ".")[1]
	if _, err := r.Open("v1."+id+".AAAA", "app/1"); !errors.Is(err, sign.ErrOpen) {
		t.Errorf("too short for a nonce: %v", err)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", r, r, *r), fmt.Sprintf("%x %s", *r, r)} {
		for _, spelled := range []string{hex.EncodeToString(keyA)[:16], "65 251", "0x41fb3f7e", "A\xfb?~", "2117878593"} {
			if strings.Contains(text, spelled) {
				t.Errorf("a key is printed: %s", text)
			}
		}
	}
}

func TestKeyringConcurrently(t *testing.T) {
	r := keyring(t, keyA, keyB)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			record := fmt.Sprint("app/", i)
			for range 50 {
				sealed, err := r.Seal(secret, record)
				if err != nil {
					t.Error(err)
				}
				if s, err := r.Open(sealed, record); err != nil || !s.Equal(secret) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// FuzzOpen checks that nothing opens that was not sealed, and that nothing panics.
func FuzzOpen(f *testing.F) {
	r := keyring(f, keyA, keyB)
	f.Add(fixed, "app/acme/1/planner")
	f.Add(fixed[:30], "")
	f.Add("v1.0123456789abcdef.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x")
	f.Add("v1...", "x")
	f.Fuzz(func(t *testing.T, sealed, record string) {
		s, err := r.Open(sealed, record)
		if err == nil && (sealed != fixed || record != "app/acme/1/planner") {
			t.Fatalf("%q opens for %q", sealed, record)
		}
		if err != nil && !s.IsZero() {
			t.Fatal("a secret beside an error")
		}
		again, err := r.Seal(sign.NewSecret("x"+sealed), "x"+record)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := r.Open(again, "x"+record); err != nil || s.Reveal() != "x"+sealed {
			t.Fatalf("not opened again: %v", err)
		}
	})
}
