package fhir

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/medcard/medcard/domain/card"
)

// File is the content of an attachment that came inside of a resource.
type File struct {
	Hash  card.Hash
	Bytes []byte
}

// Files gives the files that entry i brings along, each once. An attachment with nothing but an address brings none: nobody here
// follows addresses that a stranger wrote.
func (b *Bundle) Files(i int) (files []File) {
	seen := map[card.Hash]bool{}
	for _, a := range attachmentNodes(b.Entries[i].node) {
		content := contentOf(a)
		if len(content) == 0 {
			continue
		}
		if hash := hashOf(content); !seen[hash] {
			seen[hash] = true
			files = append(files, File{hash, content})
		}
	}
	return files
}

// attachmentNodes are the attachments of a resource whose type becomes a record that names files.
func attachmentNodes(resource *node) (all []*node) {
	add := func(list []node) {
		for i := range list {
			all = append(all, &list[i])
		}
	}
	switch resource.str("resourceType") {
	case "DiagnosticReport":
		add(resource.list("presentedForm"))
	case "DocumentReference":
		for _, content := range resource.list("content") {
			all = append(all, content.get("attachment"))
		}
	case "Media":
		all = append(all, resource.get("content"))
	}
	return all
}

// attachments are the names of the files. What is said of their size is believed only where there are no bytes to count.
func attachments(resource *node) (all []card.Attachment) {
	for _, n := range attachmentNodes(resource) {
		a := card.Attachment{Title: n.str("title"), ContentType: n.str("contentType"), Language: n.str("language"), Created: n.date("creation")}
		a.Size, _ = strconv.Atoi(n.str("size"))
		if content := contentOf(n); len(content) > 0 {
			a.Size, a.Hash = len(content), hashOf(content)
		}
		all = append(all, a)
	}
	return all
}

// contentOf decodes what validate.go has found to be base64, in lines perhaps.
func contentOf(attachment *node) []byte {
	data := attachment.str("data")
	if strings.ContainsAny(data, spaces) {
		data = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(data)
	}
	content, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil
	}
	return content
}

func hashOf(content []byte) card.Hash {
	sum := sha256.Sum256(content)
	return card.Hash(hex.EncodeToString(sum[:]))
}

// documentReference maps DocumentReference.
func documentReference(n *node, r resolver) card.Document {
	d := card.Document{
		Status:      n.str("status"),
		Code:        n.concept("type"),
		Categories:  n.concepts("category"),
		At:          n.get("context").period("period"),
		Date:        n.date("date"),
		Authors:     r.parties(n.list("author")),
		Description: n.str("description"),
		Attachments: attachments(n),
	}
	for _, encounter := range n.get("context").list("encounter") {
		if d.Visit == "" {
			d.Visit = r.to(&encounter)
		}
	}
	return d
}

// media maps Media.
func media(n *node, r resolver) card.Document {
	d := card.Document{
		Status:      n.str("status"),
		Code:        n.concept("type"),
		At:          n.when("created"),
		Date:        n.date("issued"),
		Authors:     r.parties(n.list("operator")),
		Site:        n.concept("bodySite"),
		Notes:       n.notes("note"),
		Attachments: attachments(n),
		Visit:       r.to(n.get("encounter")),
	}
	for _, name := range []string{"modality", "view"} {
		if c := n.concept(name); c.Label() != "" {
			d.Categories = append(d.Categories, c)
		}
	}
	return d
}
