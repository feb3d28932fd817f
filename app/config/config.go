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

	"github.com/medcard/medcard/domain/evidence"
)

// Config is the whole configuration. See the tags for names and defaults.
type Config struct {
	Listen         string        `env:"LISTEN" envDefault:"127.0.0.1:8080" help:"address to serve on; it leaves loopback only with TLS_CERTIFICATE, or behind TRUSTED_PROXIES"`
	TLSCertificate string        `env:"TLS_CERTIFICATE" help:"PEM file with the server's certificate and those between it and a root: TLS 1.3 ends here; empty = plain HTTP"`
	TLSKey         string        `env:"TLS_KEY" help:"PEM file with its private key; both files are read anew when they change"`
	Data           string        `env:"DATA" envDefault:"./medcard-data" help:"folder of the SQLite file and the keys"`
	Postgres       string        `env:"POSTGRES" help:"DSN of a PostgreSQL database; empty = SQLite in DATA"`
	Sequencer      string        `env:"POSTGRES_SEQUENCER" help:"DSN of the same database for the role that puts entries into the log of accesses; empty = POSTGRES does it"`
	Keys           string        `env:"KEYS" help:"folder of the key files; empty = DATA/keys"`
	PublicURL      string        `env:"PUBLIC_URL" help:"the address clients know the server by; empty = LISTEN"`
	PasskeyDomain  string        `env:"PASSKEY_DOMAIN" help:"the domain that passkeys are bound to, for ever; empty = the host of PUBLIC_URL, or localhost where that is an address"`
	PasskeyApps    []string      `env:"PASSKEY_APPS" help:"comma-separated origins of apps that may use them: android:apk-key-hash:..."`
	OIDCIssuer     string        `env:"OIDC_ISSUER" help:"address of an external OpenID provider that does in place of a password; empty = none"`
	OIDCProfile    string        `env:"OIDC_PROFILE" envDefault:"esia" help:"how it speaks of people: esia"`
	OIDCClient     string        `env:"OIDC_CLIENT" help:"what it knows Medcard by"`
	OIDCSecret     string        `env:"OIDC_SECRET" help:"Medcard's secret there; better as MEDCARD_OIDC_SECRET_FILE"`
	OIDCRedirect   string        `env:"OIDC_REDIRECT" help:"where it sends people back to: an address that the app answers"`
	Issuer         string        `env:"ISSUER" envDefault:"medcard" help:"who signs prescriptions and referrals, as their codes say it"`
	Region         uint8         `env:"REGION" help:"code of the region whose papers are issued here, 1 to 99: pharmacies hold the status lists of theirs"`
	PKCS11Module   string        `env:"PKCS11_MODULE" help:"path of a PKCS#11 library that holds the keys that sign codes; empty = files in KEYS"`
	PKCS11Token    string        `env:"PKCS11_TOKEN" help:"label of the PKCS#11 token"`
	PKCS11PIN      string        `env:"PKCS11_PIN" help:"PIN of its user; better as MEDCARD_PKCS11_PIN_FILE"`
	Zone           string        `env:"ZONE" envDefault:"Europe/Moscow" help:"time zone whose days count for validity"`
	TrustedProxies []string      `env:"TRUSTED_PROXIES" help:"comma-separated addresses of proxies whose X-Forwarded-For is believed"`
	ForeignKeys    string        `env:"FOREIGN_KEYS" help:"folder with the keys of issuers of foreign certificates: X.509 in PEM (EU), JWK sets with issuer (SMART Health Cards)"`
	SignRoots      string        `env:"SIGN_ROOTS" help:"folder with the certificates of the authorities whose electronic signatures count, PEM or DER; empty = none are taken"`
	SignHosts      []string      `env:"SIGN_HOSTS" help:"comma-separated host or host:port: what certificates name there is fetched to learn of revocations (CRL, OCSP)"`
	SignLists      []string      `env:"SIGN_LISTS" help:"comma-separated addresses of lists of revoked certificates that are always looked at"`
	SignGOST       string        `env:"SIGN_GOST" help:"path of an openssl command whose engine gost checks GOST R 34.10-2012; empty = such signatures are refused as unsupported"`
	Demand         []string      `env:"DEMAND" help:"comma-separated proofs without which a redeemed card stays closed: passport, snils, policy, policyApplication, inn, dataConsent, and insurer (the policy, confirmed by its insurer); empty = none"`
	Clamd          string        `env:"CLAMD" help:"host:port of ClamAV's daemon, which looks at every file of a document, and at those that people attach to records; without an answer none is taken; empty = nothing is scanned"`
	FCMCredentials string        `env:"FCM_CREDENTIALS" help:"path of the Firebase service account file; empty = pushes become log lines"`
	FCMProject     string        `env:"FCM_PROJECT" help:"Firebase project id; empty = from the service account"`
	FCMEndpoint    string        `env:"FCM_ENDPOINT" help:"base URL of another FCM HTTP v1 server, for tests"`
	SMS            string        `env:"SMS" help:"smpps://user:password@host:port?from=NAME of an operator's message centre for one-time codes by SMS; empty = console"`
	SMTP           string        `env:"SMTP" help:"smtp://user:password@host:port for one-time codes by e-mail; empty = console"`
	MailFrom       string        `env:"MAIL_FROM" envDefault:"medcard@localhost" help:"sender of e-mails"`
	Bound          bool          `env:"BOUND" help:"true = people's sessions are opened with a proof of the app's key alone (DPoP): a copied token is of no use; apps with the SDK do, curl does not"`
	Codes          string        `env:"CODES" help:"console = one-time codes that neither SMS nor SMTP carries appear on the console though strangers reach the server: to try it out"`
	Metrics        string        `env:"METRICS" help:"host:port of a listener of its own for /metrics, for Prometheus alone: how much the server did for a request tells strangers what they may not know; empty = beside all else while nobody but this machine reaches it, and nowhere otherwise"`
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
		return Config{}, unreadable(err)
	}
	return c, c.Validate()
}

