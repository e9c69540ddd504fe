package queue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gradus-ml/gradus/internal/pgerror"
)

const (
	patience = 2 * time.Minute        // how long the server may be away
	pause    = 250 * time.Millisecond // between two attempts to reach the server
	limit    = 15 * time.Second       // the time limit of one attempt, and of one exchange with the server
)

// A link is a connection that is restored after it was lost. It is safe for use by several goroutines. One
// of them has it at a time.
type link struct {
	config *pgx.ConnConfig
	say    func(format string, args ...any)
	renew  func(context.Context, *pgx.Conn) error // called first on every connection after the first; nil: nothing

	mutex sync.Mutex
	conn  *pgx.Conn
}

// connect makes the first connection, and the tables.
func connect(ctx context.Context, address, name string, say func(format string, args ...any)) (*link, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil || !strings.HasPrefix(address, "postgres://") && !strings.HasPrefix(address, "postgresql://") {
		return nil, errors.New("this is not the address of a database: write it as postgres://USER@HOST:PORT/NAME")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = limit
	}
	// Each side finds out within half a minute if the other has vanished.
	config.DialFunc = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}}).DialContext
	for key, value := range map[string]string{"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3", "application_name": name} {
		config.RuntimeParams[key] = value
	}
	l := &link{config: config, say: say}
	if l.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%s cannot be connected to (%s): %s", l.place(), pgerror.Reason(err, config.Password), pgerror.Hint(err))
	}
	if err := makeTables(ctx, l.conn); err != nil {
		l.close()
		return nil, l.failed(err)
	}
	return l, nil
}

// place names the database by its address, without user and password.
func (l *link) place() string {
	return fmt.Sprintf("the queue at %s:%d/%s", l.config.Host, l.config.Port, l.config.Database)
}

// do calls f with the connection. While the server is away it calls f again from the beginning, until ctx
// ends or patience is over.
func (l *link) do(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var since time.Time // when the server was first found to be away
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := l.once(ctx, f)
		switch {
		case err == nil:
			if !since.IsZero() {
				l.say("%s is back", l.place())
			}
			return nil
		case ctx.Err() == nil && !l.away(err):
			return l.failed(err)
		case since.IsZero():
			since = time.Now()
			if ctx.Err() == nil {
				l.say("%s is away (%s); trying again for %v", l.place(), pgerror.Reason(err, l.config.Password), patience)
			}
		case time.Since(since) > patience:
			return l.failed(err)
		}
		l.close()
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// once connects if necessary and calls f. The end of ctx does not interrupt f, because that would cost the
// connection and with it the leases.
func (l *link) once(ctx context.Context, f func(context.Context, *pgx.Conn) error) error {
	if l.conn == nil {
		conn, err := pgx.ConnectConfig(ctx, l.config)
		if err != nil {
			return err
		}
		l.conn = conn
		if l.renew != nil {
			within, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
			defer cancel()
			if err := l.renew(within, conn); err != nil {
				return err
			}
		}
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	return f(within, l.conn)
}

// away reports whether an error means that the server is away but may come back.
func (l *link) away(err error) bool {
	if said, is := errors.AsType[*pgconn.PgError](err); is {
		return strings.HasPrefix(said.Code, "57P") || strings.HasPrefix(said.Code, "08") || said.Code == "53300"
	}
	return l.conn == nil || l.conn.IsClosed()
}

// failed describes an error of the queue in words.
func (l *link) failed(err error) error {
	if errors.Is(err, errTables) {
		return fmt.Errorf("%s has %w", l.place(), err)
	}
	if said, is := errors.AsType[*pgconn.PgError](err); is {
		return fmt.Errorf("%s refuses: %s (SQLSTATE %s); see gradus help cluster for the rights that are needed", l.place(), said.Message, said.Code)
	}
	return fmt.Errorf("%s failed: %s", l.place(), pgerror.Reason(err, l.config.Password))
}

// close ends the connection, which frees the leases.
func (l *link) close() {
	if l.conn != nil {
		within, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		l.conn.Close(within)
		l.conn = nil
	}
}
