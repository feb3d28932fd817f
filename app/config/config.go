// Package config is everything that can be set from outside: one struct, read from the environment and an optional file.
//
// The zero configuration serves on loopback with embedded SQLite. Every variable starts with MEDCARD_; a name that is not known
// is an error, because a misspelt security setting must not pass in silence. A variable NAME may be given as NAME_FILE with
// the path of a file that holds the value, so that secrets need not stand in the environment.
package config

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is the whole configuration. See the tags for names and defaults.
type Config struct {
	Listen         string        `env:"LISTEN" envDefault:"127.0.0.1:8080" help:"address to serve on; plain HTTP leaves loopback only behind TRUSTED_PROXIES"`
	Data           string        `env:"DATA" envDefault:"./medcard-data" help:"folder of the SQLite file and the keys"`
	Postgres       string        `env:"POSTGRES" help:"DSN of a PostgreSQL database; empty = SQLite in DATA"`
	Keys           string        `env:"KEYS" help:"folder of the key files; empty = DATA/keys"`
	PublicURL      string        `env:"PUBLIC_URL" help:"the address clients know the server by; empty = http://LISTEN"`
	Issuer         string        `env:"ISSUER" envDefault:"medcard" help:"who signs prescriptions and referrals, as their codes say it"`
	Zone           string        `env:"ZONE" envDefault:"Europe/Moscow" help:"time zone whose days count for validity"`
	TrustedProxies []string      `env:"TRUSTED_PROXIES" help:"comma-separated addresses of proxies whose X-Forwarded-For is believed"`
	FCMCredentials string        `env:"FCM_CREDENTIALS" help:"path of the Firebase service account file; empty = pushes become log lines"`
	FCMProject     string        `env:"FCM_PROJECT" help:"Firebase project id; empty = from the service account"`
	FCMEndpoint    string        `env:"FCM_ENDPOINT" help:"base URL of another FCM HTTP v1 server, for tests"`
	SMTP           string        `env:"SMTP" help:"smtp://user:password@host:port for one-time codes by e-mail; empty = console"`
	MailFrom       string        `env:"MAIL_FROM" envDefault:"medcard@localhost" help:"sender of e-mails"`
	LogLevel       string        `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	ShutdownGrace  time.Duration `env:"SHUTDOWN_GRACE" envDefault:"10s" help:"how long requests in work may take after a stop signal"`
}

const prefix = "MEDCARD_"

// Load reads the environment given as NAME=value lines, and a file of the same form before it when MEDCARD_CONFIG names one.
func Load(environ []string) (Config, error) {
	outer := map[string]string{}
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, prefix) {
			outer[name] = value
		}
	}
	values := map[string]string{}
	if path := outer[prefix+"CONFIG"]; path != "" {
		var err error
		if values, err = readFile(path); err != nil {
			return Config{}, err
		}
	}
	maps.Copy(values, outer)
	if err := fromFiles(values); err != nil {
		return Config{}, err
	}
	if err := known(values); err != nil {
		return Config{}, err
	}
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Prefix: prefix, Environment: values}); err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	return c, c.Validate()
}

// readFile reads NAME=value lines. What is no such line is an error too; it is named by its number, for it may hold a secret.
func readFile(path string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	values := map[string]string{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || !strings.HasPrefix(name, prefix) {
			return nil, fmt.Errorf("configuration: line %d of %s is not %sNAME=value", number, path, prefix)
		}
		values[name] = value
	}
	return values, nil
}

// fromFiles puts the contents of the files that NAME_FILE variables name in the place of NAME.
func fromFiles(values map[string]string) error {
	for name, path := range maps.Clone(values) {
		base, ok := strings.CutSuffix(name, "_FILE")
		if !ok {
			continue
		}
		if _, both := values[base]; both {
			return fmt.Errorf("configuration: %s and %s are both set; which one counts?", base, name)
		}
		content, err := os.ReadFile(filepath.Clean(path))
		if err != nil {
			return fmt.Errorf("configuration: %s: %w", name, err)
		}
		values[base] = strings.TrimSpace(string(content))
		delete(values, name)
	}
	return nil
}

// Names lists the variables with their help, for --help and for the check of unknown names.
func Names() (names []string, help map[string]string) {
	help = map[string]string{}
	for field := range reflect.TypeFor[Config]().Fields() {
		name := prefix + field.Tag.Get("env")
		text := field.Tag.Get("help")
		if d := field.Tag.Get("envDefault"); d != "" {
			text += " (default " + d + ")"
		}
		names = append(names, name)
		help[name] = text
	}
	sort.Strings(names)
	return names, help
}

func known(values map[string]string) error {
	_, help := Names()
	for name := range values {
		if _, ok := help[name]; !ok && name != prefix+"CONFIG" && !strings.HasPrefix(name, prefix+"TEST_") {
			return fmt.Errorf("configuration: %s is no setting; `medcard --help` lists them", name)
		}
	}
	return nil
}

// Validate refuses what would be unsafe or could not work.
func (c Config) Validate() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return errors.New("configuration: MEDCARD_LISTEN must be host:port, e.g. 127.0.0.1:8080")
	}
	ip := net.ParseIP(host)
	loopback := host == "localhost" || (ip != nil && ip.IsLoopback())
	if !loopback && len(c.TrustedProxies) == 0 {
		return errors.New("configuration: plain HTTP is served on loopback only; to listen on " + host + " behind a TLS proxy, name it in MEDCARD_TRUSTED_PROXIES")
	}
	for _, proxy := range c.TrustedProxies {
		_, network := netip.ParsePrefix(proxy)
		if _, address := netip.ParseAddr(proxy); network != nil && address != nil {
			return errors.New("configuration: MEDCARD_TRUSTED_PROXIES takes addresses and networks, e.g. 10.0.0.5 or 10.0.0.0/8")
		}
	}
	if c.PublicURL != "" {
		if u, err := url.Parse(c.PublicURL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return errors.New("configuration: MEDCARD_PUBLIC_URL must be an address such as https://card.example.org")
		}
	}
	if new(slog.Level).UnmarshalText([]byte(c.LogLevel)) != nil {
		return errors.New("configuration: MEDCARD_LOG_LEVEL must be debug, info, warn or error")
	}
	if c.ShutdownGrace < 0 {
		return errors.New("configuration: MEDCARD_SHUTDOWN_GRACE cannot be negative")
	}
	return nil
}

// KeyFolder is where the keys are.
func (c Config) KeyFolder() string {
	if c.Keys != "" {
		return c.Keys
	}
	return filepath.Join(c.Data, "keys")
}

// Database is the path of the SQLite file.
func (c Config) Database() string { return filepath.Join(c.Data, "medcard.db") }

// URL is the address clients know the server by, without a slash at the end.
func (c Config) URL() string {
	if c.PublicURL != "" {
		return strings.TrimRight(c.PublicURL, "/")
	}
	return "http://" + c.Listen
}
