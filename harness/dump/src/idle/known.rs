//! What idles in every program: runtime, state, parts of function names (innermost first), and why.

use unstuck_record::Runtime::{self, Go, Python};

type Known = (Runtime, &'static str, &'static [&'static str], &'static str);

const SERVER: &str = "a server that waits for connections";
const RUNTIME: &str = "Go's runtime";
const HTTP: &str = "an idle HTTP connection";
const HTTP2: &str = "the reader or writer of an HTTP/2 connection";
const GRPC: &str = "housekeeping of a gRPC channel";
const SQL: &str = "housekeeping of a database pool";
const LOG: &str = "a log that is flushed now and then";
const CACHE: &str = "housekeeping of a cache";

/// The first that holds is told.
#[rustfmt::skip]
pub(super) const RULES: &[Known] = &[
    (Go, "", &["runtime/pprof.writeGoroutineStacks"], "takes this dump"),
    (Go, "", &["runtime/pprof.runtime_goroutineProfileWithLabels"], "takes this dump"),
    (Go, "", &["runtime/pprof.pprof_goroutineProfileWithLabels"], "takes this dump"),
    (Go, "force gc (idle)", &[], RUNTIME),
    (Go, "GC sweep wait", &[], RUNTIME),
    (Go, "GC scavenge wait", &[], RUNTIME),
    (Go, "GC worker (idle)", &[], RUNTIME),
    (Go, "GOMAXPROCS updater (idle)", &[], RUNTIME),
    (Go, "finalizer wait", &[], RUNTIME),
    (Go, "cleanup wait", &[], RUNTIME),
    (Go, "trace reader (blocked)", &[], RUNTIME),
    (Go, "idle", &[], RUNTIME),
    (Go, "", &["runtime.forcegchelper"], RUNTIME),
    (Go, "", &["runtime.bgsweep"], RUNTIME),
    (Go, "", &["runtime.bgscavenge"], RUNTIME),
    (Go, "", &["runtime.runfinq"], RUNTIME),
    (Go, "", &["runtime.ensureSigM"], RUNTIME),
    (Go, "", &["os/signal.signal_recv"], "waits for signals"),
    (Go, "", &["os/signal.loop"], "waits for signals"),
    (Go, "", &["os/signal.NotifyContext"], "waits for signals"),
    (Go, "IO wait", &["net.(*TCPListener).Accept"], SERVER),
    (Go, "IO wait", &["net.(*TCPListener).accept"], SERVER),
    (Go, "IO wait", &["net.(*UnixListener).Accept"], SERVER),
    (Go, "IO wait", &["net.(*UnixListener).accept"], SERVER),
    (Go, "", &["net.(*TCPListener).Accept"], SERVER),
    (Go, "", &["net/http.(*connReader).backgroundRead"], HTTP),
    (Go, "", &["bufio.(*Reader).Peek", "net/http.(*conn).serve"], HTTP),
    (Go, "", &["net/http.(*conn).readRequest", "net/http.(*conn).serve"], HTTP),
    (Go, "", &["net/http.(*persistConn).readLoop"], HTTP),
    (Go, "", &["net/http.(*persistConn).writeLoop"], HTTP),
    (Go, "", &["net/http.(*http2clientConnReadLoop).run"], HTTP2),
    (Go, "", &["net/http.(*http2serverConn).readFrames"], HTTP2),
    (Go, "", &["net/http.(*http2serverConn).serve"], HTTP2),
    (Go, "", &["golang.org/x/net/http2.(*clientConnReadLoop).run"], HTTP2),
    (Go, "", &["grpc/internal/transport.(*controlBuffer).get"], HTTP2),
    (Go, "", &["grpc/internal/transport.(*http2Client).reader"], HTTP2),
    (Go, "", &["grpc/internal/transport.(*http2Client).keepalive"], HTTP2),
    (Go, "", &["grpc/internal/transport.(*http2Server).HandleStreams"], HTTP2),
    (Go, "", &["grpc/internal/transport.(*http2Server).keepalive"], HTTP2),
    (Go, "", &["grpc/internal/grpcsync.(*CallbackSerializer).run"], GRPC),
    (Go, "", &["grpc.(*ccBalancerWrapper).watcher"], GRPC),
    (Go, "", &["grpc.(*ccResolverWrapper).watcher"], GRPC),
    (Go, "", &["grpc/internal/resolver/dns.(*dnsResolver).watcher"], GRPC),
    (Go, "", &["grpc.(*Server).serverWorker"], GRPC),
    (Go, "", &["database/sql.(*DB).connectionOpener"], SQL),
    (Go, "", &["database/sql.(*DB).connectionCleaner"], SQL),
    (Go, "", &["database/sql.(*DB).connectionResetter"], SQL),
    (Go, "", &["github.com/go-sql-driver/mysql.(*mysqlConn).startWatcher.func1"], SQL),
    (Go, "", &["go.opencensus.io/stats/view.(*worker).start"], "housekeeping of OpenCensus"),
    (Go, "", &["github.com/golang/glog.(*loggingT).flushDaemon"], LOG),
    (Go, "", &["k8s.io/klog"], LOG),
    (Go, "", &["lumberjack.v2.(*Logger).millRun"], LOG),
    (Go, "", &["lumberjack%2ev2.(*Logger).millRun"], LOG),
    (Go, "", &["github.com/dgraph-io/ristretto.(*defaultPolicy).processItems"], CACHE),
    (Go, "", &["github.com/dgraph-io/ristretto.(*Cache).processItems"], CACHE),
    (Go, "", &["client-go/v2/internal/client.(*batchConn).fetchAllPendingRequests"], "a TiKV client's batch without requests"),
    (Go, "", &["client-go/v2/internal/client.(*batchCommandsClient).batchRecvLoop"], "a TiKV client's batch without answers due"),
    (Go, "", &["client-go/v2/internal/locate.(*bgRunner)"], "housekeeping of a TiKV client"),
    (Go, "", &["client-go/v2/tikv.(*KVStore).safeTSUpdater"], "housekeeping of a TiKV client"),
    (Go, "", &["client-go/v2/oracle/oracles.(*pdOracle).updateTS"], "housekeeping of a TiKV client"),
    (Go, "", &["pd/client.(*pdServiceDiscovery).updateMemberLoop"], "housekeeping of a PD client"),
    (Go, "", &["pd/client.(*tsoClient).tsoDispatcherCheckLoop"], "housekeeping of a PD client"),
    (Go, "", &["testing.(*T).Run"], "a test that waits for its parts"),
    (Go, "", &["testing.(*M).startAlarm"], "the time limit of a test"),
    (Python, "", &["^_worker"], "a worker of a pool without a job"),
    (Python, "", &["dequeue", "_monitor"], "a log's listener without a message"),
    (Python, "", &["select", "_run_once", "run_forever"], "an event loop with nothing ready; its tasks are not in this dump"),
];
