package triage

import (
	"strings"
	"unicode"

	"hoalu/ecs"
	"hoalu/soc"
)

// evidenceLine is one line of machine text that tells the hit apart in a list: the command, the request, the question or the message.
// It holds what the event held: the console shows it as text only.
func evidenceLine(f *Firing) string {
	e := f.Event
	if e == nil {
		return groupLine(f.Hit.Group)
	}
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	switch {
	case e.Text(ecs.ProcessCommandLine) != "":
		if p := firstText(e, ecs.ParentName, ecs.ParentExecutable); p != "" {
			add(p + " →")
		}
		add(e.Text(ecs.ProcessCommandLine))
	case firstText(e, ecs.URLOriginal, ecs.URLPath) != "":
		add(e.Text(ecs.HTTPMethod))
		add(firstText(e, ecs.URLOriginal, ecs.URLPath))
		add(e.Text(ecs.HTTPStatus))
	case e.Text(ecs.DNSQuestionName) != "":
		add(e.Text(ecs.DNSQuestionType))
		add(e.Text(ecs.DNSQuestionName))
	case e.Text(ecs.Message) != "":
		add(e.Text(ecs.Message))
	case e.Text(ecs.EventOriginal) != "":
		add(e.Text(ecs.EventOriginal))
	case e.Text(ecs.SourceIP) != "" || e.Text(ecs.DestIP) != "":
		add(e.Text(ecs.NetTransport))
		add(e.Text(ecs.SourceIP))
		add("→")
		add(e.Text(ecs.DestIP))
		add(e.Text(ecs.DestPort))
	default:
		add(e.Text(ecs.EventAction))
		add(e.Text(ecs.UserName))
		add(firstText(e, ecs.ProcessExecutable, ecs.ProcessName, ecs.FilePath))
	}
	line := strings.Join(parts, " ")
	if line == "" {
		line = groupLine(f.Hit.Group)
	}
	return oneLine(line, 300)
}

func groupLine(group []soc.GroupValue) string {
	parts := make([]string, len(group))
	for i, g := range group {
		parts[i] = g.Field + "=" + g.Value
	}
	return oneLine(strings.Join(parts, " "), 300)
}

// oneLine cuts s to n characters and replaces what could break out of a line or turn its direction.
func oneLine(s string, n int) string {
	var b strings.Builder
	count := 0
	space := false
	for _, r := range s {
		if count == n {
			b.WriteString("…")
			break
		}
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			r = '·'
		}
		if space {
			b.WriteByte(' ')
			space = false
			count++
		}
		b.WriteRune(r)
		count++
	}
	return b.String()
}
