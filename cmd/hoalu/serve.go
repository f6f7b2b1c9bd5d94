package main

import (
	"fmt"
	"strings"

	"hoalu/internal/app"
)

// ServeCmd runs the appliance.
type ServeCmd struct {
	Config string `help:"Configuration file (YAML); without one everything listens on loopback with sensible bounds." type:"path"`
	Data   string `help:"Data directory; everything but the master key is in it." default:"${data}" type:"path"`
}

// Run serves until interrupted.
func (c ServeCmd) Run(e *env) error {
	cfg, err := app.LoadConfig(c.Config)
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	a, err := app.New(e.ctx, app.Options{Data: c.Data, Config: cfg, Log: e.log, Version: version, Ready: func(url, first string) {
		fmt.Fprintf(e.out, "\nHoa Lư %s  %s\n", version, url)
		if first != "" {
			fmt.Fprintf(e.out, "Liên kết tạo tài khoản đầu tiên, dùng một lần trong 15 phút (one-time link for the first account):\n  %s\n", first)
		}
		fmt.Fprintf(e.out, "Dữ liệu (data): %s   Dừng (stop): Ctrl-C\nThử ngay (try): %s try\n\n", c.Data, strings.TrimSpace(program()))
	}})
	if err != nil {
		return err
	}
	return a.Run(e.ctx)
}
