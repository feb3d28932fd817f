package document_test

import (
	"errors"
	"math/big"
	"slices"
	"strings"
)

// base45 once more, by the book and with large numbers instead of the product's table: the vectors are made and taken apart by what
// another reader would write.

const base45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

func encodeBase45(data []byte) string {
	var text strings.Builder
	for pair := range slices.Chunk(data, 2) {
		n := new(big.Int).SetBytes(pair)
		for range len(pair) + 1 {
			digit := new(big.Int)
			n.DivMod(n, big.NewInt(45), digit)
			text.WriteByte(base45[digit.Int64()])
		}
	}
	return text.String()
}

func decodeBase45(text string) ([]byte, error) {
	var data []byte
	for group := range slices.Chunk([]byte(text), 3) {
		n := new(big.Int)
		for i := len(group) - 1; i >= 0; i-- {
			digit := strings.IndexByte(base45, group[i])
			if digit < 0 {
				return nil, errors.New("not base45")
			}
			n.Mul(n, big.NewInt(45)).Add(n, big.NewInt(int64(digit)))
		}
		size := len(group) - 1
		if size == 0 || n.BitLen() > 8*size {
			return nil, errors.New("not base45")
		}
		data = append(data, n.FillBytes(make([]byte, size))...)
	}
	return data, nil
}
