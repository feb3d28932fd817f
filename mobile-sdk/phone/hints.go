package phone

import "github.com/medcard/medcard/mobile-sdk/problem"

// Remedy is what an app can offer when a signature does not count.
type Remedy string

// The remedies.
const (
	Reinstall Remedy = "reinstall" // the certificate, with its key and those of its centre
	Update    Remedy = "update"    // the program that signs
	Renew     Remedy = "renew"     // get another certificate from the certification centre
	Choose    Remedy = "choose"    // another certificate of those on the device
	Again     Remedy = "again"     // ask for a new challenge and sign that
	Wait      Remedy = "wait"      // and try again, or sign in another way
	SignIn    Remedy = "sign_in"   // in another way, and bind the certificate then
	Nothing   Remedy = "nothing"
)

// Hint is a remedy in words for the person.
type Hint struct {
	Remedy Remedy
	Text   string
}

type bilingual struct {
	remedy Remedy
	ru, en string
}

// hints by the code of the server's problem. A test of the server holds them against its codes.
var hints = map[string]bilingual{
	"signature.not_offered":       {Nothing, "Этот сервер не принимает электронную подпись. Войдите с паролем.", "This server takes no electronic signatures. Sign in with your password."},
	"signature.challenge_expired": {Again, "Время на подпись истекло. Попробуйте ещё раз.", "The time for signing has run out. Try again."},
	"signature.challenge_used":    {Again, "Этот запрос уже подписан. Попробуйте ещё раз.", "This request was signed already. Try again."},
	"signature.private_key":       {Renew, "Вы отправили закрытый ключ. Мы его не сохранили, но пользоваться им больше нельзя: попросите удостоверяющий центр отозвать сертификат и получите новый.", "You sent your private key. We did not keep it, but it must not be used any more: have your certification centre revoke the certificate, and get a new one."},
	"signature.malformed":         {Update, "Подпись не удалось прочитать. Обновите программу для подписи.", "The signature could not be read. Update the program that signs."},
	"signature.unsupported":       {Update, "Алгоритм подписи не поддерживается или устарел. Обновите программу для подписи или получите новый сертификат.", "The algorithm of the signature is not supported, or out of date. Update the program that signs, or get a new certificate."},
	"signature.wrong":             {Reinstall, "Подпись не сходится с сертификатом. Переустановите сертификат вместе с ключом.", "The signature does not fit the certificate. Reinstall the certificate with its key."},
	"signature.expired":           {Renew, "Срок действия сертификата истёк. Получите новый в удостоверяющем центре и установите его.", "The certificate has expired. Get a new one from your certification centre and install it."},
	"signature.not_yet_valid":     {Wait, "Сертификат ещё не действует. Проверьте дату на устройстве или дождитесь начала срока.", "The certificate is not valid yet. Check the date of your device, or wait for its first day."},
	"signature.untrusted":         {Reinstall, "Сертификат выдан центром, которому здесь не доверяют. Переустановите его вместе с сертификатами центра или получите сертификат в аккредитованном центре.", "The certificate is from a centre that is not trusted here. Reinstall it with the certificates of its centre, or get one from an accredited centre."},
	"signature.revoked":           {Renew, "Сертификат отозван. Получите новый в удостоверяющем центре.", "The certificate was revoked. Get a new one from your certification centre."},
	"signature.wrong_usage":       {Choose, "Этот сертификат не предназначен для подписи. Выберите другой.", "This certificate is not meant for signing. Choose another one."},
	"signature.wrong_owner":       {Choose, "СНИЛС в сертификате не совпадает со СНИЛС владельца карты. Выберите свой личный сертификат. Если вы ещё не подключили свою карту, сначала введите код из клиники.", "The SNILS in the certificate is not that of the card's owner. Choose your own personal certificate. If you have not claimed your card yet, type in the clinic's code first."},
	"signature.replaced":          {Choose, "Вы уже пользовались более новым сертификатом. Выберите самый новый или переустановите его.", "You have used a newer certificate already. Choose the newest one, or reinstall it."},
	"signature.revocation_stale":  {Wait, "Сейчас нельзя проверить, не отозван ли сертификат, поэтому подпись не принята. Попробуйте через несколько минут или войдите с паролем.", "It cannot be checked now whether the certificate was revoked, so the signature was not taken. Try again in a few minutes, or sign in with your password."},
	"signature.verifier_away":     {Wait, "Проверка подписи сейчас недоступна. Попробуйте через несколько минут или войдите с паролем.", "Signatures cannot be checked just now. Try again in a few minutes, or sign in with your password."},
	"signature.not_bound":         {SignIn, "Этот сертификат не привязан к учётной записи. Войдите с паролем и привяжите его.", "This certificate is not bound to an account. Sign in with your password and bind it."},
	"signature.taken":             {Nothing, "Этот сертификат привязан к другой вашей учётной записи. Сначала отвяжите его там.", "This certificate is bound to another account of yours. Unbind it there first."},
	"signature.not_found":         {Nothing, "Такой подписи нет.", "There is no such signature."},
	"signature.action":            {Update, "Приложение отправило неверный запрос. Обновите его.", "The app sent a request that is not right. Update it."},
	"signature.too_many":          {Nothing, "Подписей слишком много. Обратитесь в поддержку.", "There are too many signatures. Ask our support."},
}

// HintFor says what the person can do when a call failed because of a signature; language is "ru" or "en". ok is false where the failure
// is none of a signature.
func HintFor(err error, language string) (h Hint, ok bool) {
	b, ok := hints[problem.CodeOf(err)]
	h = Hint{Remedy: b.remedy, Text: b.ru}
	if language == "en" {
		h.Text = b.en
	}
	return h, ok
}
