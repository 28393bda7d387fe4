package sign_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"pgregory.net/rapid"

	"hookline/engine/sign"
)

// The message and the shared secret with its signature are those of the tests of the reference libraries. The key pair is the
// first of RFC 8032, section 7.1; its signature of the message was made with openssl pkeyutl -rawin.
const (
	messageID   = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	message     = `{"test": 2432232314}`
	messageTime = 1614265330

	sharedKey  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	privateKey = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="
	seedOnly   = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="
	publicKey  = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

	v1  = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	v1a = "v1a,fldxM4gAKugP6nnt1hdz3sgGfZ6d99nzrMFnZOELIxbzEHoVmAb2ADpkJK7zgPePmPsle0zV9jSeGlHFG2NVAw=="
)

func key(t testing.TB, text string) sign.Key {
	t.Helper()
	k, err := sign.ParseKey(sign.NewSecret(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestAppendStandard(t *testing.T) {
	shared, private, at := key(t, sharedKey), key(t, privateKey), time.Unix(messageTime, 999_999_999)
	for name, c := range map[string]struct {
		id   string
		keys []sign.Key
		want string
		err  error
	}{
		"shared":         {messageID, []sign.Key{shared}, v1, nil},
		"private":        {messageID, []sign.Key{private}, v1a, nil},
		"seed":           {messageID, []sign.Key{key(t, seedOnly)}, v1a, nil},
		"rotation":       {messageID, []sign.Key{shared, private, private, shared}, v1 + " " + v1a + " " + v1a + " " + v1, nil},
		"no keys":        {messageID, nil, "", sign.ErrNoSecret},
		"an empty key":   {messageID, []sign.Key{shared, {}}, "", sign.ErrNoSecret},
		"a public key":   {messageID, []sign.Key{shared, key(t, publicKey)}, "", sign.ErrKey},
		"no id":          {"", []sign.Key{shared}, "", sign.ErrMalformed},
		"a dot":          {"msg.1", []sign.Key{shared}, "", sign.ErrMalformed},
		"a line feed":    {"msg\n1", []sign.Key{shared}, "", sign.ErrMalformed},
		"beyond ASCII":   {"msgé", []sign.Key{shared}, "", sign.ErrMalformed},
		"a blank inside": {"msg 1", []sign.Key{shared}, "", sign.ErrMalformed},
	} {
		got, err := sign.AppendStandard([]byte("before "), c.id, at, []byte(message), c.keys...)
		if !errors.Is(err, c.err) || string(got) != "before "+c.want {
			t.Errorf("%s: %s, %v; want %s, %v", name, got, err, c.want, c.err)
		}
	}
	if private.Public() != publicKey || shared.Public() != "" {
		t.Errorf("public keys %q and %q", private.Public(), shared.Public())
	}
}

func TestVerifyStandard(t *testing.T) {
	shared, private, public, other := key(t, sharedKey), key(t, privateKey), key(t, publicKey), key(t, sign.NewShared().Reveal())
	now, stamp := time.Unix(messageTime, 0), strconv.Itoa(messageTime)
	byNothing := hmac.New(sha256.New, nil)
	byNothing.Write([]byte(messageID + "." + stamp + "." + message))
	empty := "v1," + base64.StdEncoding.EncodeToString(byNothing.Sum(nil))
	for name, c := range map[string]struct {
		id, stamp, signature, body string
		now                        time.Time
		keys                       []sign.Key
		want                       error
	}{
		"v1":                  {messageID, stamp, v1, message, now, []sign.Key{shared}, nil},
		"v1a, public":         {messageID, stamp, v1a, message, now, []sign.Key{public}, nil},
		"v1a, private":        {messageID, stamp, v1a, message, now, []sign.Key{private}, nil},
		"one of several":      {messageID, stamp, "v1,AAAA v2,x v1 , nonsense " + v1a + " " + v1, message, now, []sign.Key{other, {}, shared}, nil},
		"late":                {messageID, stamp, v1, message, now.Add(sign.Tolerance), []sign.Key{shared}, nil},
		"early":               {messageID, stamp, v1, message, now.Add(-sign.Tolerance), []sign.Key{shared}, nil},
		"too late":            {messageID, stamp, v1, message, now.Add(sign.Tolerance + 1), []sign.Key{shared}, sign.ErrStale},
		"too early":           {messageID, stamp, v1, message, now.Add(-sign.Tolerance - 1), []sign.Key{shared}, sign.ErrStale},
		"late and not signed": {messageID, stamp, v1, message, now.Add(time.Hour), []sign.Key{other}, sign.ErrSignature},
		"other secret":        {messageID, stamp, v1, message, now, []sign.Key{other}, sign.ErrSignature},
		"other body":          {messageID, stamp, v1, message + " ", now, []sign.Key{shared}, sign.ErrSignature},
		"other body, v1a":     {messageID, stamp, v1a, message + " ", now, []sign.Key{public}, sign.ErrSignature},
		"other id":            {"msg", stamp, v1, message, now, []sign.Key{shared}, sign.ErrSignature},
		"other time":          {messageID, "1614265331", v1, message, now, []sign.Key{shared}, sign.ErrSignature},
		"other version":       {messageID, stamp, "v1a" + v1[2:], message, now, []sign.Key{shared, public}, sign.ErrSignature},
		"cut":                 {messageID, stamp, v1[:40], message, now, []sign.Key{shared}, sign.ErrSignature},
		"no keys":             {messageID, stamp, v1, message, now, nil, sign.ErrNoSecret},
		"empty keys":          {messageID, stamp, empty, message, now, []sign.Key{{}, {}}, sign.ErrNoSecret},
		"by an empty key":     {messageID, stamp, empty, message, now, []sign.Key{{}, shared}, sign.ErrSignature},
		"no id":               {"", stamp, v1, message, now, []sign.Key{shared}, sign.ErrMalformed},
		"dotted id":           {messageID + "." + stamp, stamp, v1, message, now, []sign.Key{shared}, sign.ErrMalformed},
		"no time":             {messageID, "", v1, message, now, []sign.Key{shared}, sign.ErrMalformed},
		"odd time":            {messageID, "+" + stamp, v1, message, now, []sign.Key{shared}, sign.ErrMalformed},
		"time with a dot":     {messageID, stamp + ".0", v1, message, now, []sign.Key{shared}, sign.ErrMalformed},
		"no signature":        {messageID, stamp, "", message, now, []sign.Key{shared}, sign.ErrMalformed},
		"many signatures":     {messageID, stamp, strings.Repeat("v1a,x ", 32) + v1, message, now, []sign.Key{shared}, sign.ErrMalformed},
	} {
		err := sign.VerifyStandard(sign.Standard{ID: c.id, Timestamp: c.stamp, Signature: c.signature}, []byte(c.body), c.now, c.keys...)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestParseKey(t *testing.T) {
	of := func(prefix string, n int) string {
		return prefix + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\xfb", n)))
	}
	for text, want := range map[string]error{
		of("whsec_", 24): nil, of("whsec_", 64): nil, of("whsec_", 23): sign.ErrKey, of("whsec_", 65): sign.ErrKey, of("whsec_", 0): sign.ErrKey,
		of("whsk_", 32): nil, of("whsk_", 33): sign.ErrKey, of("whsk_", 64): sign.ErrKey, // the second half is no public key of the first
		of("whpk_", 32): nil, of("whpk_", 31): sign.ErrKey, of("whpub_", 32): sign.ErrKey, of("", 32): sign.ErrKey,
		strings.ReplaceAll(of("whsec_", 32), "+", "-"): sign.ErrKey, strings.TrimRight(of("whsec_", 32), "="): sign.ErrKey,
		of("whsec_", 24) + "\n": nil, // the decoder passes over line ends, as at the end of a file
		"":                      sign.ErrNoSecret,
	} {
		_, err := sign.ParseKey(sign.NewSecret(text))
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
		if _, encoded, _ := strings.Cut(text, "_"); err != nil && encoded != "" && strings.Contains(err.Error(), encoded) {
			t.Errorf("the error repeats the key: %v", err)
		}
	}
	if !key(t, sign.NewShared().Reveal()).Shared() || !key(t, sign.NewPrivate().Reveal()).Private() || key(t, publicKey).Private() {
		t.Error("a key is not of its kind")
	}
	if sign.NewShared().Equal(sign.NewShared()) || sign.NewPrivate().Equal(sign.NewPrivate()) {
		t.Error("the same key twice")
	}
}

// TestStandardLibrary: what is signed here verifies with the library of the standard, which makes the same signature, and
// what it signs verifies here.
func TestStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := "whsec_" + base64.StdEncoding.EncodeToString(rapid.SliceOfN(rapid.Byte(), 24, 64).Draw(t, "secret"))
		id := rapid.StringMatching(`[!-\-/-~]{1,200}`).Draw(t, "id")
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		now := time.Now()
		k, err := sign.ParseKey(sign.NewSecret(secret))
		if err != nil {
			t.Fatal(err)
		}
		old, err := sign.ParseKey(sign.NewShared())
		if err != nil {
			t.Fatal(err)
		}
		library, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		one, err := sign.AppendStandard(nil, id, now, body, k)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := library.Sign(id, now, body); err != nil || string(one) != want {
			t.Fatalf("%s, the library makes %s (%v)", one, want, err)
		}
		both, err := sign.AppendStandard(nil, id, now, body, old, k)
		if err != nil {
			t.Fatal(err)
		}
		stamp := strconv.FormatInt(now.Unix(), 10)
		h := http.Header{}
		h.Set("webhook-id", id)
		h.Set("webhook-timestamp", stamp)
		h.Set("webhook-signature", string(both))
		if err := library.Verify(body, h); err != nil {
			t.Fatalf("the library: %v", err)
		}
		if err := sign.VerifyStandard(sign.Standard{ID: id, Timestamp: stamp, Signature: string(both)}, body, now, k); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzVerifyStandard: whatever comes, only a request that was signed is accepted, and every other with one of the errors.
func FuzzVerifyStandard(f *testing.F) {
	f.Add(messageID, "1614265330", v1+" "+v1a, []byte(message))
	f.Add("a.b", "-1", "v1, v1a,", []byte(nil))
	k, public := key(f, sharedKey), key(f, publicKey)
	errs := []error{sign.ErrMalformed, sign.ErrSignature}
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		err := sign.VerifyStandard(sign.Standard{ID: id, Timestamp: stamp, Signature: signature}, body, time.Unix(messageTime, 0), k, public)
		signed := id == messageID && stamp == "1614265330" && string(body) == message
		if err == nil && !signed || err != nil && !slices.ContainsFunc(errs, func(e error) bool { return errors.Is(err, e) }) {
			t.Errorf("%q %q %q %q: %v", id, stamp, signature, body, err)
		}
	})
}

// TestAppendStandardAllocatesTheHashOnly compares with the allocations of crypto/hmac alone.
func TestAppendStandardAllocatesTheHashOnly(t *testing.T) {
	body, at := []byte(message), time.Unix(messageTime, 0)
	keys := []sign.Key{key(t, sharedKey)}
	buf := make([]byte, 0, 256)
	got := testing.AllocsPerRun(100, func() { buf, _ = sign.AppendStandard(buf[:0], messageID, at, body, keys...) })
	hash := testing.AllocsPerRun(100, func() {
		mac := hmac.New(sha256.New, body)
		mac.Write(body)
		mac.Sum(nil)
	})
	if got > hash {
		t.Errorf("%v allocations, of which the hash needs %v", got, hash)
	}
}

func BenchmarkAppendStandard(b *testing.B) {
	body, at := make([]byte, 4<<10), time.Unix(messageTime, 0)
	for name, text := range map[string]string{"v1": sharedKey, "v1a": privateKey} {
		b.Run(name, func(b *testing.B) {
			keys, buf := []sign.Key{key(b, text)}, make([]byte, 0, 256)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = sign.AppendStandard(buf[:0], messageID, at, body, keys...)
			}
		})
	}
}
