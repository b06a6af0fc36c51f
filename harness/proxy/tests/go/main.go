// A gRPC server and a gRPC client on grpc-go, to be run with a proxy between them. What they saw is one line of JSON at
// their end.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Calls of each kind to each of the services, all at the same time.
const calls = 8

// Messages of each stream.
const messages = 20

// Bytes of a call, or of a stream's messages together. Of those that are held all together fit into the first window of a
// connection, of the others they do not.
var sizes = map[string]int{"/chaos.Touched": 3_000, "/chaos.Other": 40_000}

func main() {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "server":
		err = serve()
	case len(os.Args) == 3 && os.Args[1] == "client":
		err = talk(os.Args[2])
	default:
		err = fmt.Errorf("usage: server | client ADDRESS")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// connections counts those that were made.
type connections struct{ made atomic.Int64 }

func (c *connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (c *connections) HandleRPC(context.Context, stats.RPCStats)                       {}
func (c *connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return ctx
}
func (c *connections) HandleConn(_ context.Context, s stats.ConnStats) {
	if _, begins := s.(*stats.ConnBegin); begins {
		c.made.Add(1)
	}
}

// handled counts calls that are being handled.
type handled struct {
	sync.Mutex
	now, most, all int
}

func (h *handled) begin() func() {
	h.Lock()
	defer h.Unlock()
	h.now++
	h.all++
	h.most = max(h.most, h.now)
	return func() {
		h.Lock()
		defer h.Unlock()
		h.now--
	}
}

// serve echoes until its input ends.
func serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	conns, handled := &connections{}, &handled{}
	server := grpc.NewServer(grpc.StatsHandler(conns))
	for _, name := range []string{"chaos.Touched", "chaos.Other"} {
		server.RegisterService(&grpc.ServiceDesc{
			ServiceName: name,
			HandlerType: (*any)(nil),
			Methods: []grpc.MethodDesc{{
				MethodName: "Unary",
				Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
					defer handled.begin()()
					message := &wrapperspb.BytesValue{}
					return message, decode(message)
				},
			}},
			Streams: []grpc.StreamDesc{{
				StreamName:    "Stream",
				ServerStreams: true,
				ClientStreams: true,
				Handler: func(_ any, stream grpc.ServerStream) error {
					defer handled.begin()()
					for {
						message := &wrapperspb.BytesValue{}
						if err := stream.RecvMsg(message); err == io.EOF {
							return nil
						} else if err != nil {
							return err
						}
						if err := stream.SendMsg(message); err != nil {
							return err
						}
					}
				},
			}},
		}, nil)
	}
	go server.Serve(listener)
	fmt.Println(listener.Addr())
	_, _ = io.Copy(io.Discard, bufio.NewReader(os.Stdin))
	handled.Lock()
	defer handled.Unlock()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"conns": conns.made.Load(), "open": handled.now, "most": handled.most, "all": handled.all,
	})
}

// talk makes all calls at the same time, over one connection.
func talk(address string) error {
	conns := &connections{}
	conn, err := grpc.NewClient("passthrough:///"+address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(conns))
	if err != nil {
		return err
	}
	defer conn.Close()
	ends := map[string]map[string]int{}
	var all sync.WaitGroup
	var lock sync.Mutex
	for _, service := range []string{"Touched", "Other"} {
		ends[service] = map[string]int{}
		var some sync.WaitGroup
		for n := range calls {
			for _, call := range []func(*grpc.ClientConn, string, byte) error{unary, stream} {
				some.Add(1)
				all.Add(1)
				go func() {
					defer all.Done()
					defer some.Done()
					code := status.Code(call(conn, "/chaos."+service, byte(n))).String()
					lock.Lock()
					defer lock.Unlock()
					ends[service][code]++
				}()
			}
		}
		if service == "Other" {
			some.Wait()
			fmt.Println("others done")
		}
	}
	all.Wait()
	// the connection still works
	if err := unary(conn, "/chaos.Other", 1); err != nil {
		return fmt.Errorf("at the end: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"conns": conns.made.Load(), "ends": ends})
}

func unary(conn *grpc.ClientConn, service string, fill byte) error {
	says, heard := body(fill, sizes[service]), &wrapperspb.BytesValue{}
	if err := conn.Invoke(context.Background(), service+"/Unary", says, heard); err != nil {
		return err
	}
	return same(says, heard)
}

func stream(conn *grpc.ClientConn, service string, fill byte) error {
	desc := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	stream, err := conn.NewStream(context.Background(), desc, service+"/Stream")
	if err != nil {
		return err
	}
	for n := range messages {
		says, heard := body(fill+byte(n), sizes[service]/messages), &wrapperspb.BytesValue{}
		// if it fails the reason is what is received
		_ = stream.SendMsg(says)
		if err := stream.RecvMsg(heard); err != nil {
			return err
		}
		if err := same(says, heard); err != nil {
			return err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(&wrapperspb.BytesValue{}); err != io.EOF {
		return err
	}
	return nil
}

func body(fill byte, size int) *wrapperspb.BytesValue {
	return wrapperspb.Bytes(bytes.Repeat([]byte{fill}, size))
}

func same(says, heard *wrapperspb.BytesValue) error {
	if !bytes.Equal(says.Value, heard.Value) {
		return fmt.Errorf("sent %d bytes and heard %d others", len(says.Value), len(heard.Value))
	}
	return nil
}
