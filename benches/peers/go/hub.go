package main

import "sync/atomic"

// Segments push in parallel. More than cores, so that one that has a large slice does not hold up the others for long.
const segments = 8

// Events, and subscribers who come and go, that wait for a segment. When it is full, publishers wait.
const segmentQueue = 1024

// Events that wait for a subscriber. When it is full, further ones are lost to that subscriber.
const subscriberQueue = 64

type hub struct {
	segments [segments]*segment
	// Whose turn it is to take a subscriber.
	next atomic.Uint64
	id   atomic.Uint64
}

// One slice of the subscribers, which belongs to one goroutine.
type segment struct {
	events chan event
	joins  chan *subscriber
	leaves chan *subscriber
	topics map[string]map[*subscriber]struct{}
}

type event struct {
	topic string
	frame []byte
}

type subscriber struct {
	topic   string
	frames  chan []byte
	segment *segment
}

func newHub() *hub {
	hub := &hub{}
	for i := range hub.segments {
		hub.segments[i] = &segment{
			events: make(chan event, segmentQueue),
			joins:  make(chan *subscriber),
			leaves: make(chan *subscriber, segmentQueue),
			topics: make(map[string]map[*subscriber]struct{}),
		}
		go hub.segments[i].run()
	}
	return hub
}

// Gives the event to every segment: any of them may have a subscriber of its topic.
func (h *hub) publish(topic string, data []byte) {
	published := event{topic: topic, frame: frame(h.id.Add(1), data)}
	for _, segment := range h.segments {
		segment.events <- published
	}
}

// The subscriber gets what is published after this returns.
func (h *hub) subscribe(topic string) *subscriber {
	segment := h.segments[h.next.Add(1)%segments]
	subscriber := &subscriber{topic: topic, frames: make(chan []byte, subscriberQueue), segment: segment}
	segment.joins <- subscriber
	return subscriber
}

func (s *subscriber) leave() {
	s.segment.leaves <- s
}

func (s *segment) run() {
	for {
		select {
		case event := <-s.events:
			s.push(event)
		case subscriber := <-s.joins:
			s.join(subscriber)
		case subscriber := <-s.leaves:
			s.remove(subscriber)
		}
	}
}

func (s *segment) push(event event) {
	for subscriber := range s.topics[event.topic] {
		select {
		case subscriber.frames <- event.frame:
		default:
		}
	}
}

func (s *segment) join(joining *subscriber) {
	slice, ok := s.topics[joining.topic]
	if !ok {
		slice = make(map[*subscriber]struct{})
		s.topics[joining.topic] = slice
	}
	slice[joining] = struct{}{}
}

func (s *segment) remove(leaving *subscriber) {
	slice := s.topics[leaving.topic]
	delete(slice, leaving)
	if len(slice) == 0 {
		delete(s.topics, leaving.topic)
	}
}
