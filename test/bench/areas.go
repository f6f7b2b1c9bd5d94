package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"time"

	"hoalu/soc"
)

// chain: closed loop through the built binary on one core; the load comes from the other ones.
func chain(ctx context.Context, b *bench) (err error) {
	a, err := b.prepare(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.stop(), a.remove()) }()
	pool := rounds(60, 250)
	if b.profile != "" {
		if err := a.inProcess(ctx); err != nil {
			return err
		}
	} else {
		a.cores = 1
		if n := runtime.NumCPU(); n > 1 {
			a.cpu = []int{n - 1}
			// The load keeps off the appliance's core.
			defer keepOff(n - 1)()
		}
		if err := a.start(ctx); err != nil {
			return err
		}
	}
	warm, err := a.closed(ctx, pool, 2, 3*time.Second)
	if err != nil {
		return err
	}
	if _, err := a.settled(ctx, warm, time.Minute); err != nil {
		return err
	}
	if b.profile != "" {
		f, err := os.Create(b.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	length := b.length(20 * time.Second)
	cpu, begin := a.cpuTime(), time.Now()
	sent, err := a.closed(ctx, pool, 4, length)
	if err != nil {
		return err
	}
	stopped := time.Now()
	end, err := a.settled(ctx, warm+1+sent, 2*time.Minute)
	if err != nil {
		return err
	}
	used := a.cpuTime() - cpu
	size, n := 0, 0
	for _, r := range pool {
		size, n = size+r.bytes, n+r.n
	}
	took := end.Sub(begin)
	b.add(row{figure: "events in, durable, matched, searchable; one core", value: float64(sent) / took.Seconds(), unit: "events/s",
		floor: 5000})
	b.add(row{figure: "the same by processor time used", value: float64(sent) / used.Seconds(), unit: "events/s of one core"})
	b.add(row{figure: "processor time an event", value: float64(used.Microseconds()) / float64(sent), unit: "µs"})
	b.note("%d events of %d B on average (half syslog over TCP, half _bulk), 4 senders for %s, the last one searchable %s after the last was sent; own rule pack and protection on",
		sent, size/n, length, end.Sub(stopped).Round(time.Millisecond))
	if share := used.Seconds() / took.Seconds(); share < 0.9 && b.profile == "" {
		b.note("the appliance had its core for %.0f %% of the time only; the figure by processor time says what it would do alone", 100*share)
	}
	if b.profile != "" {
		b.note("appliance and load ran in one process, on all cores: the figures are for the profile in %s only", b.profile)
	}
	return nil
}

// latency: open loop at 500 events/s; every 250 ms an event that fires a rule. Visible is when the alert was fetched after its notice.
func latency(ctx context.Context, b *bench) (err error) {
	a, err := b.prepare(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.stop(), a.remove()) }()
	if err := a.start(ctx); err != nil {
		return err
	}
	if err := (&openLoop{rate: 500}).run(ctx, a, 3*time.Second); err != nil { // warm
		return err
	}
	var medians, p99s, worst []time.Duration
	const runs = 3
	length := b.length(20 * time.Second)
	for run := range runs {
		seen, lag, err := latencyRun(ctx, a, run, length)
		if err != nil {
			return err
		}
		if lag > 50*time.Millisecond {
			b.note("run %d is void: the sender itself was %s late at its 99th percentile", run+1, lag.Round(time.Millisecond))
			continue
		}
		medians, p99s, worst = append(medians, at(seen, 0.5)), append(p99s, at(seen, 0.99)), append(worst, seen[len(seen)-1])
		b.note("run %d: %d alerts, p50 %s, p99 %s, worst %s; sender's own p99 lag %s", run+1, len(seen), at(seen, 0.5).Round(time.Millisecond),
			at(seen, 0.99).Round(time.Millisecond), seen[len(seen)-1].Round(time.Millisecond), lag.Round(100*time.Microsecond))
	}
	if len(p99s) == 0 {
		return errors.New("no run counts: the machine is too busy to send on time; try again when it is idle")
	}
	ms := func(d []time.Duration) float64 {
		slices.Sort(d)
		return float64(d[len(d)/2].Microseconds()) / 1000
	}
	b.add(row{figure: fmt.Sprintf("alert visible, p99, median of %d runs", len(p99s)), value: ms(p99s), unit: "ms", floor: 2000, atMost: true})
	b.add(row{figure: "alert visible, p50", value: ms(medians), unit: "ms"})
	b.add(row{figure: "alert visible, worst", value: ms(worst), unit: "ms"})
	b.note("visible: its notice came over /api/stream and GET /api/alerts/{id} answered with it; counted from when the event was due, %s a run", length)
	return nil
}

