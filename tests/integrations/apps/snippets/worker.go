// A worker that takes its jobs from a directory, two at a time; it is built together with the client.

package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

var queue = os.Getenv("QUEUE")

func record(what, job string) {
	uptime, _ := os.ReadFile("/proc/uptime")
	line := fmt.Sprintf(`{"t": %s, "job": %q, "what": %q, "task": %q, "pid": %d}`+"\n",
		strings.Fields(string(uptime))[0], job, what, os.Getenv("EMULATOR_TASK"), os.Getpid())
	file, err := os.OpenFile(os.Getenv("RECORDS"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	file.WriteString(line)
}

func fetched() string {
	waiting, _ := filepath.Glob(queue + "/waiting/*")
	for _, file := range waiting {
		if job := filepath.Base(file); os.Rename(file, queue+"/taken/"+job) == nil {
			return job
		}
	}
	return ""
}

func work(job string) {
	record("start", job)
	seconds, _ := os.ReadFile(queue + "/taken/" + job)
	pause, _ := time.ParseDuration(strings.TrimSpace(string(seconds)) + "s")
	time.Sleep(pause)
	record("end", job)
	os.Remove(queue + "/taken/" + job)
}

func main() {
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	var workers sync.WaitGroup
	for slot := 0; slot < 2; slot++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for Welcome(ctx) {
				job := fetched()
				if job == "" {
					time.Sleep(time.Second / 10)
				} else if !Held(job, func() { work(job) }) {
					os.Rename(queue+"/taken/"+job, queue+"/waiting/"+job)
				}
			}
		}()
	}
	workers.Wait()
}
