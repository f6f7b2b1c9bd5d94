package test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hoalu/collector/decoders"
	"hoalu/internal/config"
)

var yamlFence = regexp.MustCompile("(?ms)^ *```yaml\n(.*?)^ *```")

// senderBlocks are what tells the blocks of docs/<language>/sources.md that TestDocumentedRsyslog and TestDocumentedShippers run.
var senderBlocks = []string{`port="5514" protocol="tcp"`, `port="5514" protocol="udp"`, "defaultNetstreamDriverCAFile",
	`module(load="omelasticsearch")`, "output.elasticsearch:", "curl --fail", "from elasticsearch import", "@elastic/elasticsearch"}

// TestDocumentedYAML: each configuration of the documents is one that the product takes, and each decoder in them reads its own lines.
func TestDocumentedYAML(t *testing.T) {
	for _, language := range []string{"en", "vi"} {
		pages, err := filepath.Glob("../docs/" + language + "/*.md")
		if err != nil {
			t.Fatal(err)
		}
		etc := t.TempDir() // the reader's /etc/hoalu: what is named must be there
		if err := errors.Join(os.Mkdir(filepath.Join(etc, "rules"), 0o700), os.WriteFile(filepath.Join(etc, "sigmahq.zip"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		configs, definitions := 0, 0
		for _, page := range pages {
			raw, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range yamlFence.FindAllStringSubmatch(string(raw), -1) {
				what := fmt.Sprintf("%s, block %d", page, i+1)
				file := filepath.Join(t.TempDir(), "documented.yml")
				if err := os.WriteFile(file, []byte(strings.ReplaceAll(m[1], "/etc/hoalu", etc)), 0o600); err != nil {
					t.Fatal(err)
				}
				switch {
				case strings.HasPrefix(m[1], "output.elasticsearch:"): // another program's: TestDocumentedShippers
				case strings.HasPrefix(m[1], "dataset:"):
					definitions++
					if _, err := decoders.Load([]string{filepath.Dir(file)}); err != nil { // it runs what stands under tests
						t.Errorf("%s: %v", what, err)
					}
				default:
					configs++
					c, err := config.Load(file)
					if err == nil {
						err = c.Validate()
					}
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
			}
		}
		if configs < 6 || definitions < 1 {
			t.Errorf("%s: %d configurations and %d decoders found: is the search broken?", language, configs, definitions)
		}
	}
}

// TestEveryDocumentedSenderIsRun: a block of docs/<language>/sources.md that another program is configured with is one of senderBlocks.
func TestEveryDocumentedSenderIsRun(t *testing.T) {
	for _, language := range []string{"en", "vi"} {
		raw, err := os.ReadFile("../docs/" + language + "/sources.md")
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
	blocks:
		for _, m := range fence.FindAllStringSubmatch(string(raw), -1) {
			for _, mark := range senderBlocks {
				if strings.Contains(m[1], mark) {
					found[mark] = true
					continue blocks
				}
			}
			first, _, _ := strings.Cut(strings.TrimSpace(m[1]), " ")
			switch first {
			case "hoalu", "echo", "bin/hoalu", "listen:", "dataset:": // TestDocumentedCommands, TestDocumentedYAML
			default:
				if !strings.HasPrefix(m[1], "listen:") {
					t.Errorf("docs/%s/sources.md: no test runs this configuration of a sender:\n%s", language, m[1])
				}
			}
		}
		for _, mark := range senderBlocks {
			if !found[mark] {
				t.Errorf("docs/%s/sources.md has no block with %s any more", language, mark)
			}
		}
	}
}
