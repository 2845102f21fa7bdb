// The receiver at the end of every alert's way: it takes Alertmanager's webhook, keeps the last notifications in memory
// and shows them as JSON, so that everybody can see what would have reached a person.
//
//	POST /webhook                     a notification of Alertmanager (webhook, version 4)
//	GET  /notifications[?match=text]  those that contain the text, newest first
//	GET  /metrics                     how many there were
//	GET  /-/ready                     200
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	kept           = 1000
	keptBytes      = 8 << 20
	largestRequest = 1 << 20
	timeout        = 10 * time.Second
	stopTimeout    = 2 * time.Second
)

// alert is what is kept of each alert of a notification, under the names of Alertmanager's webhook.
type alert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	Fingerprint string            `json:"fingerprint"`
}

type notification struct {
	Received time.Time `json:"received"`
	Receiver string    `json:"receiver"`
	Status   string    `json:"status"`
	GroupKey string    `json:"groupKey"`
	Alerts   []alert   `json:"alerts"`
}

// entry is a notification as it is answered: encoded once, searched as text.
type entry struct {
	at   time.Time
	text []byte
}

// sink holds the last notifications, oldest first, and counts all.
type sink struct {
	mutex         sync.Mutex
	entries       []entry
	bytes         int
	notifications int
	alerts        map[string]int
}

func main() {
	listen := flag.String("listen", ":9096", "address to listen on")
	flag.Parse()
	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	server := &http.Server{
		Addr:              *listen,
		Handler:           newSink().routes(log),
		ReadHeaderTimeout: timeout,
		ReadTimeout:       timeout,
		WriteTimeout:      timeout,
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go func() {
		<-ctx.Done()
		bounded, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		_ = server.Shutdown(bounded)
	}()
	log.Info("alert sink is listening", "address", *listen)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Error("cannot listen", "error", err)
		os.Exit(1)
	}
}

func newSink() *sink {
	return &sink{alerts: map[string]int{"firing": 0, "resolved": 0}}
}

func (s *sink) routes(log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /webhook", func(w http.ResponseWriter, r *http.Request) { s.take(w, r, log) })
	mux.HandleFunc("GET /notifications", s.show)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ready") })
	return mux
}

func (s *sink) take(w http.ResponseWriter, r *http.Request, log *slog.Logger) {
	var sent struct {
		Version string `json:"version"`
		notification
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestRequest)).Decode(&sent)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, log, http.StatusRequestEntityTooLarge, fmt.Sprintf("more than %d bytes", largestRequest))
		return
	case err != nil:
		refuse(w, log, http.StatusBadRequest, fmt.Sprintf("not the JSON of Alertmanager's webhook: %v", err))
		return
	case sent.Version != "4":
		refuse(w, log, http.StatusBadRequest, fmt.Sprintf("webhook version %q, expected \"4\"", sent.Version))
		return
	}
	sent.Received = time.Now().UTC()
	if sent.Alerts == nil {
		sent.Alerts = []alert{}
	}
	if err := s.keep(sent.notification); err != nil {
		refuse(w, log, http.StatusInternalServerError, err.Error())
		return
	}
	log.Info("notification", "receiver", sent.Receiver, "status", sent.Status, "alerts", len(sent.Alerts))
}

func (s *sink) keep(sent notification) error {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	// Kept as it was sent, so that what is searched for is found as it was written.
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(sent); err != nil {
		return err
	}
	text := bytes.TrimSpace(encoded.Bytes())
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.entries = append(s.entries, entry{sent.Received, text})
	s.bytes += len(text)
	for len(s.entries) > kept || s.bytes > keptBytes {
		s.bytes -= len(s.entries[0].text)
		s.entries[0].text = nil
		s.entries = s.entries[1:]
	}
	s.notifications++
	for _, each := range sent.Alerts {
		// No sender may add series: whatever else it says counts as "other".
		if _, known := s.alerts[each.Status]; !known {
			each.Status = "other"
		}
		s.alerts[each.Status]++
	}
	return nil
}

func (s *sink) show(w http.ResponseWriter, r *http.Request) {
	match := []byte(r.URL.Query().Get("match"))
	s.mutex.Lock()
	entries := slices.Clone(s.entries)
	s.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	separator := "["
	for _, each := range slices.Backward(entries) {
		if bytes.Contains(each.text, match) {
			_, _ = io.WriteString(w, separator)
			_, _ = w.Write(each.text)
			separator = ",\n"
		}
	}
	if separator == "[" {
		_, _ = io.WriteString(w, separator)
	}
	_, _ = io.WriteString(w, "]\n")
}

func (s *sink) metrics(w http.ResponseWriter, _ *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	last := 0.0
	if len(s.entries) > 0 {
		last = float64(s.entries[len(s.entries)-1].at.UnixMilli()) / 1000
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	head := func(name, kind, help string) { fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	head("alert_sink_notifications_total", "counter", "Notifications received.")
	fmt.Fprintf(w, "alert_sink_notifications_total %d\n", s.notifications)
	head("alert_sink_alerts_total", "counter", "Alerts in the notifications, by status.")
	for _, status := range []string{"firing", "other", "resolved"} {
		fmt.Fprintf(w, "alert_sink_alerts_total{status=%q} %d\n", status, s.alerts[status])
	}
	head("alert_sink_last_notification_timestamp_seconds", "gauge", "When the last one came; 0: none came yet.")
	fmt.Fprintf(w, "alert_sink_last_notification_timestamp_seconds %.3f\n", last)
}

func refuse(w http.ResponseWriter, log *slog.Logger, code int, why string) {
	log.Warn("refused", "code", code, "why", why)
	http.Error(w, why, code)
}
