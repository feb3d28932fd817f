package fcm

import "encoding/json"

// projectIn reads the project that a service account's key file belongs to.
func projectIn(credentials []byte) string {
	var file struct {
		Project string `json:"project_id"`
	}
	if json.Unmarshal(credentials, &file) != nil {
		return ""
	}
	return file.Project
}
