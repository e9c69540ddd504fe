package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"runtime"
	"time"

	"github.com/gradus-ml/gradus/cmd/gradus/internal/lab"
	"github.com/gradus-ml/gradus/model"
)

// labCmd is "gradus lab [DATA]".
type labCmd struct {
	Data      paths `arg:"" optional:"" sep:"none" help:"A table to begin with. Default: points in two classes, made by gradus."`
	readFlags `embed:""`
	Listen    string `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Where to listen; port 0 takes a free one. The printed address has a token that every request needs."`
	NoToken   bool   `help:"Ask for no token on loopback, for a machine that nobody else uses."`
	Open      bool   `default:"true" negatable:"" help:"Open the page in the browser if the command runs in a terminal."`
}

func (c *labCmd) Run(e *env) error {
	o := lab.Options{}
	if len(c.Data) > 0 {
		t, err := c.read(e, c.Data...)
		if err != nil {
			if m, no := model.Load(c.Data[0]); no == nil {
				return usagef("%w", lab.NoTable(c.Data[0], m))
			}
			return err
		}
		o.Table = t
	}
	listener, address, local, err := listen("--listen", c.Listen)
	if err != nil {
		return err
	}
	if !local || !c.NoToken {
		o.Token = lab.NewToken()
	}
	o.Name = fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
	url := "http://" + address + "/"
	if o.Token != "" {
		url += "?token=" + o.Token
	}
	s := lab.NewServer(o)
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	e.watch()
	e.printf("gradus lab: %s\nCtrl-C ends it.\n", url)
	if c.Open && terminalWidth(e.Err) > 0 {
		browse(url)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err = <-done:
	case <-e.ctx.Done():
		err = nil
	}
	s.Close() // ends the event streams, which would keep Shutdown waiting
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		server.Close()
	}
	return err
}

// listen listens at a flag's address. It returns the address for clients and whether that is on loopback.
func listen(flag, at string) (listener net.Listener, address string, local bool, err error) {
	listener, err = net.Listen("tcp", at)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err
		}
		return nil, "", false, usagef("%s %s: %w; give HOST:PORT such as 127.0.0.1:8080, port 0 for a free one", flag, at, err)
	}
	to := listener.Addr().(*net.TCPAddr).AddrPort()
	local = to.Addr().Unmap().IsLoopback()
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(ownAddress(), to.Port())
	}
	return listener, to.String(), local, nil
}

// ownAddress returns an address of this machine that others may reach, or loopback if there is none.
func ownAddress() netip.Addr {
	list, _ := net.InterfaceAddrs()
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() && n.IP.To4() != nil {
			if ip, ok := netip.AddrFromSlice(n.IP.To4()); ok {
				return ip
			}
		}
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// browse asks the desktop to open a page. Without a desktop nothing happens.
func browse(url string) {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	if cmd := exec.Command(name, args...); cmd.Start() == nil {
		go cmd.Wait()
	}
}