func at(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// visibility is how long alerts took to be seen. Each is known by the user name of the event that raises it.
type visibility struct {
	mu      sync.Mutex
	due     map[string]time.Time // guarded by mu: of those not seen yet
	seen    []time.Duration      // guarded by mu
	sending bool                 // guarded by mu: more will come
}

// expect says when the event of a user is due.
func (v *visibility) expect(user string, at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.due[user] = at
}

// sent says that no more will come, and returns how many are still to be seen.
func (v *visibility) sent() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sending = false
	return len(v.due)
}

// watch fetches each alert of which a notice came. It returns when all were seen or ids is closed.
func (v *visibility) watch(ctx context.Context, a *appliance, ids <-chan string) {
	for id := range ids {
		if id == "*" {
			continue
		}
		raw, err := a.get(ctx, "/api/alerts/"+id, nil)
		if err != nil {
			continue
		}
		now := time.Now()
		var alert struct{ User string }
		if json.Unmarshal(raw, &alert) != nil {
			continue
		}
		v.mu.Lock()
		if d, ok := v.due[alert.User]; ok {
			v.seen = append(v.seen, now.Sub(d))
			delete(v.due, alert.User)
		}
		finished := !v.sending && len(v.due) == 0
		v.mu.Unlock()
		if finished {
			return
		}
	}
}

// sorted are the times of all, the shortest first; an alert that was not seen is an error.
func (v *visibility) sorted() ([]time.Duration, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.due) > 0 {
		names := slices.Sorted(maps.Keys(v.due))
		return nil, fmt.Errorf("%d of %d alerts did not become visible within 30 s: %s", len(v.due), len(v.due)+len(v.seen),
			strings.Join(names[:min(5, len(names))], " "))
	}
	slices.Sort(v.seen)
	return v.seen, nil
}

// triggerEvent is an event that fires a rule: a syslog line or a document.
func triggerEvent(host, user string, i int, at time.Time, syslog bool) string {
	if syslog {
		return fmt.Sprintf("<86>%s %s sshd[77]: Accepted password for %s from 198.51.100.%d port 50000 ssh2", at.In(soc.Zone).Format(time.Stamp),
			host, user, 1+i%250)
	}
	return fmt.Sprintf(`{"@timestamp":"%s","host":{"name":"%s"},"user":{"name":"%s"},"source":{"ip":"198.51.100.%d"},"event":{"category":["authentication"],"action":"ssh_login","outcome":"success"},"sigma":{"logsource":{"product":"linux","service":"sshd"}}}`,
		at.UTC().Format("2006-01-02T15:04:05.000Z"), host, user, 1+i%250)
}

// latencyRun sends for a while and returns how long each alert took, sorted, and the sender's own lag at its 99th percentile.
func latencyRun(ctx context.Context, a *appliance, run int, length time.Duration) (seen []time.Duration, lag time.Duration, err error) {
	const rate, every = 500, 125
	v := visibility{due: map[string]time.Time{}, sending: true}
	notices, cancel := context.WithCancel(ctx)
	defer cancel()
	ids := make(chan string, 1024)
	if err := a.alertNotices(notices, ids); err != nil {
		return nil, 0, err
	}
	all := make(chan struct{})
	go func() {
		defer close(all)
		v.watch(notices, a, ids)
	}()
	n := 0
	o := openLoop{rate: rate, special: func(i int, at time.Time, syslog bool) (string, bool) {
		if i%every != every/2 && i%every != 0 || i == 0 {
			return "", false
		}
		user := fmt.Sprintf("bench-trigger-%d-%d-%d", n%triggers, run, i)
		host := fmt.Sprintf("bench-%d-%d", run, n) // an alert is one of a rule on a host
		n++
		v.expect(user, at)
		return triggerEvent(host, user, i, at, syslog), true
	}}
	if err := o.run(ctx, a, length); err != nil {
		return nil, 0, err
	}
	if v.sent() > 0 {
		select {
		case <-all:
		case <-time.After(30 * time.Second):
		}
	}
	cancel()
	<-all
	if seen, err = v.sorted(); err != nil {
		return nil, 0, err
	}
	slices.Sort(o.lags)
	return seen, at(o.lags, 0.99), nil
}

