// Package authz decides who may do what and see which rows (decision 23): one Rego policy, evaluated by OPA in process.
package authz
