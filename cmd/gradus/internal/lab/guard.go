package lab

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// policy is the page's content security policy: everything comes from this server, and the page
// itself contains no script or style.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard refuses clients that should not talk to the server. The header Host gives away a page of another site that
// uses its own name for this address, and Origin a page of another site that sends requests here. Unless the server
// listens only on loopback, guard also refuses anyone without the token.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		switch {
		case !s.hostOK(r.Host):
			http.Error(w, "this server is not called "+r.Host+"; use the address that it printed", http.StatusMisdirectedRequest)
		case !sameOrigin(r):
			http.Error(w, "requests from other pages are refused", http.StatusForbidden)
		case !s.tokenOK(w, r):
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hostOK reports whether a request's Host is a name of this machine: localhost or a loopback
// address, and with a token any address, or the machine's own name.
func (s *Server) hostOK(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	addr, err := netip.ParseAddr(name)
	if s.token == "" {
		return name == "localhost" || err == nil && addr.IsLoopback()
	}
	own, _ := os.Hostname()
	return err == nil || name == "localhost" || strings.EqualFold(name, own) || strings.EqualFold(strings.TrimSuffix(name, ".local"), own)
}

// sameOrigin reports whether a request that changes something comes from this server's own
// page. A browser sends Origin with every POST.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		return r.Method == http.MethodGet && r.URL.Path == "/" // following a link
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return r.Method == http.MethodGet || r.Method == http.MethodHead
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

// tokenOK admits clients that have the token, either from the printed address or from the cookie that
// this address sets. It answers the others.
func (s *Server) tokenOK(w http.ResponseWriter, r *http.Request) bool {
	if s.token == "" {
		return true
	}
	equal := func(t string) bool { return subtle.ConstantTimeCompare([]byte(t), []byte(s.token)) == 1 }
	if r.Method == http.MethodGet && r.URL.Path == "/" && equal(r.URL.Query().Get("token")) {
		http.SetCookie(w, &http.Cookie{Name: s.cookie("token"), Value: s.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		q := r.URL.Query()
		q.Del("token")
		http.Redirect(w, r, (&url.URL{Path: "/", RawQuery: q.Encode()}).String(), http.StatusSeeOther)
		return false
	}
	if c, err := r.Cookie(s.cookie("token")); err == nil && equal(c.Value) {
		return true
	}
	http.Error(w, "open the lab with the whole address that it printed, including the token", http.StatusUnauthorized)
	return false
}

// cookie returns a cookie's name. It contains the server's name, because cookies do not distinguish ports.
func (s *Server) cookie(what string) string { return "gradus-" + what + "-" + s.name }

// secret returns 128 random bits.
func secret() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
