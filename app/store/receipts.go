package store

import (
	"database/sql"
	"time"

	"github.com/medcard/medcard/domain/identity"
	"github.com/medcard/medcard/domain/prescription"
)

// Devices that sign receipts, receipts as they came, and what idempotency keys were used for: directories, without permits. They know
// tokens and no patients.

const deviceColumns = "kid, client, public, name, added_at, retired_at, stolen_at, forked_at, receipts, head"

// AddCounterDevice keeps a pharmacy's device; added is false when the key is known.
func (tx *Tx) AddCounterDevice(d prescription.Device) (added bool, err error) {
	n, err := tx.exec("INSERT INTO counter_device (kid, client, public, name, added_at, receipts, head) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		d.Key[:], string(d.Holder), d.Public, d.Name, micros(d.Added), d.Count, d.Head[:])
	return n > 0, err
}

// CounterDevices lists a pharmacy's devices in the order in which they came.
func (tx *Tx) CounterDevices(client identity.ClientID) (list []prescription.Device, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var r deviceRow
		if err := rows.Scan(r.places()...); err != nil {
			return err
		}
		list = append(list, r.device())
		return nil
	}, "SELECT "+deviceColumns+" FROM counter_device WHERE client = ? ORDER BY added_at, kid", string(client))
	return list, err
}

// LockCounterDevice reads a device and keeps its chain from moving until the transaction ends.
func (tx *Tx) LockCounterDevice(key prescription.DeviceKey) (prescription.Device, bool, error) {
	var r deviceRow
	found, err := tx.one(r.places(), "UPDATE counter_device SET receipts = receipts WHERE kid = ? RETURNING "+deviceColumns, key[:])
	if err != nil || !found {
		return prescription.Device{}, false, err
	}
	return r.device(), true, nil
}

// SetCounterDevice writes what of a locked device may change: its chain, and how it ended.
func (tx *Tx) SetCounterDevice(d prescription.Device) error {
	_, err := tx.exec("UPDATE counter_device SET retired_at = ?, stolen_at = ?, forked_at = ?, receipts = ?, head = ? WHERE kid = ?",
		nullTime(d.Retired), nullTime(d.Stolen), nullTime(d.Forked), d.Count, d.Head[:], d.Key[:])
	return err
}

type deviceRow struct {
	d                       prescription.Device
	kid, head               []byte
	retired, stolen, forked sql.NullTime
}

func (r *deviceRow) places() []any {
	return []any{&r.kid, &r.d.Holder, &r.d.Public, &r.d.Name, &r.d.Added, &r.retired, &r.stolen, &r.forked, &r.d.Count, &r.head}
}

func (r *deviceRow) device() prescription.Device {
	d := r.d
	copy(d.Key[:], r.kid)
	copy(d.Head[:], r.head)
	d.Added, d.Retired, d.Stolen, d.Forked = d.Added.UTC(), fromNull(r.retired), fromNull(r.stolen), fromNull(r.forked)
	return d
}

const receiptColumns = "hash, client, kid, number, came_at, state, doubt, chained, content, decided_at, decided_by, decision"

// Receipt finds a receipt by its hash.
func (tx *Tx) Receipt(hash prescription.Digest) (prescription.Filed, bool, error) {
	return tx.receipt("hash = ?", hash[:])
}

// ReceiptInGap finds the receipt of a device's chain that came too early and waits for its turn.
func (tx *Tx) ReceiptInGap(device prescription.DeviceKey, number uint64) (prescription.Filed, bool, error) {
	return tx.receipt("kid = ? AND number = ? AND state = ? AND doubt = ? ORDER BY came_at LIMIT 1",
		device[:], number, string(prescription.Quarantined), string(prescription.GapInChain))
}

func (tx *Tx) receipt(where string, args ...any) (prescription.Filed, bool, error) {
	var r receiptRow
	found, err := tx.one(r.places(), "SELECT "+receiptColumns+" FROM receipt WHERE "+where, args...)
	if err != nil || !found {
		return prescription.Filed{}, false, err
	}
	return r.filed(), true, nil
}

