package config

import (
	"net/netip"

	"hookline/engine/egress"
)

// Egress says where deliveries may go. What is not set leaves public addresses, on any port.
type Egress struct {
	// Off lets deliveries go anywhere.
	Off bool `yaml:"off" env:"OFF"`

	// Allow are networks that deliveries may go to although they are not public.
	Allow []netip.Prefix `yaml:"allow" env:"ALLOW"`

	// Ports are the ports that deliveries may go to; all if there is none.
	Ports []uint16 `yaml:"ports" env:"PORTS"`

	// Proxy is the URL of the proxy by which connections are made.
	Proxy string `yaml:"proxy" env:"PROXY"`
}

// TLS are the settings of https connections to receivers: PEM files with the authorities that are trusted beside the
// system's and with this process's certificate and key, and the least version, 1.2 or 1.3.
type TLS struct {
	CA         string `yaml:"ca" env:"CA"`
	Cert       string `yaml:"cert" env:"CERT"`
	Key        string `yaml:"key" env:"KEY"`
	MinVersion string `yaml:"min_version" env:"MIN_VERSION"`
}

func (c *Config) egress() egress.Options {
	return egress.Options{
		Off: c.Egress.Off, Allow: c.Egress.Allow, Ports: c.Egress.Ports, Proxy: c.Egress.Proxy, TLS: egress.TLS(c.TLS),
	}
}
