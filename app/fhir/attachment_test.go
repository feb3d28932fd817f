package fhir

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"reflect"
	"testing"

	"github.com/medcard/medcard/domain/card"
)

const letter = "%PDF-1.7 выписка"

func TestFilesInResources(t *testing.T) {
	packed := base64.StdEncoding.EncodeToString([]byte(letter))
	sum := sha256.Sum256([]byte(letter))
	hash := card.Hash(hex.EncodeToString(sum[:]))
	subject := `"subject":{"reference":"urn:uuid:1"}`
	inLines := packed[:8] + "\\n" + packed[8:]
	named := card.Attachment{Title: "Выписка", ContentType: "application/pdf", Language: "ru", Size: len(letter), Created: "2026-11-20", Hash: hash}
	attachment := func(data string) string {
		return `{"contentType":"application/pdf","language":"ru","title":"Выписка","creation":"2026-11-20","size":4711,` + data + `}`
	}
	away := named
	away.Size, away.Hash = 4711, ""
	for name, c := range map[string]struct {
		resource string
		want     []card.Attachment
		files    int
	}{
		"a report":           {`{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},` + subject + `,"presentedForm":[` + attachment(`"data":"`+packed+`"`) + `]}`, []card.Attachment{named}, 1},
		"in lines":           {`{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},` + subject + `,"presentedForm":[` + attachment(`"data":"`+inLines+`"`) + `]}`, []card.Attachment{named}, 1},
		"twice the same":     {`{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},` + subject + `,"presentedForm":[` + attachment(`"data":"`+packed+`"`) + `,` + attachment(`"data":"`+packed+`"`) + `]}`, []card.Attachment{named, named}, 1},
		"an address":         {`{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},` + subject + `,"presentedForm":[` + attachment(`"url":"https://x.example/a.pdf"`) + `]}`, []card.Attachment{away}, 0},
		"a document":         {`{"resourceType":"DocumentReference","status":"current",` + subject + `,"content":[{"attachment":` + attachment(`"data":"`+packed+`"`) + `}]}`, []card.Attachment{named}, 1},
		"a picture":          {`{"resourceType":"Media","status":"completed",` + subject + `,"content":` + attachment(`"data":"`+packed+`"`) + `}`, []card.Attachment{named}, 1},
		"nothing but a name": {`{"resourceType":"Media","status":"completed",` + subject + `,"content":{"title":"x"}}`, []card.Attachment{{Title: "x"}}, 0},
	} {
		b, err := ReadBundle(transaction(ada, c.resource))
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, Outcome(err, ""))
			continue
		}
		var got []card.Attachment
		switch f := b.Fact(1, noRecord).(type) {
		case card.Report:
			got = f.Attachments
		case card.Document:
			got = f.Attachments
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: names %+v, want %+v", name, got, c.want)
		}
		files := b.Files(1)
		if len(files) != c.files {
			t.Errorf("%s: brings %d files, want %d", name, len(files), c.files)
		}
		for _, f := range files {
			if f.Hash != hash || string(f.Bytes) != letter {
				t.Errorf("%s: brings %s %q", name, f.Hash, f.Bytes)
			}
		}
	}
}

func TestDocuments(t *testing.T) {
	const content = `"attachment":{"contentType":"application/pdf","url":"https://x.example/a.pdf"}`
	letter := factOf(t, `{"resourceType":"DocumentReference","status":"current","type":{"text":"Выписной эпикриз"},"category":[{"text":"Стационар"}],
		"subject":{"reference":"urn:uuid:1"},"date":"2026-11-20T10:00:00Z","description":"после операции","content":[{`+content+`}],
		"context":{"encounter":[{"reference":"Encounter/7"}],"period":{"start":"2026-11-10","end":"2026-11-20"}}}`).(card.Document)
	if letter.Code.Label() != "Выписной эпикриз" || letter.When() != "2026-11-10" || letter.Visit != "Encounter/id|7" || letter.Description != "после операции" || len(letter.Categories) != 1 {
		t.Errorf("a letter became %+v", letter)
	}
	picture := factOf(t, `{"resourceType":"Media","status":"completed","type":{"text":"Фото"},"modality":{"text":"Дерматоскопия"},"bodySite":{"text":"Спина"},
		"subject":{"reference":"urn:uuid:1"},"createdDateTime":"2026-11-19","issued":"2026-11-20T10:00:00Z","note":[{"text":"родинка"}],"content":{"url":"https://x.example/b"}}`).(card.Document)
	if picture.Code.Label() != "Фото" || picture.When() != "2026-11-19" || picture.Site.Label() != "Спина" || picture.Notes[0] != "родинка" || picture.Categories[0].Label() != "Дерматоскопия" {
		t.Errorf("a picture became %+v", picture)
	}
	if letter.Kind() != card.KindDocument || card.ScopeOf(card.KindDocument, card.General) != "doc.general" {
		t.Error("a document is filed under laboratory results, which more people see")
	}
}
