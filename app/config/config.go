// Package config is everything that can be set from outside: one struct, read from the environment and an optional file.
//
// The zero configuration serves on loopback with embedded SQLite. Every variable starts with MEDCARD_; a name that is not known
// is an error, because a misspelt security setting must not pass in silence. A variable NAME may be given as NAME_FILE with
// the path of a file that holds the value, so that secrets need not stand in the environment.
package config

import (
	"bufio"
	"errors"
	"fmt"
	"net"
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
	values := map[string]string{}
	take := func(line string) {
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, prefix) {
			values[name] = value
		}
	}
	for _, line := range environ {
		take(line)
	}
	if path := values[prefix+"CONFIG"]; path != "" {
		file, err := lines(path)
		if err != nil {
			return Config{}, err
		}
		outer := values
		values = map[string]string{}
		for _, line := range file {
			take(line)
		}
		for name, value := range outer {
			values[name] = value
		}
	}
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

func lines(path string) ([]string, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer file.Close()
	var out []string
	for s := bufio.NewScanner(file); s.Scan(); {
		if line := strings.TrimSpace(s.Text()); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out, nil
}

func fromFiles(values map[string]string) error {
	for name, path := range values {
		base, ok := strings.CutSuffix(name, "_FILE")
		if !ok {
			continue
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
