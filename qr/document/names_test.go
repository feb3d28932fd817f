package document_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/medcard/medcard/domain/prescription"
	"github.com/medcard/medcard/qr"
	"github.com/medcard/medcard/qr/document"
	"github.com/medcard/medcard/qr/picture"
)

// International names as they stand on Russian prescriptions, many of them long, some of several substances.
var realNames = strings.Split(`Азитромицин
Алендроновая кислота
Алюминия гидроксид+Магния гидроксид
Амброксол
Амитриптилин
Амлодипин+Валсартан+Гидрохлоротиазид
Амоксициллин+Клавулановая кислота
Аторвастатин
Ацетилсалициловая кислота
Ацетилсалициловая кислота+Магния гидроксид
Бензилдиметил-миристоиламино-пропиламмоний
Бетаметазон+Гентамицин+Клотримазол
Бисопролол
Будесонид+Формотерол
Валсартан+Сакубитрил
Вилдаглиптин+Метформин
Гидрохлоротиазид+Лозартан
Гидроксиметилхиноксалиндиоксид
Глицерил тринитрат
Дапаглифлозин
Дезогестрел+Этинилэстрадиол
Диосмин+Гесперидин
Дорзоламид+Тимолол
Железа [III] гидроксид полимальтозат
Золедроновая кислота
Изосорбида динитрат
Инсулин аспарт двухфазный
Инсулин деглудек+Инсулин аспарт
Интерферон альфа-2b человеческий рекомбинантный
Ипратропия бромид+Фенотерол
Калия и магния аспарагинат
Кальция карбонат+Колекальциферол
Ко-тримоксазол [Сульфаметоксазол+Триметоприм]
Левоноргестрел
Левотироксин натрия
Лизиноприл+Амлодипин+Розувастатин
Метилпреднизолона ацепонат
Метформин
Микофеноловая кислота
Моксонидин
Натрия валпроат
Никотиноил гамма-аминомасляная кислота
Омега-3 триглицериды [20 %]
Панкреатин
Парацетамол+Фенилэфрин+Фенирамин+Аскорбиновая кислота
Пенициллин V
Периндоприл+Индапамид
Пиридоксин+Тиамин+Цианокобаламин
Полиэтиленгликоль
Репаглинид
Ривароксабан
Салметерол+Флутиказон
Сульфаметоксазол+Триметоприм
Тиоктовая кислота
Тиотропия бромид+Олодатерол
Урсодезоксихолевая кислота
Фамотидин+Кальция карбонат+Магния гидроксид
Феназон+Лидокаин
Холина альфосцерат
Этилметилгидроксипиридина сукцинат
Эмпаглифлозин+Линаглиптин`, "\n")

var realDoctors = []string{"Ким Е.", "Петрова А. С.", "Преображенская Е. В.", "Константинопольская-Рождественская А. М."}

func realItem(t *rapid.T) prescription.Item {
	name := rapid.SampledFrom(realNames).Draw(t, "name")
	item := prescription.Item{
		Code: rapid.Uint32Range(1000, 99_999).Draw(t, "code"), Name: name, Shape: prescription.Shape(rapid.Uint8Range(1, 12).Draw(t, "shape")),
		Quantity: rapid.IntRange(1, 360).Draw(t, "quantity"),
		Regimen: prescription.Regimen{
			Portion: rapid.Uint16Range(25, 1000).Draw(t, "portion"), Times: rapid.Uint8Range(0, 6).Draw(t, "times"),
			Days: rapid.Uint16Range(0, 366).Draw(t, "days"), Every: rapid.Uint16Range(0, 90).Draw(t, "every"),
		},
	}
	for range min(3, 1+strings.Count(name, "+")) {
		item.Strength = append(item.Strength, prescription.Strength{
			Amount: rapid.Uint32Range(1, 2000).Draw(t, "amount"), Unit: prescription.Unit(rapid.Uint8Range(1, 6).Draw(t, "unit")),
		})
	}
	return item
}

// Whatever a doctor writes of real medicines fits the version of its table, and each name can still be told from every other.
func TestRealNamesFit(t *testing.T) {
	key := signingKey(t, qr.Prescription)
	if len(realNames) < 60 {
		t.Fatal("too few names")
	}
	whole, cutShort := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var items []prescription.Item
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			items = append(items, realItem(t))
		}
		sheet := sheetOf(items...)
		sheet.Prescriber = rapid.SampledFrom(realDoctors).Draw(t, "doctor")
		if len(sheet.Prescriber) > prescription.MaxShortName {
			sheet.Prescriber = "Константинопольская-Р. А. М."
		}
		p, err := prescription.Issue("id", "card", token(1), sheet, issuedAt, moscow)
		if err != nil {
			t.Fatal(err)
		}
		text, err := document.SealPrescription(p, status, key)
		if err != nil {
			t.Fatalf("%d items: %v", len(items), err)
		}
		code, err := picture.Draw(text)
		if err != nil {
			t.Fatal(err)
		}
		if limit := []int{0, 12, 14, 15}[len(items)]; code.Version() > limit {
			t.Fatalf("%d items: version %d, at most %d", len(items), code.Version(), limit)
		}
		u, err := qr.Open(text)
		if err != nil {
			t.Fatal(err)
		}
		v, err := u.Verify(key.Key)
		if err != nil {
			t.Fatal(err)
		}
		paper, err := document.Read(v)
		if err != nil {
			t.Fatal(err)
		}
		for i, item := range paper.Prescription.Items {
			if item.Name == items[i].Name {
				whole++
			} else {
				cutShort++
			}
			if !prescription.SameName(item.Name, items[i].Name) {
				t.Fatalf("%q is read as %q", items[i].Name, item.Name)
			}
		}
	})
	t.Logf("%d names stand whole in their codes, %d are cut short", whole, cutShort)
}

// Three medicines of three substances with absurd amounts are too much for one code: the caller is told to issue two.
func TestWhatDoesNotFitIsSaidSo(t *testing.T) {
	item := tablets(4_000_000_000, strings.Repeat("Я", 60), 4_000_000_000, 4_000_000_000, 4_000_000_000)
	item.Quantity, item.Regimen = prescription.MaxQuantity, prescription.Regimen{Portion: 60_000, Times: 255, Days: 366, Every: 366}
	key := signingKey(t, qr.Prescription)
	long, err := qr.NewSigningKey(strings.Repeat("m", 64), qr.Prescription, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := document.SealPrescription(issue(t, sheetOf(item, item, item)), status, long); !errors.Is(err, document.ErrTooLong) {
		t.Error(err)
	}
	for _, items := range [][]prescription.Item{{item}, {item, item}} { // and two fit
		if _, err := document.SealPrescription(issue(t, sheetOf(items...)), status, key); err != nil {
			t.Errorf("%d items: %v", len(items), err)
		}
	}
}
