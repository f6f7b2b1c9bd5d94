package collector

import (
	"context"
	"fmt"
	"time"

	"hoalu/collector/health"
	"hoalu/collector/source/sensor"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// FromSensors is PutSensor with the frames bound to the sensor's source before they are made durable: find looks up who is known and
// registers who is new. An error of it is returned and nothing is put. Our own sensors say what their records are, and are believed.
func (in *Intake) FromSensors(find func(ctx context.Context, id string) (soc.Source, error)) sensor.Put {
	return func(ctx context.Context, id string, sequence uint64, frames []wire.Frame) (bool, error) {
		src, err := find(ctx, id)
		if err != nil {
			return false, fmt.Errorf("register sensor %s: %w", id, err)
		}
		for i := range frames {
			frames[i].Source, frames[i].Trust = src.ID, true
		}
		return in.PutSensor(ctx, id, sequence, frames)
	}
}

// SensorStats takes what sensors say of themselves: that they are there, and what they dropped, which is counted as loss and told. find
// looks up the source of a sensor; one that is not registered yet is counted by its name.
func (in *Intake) SensorStats(m *health.Monitor, find func(id string) (soc.Source, bool)) func(ctx context.Context, id string,
	s sensor.Stats) error {
	return func(_ context.Context, id string, s sensor.Stats) error {
		src, known := find(id)
		if known {
			m.Beat(src.ID, time.Now().UnixMilli())
		}
		for reason, n := range s.Dropped {
			in.Drop(src.ID, id, reason, int(n))
		}
		if len(s.Dropped) > 0 {
			m.Emit(health.SensorDropped(src, id, s.Dropped))
		}
		return nil
	}
}
