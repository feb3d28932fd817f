package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/medcard/medcard/domain/identity"
)

type ownDevicesReply struct {
	Body struct {
		Devices []listedDevice `json:"devices" doc:"The last used first"`
	}
}

type listedDevice struct {
	ID       string    `json:"id" format:"uuid"`
	Name     string    `json:"name,omitempty" doc:"As the app introduced itself"`
	LastUsed time.Time `json:"lastUsed" doc:"When it signed in, or renewed its session"`
	SignedIn bool      `json:"signedIn"`
	Own      bool      `json:"own" doc:"The one that asks"`
}

type devicePath struct {
	Device string `path:"device" format:"uuid"`
}

// deviceRoutes are where a person is signed in, and how to end it from afar.
func (a *API) deviceRoutes() {
	const tag, fresh = "people", " (needs a step-up)"
	operate(a, Route{ID: "ownDevices", Method: http.MethodGet, Path: "/v1/me/devices", Tag: tag, Summary: "The devices from which the account was signed in to", Access: Patients()},
		a.ownDevices)
	operate(a, Route{ID: "signOutDevice", Method: http.MethodDelete, Path: "/v1/me/devices/{device}", Tag: tag, Summary: "Sign a device out, at once, and forget it" + fresh, Access: Patients().For(Own), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, in *devicePath) (*struct{}, error) {
			return nil, a.Enrolling.SignOutDevice(ctx, actorFrom(ctx), identity.DeviceID(in.Device))
		})
	operate(a, Route{ID: "signOutOthers", Method: http.MethodDelete, Path: "/v1/me/devices", Tag: tag, Summary: "Sign out and forget all devices but this one" + fresh, Access: Patients(), Status: http.StatusNoContent, Deadline: sending},
		func(ctx context.Context, _ *struct{}) (*struct{}, error) {
			return nil, a.Enrolling.SignOutOthers(ctx, actorFrom(ctx))
		})
}

func (a *API) ownDevices(ctx context.Context, _ *struct{}) (*ownDevicesReply, error) {
	actor := actorFrom(ctx)
	list, err := a.Enrolling.Devices(ctx, actor)
	out := new(ownDevicesReply)
	out.Body.Devices = make([]listedDevice, len(list))
	for i, d := range list {
		out.Body.Devices[i] = listedDevice{ID: string(d.ID), Name: d.Name, LastUsed: d.Seen, SignedIn: d.SignedIn, Own: d.ID == actor.Device}
	}
	return out, err
}
