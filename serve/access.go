package serve

import (
	"compress/gzip"
	"compress/zlib"
	"crypto/subtle"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// allowed refuses requests that are not allowed to use the server. These are requests without
// the token, if there is one, and requests of a page from another site, which the browser names
// as the Origin. On loopback they are also requests that call this machine by another name. A
// page from another site sends these when its name resolves to this machine.
func (s *Server) allowed(r *http.Request) error {
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return refuse(http.StatusForbidden, "requests from the page %q are refused", origin)
		}
	}
	if !s.o.AnyHost && !loopback(r.Host) {
		return refuse(http.StatusMisdirectedRequest, "this server is not called %q; call it by its loopback address", r.Host)
	}
	if s.o.Token == "" {
		return nil
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || subtle.ConstantTimeCompare([]byte(given), []byte(s.o.Token)) != 1 {
		return refuse(http.StatusUnauthorized, "send the server's token as the header Authorization: Bearer TOKEN")
	}
	return nil
}

// loopback reports whether a request's Host is localhost or a loopback address.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// unpack returns a body decoded according to its Content-Encoding. The caller limits how much it reads.
func unpack(body io.Reader, encoding string) (io.Reader, error) {
	var unpacked io.Reader
	var err error
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		unpacked, err = gzip.NewReader(body)
	case "deflate":
		unpacked, err = zlib.NewReader(body)
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "the body has the Content-Encoding %q; this server takes gzip and deflate", encoding)
	}
	if err != nil {
		return nil, bad("the body is not %s, as its Content-Encoding says: %w", encoding, err)
	}
	return unpacked, nil
}
