package local_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hoalu/internal/needed"
	"hoalu/vault"
	"hoalu/vault/local"
	"hoalu/vault/vaulttest"
)

var quiet = slog.New(slog.DiscardHandler)

// clean takes the machine's own master key, if there is one, out of the test's way.
func clean(t *testing.T) {
	for _, e := range []string{local.EnvFile, local.EnvKey, "CREDENTIALS_DIRECTORY"} {
		t.Setenv(e, "")
	}
}

func open(t *testing.T, c local.Config) *local.Vault {
	t.Helper()
	v, err := local.Open(context.Background(), c, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVault(t *testing.T) {
	clean(t)
	data, config := t.TempDir(), t.TempDir()
	vaulttest.Run(t, func(t *testing.T) vault.Vault { return open(t, local.Config{Data: data, UserConfig: config}) })

	// Nothing under the data folder may open anything: no key, no plain text, no mode that others can read.
	err := filepath.WalkDir(data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", path, info.Mode().Perm())
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(text, []byte("PRIVATE KEY")) || bytes.Contains(text, []byte(`"keys"`)) || strings.HasPrefix(d.Name(), ".") {
			t.Errorf("%s holds a key in plain text or was left over", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMasterKeyFromEachPlace(t *testing.T) {
	key := strings.Repeat("5a", 32)
	raw, _ := hex.DecodeString(key)
	write := func(t *testing.T, name string, text []byte, mode os.FileMode) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, text, mode); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, set := range map[string]func(t *testing.T, c *local.Config){
		"configuration": func(t *testing.T, c *local.Config) { c.MasterKeyFile = write(t, "k", []byte(key+"\n"), 0o600) },
		"file variable": func(t *testing.T, c *local.Config) { t.Setenv(local.EnvFile, write(t, "k", raw, 0o400)) },
		"credential": func(t *testing.T, c *local.Config) {
			t.Setenv("CREDENTIALS_DIRECTORY", filepath.Dir(write(t, local.Credential, []byte(key), 0o440)))
		},
		"variable": func(t *testing.T, c *local.Config) { t.Setenv(local.EnvKey, key) },
		"user's folder": func(t *testing.T, c *local.Config) {
			file := filepath.Join(c.UserConfig, "hoalu", "master.key")
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(key), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			clean(t)
			c := local.Config{Data: t.TempDir(), UserConfig: t.TempDir()}
			set(t, &c)
			v := open(t, c)
			m, err := v.MAC(context.Background(), "x")
			if err != nil {
				t.Fatal(err)
			}
			if os.Getenv(local.EnvKey) != "" {
				t.Error("the key is still in the environment")
			}
			clean(t)
			again := open(t, local.Config{Data: c.Data, MasterKeyFile: write(t, "same", raw, 0o600)})
			n, err := again.MAC(context.Background(), "x")
			if err != nil || n.KeyID() != m.KeyID() {
				t.Errorf("the same key from a file opens another vault: %v", err)
			}
		})
	}
}

func TestMasterKeyIsMadeOnceAndPrivate(t *testing.T) {
	clean(t)
	c := local.Config{Data: t.TempDir(), UserConfig: t.TempDir()}
	open(t, c)
	file := filepath.Join(c.UserConfig, "hoalu", "master.key")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("master key: %v, %v", info, err)
	}
	first, _ := os.ReadFile(file)
	open(t, c)
	open(t, local.Config{Data: t.TempDir(), UserConfig: c.UserConfig}) // a second data folder shares it
	if second, _ := os.ReadFile(file); !bytes.Equal(first, second) || len(first) != 65 {
		t.Errorf("the master key changed, or is not 64 digits and a line end: %d bytes", len(first))
	}
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	for _, tc := range []struct {
		name   string
		break_ func(t *testing.T, c *local.Config, key string)
		want   error
		says   string
	}{
		{"another key", func(t *testing.T, _ *local.Config, key string) {
			if err := os.WriteFile(key, []byte(strings.Repeat("00", 32)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrMasterKey, "give the master key that belongs"},
		{"no key for keys that exist", func(t *testing.T, _ *local.Config, key string) {
			if err := os.Remove(key); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrNoMaster, "put back"},
		{"a key that others read", func(t *testing.T, _ *local.Config, key string) {
			if err := os.Chmod(key, 0o640); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrExposed, "chmod 600"},
		{"a key under the data folder", func(t *testing.T, c *local.Config, key string) {
			c.MasterKeyFile = filepath.Join(c.Data, "master.key")
			if err := os.Rename(key, c.MasterKeyFile); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrExposed, "move it elsewhere"},
		{"a link to under the data folder", func(t *testing.T, c *local.Config, key string) {
			inside := filepath.Join(c.Data, "master.key")
			if err := os.Rename(key, inside); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(inside, key); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrExposed, "move it elsewhere"},
		{"the check lost", func(t *testing.T, c *local.Config, _ string) {
			if err := os.Remove(filepath.Join(c.Data, "keys", "check.key")); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrDamaged, "restore"},
		{"files swapped", func(t *testing.T, c *local.Config, _ string) {
			dir := filepath.Join(c.Data, "keys")
			if err := os.Rename(filepath.Join(dir, "signer-evidence.key"), filepath.Join(dir, "signer-ca.key")); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrDamaged, "restore"},
		{"a path that is mistyped, with keys", func(t *testing.T, c *local.Config, key string) {
			c.MasterKeyFile = key + ".old"
		}, vault.ErrNoMaster, "put back the file that was there when the keys"},
		{"a path that is mistyped, before there are keys", func(t *testing.T, c *local.Config, key string) {
			c.Data, c.MasterKeyFile = t.TempDir(), key+".old"
		}, vault.ErrNoMaster, "correct the path, or make a new key"},
		{"a damaged sealed file", func(t *testing.T, c *local.Config, _ string) {
			file := filepath.Join(c.Data, "keys", "signer-ca.key")
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text[len(text)/2] ^= 1
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrDamaged, "signer-ca.key does not open; restore it from a backup"},
		{"too short a key", func(t *testing.T, _ *local.Config, key string) {
			if err := os.WriteFile(key, []byte("secret"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, nil, "openssl rand -hex 32"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clean(t)
			c := local.Config{Data: t.TempDir(), UserConfig: t.TempDir()}
			if _, err := open(t, c).Signer(ctx, "evidence"); err != nil {
				t.Fatal(err)
			}
			tc.break_(t, &c, filepath.Join(c.UserConfig, "hoalu", "master.key"))
			before := folder(t, c.Data)
			_, err := local.Open(ctx, c, quiet)
			if after := folder(t, c.Data); tc.want != vault.ErrNoMaster && after != before {
				t.Errorf("a refusal changed the data folder:\n%s\nwas\n%s", after, before)
			}
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Open = %v, want %v that says %q", err, tc.want, tc.says)
			}
			if err != nil && strings.Contains(err.Error(), strings.Repeat("00", 16)) {
				t.Error("the message holds the key")
			}
		})
	}
}

func TestCertificatesEndAndRenew(t *testing.T) {
	clean(t)
	ctx := context.Background()
	now := time.Now()
	v := open(t, local.Config{Data: t.TempDir(), UserConfig: t.TempDir(), Now: func() time.Time { return now }})
	ca := v.Authority()
	if left := ca.Root().NotAfter.Sub(now); left < 3649*24*time.Hour {
		t.Errorf("the root holds for %v, want ten years", left)
	}
	conf, err := ca.ServerTLS(ctx, "console", []string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := conf.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.Client(ctx, vault.SensorURI("s1"), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(334 * 24 * time.Hour)
	if c, _ := conf.GetCertificate(nil); !c.Leaf.Equal(first.Leaf) {
		t.Error("renewed too early")
	}
	now = now.Add(2 * 24 * time.Hour)
	second, err := conf.GetCertificate(nil)
	if err != nil || second.Leaf.Equal(first.Leaf) {
		t.Errorf("not renewed with 29 days left: %v", err)
	}
	if _, err := ca.Sensor([]*x509.Certificate{client.Leaf}); !errors.Is(err, vault.ErrNotOurs) {
		t.Errorf("a certificate that ended = %v", err)
	}
	if err := ca.Revoke(ctx, hex.EncodeToString(second.Leaf.SerialNumber.Bytes()), "lộ khóa"); err != nil {
		t.Fatal(err)
	}
	if c, err := conf.GetCertificate(nil); err != nil || c.Leaf.Equal(second.Leaf) {
		t.Errorf("a revoked server certificate is still served: %v", err)
	}
	if err := v.Rotate(ctx, "ca"); !errors.Is(err, vault.ErrName) {
		t.Errorf("Rotate(ca) = %v", err)
	}
}

func TestLogOfCertificatesSurvivesACutLine(t *testing.T) {
	clean(t)
	ctx := context.Background()
	c := local.Config{Data: t.TempDir(), UserConfig: t.TempDir()}
	v := open(t, c)
	if _, err := v.Authority().Client(ctx, vault.SensorURI("s1"), 0); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.Data, "keys", "certificates.jsonl")
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"serial":"4a","use":"sens`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	v = open(t, c)
	two, err := v.Authority().Client(ctx, vault.SensorURI("s2"), 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]*local.Vault{"here": v, "after a restart": open(t, c)} {
		if list, err := v.Authority().Issued(ctx); err != nil || len(list) != 2 {
			t.Errorf("%s: %d certificates in the log, %v, want 2", name, len(list), err)
		}
		if id, err := v.Authority().Sensor([]*x509.Certificate{two.Leaf}); err != nil || id != "s2" {
			t.Errorf("%s: Sensor = %q, %v", name, id, err)
		}
	}
	// The root is made again from its key and verifies what the first one issued.
	if err := os.Remove(filepath.Join(c.Data, "keys", "ca.crt")); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, c).Authority().Sensor([]*x509.Certificate{two.Leaf}); err != nil {
		t.Errorf("with the root made again: %v", err)
	}
}

// folder is every file below dir with the sum of what it holds.
func folder(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", d.Name(), sha256.Sum256(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestReadOnlyDisk: a vault that is there opens on it; one that must be made says what to do.
func TestReadOnlyDisk(t *testing.T) {
	if os.Getuid() != 0 {
		needed.Missing(t, "mounting a small tmpfs needs root")
	}
	clean(t)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"); err != nil {
		needed.Missing(t, "a small tmpfs cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	c := local.Config{Data: filepath.Join(disk, "data"), UserConfig: t.TempDir()}
	open(t, c)
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(context.Background(), c, quiet); err != nil {
		t.Errorf("Open on a read-only disk: %v", err)
	}
	c.Data = filepath.Join(disk, "other")
	if _, err := local.Open(context.Background(), c, quiet); err == nil ||
		!strings.Contains(err.Error(), "is read-only: look in the kernel's messages") {
		t.Errorf("Open of a new vault on a read-only disk = %v", err)
	}
}

// TestALogThatCannotBeReadIsNoEnd: a read error is not the end of the log of certificates, or a revocation behind it would not be seen.
func TestALogThatCannotBeReadIsNoEnd(t *testing.T) {
	clean(t)
	ctx := context.Background()
	c := local.Config{Data: t.TempDir(), UserConfig: t.TempDir()}
	v := open(t, c)
	ca := v.Authority()
	sensor, err := ca.Client(ctx, vault.SensorURI("s1"), 0)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(c.Data, "keys", "certificates.jsonl")
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil { // it opens, and reading it fails
		t.Fatal(err)
	}
	for i := range 64 { // larger than what was read before
		if err := os.WriteFile(filepath.Join(file, fmt.Sprint(strings.Repeat("x", 200), i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := ca.Issued(ctx); !errors.Is(err, vault.ErrUnavailable) || list != nil {
		t.Errorf("Issued = %d, %v; want ErrUnavailable and no part of the log", len(list), err)
	}
	if _, err := ca.RevocationList(ctx); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("RevocationList = %v, want ErrUnavailable", err)
	}
	if id, err := ca.Sensor([]*x509.Certificate{sensor.Leaf}); !errors.Is(err, vault.ErrUnavailable) {
		t.Errorf("Sensor = %q, %v; want ErrUnavailable: it may be revoked", id, err)
	}
}

// TestMasterKeyLeavesTheEnvironment: a process that took the key from a variable shows it in /proc/<pid>/environ no more.
func TestMasterKeyLeavesTheEnvironment(t *testing.T) {
	key := strings.Repeat("5a", 32)
	if os.Getenv("HOALU_TEST_CHILD") != "" {
		if before, err := os.ReadFile("/proc/self/environ"); err != nil || !strings.Contains(string(before), key) {
			t.Fatalf("the key is not in the environment to begin with: %v", err)
		}
		open(t, local.Config{Data: t.TempDir(), UserConfig: t.TempDir()})
		after, err := os.ReadFile("/proc/self/environ")
		if err != nil || strings.Contains(string(after), key) || !strings.Contains(string(after), "HOALU_TEST_CHILD=1") {
			t.Errorf("environ after the vault was opened: %v, key in it %v", err, strings.Contains(string(after), key))
		}
		if out, err := exec.Command("/usr/bin/env").Output(); err != nil || strings.Contains(string(out), key) || len(out) == 0 {
			t.Errorf("a process that we start: %v, key in its environment %v", err, strings.Contains(string(out), key))
		}
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^TestMasterKeyLeavesTheEnvironment$", "-test.v")
	cmd.Env = []string{"HOALU_TEST_CHILD=1", local.EnvKey + "=" + key, "HOME=" + t.TempDir(), "LAST=1"}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestMasterKeyLeavesTheEnvironment") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestUnavailable: while the folder of keys is gone (a disk that fell off) every call says that it cannot be told now.
func TestUnavailable(t *testing.T) {
	clean(t)
	vaulttest.RunUnavailable(t, func(t *testing.T) (vault.Vault, func(), func()) {
		c := local.Config{Data: t.TempDir(), UserConfig: t.TempDir()}
		keys := filepath.Join(c.Data, "keys")
		move := func(from, to string) {
			t.Helper()
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		return open(t, c), func() {
				move(keys, keys+".away")
				if err := os.WriteFile(keys, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}, func() {
				if err := os.Remove(keys); err != nil {
					t.Fatal(err)
				}
				move(keys+".away", keys)
			}
	})
}

// TestUsedFolderGetsNoNewKeys: a data folder without its keys is refused, not given others.
func TestUsedFolderGetsNoNewKeys(t *testing.T) {
	clean(t)
	c := local.Config{Data: t.TempDir(), UserConfig: t.TempDir(), Used: true}
	for range 2 {
		if _, err := local.Open(context.Background(), c, quiet); !errors.Is(err, vault.ErrDamaged) ||
			!strings.Contains(err.Error(), "restore the whole data folder") {
			t.Errorf("Open of a used folder without keys: %v", err)
		}
	}
	if list, err := filepath.Glob(filepath.Join(c.Data, "keys", "*")); err != nil || len(list) != 0 {
		t.Errorf("made %v, %v", list, err)
	}
	c.Used = false
	open(t, c)
	c.Used = true
	open(t, c)
}
