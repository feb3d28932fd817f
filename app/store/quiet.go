package store

import (
	"context"
	"time"

	"gorm.io/gorm/logger"
)

// quiet is GORM's logger: it says nothing, because a statement with its values is a patient's data. Errors reach the log
// as the faults that they become.
type quiet struct{}

func (q quiet) LogMode(logger.LogLevel) logger.Interface                         { return q }
func (quiet) Info(context.Context, string, ...any)                               {}
func (quiet) Warn(context.Context, string, ...any)                               {}
func (quiet) Error(context.Context, string, ...any)                              {}
func (quiet) Trace(context.Context, time.Time, func() (string, int64), error)    {}
func (quiet) ParamsFilter(_ context.Context, s string, _ ...any) (string, []any) { return s, nil }

var _ logger.Interface = quiet{}
