package sign_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"hookline/engine/sign"
)

// A receiver that knows two secrets while one of them takes the other's place.
func ExampleVerifyHub() {
	secrets := []sign.Secret{sign.NewSecret("the new secret of both sides"), sign.NewSecret("It's a Secret to Everybody")}
	receive := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || sign.VerifyHub(r.Header.Get("X-Hub-Signature"), body, secrets...) != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	r := httptest.NewRequest("POST", "/hook", strings.NewReader("Hello World!"))
	r.Header.Set("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9")
	w := httptest.NewRecorder()
	receive(w, r)
	fmt.Println(w.Code)
	// Output: 200
}

// A receiver that has the sender's public key, and so nothing to keep secret.
func ExampleVerifyStandard() {
	key, err := sign.ParseKey(sign.NewSecret("whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="))
	if err != nil {
		panic(err)
	}
	now := time.Unix(1614265330, 0) // time.Now(), in a receiver
	receive := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		h := sign.Standard{
			ID: r.Header.Get(sign.StandardID), Timestamp: r.Header.Get(sign.StandardTimestamp), Signature: r.Header.Get(sign.StandardSignature),
		}
		if err != nil || sign.VerifyStandard(h, body, now, key) != nil {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	r := httptest.NewRequest("POST", "/hook", strings.NewReader(`{"test": 2432232314}`))
	r.Header.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	r.Header.Set("webhook-timestamp", "1614265330")
	r.Header.Set("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "+
		"v1a,fldxM4gAKugP6nnt1hdz3sgGfZ6d99nzrMFnZOELIxbzEHoVmAb2ADpkJK7zgPePmPsle0zV9jSeGlHFG2NVAw==")
	w := httptest.NewRecorder()
	receive(w, r)
	fmt.Println(w.Code)
	// Output: 200
}

// A Connect app below https://app.example/jira that checks the JWT of a delivery.
func ExampleToken_Verify() {
	secret := sign.NewSecret("the shared secret of the installation")
	now := time.Unix(1614265330, 0) // time.Now(), in a receiver
	delivery := sign.Request{Method: "POST", URL: "https://app.example/jira/hook?a=1", BasePath: "/jira"}
	header, err := sign.Connect(sign.Claims{Issuer: "client-key-of-acme"}, delivery, secret, now)
	if err != nil {
		panic(err)
	}

	token, err := sign.Parse(header)
	if err != nil {
		panic(err)
	}
	claims, err := token.Verify(sign.Request{Method: "POST", URL: "/jira/hook?a=1", BasePath: "/jira"}, now, secret) // that of token.Issuer()
	fmt.Println(claims.Issuer, err)
	// Output: client-key-of-acme <nil>
}
