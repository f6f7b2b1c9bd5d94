package main

// TryCmd plays the exercise.
type TryCmd struct{ atData }
