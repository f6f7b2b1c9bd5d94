// Package ui holds the web console as built by `npm run build` in this folder.
//
// The build goes to dist/, which is not kept in version control but for an empty file that lets this package compile without it.
// FS says whether a console was built in; a server without one answers the API only and says so on "/".
//
// index.html carries the placeholder NoncePlaceholder in place of the nonce of the content security policy. The server replaces
// every occurrence with a fresh value for each answer and sends the same value in the header Content-Security-Policy. Everything below
// assets/ has the hash of its content in its name and may be cached for ever; index.html may not.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// NoncePlaceholder stands in index.html where the server puts the nonce of the answer.
const NoncePlaceholder = "__CSP_NONCE__"

// FS returns the built console rooted at index.html; ok is false when the program was built without it.
func FS() (files fs.FS, ok bool) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, false
	}
	if _, err := fs.Stat(sub, "index.html"); err != nil {
		return nil, false
	}
	return sub, true
}
