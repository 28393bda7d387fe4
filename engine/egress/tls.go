package egress

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLS says how receivers are recognised, and how this process identifies itself to them.
type TLS struct {
	// CA is a PEM file with certificates of authorities that are trusted beside the system's.
	CA string

	// Cert and Key are PEM files with a certificate, and those between it and its authority, and its key. It is shown to
	// whoever asks for one.
	Cert, Key string

	// MinVersion is "1.2" or "1.3". Defaults to 1.2.
	MinVersion string
}

// config reads the files. It returns nil where nothing is set.
func (t TLS) config() (*tls.Config, error) {
	if t == (TLS{}) {
		return nil, nil
	}
	c := new(tls.Config)
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	switch t.MinVersion {
	case "", "1.2":
		c.MinVersion = tls.VersionTLS12
	case "1.3":
		c.MinVersion = tls.VersionTLS13
	default:
		add("tls.min_version is %q; use 1.2 or 1.3", t.MinVersion)
	}
	if t.CA != "" {
		roots, err := authorities(t.CA)
		if err != nil {
			add("tls.ca: %w", err)
		}
		c.RootCAs = roots
	}
	switch {
	case (t.Cert == "") != (t.Key == ""):
		add("tls.cert and tls.key are needed together")
	case t.Cert != "":
		certificate, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			add("tls.cert and tls.key: %w", err)
		}
		c.Certificates = []tls.Certificate{certificate}
	}
	return c, errors.Join(problems...)
}

func authorities(file string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return pool, nil
}
