package httpapi

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/medcard/medcard/app/dispensing"
	"github.com/medcard/medcard/domain/consent"
	"github.com/medcard/medcard/domain/prescription"
)

type enrolRequest struct {
	Body struct {
		Name  string `json:"name" minLength:"1" maxLength:"60" doc:"The pharmacy's own name of the device"`
		Key   []byte `json:"key" maxLength:"64" doc:"The 32 bytes of its Ed25519 public key, base64"`
		Proof []byte `json:"proof" maxLength:"128" doc:"The key's signature over the ASCII text emc-qr/v1/receipt enrolment, a line feed and the key"`
	}
}

type deviceBody struct {
	Key       string     `json:"key" doc:"Key id, hexadecimal"`
	Issuer    string     `json:"issuer" doc:"What the device's receipts name as iss: the pharmacy's client id"`
	Name      string     `json:"name"`
	State     string     `json:"state" enum:"active,retired,stolen,forked" doc:"forked: two devices went on from one receipt, a clone"`
	AddedAt   time.Time  `json:"addedAt"`
	RetiredAt *time.Time `json:"retiredAt,omitempty"`
	Receipts  uint64     `json:"receipts" doc:"How many are in its chain"`
}

type deviceReply struct{ Body deviceBody }

type devicesReply struct {
	Body struct {
		Devices []deviceBody `json:"devices"`
	}
}

type endDeviceRequest struct {
	Key  string `path:"key" pattern:"^[0-9a-f]{16}$"`
	Body struct {
		Stolen bool `json:"stolen,omitempty" doc:"Nothing that comes from now on is believed; else what was signed before stays good"`
	}
}

type receiptsRequest struct {
	Body struct {
		Receipts []string `json:"receipts" minItems:"1" maxItems:"32" maxLength:"1200" doc:"Texts as package qr specifies them, in the order of their numbers"`
	}
}

type filedBody struct {
	Receipt string     `json:"receipt" doc:"SHA-256 of the text, hexadecimal"`
	Device  string     `json:"device,omitempty" doc:"Key id, hexadecimal"`
	Number  uint64     `json:"number,omitempty"`
	Outcome string     `json:"outcome" enum:"applied,case,quarantined,dismissed" doc:"case: applied, and patient and prescriber are told of it"`
	Doubt   string     `json:"doubt,omitempty" doc:"Why it is in quarantine"`
	CameAt  *time.Time `json:"cameAt,omitempty"`
}

type receiptsReply struct {
	Body struct {
		Receipts []filedBody `json:"receipts" doc:"In the order in which they were sent"`
	}
}

type portionBody struct {
	Item     int `json:"item" doc:"Its place on the prescription, from 0"`
	Quantity int `json:"quantity"`
}

type handOutBody struct {
	Pharmacy string        `json:"pharmacy" doc:"Client id"`
	At       time.Time     `json:"at"`
	Items    []portionBody `json:"items"`
	Receipt  string        `json:"receipt,omitempty" doc:"The signed receipt; absent where the server was asked"`
}

type caseBody struct {
	Prescription string        `json:"prescription" format:"uuid"`
	At           time.Time     `json:"at" doc:"When it came to light"`
	Concerns     []string      `json:"concerns" doc:"over_dispensed, was_cancelled, too_early"`
	Excess       []portionBody `json:"excess" doc:"Handed out beyond what was prescribed"`
	HandOuts     []handOutBody `json:"handOuts" doc:"What was handed out up to then, the last is the one in question"`
}

type casesRequest struct {
	Purpose string `header:"Purpose-Of-Use" required:"true" enum:"TREAT,ETREAT" doc:"Why you read: HL7 v3 PurposeOfUse"`
}

type casesReply struct {
	Body struct {
		Cases []caseBody `json:"cases"`
	}
}

