package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v4"

	"hookline/engine/sign"
)

type holder struct {
	Shown  sign.Secret
	hidden sign.Secret
	List   []sign.Secret
	Map    map[string]sign.Secret
	any    any
	key    sign.Key
}

func TestSecretIsNeverPrinted(t *testing.T) {
	const text = "s3cr3t"
	s := sign.NewSecret(text)
	shared, err := sign.ParseKey(sign.NewSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(text, 5)))))
	if err != nil {
		t.Fatal(err)
	}
	h := &holder{s, s, []sign.Secret{s}, map[string]sign.Secret{"k": s}, s, shared}
	var out bytes.Buffer
	for _, v := range []any{s, &s, *h, h, shared, []any{s}, fmt.Errorf("wrapped: %v", s)} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t", "%c", "%p", "%T", "%!"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		fmt.Fprintln(&out, v)
		fmt.Fprintln(&out, s.String(), s.GoString())
		for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
			l.Info("x", "v", v)
			l.With("v", v).WithGroup("g").Info("x", slog.Any("v", v))
		}
		asJSON, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		out.Write(asJSON)
		asYAML, err := yaml.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		out.Write(asYAML)
		_ = template.Must(template.New("").Parse("{{.}} {{print .}} {{printf \"%q\" .}}")).Execute(&out, v)
		_ = gob.NewEncoder(&out).Encode(v)
	}
	asXML, err := xml.Marshal(struct {
		XMLName xml.Name    `xml:"x"`
		A       sign.Secret `xml:"a,attr"`
		B       sign.Secret
	}{A: s, B: s})
	if err != nil {
		t.Error(err)
	}
	out.Write(asXML)
	dump := out.String()
	for _, spelled := range []string{text, "733363723374", "[115 51", "0x73, 0x33", "czNjcjN0", "115, 51"} {
		if i := strings.Index(strings.ToLower(dump), strings.ToLower(spelled)); i >= 0 {
			t.Errorf("printed as %s: %s", spelled, dump[max(0, i-80):i+20])
		}
	}
	if strings.Count(dump, "[redacted]") < 50 {
		t.Error("the placeholder is missing")
	}
	if s.Reveal() != text {
		t.Error("the content is lost")
	}
}

func TestSecretCannotBeDecoded(t *testing.T) {
	var h holder
	if err := json.Unmarshal([]byte(`{"Shown":"[redacted]"}`), &h); err == nil || !h.Shown.IsZero() {
		t.Errorf("the placeholder became a secret: %v", err)
	}
}

func TestSecretEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"a", "a", true}, {"a", "b", false}, {"a", "ab", false}, {"", "", true}, {"a", "", false}} {
		if got := sign.NewSecret(c.a).Equal(sign.NewSecret(c.b)); got != c.want {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
	if !sign.NewSecret("").IsZero() || sign.NewSecret(" ").IsZero() || (sign.Secret{}).Reveal() != "" {
		t.Error("empty is not what it should be")
	}
}
