package sigma
type detection struct{}
type condition struct{}
type trigger struct{}
