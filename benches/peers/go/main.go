// A hub in Go as an article on high-concurrency SSE has it: net/http with a goroutine per connection, and the stream of
// events cut into segments, each of which pushes to its own slice of the subscribers, in parallel.
//
// It knows no history, and an event is lost to the subscriber whose channel is full, without its being told.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
)

// Between the comments that keep a stream open.
const heartbeat = 15 * time.Second

// Of an event, in bytes.
const maxEvent = 1 << 20

const prefix = "/events/"

func main() {
	address := flag.String("listen", "127.0.0.1:0", "where to listen")
	flag.Parse()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := http.Server{Handler: handler(newHub()), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}

func handler(hub *hub) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(prefix, func(w http.ResponseWriter, r *http.Request) {
		topic := strings.TrimPrefix(r.URL.Path, prefix)
		switch r.Method {
		case http.MethodGet:
			subscribe(hub, topic, w, r)
		case http.MethodPost:
			publish(hub, topic, w, r)
		default:
			http.Error(w, "GET or POST", http.StatusMethodNotAllowed)
		}
	})
	return mux
}

func subscribe(hub *hub, topic string, w http.ResponseWriter, r *http.Request) {
	flusher, ok := w.(http.Flusher)
	if !ok {
		http.Error(w, "no streaming here", http.StatusInternalServerError)
		return
	}
	subscriber := hub.subscribe(topic)
	defer subscriber.leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	flusher.Flush()

	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		var out []byte
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
			out = []byte(":\n\n")
		case out = <-subscriber.frames:
		}
		if _, err := w.Write(out); err != nil {
			return
		}
		flusher.Flush()
	}
}

func publish(hub *hub, topic string, w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	hub.publish(topic, data)
	w.WriteHeader(http.StatusNoContent)
}

// An event as it goes over the wire to every subscriber.
func frame(id uint64, data []byte) []byte {
	var out bytes.Buffer
	for _, line := range bytes.Split(data, []byte("\n")) {
		out.WriteString("data: ")
		out.Write(line)
		out.WriteByte('\n')
	}
	fmt.Fprintf(&out, "id: %d\n\n", id)
	return out.Bytes()
}