// FileReceipt keeps a receipt, or what now became of one that is kept.
func (tx *Tx) FileReceipt(f prescription.Filed) error {
	var kid any
	if f.Device != (prescription.DeviceKey{}) {
		kid = blob(f.Device[:])
	}
	_, err := tx.exec(`INSERT INTO receipt (hash, client, kid, number, came_at, state, doubt, chained, content, decided_at, decided_by, decision)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (hash) DO UPDATE SET state = excluded.state, doubt = excluded.doubt, chained = excluded.chained,
		decided_at = excluded.decided_at, decided_by = excluded.decided_by, decision = excluded.decision`,
		f.Hash[:], string(f.By), kid, f.Number, micros(f.Came), string(f.Outcome), string(f.Doubt), f.Chained, f.Text,
		nullTime(f.Decided), f.DecidedBy, f.Decision)
	return err
}

// ReceiptsOf lists the newest receipts of a pharmacy in a state.
func (tx *Tx) ReceiptsOf(client identity.ClientID, o prescription.Outcome, limit int) ([]prescription.Filed, error) {
	return tx.receipts("client = ? AND state = ? ORDER BY came_at DESC, hash LIMIT ?", string(client), string(o), limit)
}

// ReceiptsIn lists the oldest receipts in a state, of all pharmacies: an operator's list.
func (tx *Tx) ReceiptsIn(o prescription.Outcome, limit int) ([]prescription.Filed, error) {
	return tx.receipts("state = ? ORDER BY came_at, hash LIMIT ?", string(o), limit)
}

// CountReceipts counts the receipts in a state, of one pharmacy or ("") of all.
func (tx *Tx) CountReceipts(client identity.ClientID, o prescription.Outcome) (n int, err error) {
	_, err = tx.one([]any{&n}, "SELECT count(*) FROM receipt WHERE state = ? AND (client = ? OR ? = '')", string(o), string(client), string(client))
	return n, err
}

func (tx *Tx) receipts(where string, args ...any) (list []prescription.Filed, err error) {
	err = tx.each(func(rows *sql.Rows) error {
		var r receiptRow
		if err := rows.Scan(r.places()...); err != nil {
			return err
		}
		list = append(list, r.filed())
		return nil
	}, "SELECT "+receiptColumns+" FROM receipt WHERE "+where, args...)
	return list, err
}

type receiptRow struct {
	f         prescription.Filed
	hash, kid []byte
	decided   sql.NullTime
}

func (r *receiptRow) places() []any {
	return []any{&r.hash, &r.f.By, &r.kid, &r.f.Number, &r.f.Came, &r.f.Outcome, &r.f.Doubt, &r.f.Chained, &r.f.Text, &r.decided, &r.f.DecidedBy, &r.f.Decision}
}

func (r *receiptRow) filed() prescription.Filed {
	f := r.f
	copy(f.Hash[:], r.hash)
	copy(f.Device[:], r.kid)
	f.Came, f.Decided = f.Came.UTC(), fromNull(r.decided)
	return f
}

// KeyUse tells for what request a pharmacy used an idempotency key.
func (tx *Tx) KeyUse(client identity.ClientID, key prescription.Digest) (request prescription.Digest, found bool, err error) {
	var hash []byte
	found, err = tx.one([]any{&hash}, "SELECT request_hash FROM dispensing_key WHERE client = ? AND key_hash = ?", string(client), key[:])
	copy(request[:], hash)
	return request, found, err
}

// PutKeyUse writes it down. Somebody who wrote the same key at the same moment makes the transaction run again, and then it is known.
func (tx *Tx) PutKeyUse(client identity.ClientID, key, request prescription.Digest, now time.Time) error {
	_, err := tx.exec("INSERT INTO dispensing_key (client, key_hash, request_hash, used_at) VALUES (?, ?, ?, ?)", string(client), key[:], request[:], micros(now))
	return err
}

// ForgetKeyUses deletes the uses before the instant.
func (tx *Tx) ForgetKeyUses(before time.Time) error {
	_, err := tx.exec("DELETE FROM dispensing_key WHERE used_at < ?", micros(before))
	return err
}