// rss: the whole appliance with its own sensors where they may run. So many events are sent before that the filing of the store's
// first million, which takes the most memory, falls into the measured stretch.
func rss(ctx context.Context, b *bench) (err error) {
	a, err := b.prepare(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.stop(), a.remove()) }()
	if err := a.start(ctx); err != nil {
		return err
	}
	pause(ctx, 2*time.Second)
	idle := a.memory("VmRSS")
	const filing = 1 << 20 // local.Config.CompactEvents
	pool := rounds(20, 250)
	var before int64
	for before < filing-50_000 {
		n, err := a.closed(ctx, pool, 4, 500*time.Millisecond)
		if err != nil {
			return err
		}
		before += n
	}
	if _, err := a.settled(ctx, before, time.Minute); err != nil {
		return err
	}
	pause(ctx, 10*time.Second)
	if err := a.resetPeak(); err != nil {
		return err
	}
	filed := a.filed()
	length := b.length(90 * time.Second)
	watch, cancel := context.WithCancel(ctx)
	var samples []float64
	var wg sync.WaitGroup
	wg.Go(func() {
		for watch.Err() == nil {
			samples = append(samples, a.memory("VmRSS"))
			if len(samples)%5 == 0 { // somebody looks
				a.found(watch, "event.outcome:failure") //nolint:errcheck // memory is what counts
			}
			pause(watch, time.Second)
		}
	})
	cpu, begin := a.cpuTime(), time.Now()
	o := openLoop{rate: 1000}
	err = o.run(ctx, a, length)
	used := a.cpuTime() - cpu
	took := time.Since(begin)
	cancel()
	wg.Wait()
	if err != nil {
		return err
	}
	slices.Sort(samples)
	slices.Sort(o.lags)
	b.add(row{figure: "resident memory, highest", value: a.memory("VmHWM") / 1e6, unit: "MB", floor: 700, atMost: true})
	b.add(row{figure: "resident memory, median", value: samples[len(samples)/2] / 1e6, unit: "MB"})
	b.add(row{figure: "resident memory at rest after the start", value: idle / 1e6, unit: "MB"})
	b.add(row{figure: "processor", value: 100 * used.Seconds() / took.Seconds(), unit: "% of one core"})
	files := a.filed() - filed
	if files <= 0 {
		return errors.New("nothing was filed while memory was measured: the figure would be too good")
	}
	what := fmt.Sprintf("with its own packet and host sensors switched on (they run as root only); %d events were there before and were filed as %d files meanwhile", before, files)
	b.note("%d events in %s by the clock, half syslog, half _bulk, a search each 5 s, %s; sender's own p99 lag %s", o.sent, length, what,
		at(o.lags, 0.99).Round(100*time.Microsecond))
	return nil
}

// start: time from exec to the first search that finds an event sent to the running binary.
func start(ctx context.Context, b *bench) (err error) {
	a, err := b.prepare(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.stop(), a.remove()) }()
	empty, err := a.firstSearchable(ctx, 0)
	if err != nil {
		return err
	}
	sent, err := a.closed(ctx, rounds(20, 250), 4, b.length(8*time.Second))
	if err != nil {
		return err
	}
	if _, err := a.settled(ctx, 0, time.Minute); err != nil {
		return err
	}
	var again []time.Duration
	for i := range 3 {
		if err := a.stop(); err != nil {
			return err
		}
		d, err := a.firstSearchable(ctx, i+1)
		if err != nil {
			return err
		}
		again = append(again, d)
	}
	slices.Sort(again)
	b.add(row{figure: "empty data directory", value: empty.Seconds(), unit: "s", floor: 5, atMost: true})
	b.add(row{figure: fmt.Sprintf("with %d events stored, median of 3", sent), value: again[1].Seconds(), unit: "s", floor: 5, atMost: true})
	b.add(row{figure: "with events stored, worst of 3", value: again[2].Seconds(), unit: "s"})
	return nil
}

func (a *appliance) firstSearchable(ctx context.Context, run int) (time.Duration, error) {
	begin := time.Now()
	if err := a.launch(); err != nil {
		return 0, err
	}
	deadline := begin.Add(2 * time.Minute)
	user := fmt.Sprintf("starter%d", run)
	doc := fmt.Appendf(nil, "{\"create\":{}}\n{\"user\":{\"name\":\"%s\"}}\n", user)
	for a.bulk(ctx, doc, 1) != nil {
		if time.Now().After(deadline) || ctx.Err() != nil || a.ended() {
			return 0, errors.Join(errors.New("no listener"), a.answer(ctx, 0, 0))
		}
		pause(ctx, 5*time.Millisecond)
	}
	if err := a.answer(ctx, time.Minute, 5*time.Millisecond); err != nil {
		return 0, err
	}
	for {
		n, err := a.found(ctx, "user.name:"+user)
		if err == nil && n > 0 {
			return time.Since(begin), nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return 0, fmt.Errorf("the first event is not found: %w", err)
		}
		pause(ctx, 5*time.Millisecond)
	}
}