// unreadable names the setting whose value is of no use, and not the value: it may be a secret in the wrong place.
func unreadable(err error) error {
	var wrong env.ParseError
	if errors.As(err, &wrong) {
		for field := range reflect.TypeFor[Config]().Fields() {
			if field.Name == wrong.Name {
				return fmt.Errorf("configuration: %s%s takes a value such as %s", prefix, field.Tag.Get("env"), examples[field.Type.Kind()])
			}
		}
	}
	return fmt.Errorf("configuration: %w", err)
}

// examples are values of the kinds that are not text.
var examples = map[reflect.Kind]string{reflect.Bool: "true or false", reflect.Uint8: "77", reflect.Int64: "10s"}

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
	if (c.TLSCertificate == "") != (c.TLSKey == "") {
		return errors.New("configuration: MEDCARD_TLS_CERTIFICATE and MEDCARD_TLS_KEY go together")
	}
	if !onThisMachine(host) && !c.TLS() && len(c.TrustedProxies) == 0 {
		return errors.New("configuration: plain HTTP is served on loopback only; to listen on " + host + " behind a TLS proxy, name it in MEDCARD_TRUSTED_PROXIES, or set MEDCARD_TLS_CERTIFICATE and MEDCARD_TLS_KEY")
	}
	for _, proxy := range c.TrustedProxies {
		network, err := netip.ParsePrefix(proxy)
		if _, address := netip.ParseAddr(proxy); err != nil && address != nil || err == nil && network.Bits() < 8 {
			return errors.New("configuration: MEDCARD_TRUSTED_PROXIES takes addresses and networks, e.g. 10.0.0.5 or 10.0.0.0/8; who trusts all of the internet counts no limits")
		}
	}
	if c.Metrics != "" {
		if _, port, err := net.SplitHostPort(c.Metrics); err != nil || port == "" {
			return errors.New("configuration: MEDCARD_METRICS must be host:port, e.g. 127.0.0.1:9464")
		}
	}
	if c.Codes != "" && c.Codes != "console" {
		return errors.New("configuration: MEDCARD_CODES is console or empty")
	}
	if c.Sequencer != "" && c.Postgres == "" {
		return errors.New("configuration: MEDCARD_POSTGRES_SEQUENCER needs MEDCARD_POSTGRES: it is another role in the same database")
	}
	if c.PublicURL != "" {
		if u, err := url.Parse(c.PublicURL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return errors.New("configuration: MEDCARD_PUBLIC_URL must be an address such as https://card.example.org")
		} else if c.TLS() && u.Scheme != "https" {
			return errors.New("configuration: MEDCARD_PUBLIC_URL must begin with https where the server ends TLS itself")
		}
	}
	if c.OIDCIssuer != "" {
		u, err := url.Parse(c.OIDCIssuer)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !net.ParseIP(u.Hostname()).IsLoopback()) {
			return errors.New("configuration: MEDCARD_OIDC_ISSUER must be an address with https")
		}
		if c.OIDCClient == "" || c.OIDCRedirect == "" {
			return errors.New("configuration: MEDCARD_OIDC_ISSUER needs MEDCARD_OIDC_CLIENT and MEDCARD_OIDC_REDIRECT")
		}
	}
	for _, host := range c.SignHosts {
		if u, err := url.Parse("http://" + host); err != nil || u.Host != host || host == "" {
			return errors.New("configuration: MEDCARD_SIGN_HOSTS takes hosts as addresses have them, e.g. cdp.example.org or ocsp.example.org:8080")
		}
	}
	for _, list := range c.SignLists {
		if u, err := url.Parse(list); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return errors.New("configuration: MEDCARD_SIGN_LISTS takes addresses such as http://cdp.example.org/list.crl")
		}
	}
	if _, ok := evidence.ParseDemand(c.Demand); !ok {
		return errors.New("configuration: MEDCARD_DEMAND takes passport, snils, policy, policyApplication, inn, dataConsent and insurer, each once")
	}
	if c.Clamd != "" {
		if host, port, err := net.SplitHostPort(c.Clamd); err != nil || host == "" || port == "" {
			return errors.New("configuration: MEDCARD_CLAMD is host:port of ClamAV's daemon")
		}
	}
	if c.SignRoots == "" && len(c.SignHosts)+len(c.SignLists) > 0 {
		return errors.New("configuration: MEDCARD_SIGN_HOSTS and MEDCARD_SIGN_LISTS say nothing without MEDCARD_SIGN_ROOTS")
	}
	if c.SignRoots != "" && len(c.SignHosts)+len(c.SignLists) == 0 {
		return errors.New("configuration: MEDCARD_SIGN_ROOTS needs MEDCARD_SIGN_HOSTS or MEDCARD_SIGN_LISTS: where nothing says what was revoked, no signature counts")
	}
	if new(slog.Level).UnmarshalText([]byte(c.LogLevel)) != nil {
		return errors.New("configuration: MEDCARD_LOG_LEVEL must be debug, info, warn or error")
	}
	if c.Region > 99 {
		return errors.New("configuration: MEDCARD_REGION is the code of a region, 1 to 99")
	}
	if c.PKCS11Module != "" && (c.PKCS11Token == "" || c.PKCS11PIN == "") {
		return errors.New("configuration: MEDCARD_PKCS11_MODULE needs MEDCARD_PKCS11_TOKEN and MEDCARD_PKCS11_PIN")
	}
	if c.ShutdownGrace < 0 {
		return errors.New("configuration: MEDCARD_SHUTDOWN_GRACE cannot be negative")
	}
	return nil
}

