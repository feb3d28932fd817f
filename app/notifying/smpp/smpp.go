// Package smpp hands text messages to an operator's message centre: the transmitter's half of SMPP v3.4 (SMPP Developers Forum, Issue 1.2 of
// 12 October 1999), as much of it as one-time codes need. There is no library for it among those that can be had here.
//
// A Transmitter keeps one connection, binds when there is something to send, and has many messages under way on it. A message that was
// written and not answered counts as not handed over and is not sent a second time: the person asks for another code.
package smpp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The commands, section 5.1.2.1.
const (
	genericNack     = 0x80000000
	bindTransmitter = 0x00000002
	submitSM        = 0x00000004
	unbind          = 0x00000006
	enquireLink     = 0x00000015
	response        = 0x80000000 // is set in every answer
)

// StatusError is a command_status with which the message centre refused, section 5.1.3.
type StatusError uint32

func (e StatusError) Error() string { return fmt.Sprintf("smpp: command_status 0x%08X", uint32(e)) }

// ErrPDU means that what came is not SMPP.
var ErrPDU = errors.New("smpp: not a PDU")

const (
	head   = 16       // bytes of a PDU's head
	maxPDU = 64 << 10 // bytes that are read of one
)

// pdu is a protocol data unit.
type pdu struct {
	command, status, sequence uint32
	body                      []byte
}

func (p pdu) bytes() []byte {
	b := make([]byte, 0, head+len(p.body))
	b = binary.BigEndian.AppendUint32(b, uint32(head+len(p.body)))
	b = binary.BigEndian.AppendUint32(b, p.command)
	b = binary.BigEndian.AppendUint32(b, p.status)
	b = binary.BigEndian.AppendUint32(b, p.sequence)
	return append(b, p.body...)
}

func readPDU(r io.Reader) (p pdu, err error) {
	var h [head]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return p, err
	}
	size := binary.BigEndian.Uint32(h[0:])
	if size < head || size > maxPDU {
		return p, ErrPDU
	}
	p = pdu{command: binary.BigEndian.Uint32(h[4:]), status: binary.BigEndian.Uint32(h[8:]), sequence: binary.BigEndian.Uint32(h[12:]), body: make([]byte, size-head)}
	_, err = io.ReadFull(r, p.body)
	return p, err
}

// text appends a C-octet string.
func text(b []byte, s string) []byte { return append(append(b, s...), 0) }

// bind is the body of bind_transmitter, section 4.1.1.
func bind(user, password string) []byte {
	b := text(nil, user)
	b = text(b, password)
	b = text(b, "")           // system_type
	b = append(b, 0x34, 0, 0) // version 3.4; addr_ton and addr_npi: any
	return text(b, "")        // address_range
}

// submit is the body of submit_sm, section 4.4.1, for one part of a message.
func submit(from, to string, p part) []byte {
	b := text(nil, "") // service_type
	b = append(b, source(from)...)
	b = text(b, from)
	b = append(b, 1, 1) // dest_addr_ton: international; dest_addr_npi: E.164
	b = text(b, strings.TrimPrefix(to, "+"))
	class := byte(0)
	if p.linked {
		class = 0x40 // the content begins with a user data header
	}
	b = append(b, class, 0, 0) // protocol_id, priority_flag
	b = text(b, "")            // schedule_delivery_time: now
	b = text(b, validity)
	b = append(b, 0, 0, p.coding, 0, byte(len(p.content))) // registered_delivery, replace_if_present_flag; sm_default_msg_id. At most 140 bytes
	return append(b, p.content...)
}

// validity is how long the message centre tries, relative (section 7.1.1): a code is of no use after ten minutes.
const validity = "000000001000000R"

// source gives source_addr_ton and source_addr_npi: a name, or a number.
func source(from string) []byte {
	if strings.Trim(from, "0123456789") == "" {
		return []byte{1, 1}
	}
	return []byte{5, 0}
}
