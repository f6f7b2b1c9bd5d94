package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hoalu/soc"
)

// SensorDropped tells of the records a sensor dropped since its last account, by reason; src is the zero Source where it is not known.
func SensorDropped(src soc.Source, sensor string, dropped map[string]int64) Note {
	var n int64
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(dropped)) {
		n += dropped[reason]
		why = append(why, fmt.Sprintf("%s %d", reason, dropped[reason]))
	}
	reasons := strings.Join(why, ", ")
	return Note{Action: SensorLoss, Source: src.ID, System: src.System, Level: "warning",
		Message: fmt.Sprintf("sensor %s dropped %d records: %s", sensor, n, reasons),
		Values:  map[string]string{"sensor": sensor, "dropped": fmt.Sprint(n), "reasons": reasons}}
}

// SensorMissed tells of batches of a sensor that did not arrive.
func SensorMissed(sensor string, first, last uint64) Note {
	return Note{Action: SensorGap, Level: "warning", Message: fmt.Sprintf("batches %d to %d of sensor %s did not arrive", first, last, sensor),
		Values: map[string]string{"sensor": sensor, "first": fmt.Sprint(first), "last": fmt.Sprint(last)}}
}

// CertificateEnds tells of a sensor whose certificate ends soon, or has ended.
func CertificateEnds(src soc.Source, end time.Time) Note {
	at := end.UTC().Format(time.RFC3339)
	return Note{Action: SensorCertificate, Source: src.ID, System: src.System, Level: "warning",
		Message: fmt.Sprintf("the certificate of sensor %s ends at %s", src.Sensor, at),
		Values:  map[string]string{"sensor": src.Sensor, "ends": at}}
}

// QueueGone tells of queue sequences that are gone though nobody purged them.
func QueueGone(first, last uint64) Note {
	return Note{Action: QueueHole, Level: "error", Message: fmt.Sprintf("queue sequences %d to %d are gone", first, last),
		Values: map[string]string{"first": fmt.Sprint(first), "last": fmt.Sprint(last)}}
}

// ListMadeAnew tells that the event store's list of files had to be made anew from the files: how many it holds, were set aside and were
// left out as already merged into others.
func ListMadeAnew(files, setAside, leftOut int, cause string) Note {
	return Note{Action: StoreRebuilt, Level: "error",
		Message: fmt.Sprintf("the list of the event store was made anew: %d files, %d set aside", files, setAside),
		Values: map[string]string{"files": fmt.Sprint(files), "set_aside": fmt.Sprint(setAside), "left_out": fmt.Sprint(leftOut),
			"cause": cause}}
}
