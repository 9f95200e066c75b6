// Holds for a worker in Go, with nothing but its standard library; README.md shows the loop around it.
// ECS_SUPERVISOR_API is http://127.0.0.1:8126 or unix:/path; without it nothing is asked and everything is allowed.

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const (
	ttl      = 60 // seconds: a hold ends by itself unless it is put again
	refresh  = 15 * time.Second
	patience = 10 * time.Second // so long a silent supervisor is waited for, at the start and after it was there; then we go on without
)

var began, heard = time.Now(), atomic.Int64{} // heard: when it last answered, in nanoseconds after the beginning

// Welcome waits until new work is welcome; it is false when ctx has ended.
func Welcome(ctx context.Context) bool {
	for path := "/v1/accepting"; ctx.Err() == nil && !allowed(ctx, "GET", path, ""); path = "/v1/accepting?was=false&wait=4" {
	}
	return ctx.Err() == nil
}

// Held holds the task while work runs; it is false if the work must not begin, and has to go back to its queue.
func Held(about string, work func()) bool {
	ctx, id := context.Background(), make([]byte, 16)
	rand.Read(id)
	name, _ := json.Marshal(about)
	path, hold := fmt.Sprintf("/v1/holds/%x", id), fmt.Sprintf(`{"about": %s, "ttl": %d`, name, ttl)
	if !allowed(ctx, "PUT", path, hold+`, "wait": 15}`) {
		return false
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				ask(ctx, "DELETE", path, "")
				return
			case <-time.After(refresh):
				ask(ctx, "PUT", path, hold+"}")
			}
		}
	}()
	defer func() { close(done); <-ended }()
	work()
	return true
}

func allowed(ctx context.Context, method, path, body string) bool {
	status := ask(ctx, method, path, body)
	if status == 0 {
		select { // between two attempts
		case <-ctx.Done():
		case <-time.After(time.Second / 2):
		}
		return time.Since(began)-time.Duration(heard.Load()) >= patience
	}
	return status != 409 && status != 503
}

// ask returns the status of the answer, 0 for none.
func ask(ctx context.Context, method, path, body string) int {
	api, transport := os.Getenv("ECS_SUPERVISOR_API"), &http.Transport{DisableKeepAlives: true}
	if api == "" {
		return 200
	}
	if socket := strings.TrimPrefix(api, "unix:"); socket != api {
		api, transport.DialContext = "http://localhost", func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, api+path, strings.NewReader(body))
	if err != nil {
		return 0
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Do(request)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	heard.Store(int64(time.Since(began)))
	return answer.StatusCode
}
