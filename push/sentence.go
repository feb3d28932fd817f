package push

// Sentence is one of the few things that a person can read in a push: a title and a line, the same for everybody. They say
// that there is something, never what.
type Sentence struct {
	TitleKey, BodyKey string // what the app looks up in its own catalogue
	texts             [languages]text
}

type text struct{ title, body string }

// In gives the sentence in a language, and false when the words are left to the phone.
func (s Sentence) In(l Language) (title, body string, ok bool) {
	if l == DeviceLanguage || l >= languages {
		return "", "", false
	}
	return s.texts[l].title, s.texts[l].body, true
}

var (
	newsText = Sentence{TitleKey: "push_news_title", BodyKey: "push_news_body", texts: [languages]text{
		Russian: {"Есть новости", "Откройте приложение, чтобы посмотреть."},
		English: {"There is news", "Open the app to see it."},
	}}
	reminderText = Sentence{TitleKey: "push_reminder_title", BodyKey: "push_reminder_body", texts: [languages]text{
		Russian: {"Напоминание", "Откройте приложение: вас ждёт напоминание."},
		English: {"Reminder", "Open the app: a reminder is waiting for you."},
	}}
	securityText = Sentence{TitleKey: "push_security_title", BodyKey: "push_security_body", texts: [languages]text{
		Russian: {"Безопасность", "Проверьте недавние действия в приложении."},
		English: {"Security", "Check the recent activity in the app."},
	}}
)
