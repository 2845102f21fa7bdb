// A read-only proxy in front of the Docker socket: it passes on GET and HEAD requests whose whole path matches an allowed
// pattern, and answers everything else itself.
//
// Its flags are those of github.com/wollomatic/socket-proxy, whose official image is used where a registry is at hand;
// no module proxy serves that project, so this stands in for the part of it that Pointsman uses.
package main

import (
	"context"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	headerTimeout = 10 * time.Second
	stopTimeout   = 5 * time.Second
)

func main() {
	listenIP := flag.String("listenip", "127.0.0.1", "address to listen on")
	port := flag.String("proxyport", "2375", "port to listen on")
	socket := flag.String("socketpath", "/var/run/docker.sock", "the Docker engine's socket")
	from := flag.String("allowfrom", "127.0.0.1/32", "network that may connect")
	get := flag.String("allowGET", "", "pattern of the paths that may be read")
	head := flag.String("allowHEAD", "", "pattern of the paths that may be asked for")
	flag.Parse()

	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	_, network, err := net.ParseCIDR(*from)
	if err != nil {
		log.Error("allowfrom is not a network such as 172.18.0.0/16", "value", *from)
		os.Exit(2)
	}
	allowed := map[string]*regexp.Regexp{http.MethodGet: whole(*get), http.MethodHead: whole(*head)}
	server := &http.Server{
		Addr:              net.JoinHostPort(*listenIP, *port),
		Handler:           guard(network, allowed, engine(*socket), log),
		ReadHeaderTimeout: headerTimeout,
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go func() {
		<-ctx.Done()
		bounded, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		// Followed logs never end by themselves: after the grace they are cut.
		if server.Shutdown(bounded) != nil {
			_ = server.Close()
		}
	}()
	log.Info("read-only proxy is listening", "address", server.Addr, "socket", *socket)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Error("cannot listen", "error", err)
		os.Exit(1)
	}
}

// whole compiles a pattern that must match a path from end to end; an empty one matches nothing.
func whole(pattern string) *regexp.Regexp {
	if pattern == "" {
		return regexp.MustCompile(`$^.`)
	}
	return regexp.MustCompile("^(?:" + pattern + ")$")
}

func guard(network *net.IPNet, allowed map[string]*regexp.Regexp, next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		pattern := allowed[r.Method]
		switch {
		case !network.Contains(net.ParseIP(host)):
			http.Error(w, "this address may not connect", http.StatusForbidden)
		case pattern == nil:
			http.Error(w, "only reading is allowed", http.StatusMethodNotAllowed)
		// An upgraded connection is a two-way stream: attach and exec would pass as GET.
		case r.Header.Get("Upgrade") != "" || strings.Contains(r.URL.EscapedPath(), "%") || !pattern.MatchString(r.URL.Path):
			http.Error(w, "this path is not allowed", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
			return
		}
		log.Warn("refused", "method", r.Method, "path", r.URL.Path, "from", host)
	})
}

func engine(socket string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "docker"}) },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			},
		},
		// Log lines are passed on as they come.
		FlushInterval: -1,
	}
}
