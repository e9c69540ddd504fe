package lab

import (
	"context"
	"slices"
)

// MaxStreams is the maximum number of a visitor's pages that get a stream of frames. A browser opens six
// connections to a host, and a click needs one of them. The page that has had its stream the longest loses
// it. It then asks for a frame each second, until it is clicked.
const MaxStreams = 4

// stream ends the sending of frames to one page.
type stream struct{ end context.CancelFunc }

// admit counts a stream of a visitor and ends the oldest if there are too many. It returns a context that
// ends with the stream, and the function to call when the page has left.
func (s *Server) admit(ctx context.Context, visitor string) (context.Context, func()) {
	ctx, end := context.WithCancel(ctx)
	own := &stream{end}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[visitor] = append(s.streams[visitor], own)
	if list := s.streams[visitor]; len(list) > MaxStreams {
		list[0].end()
		s.streams[visitor] = list[1:]
	}
	return ctx, func() {
		end()
		s.mu.Lock()
		defer s.mu.Unlock()
		left := slices.DeleteFunc(slices.Clone(s.streams[visitor]), func(o *stream) bool { return o == own })
		if s.streams[visitor] = left; len(left) == 0 {
			delete(s.streams, visitor)
		}
	}
}
