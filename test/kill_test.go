package test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestKilledUnderLoad kills the appliance ten times at random moments while events come in by _bulk and syslog. Every acknowledged
// event is there once, none is there twice, each hit is in an alert once, and the ledger balances.
func TestKilledUnderLoad(t *testing.T) {
	const rounds, hosts = 10, 8
	rng := rand.New(rand.NewPCG(11, 2026))
	a := newAppliance(t, quiet+"detections: {snapshot: 300ms}\n", "  bulk_trust: true\n")
	var mu sync.Mutex
	acked := map[string]bool{} // by _bulk: answered 201
	sent := map[string]bool{}  // tags sent at all
	hitHost := func(n int) string { return fmt.Sprintf("nan-nhan-%d", n%hosts) }
	// Guessed passwords come from an address over two rounds, so that correlations span a kill.
	guesser := func(round int) string { return fmt.Sprintf("203.0.113.%d", 10+round/2) }
	for round := range rounds {
		a.start()
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for worker := range 2 {
			wg.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					var body strings.Builder
					var tags []string
					for i := range 20 {
						tag := fmt.Sprintf("b%02dw%dn%05di%02d", round, worker, n, i)
						tags = append(tags, tag)
						body.WriteString("{\"create\":{}}\n")
						if i%5 == 0 {
							body.WriteString(shell(hitHost(n+i/5), tag))
						} else {
							fmt.Fprintf(&body, `{"message":"tai %s","host":{"name":"tai-bulk"},"labels":{"tag":%q}}`, tag, tag)
						}
						body.WriteByte('\n')
					}
					mu.Lock()
					for _, tag := range tags {
						sent[tag] = true
					}
					mu.Unlock()
					_, items, err := a.bulk([]byte(body.String()))
					if err != nil {
						continue // not acknowledged: it may be there or not
					}
					mu.Lock()
					for i, status := range items {
						if status == 201 {
							acked[tags[i]] = true
						}
					}
					mu.Unlock()
				}
			})
		}
		wg.Go(func() { // plain syslog has no acknowledgement: what is there must be there once
			c, err := net.Dial("tcp", "127.0.0.1:"+a.ports.syslog)
			if err != nil {
				return
			}
			defer c.Close()
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				tag := fmt.Sprintf("s%02dn%05d", round, n)
				mu.Lock()
				sent[tag] = true
				mu.Unlock()
				guess := fmt.Sprintf("Failed password for root from %s port %d ssh2", guesser(round), 1024+n)
				if _, err := fmt.Fprint(c, rfc5424("tai-syslog", "tai", tag)+"\n", rfc5424("tai-ssh", "sshd", guess)+"\n"); err != nil {
					return
				}
			}
		})
		time.Sleep(time.Duration(50+rng.IntN(900)) * time.Millisecond) // the moment is what is drawn
		a.stop(syscall.SIGKILL)
		close(stop)
		wg.Wait()
	}
	a.start()
	sum := a.balanced()

	count := map[string]int{}
	hits := map[string]int{} // by host
	for _, query := range []string{"host.name:tai-bulk", "host.name:tai-syslog", "host.name:nan-nhan-*"} {
		a.each("analyst", query, func(e map[string]any) {
			tag, _ := e["labels.tag"].(string)
			if query == "host.name:tai-syslog" {
				tag, _ = e["message"].(string)
			}
			count[tag]++
			if host, _ := e["host.name"].(string); strings.HasPrefix(host, "nan-nhan-") {
				hits[host]++
			}
		})
	}
	var lost, doubled, unknown []string
	for tag := range acked {
		if count[tag] == 0 {
			lost = append(lost, tag)
		}
	}
	stored := 0
	for tag, n := range count {
		stored += n
		if n > 1 {
			doubled = append(doubled, tag)
		}
		if !sent[tag] {
			unknown = append(unknown, tag)
		}
	}
	slices.Sort(lost)
	slices.Sort(doubled)
	if len(lost) > 0 || len(doubled) > 0 || len(unknown) > 0 {
		t.Errorf("%d acknowledged events lost %v, %d doubled %v, %d never sent %v", len(lost), lost[:min(5, len(lost))], len(doubled),
			doubled[:min(5, len(doubled))], len(unknown), unknown[:min(5, len(unknown))])
	}
	if len(acked) < 500 {
		t.Errorf("only %d events were acknowledged: no load", len(acked))
	}

	// Detection is at the end of the queue once a new hit has its alert.
	if status, items, err := a.bulk([]byte("{\"create\":{}}\n" + shell("sau-cung", "cuoi") + "\n")); err != nil || status != 200 ||
		items[0] != 201 {
		t.Fatalf("_bulk after the restarts: %d %v %v", status, items, err)
	}
	until(t, "the alert after the restarts", 20*time.Second, func() bool { return len(a.alerts("analyst", "host=sau-cung")) == 1 })
	found := map[string][]int{}
	for _, al := range a.alerts("analyst", "rule="+webShellRule) {
		found[al.Host] = append(found[al.Host], al.Count)
	}
	for host, n := range hits {
		if c := found[host]; len(c) != 1 || c[0] != n {
			t.Errorf("%s: %d hits are stored, alerts count %v", host, n, c)
		}
	}
	guesses := map[string]int{}
	a.each("analyst", "host.name:tai-ssh", func(e map[string]any) { guesses[fmt.Sprint(e["source.ip"])]++ })
	guessing := map[string][]int{}
	for _, al := range a.alerts("analyst", "rule="+guessingRule) {
		guessing[al.Address] = append(guessing[al.Address], al.Count)
	}
	for address, n := range guesses {
		if c := guessing[address]; n >= 8 && (len(c) != 1 || c[0] != n) {
			t.Errorf("%s: %d guesses are stored, the correlation's alerts count %v", address, n, c)
		}
	}
	t.Logf("killed %d times: %d events acknowledged, %d stored, %d hits in %d alerts, %d guesses in %d; ledger %+v", rounds, len(acked),
		stored, total(hits), len(found), total(guesses), len(guessing), sum)
}

func total(m map[string]int) (n int) {
	for _, x := range m {
		n += x
	}
	return n
}

// each walks all events of a query.
func (a *appliance) each(role, query string, fn func(map[string]any)) {
	a.Helper()
	after := ""
	for {
		var page eventsFound
		a.get(role, "/api/events?from=1000000000000&limit=5000&query="+url.QueryEscape(query)+"&after="+url.QueryEscape(after), &page)
		for _, e := range page.Events {
			fn(e)
		}
		if after = page.Next; after == "" || len(page.Events) == 0 {
			return
		}
	}
}
