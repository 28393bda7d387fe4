package sign_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"testing"
	"time"

	"hookline/engine/sign"
)

// vector is a token for POST /hook, issued at 1700000000 with the secret "secret", of an independent implementation.
const vector = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJjbGllbnQta2V5IiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDAxODAsInFzaCI6IjdjNjhhOTVhZTU2NTg3NDM3MDY5MDU0OGJmYmQ5MmIyYzYzODQzMzAwYzg5ZjhhOGE2ZTk1OWY2NGM5ZTVmOTUifQ.mvijknH3XgNY5munmuMNzd7Zsi5FEdektMGfSO2mQZc"

var (
	hook   = sign.Request{Method: "POST", URL: "https://app.example.com/hook"}
	issued = time.Unix(1700000000, 123456789)
	secret = sign.NewSecret("secret")
)

func verify(token string, r sign.Request, now time.Time, secrets ...sign.Secret) (sign.Claims, error) {
	t, err := sign.Parse(token)
	if err != nil {
		return sign.Claims{}, err
	}
	return t.Verify(r, now, secrets...)
}

// forge makes a token of any header and claims, as a hostile or broken sender would.
func forge(header, claims, key string) string {
	text := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func hexSum(h hash.Hash, text string) string {
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func parts(t *testing.T, token string) (header, claims string) {
	t.Helper()
	fields := strings.Split(token, ".")
	if len(fields) != 3 {
		t.Fatalf("%q has not three parts", token)
	}
	h, err := base64.RawURLEncoding.DecodeString(fields[0])
	if err != nil {
		t.Fatal(err)
	}
	c, err := base64.RawURLEncoding.DecodeString(fields[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(h), string(c)
}

func TestConnect(t *testing.T) {
	token, err := sign.Connect(sign.Claims{Issuer: "client-key"}, hook, secret, issued)
	if err != nil || token != vector {
		t.Errorf("%s, %v, want %s", token, err, vector)
	}
	full := sign.Claims{Issuer: "client-key", Subject: "712020:4f0c", Audience: []string{"app"}}
	token, err = sign.Connect(full, hook, secret, issued)
	if err != nil {
		t.Fatal(err)
	}
	_, claims := parts(t, token)
	if want := `{"iss":"client-key","iat":1700000000,"exp":1700000180,"qsh":"` + hook.Hash() + `","sub":"712020:4f0c","aud":["app"]}`; claims != want {
		t.Errorf("claims %s, want %s", claims, want)
	}
	if got, err := verify(token, hook, issued, secret); err != nil || got.Subject != full.Subject || !slices.Equal(got.Audience, full.Audience) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestBearer(t *testing.T) {
	token, err := sign.Bearer("client-id", secret, issued)
	if err != nil {
		t.Fatal(err)
	}
	header, claims := parts(t, token)
	if header != `{"typ":"JWT","alg":"HS256"}` || claims != `{"iss":"client-id","iat":1700000000,"exp":1700000180}` {
		t.Errorf("%s %s", header, claims)
	}
	if token != forge(header, claims, "secret") {
		t.Error("the signature is not the HMAC-SHA256 of the first two parts")
	}
	if _, err := verify(token, hook, issued, secret); !errors.Is(err, sign.ErrRequest) {
		t.Errorf("taken for a Connect JWT: %v", err)
	}
}

func TestIssueMisuse(t *testing.T) {
	if _, err := sign.Connect(sign.Claims{Issuer: "x"}, hook, sign.NewSecret(""), issued); !errors.Is(err, sign.ErrNoSecret) {
		t.Errorf("without a secret: %v", err)
	}
	if _, err := sign.Connect(sign.Claims{}, hook, secret, issued); !errors.Is(err, sign.ErrNoIssuer) {
		t.Errorf("without an issuer: %v", err)
	}
	if _, err := sign.Bearer("", secret, issued); !errors.Is(err, sign.ErrNoIssuer) {
		t.Errorf("without a client id: %v", err)
	}
}

func TestVerify(t *testing.T) {
	other, none := sign.NewSecret("other"), sign.Secret{}
	after := func(s time.Duration) time.Time { return time.Unix(1700000000, 0).Add(s) }
	for name, c := range map[string]struct {
		request sign.Request
		now     time.Time
		secrets []sign.Secret
		want    error
	}{
		"at once":              {hook, issued, []sign.Secret{secret}, nil},
		"path and query only":  {sign.Request{Method: "post", URL: "/hook/?jwt=x"}, issued, []sign.Secret{secret}, nil},
		"below a base path":    {sign.Request{Method: "POST", URL: "/jira/hook", BasePath: "/jira"}, issued, []sign.Secret{secret}, nil},
		"rotation":             {hook, issued, []sign.Secret{other, secret}, nil},
		"no second secret":     {hook, issued, []sign.Secret{none, secret}, nil},
		"just within the skew": {hook, after(sign.Lifetime + sign.Skew - 1), []sign.Secret{secret}, nil},
		"expired":              {hook, after(sign.Lifetime + sign.Skew), []sign.Secret{secret}, sign.ErrExpired},
		"slow clock":           {hook, after(-sign.Skew), []sign.Secret{secret}, nil},
		"of the future":        {hook, after(-sign.Skew - 1), []sign.Secret{secret}, sign.ErrNotYet},
		"other secret":         {hook, issued, []sign.Secret{other}, sign.ErrSignature},
		"no secrets":           {hook, issued, nil, sign.ErrNoSecret},
		"empty secrets":        {hook, issued, []sign.Secret{none}, sign.ErrNoSecret},
		"other method":         {sign.Request{Method: "GET", URL: "/hook"}, issued, []sign.Secret{secret}, sign.ErrRequest},
		"other path":           {sign.Request{Method: "POST", URL: "/hooks"}, issued, []sign.Secret{secret}, sign.ErrRequest},
		"other query":          {sign.Request{Method: "POST", URL: "/hook?a=1"}, issued, []sign.Secret{secret}, sign.ErrRequest},
		"expired and unsigned": {hook, after(time.Hour), []sign.Secret{other}, sign.ErrSignature},
	} {
		claims, err := verify(vector, c.request, c.now, c.secrets...)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if want := "client-key"; err == nil && claims.Issuer != want || err != nil && claims.Issuer != "" {
			t.Errorf("%s: issuer %q with error %v", name, claims.Issuer, err)
		}
	}
}

func TestVerifyRefusesForgeries(t *testing.T) {
	const good = `{"typ":"JWT","alg":"HS256"}`
	claims := func(more string) string {
		return fmt.Sprintf(`{"iss":"client-key","iat":1700000000,"qsh":%q%s}`, hook.Hash(), more)
	}
	const exp = `,"exp":1700000180`
	withoutSignature := func(token string) string { return token[:strings.LastIndexByte(token, '.')+1] }
	for name, c := range map[string]struct {
		token string
		want  error
	}{
		"as it should be":       {forge(good, claims(exp), "secret"), nil},
		"no iat, fractions":     {forge(good, `{"iss":"x","exp":1700000180.5,"qsh":"`+hook.Hash()+`"}`, "secret"), nil},
		"audience as a string":  {forge(good, claims(exp+`,"aud":"app"`), "secret"), nil},
		"alg none, no signing":  {withoutSignature(forge(`{"alg":"none"}`, claims(exp), "")), sign.ErrAlgorithm},
		"alg none, signed":      {forge(`{"alg":"none"}`, claims(exp), "secret"), sign.ErrAlgorithm},
		"alg None":              {forge(`{"alg":"None"}`, claims(exp), "secret"), sign.ErrAlgorithm},
		"alg hs256":             {forge(`{"alg":"hs256"}`, claims(exp), "secret"), sign.ErrAlgorithm},
		"alg HS512":             {forge(`{"alg":"HS512"}`, claims(exp), "secret"), sign.ErrAlgorithm},
		"alg RS256":             {forge(`{"alg":"RS256"}`, claims(exp), "secret"), sign.ErrAlgorithm},
		"alg ES256":             {forge(`{"alg":"ES256"}`, claims(exp), "secret"), sign.ErrAlgorithm},
		"alg EdDSA":             {forge(`{"alg":"EdDSA"}`, claims(exp), "secret"), sign.ErrAlgorithm},
		"alg a number":          {forge(`{"alg":256}`, claims(exp), "secret"), sign.ErrAlgorithm},
		"no alg":                {forge(`{}`, claims(exp), "secret"), sign.ErrAlgorithm},
		"header null":           {forge(`null`, claims(exp), "secret"), sign.ErrAlgorithm},
		"critical extension":    {forge(`{"alg":"HS256","crit":["b64"],"b64":false}`, claims(exp), "secret"), sign.ErrMalformed},
		"signed with nothing":   {forge(good, claims(exp), ""), sign.ErrSignature},
		"no signature":          {withoutSignature(forge(good, claims(exp), "secret")), sign.ErrSignature},
		"half a signature":      {vector[:len(vector)-23], sign.ErrSignature},
		"claims of another":     {forge(good, claims(exp+`,"sub":"admin"`), "guess"), sign.ErrSignature},
		"context token":         {forge(good, `{"iss":"x","exp":1700000180,"qsh":"context-qsh"}`, "secret"), sign.ErrContext},
		"no qsh":                {forge(good, `{"iss":"x","exp":1700000180}`, "secret"), sign.ErrRequest},
		"half a qsh":            {forge(good, `{"iss":"x","exp":1700000180,"qsh":"`+hook.Hash()[:32]+`"}`, "secret"), sign.ErrRequest},
		"never expires":         {forge(good, claims(""), "secret"), sign.ErrMalformed},
		"exp null":              {forge(good, claims(`,"exp":null`), "secret"), sign.ErrMalformed},
		"exp a text":            {forge(good, claims(`,"exp":"tomorrow"`), "secret"), sign.ErrMalformed},
		"exp beyond numbers":    {forge(good, claims(`,"exp":1e999`), "secret"), sign.ErrMalformed},
		"not before":            {forge(good, claims(exp+`,"nbf":1700000100`), "secret"), sign.ErrNotYet},
		"no issuer":             {forge(good, `{"exp":1700000180,"qsh":"`+hook.Hash()+`"}`, "secret"), sign.ErrMalformed},
		"claims null":           {forge(good, `null`, "secret"), sign.ErrMalformed},
		"claims a list":         {forge(good, `[]`, "secret"), sign.ErrMalformed},
		"issuer a list":         {forge(good, `{"iss":["x"]}`, "secret"), sign.ErrMalformed},
		"two parts":             {withoutSignature(vector)[:40], sign.ErrMalformed},
		"four parts":            {vector + ".", sign.ErrMalformed},
		"padded":                {vector + "=", sign.ErrMalformed},
		"another last letter":   {vector[:len(vector)-1] + "d", sign.ErrMalformed}, // the same bytes, leniently read
		"empty":                 {"", sign.ErrMalformed},
		"critical nothing":      {forge(`{"alg":"HS256","crit":null}`, claims(exp), "secret"), sign.ErrMalformed},
		"scheme left in front":  {"JWT " + vector, sign.ErrMalformed},
		"longer than is read":   {forge(good, claims(exp+`,"x":"`+strings.Repeat("x", sign.MaxToken)+`"`), "secret"), sign.ErrMalformed},
		"deeper than is useful": {forge(good, strings.Repeat("[", 5000), "secret"), sign.ErrMalformed},
	} {
		if _, err := verify(c.token, hook, issued, secret); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestIssuerIsReadBeforeTheSecretIsKnown(t *testing.T) {
	token, err := sign.Parse(vector)
	if err != nil || token.Issuer() != "client-key" {
		t.Fatalf("%v, %v", token, err)
	}
	for _, text := range []string{fmt.Sprint(token), fmt.Sprintf("%+v %#v", *token, token)} {
		if strings.Contains(text, vector[:20]) {
			t.Errorf("the token is printed: %s", text)
		}
	}
}

// TestErrorsRepeatNothing makes every way of failing fail on contents that must not be seen.
func TestErrorsRepeatNothing(t *testing.T) {
	const marker = "3141592653"
	hidden := sign.NewSecret("hidden-" + marker)
	for _, token := range []string{
		marker, marker + "." + marker + "." + marker, "!" + marker + ".x.y", marker + "\x00..",
		forge(marker, "{}", "k"), forge(`{"alg":"`+marker+`"}`, "{}", "k"), forge(`{"alg":"HS256"}`, marker, "k"),
		forge(`{"alg":"HS256"}`, `{"iss":`+marker+`}`, "k"), forge(`{"alg":"HS256"}`, `{"iss":"x","exp":"`+marker+`"}`, "k"),
		forge(`{"alg":"HS256"}`, `{"iss":"x","exp":"1`+marker+`e9999"}`, "k"), forge(`{"alg":"HS256"}`, `{"iss":"`+marker+`"}`, "k"),
		forge(`{"alg":"HS256"}`, `{"iss":"x","exp":1,"qsh":"`+marker+`"}`, hidden.Reveal()),
		forge(`{"alg":"HS256"}`, `{"iss":"x","exp":3141592653,"qsh":"`+marker+`"}`, hidden.Reveal()),
		forge(`{"alg":"HS256"}`, `{"iss":"x","exp":3141592653,"iat":3141592653}`, hidden.Reveal()),
	} {
		_, err := verify(token, hook, issued, hidden)
		if err == nil || strings.Contains(err.Error(), marker) {
			t.Errorf("%q: %v", token, err)
		}
	}
	if err := sign.VerifyHub("sha256="+marker, nil, hidden); err == nil || strings.Contains(err.Error(), marker) {
		t.Errorf("hub: %v", err)
	}
	if _, err := sign.NewKeyring(hidden); err == nil || strings.Contains(err.Error(), marker) {
		t.Errorf("key: %v", err)
	}
}

// FuzzVerify checks that no text panics, and that what is accepted was signed with the secret and bound to the
// request, by a plain reading of the token.
func FuzzVerify(f *testing.F) {
	f.Add(vector)
	f.Add("..")
	f.Add(forge(`{"alg":"none"}`, `{"iss":"x"}`, ""))
	f.Add(forge(`null`, `null`, "secret"))
	f.Add(forge(`{"alg":"HS256"}`, `{"iss":"x","exp":1e300,"iat":-1e300,"qsh":"context-qsh"}`, "secret"))
	f.Fuzz(func(t *testing.T, text string) {
		check := func(token string) {
			parsed, err := sign.Parse(token)
			if err != nil {
				return
			}
			claims, err := parsed.Verify(hook, issued, secret)
			if err != nil {
				return
			}
			cut := strings.LastIndexByte(token, '.')
			mac := hmac.New(sha256.New, []byte("secret"))
			mac.Write([]byte(token[:cut]))
			if token[cut+1:] != base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) {
				t.Fatalf("%q is accepted, and not signed", token)
			}
			_, body := parts(t, token)
			var plain struct {
				QSH string `json:"qsh"`
			}
			if json.Unmarshal([]byte(body), &plain) != nil || plain.QSH != hook.Hash() || claims.Issuer != parsed.Issuer() {
				t.Fatalf("%s is accepted, and not for this request", body)
			}
		}
		check(text)
		check(forge(`{"alg":"HS256"}`, text, "secret"))
		check(forge(text, `{"iss":"x","exp":1700000180,"qsh":"`+hook.Hash()+`"}`, "secret"))
	})
}

func BenchmarkConnect(b *testing.B) {
	r := sign.Request{Method: "POST", URL: "https://app.example.com/jira/hook?user_id=712020%3A4f0c&user_key=712020%3A4f0c", BasePath: "/jira"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sign.Connect(sign.Claims{Issuer: "f2b1c3d4-5a6b-7c8d-9e0f-112233445566"}, r, secret, issued); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	r := sign.Request{Method: "POST", URL: "https://app.example.com/jira/hook?user_id=712020%3A4f0c&user_key=712020%3A4f0c", BasePath: "/jira"}
	b.ReportAllocs()
	for b.Loop() {
		r.Hash()
	}
}

func BenchmarkVerify(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verify(vector, hook, issued, secret); err != nil {
			b.Fatal(err)
		}
	}
}