// receiptRoutes are a pharmacy's devices, and what they handed out without a network.
func (a *API) receiptRoutes() {
	const tag = "dispensing"
	access := Pharmacies(dispensing.Right)
	operate(a, Route{ID: "enrolDevice", Method: http.MethodPost, Path: "/v1/dispensing/devices", Tag: tag, Summary: "Make a device known that signs receipts when there is no network", Access: access},
		func(ctx context.Context, in *enrolRequest) (*deviceReply, error) {
			d, err := a.Dispensing.Enrol(ctx, actorFrom(ctx), in.Body.Key, in.Body.Proof, in.Body.Name)
			return &deviceReply{Body: showDevice(d)}, err
		})
	operate(a, Route{ID: "listDevices", Method: http.MethodGet, Path: "/v1/dispensing/devices", Tag: tag, Summary: "The pharmacy's devices, those that ended too", Access: access},
		func(ctx context.Context, _ *struct{}) (*devicesReply, error) {
			list, err := a.Dispensing.Devices(ctx, actorFrom(ctx))
			out := new(devicesReply)
			out.Body.Devices = []deviceBody{}
			for _, d := range list {
				out.Body.Devices = append(out.Body.Devices, showDevice(d))
			}
			return out, err
		})
	operate(a, Route{ID: "endDevice", Method: http.MethodPost, Path: "/v1/dispensing/devices/{key}/end", Tag: tag, Summary: "Take a device out of use", Access: access.For(Own)},
		func(ctx context.Context, in *endDeviceRequest) (*deviceReply, error) {
			var key prescription.DeviceKey
			if _, err := hex.Decode(key[:], []byte(in.Key)); err != nil {
				return nil, dispensing.ErrNoDevice
			}
			d, err := a.Dispensing.End(ctx, actorFrom(ctx), key, in.Body.Stolen)
			return &deviceReply{Body: showDevice(d)}, err
		})
	operate(a, Route{ID: "fileReceipts", Method: http.MethodPost, Path: "/v1/dispensing/receipts", Tag: tag, Summary: "Tell what was handed out without a network; the same receipt again changes nothing", Access: access.For(Shown), Deadline: 30 * time.Second},
		func(ctx context.Context, in *receiptsRequest) (*receiptsReply, error) {
			list, err := a.Dispensing.Receive(ctx, actorFrom(ctx), in.Body.Receipts, requestID(ctx))
			return showFiled(list), err
		})
	operate(a, Route{ID: "doubtfulReceipts", Method: http.MethodGet, Path: "/v1/dispensing/receipts", Tag: tag, Summary: "The pharmacy's receipts in quarantine: they changed nothing and wait for an operator", Access: access},
		func(ctx context.Context, _ *struct{}) (*receiptsReply, error) {
			list, err := a.Dispensing.Doubtful(ctx, actorFrom(ctx))
			return showFiled(list), err
		})
	operate(a, Route{ID: "dispensingCases", Method: http.MethodGet, Path: "/v1/dispensing/cases", Tag: tag, Summary: "Hand-outs of what the clinic prescribed that should not have been, the newest first", Access: Clinics(dispensing.CancelRight)},
		func(ctx context.Context, in *casesRequest) (*casesReply, error) {
			list, err := a.Dispensing.Cases(ctx, actorFrom(ctx), consent.Purpose(in.Purpose), requestID(ctx))
			out := new(casesReply)
			out.Body.Cases = []caseBody{}
			for _, c := range list {
				out.Body.Cases = append(out.Body.Cases, showCase(c))
			}
			return out, err
		})
}

func showDevice(d prescription.Device) deviceBody {
	state := "active"
	switch {
	case !d.Stolen.IsZero():
		state = "stolen"
	case !d.Forked.IsZero():
		state = "forked"
	case !d.Retired.IsZero():
		state = "retired"
	}
	return deviceBody{Key: d.Key.String(), Issuer: string(d.Holder), Name: d.Name, State: state, AddedAt: d.Added, RetiredAt: maybe(d.Retired), Receipts: d.Count}
}

func showFiled(list []prescription.Filed) *receiptsReply {
	out := new(receiptsReply)
	out.Body.Receipts = []filedBody{}
	for _, f := range list {
		body := filedBody{Receipt: hex.EncodeToString(f.Hash[:]), Number: f.Number, Outcome: string(f.Outcome), Doubt: string(f.Doubt), CameAt: maybe(f.Came)}
		if f.Device != (prescription.DeviceKey{}) {
			body.Device = f.Device.String()
		}
		out.Body.Receipts = append(out.Body.Receipts, body)
	}
	return out
}

func showCase(c prescription.Case) caseBody {
	body := caseBody{Prescription: string(c.Prescription), At: c.At, Excess: showPortions(c.Excess)}
	for _, concern := range c.Concerns {
		body.Concerns = append(body.Concerns, string(concern))
	}
	for _, h := range c.HandOuts {
		body.HandOuts = append(body.HandOuts, handOutBody{Pharmacy: string(h.By), At: h.At, Items: showPortions(h.Portions), Receipt: h.Text})
	}
	return body
}

func showPortions(portions []prescription.Portion) []portionBody {
	list := []portionBody{}
	for _, p := range portions {
		list = append(list, portionBody(p))
	}
	return list
}
