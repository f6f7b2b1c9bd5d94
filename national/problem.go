package national

import (
	"errors"
	"strconv"

	"hoalu/soc"
)

// Problem is err as a person is told it, with what to do; an error that is none of this package's stays as it is. destination is the one
// that was asked for, 0 the first.
func Problem(err error, destination int64) error {
	var invalid *InvalidEndpoint
	switch {
	case errors.As(err, &invalid):
		return &soc.Problem{Status: 422, Code: "invalid", Detail: invalid.Error(), Do: "Correct the fields named and save again.",
			Values: invalid.Fields}
	case errors.Is(err, ErrManyEndpoints):
		return &soc.Problem{Status: 409, Code: "endpoints_many", Detail: err.Error() + ".", Do: "Remove one first."}
	case errors.Is(err, ErrNoEndpoint) && destination != 0:
		id := strconv.FormatInt(destination, 10)
		return &soc.Problem{Status: 404, Code: "not_found", Detail: "There is no receiving point " + id + ".",
			Do: "hoalu national status lists the receiving points with their numbers.", Values: map[string]string{"id": id, "kind": "destination"}}
	case errors.Is(err, ErrNoEndpoint):
		return &soc.Problem{Status: 409, Code: "no_endpoint", Detail: "No receiving point is set.", Do: "Set one first."}
	case errors.Is(err, ErrNoList):
		return &soc.Problem{Status: 409, Code: "no_list",
			Detail: "This channel cannot be reconciled: the centre does not tell over it what it holds.",
			Do:     "Compare the numbers with the centre by hand."}
	}
	return err
}

// changed is the conflict of who saves over a receiving point that somebody else has changed since.
func changed(old Endpoint) error {
	return &soc.Problem{Status: 409, Code: "conflict", Detail: old.SetBy + " changed the receiving point since you read it.",
		Do: "Read it again and repeat the change.", Values: map[string]string{"id": old.URL, "by": old.SetBy,
			"at": strconv.FormatInt(old.SetAt, 10), "version": strconv.FormatInt(old.Version, 10)}}
}

// missing is what is not there, by its number.
func missing(id string) error {
	return &soc.Problem{Status: 404, Code: "not_found", Detail: id + " not found.", Values: map[string]string{"id": id}}
}