// Local reports whether nobody but this machine reaches the server, as far as the configuration tells: what is for its own people alone
// may be shown then.
func (c Config) Local() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil || !onThisMachine(host) || c.TLS() || len(c.TrustedProxies) > 0 {
		return false
	}
	u, err := url.Parse(c.URL())
	return err == nil && onThisMachine(u.Hostname())
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Serves refuses what would be wrong to let others reach, and is no matter to commands.
func (c Config) Serves() error {
	if c.Local() {
		return nil
	}
	if u, err := url.Parse(c.URL()); err == nil && c.PublicURL != "" && u.Scheme != "https" && !onThisMachine(u.Hostname()) {
		return errors.New("configuration: others reach the server, so MEDCARD_PUBLIC_URL must begin with https")
	}
	if (c.SMS == "" || c.SMTP == "") && c.Codes != "console" {
		return errors.New("configuration: others reach the server, and one-time codes would appear on its console, with the numbers they are for: set MEDCARD_SMS and MEDCARD_SMTP, or MEDCARD_CODES=console to try it out")
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
	return c.Scheme() + "://" + c.Listen
}

// TLS reports whether the server ends TLS itself.
func (c Config) TLS() bool { return c.TLSCertificate != "" }

// Scheme is that of addresses on which the server itself answers.
func (c Config) Scheme() string {
	if c.TLS() {
		return "https"
	}
	return "http"
}
